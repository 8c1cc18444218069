#include "forced.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "secret.h"

static const char *impl;

static int32_t state_of(const char *name)
{
    parseal_impl row = PARSEAL_IMPL_INIT;
    int32_t state = PARSEAL_IMPL_NOT_BUILT;
    for (size_t i = 0; i < parseal_impl_count(); i++)
        if (parseal_impl_test(i, &row) == PARSEAL_OK && strcmp(row.name, name) == 0)
            state = row.state;
    return state;
}

int forced_suite(int argc, char **argv, const char *name, const struct CMUnitTest *tests, size_t n)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s IMPLEMENTATION\n", argv[0]);
        return 2;
    }
#ifndef __OPTIMIZE__
    return run_skip("without optimisation, selects become jumps that the library does not have");
#endif
    if (!secrets_are_followed())
        return run_skip("not run by Valgrind, or built without its header");
    impl = argv[1];
    const int32_t state = state_of(impl);
    if (state == PARSEAL_IMPL_NOT_BUILT || state == PARSEAL_IMPL_ABSENT)
        return run_skip("Valgrind's machine, or this one, does not have the implementation");
    return run_suite(name, tests, n);
}

parseal_ctx *forced_ctx(uint32_t threads)
{
    setenv("PARSEAL_CPU", impl, 1);
    parseal_ctx *ctx = run_ctx(threads);
    unsetenv("PARSEAL_CPU");
    assert_impl_picked(ctx, impl);
    return ctx;
}
