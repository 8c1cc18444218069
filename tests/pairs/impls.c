#include "impls.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { SMALL = 8192, GAP_MAX = 64 };

/* Opens the reference, for where what is tested is not on the CPU. */
static parseal_ctx *portable_ctx(void)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_threads = 1;
    options.cpu_impl = "portable";
    assert_ok(parseal_ctx_create(&ctx, &options));
    return ctx;
}

static parseal_ctx *forced_ctx(const char *name, force_way way, uint32_t threads)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = run_backend();
    options.cpu_threads = threads;
    const bool on_cpu = run_backend() == PARSEAL_BACKEND_CPU;
    if (on_cpu && way == BY_OPTION)
        options.cpu_impl = name;
    else if (on_cpu)
        setenv("PARSEAL_CPU", name, 1);
    run_hash_by(name);
    assert_ok(parseal_ctx_create(&ctx, &options));
    run_hash_by(NULL);
    unsetenv("PARSEAL_CPU");
    assert_impl_picked(ctx, name);
    return ctx;
}

void impls_open(impl_set *set, int32_t primitive, force_way way, uint32_t threads, size_t out_max)
{
    impl_name best_first[IMPLS_MAX];
    const size_t found = impl_names(OF(primitive), best_first, IMPLS_MAX);
    assert_in_range(found, 1, IMPLS_MAX - 2);
    *set = (impl_set){0};
    if (run_backend() != PARSEAL_BACKEND_CPU) {
        set->name[0] = (impl_name){"portable"};
        set->ctx[set->n++] = portable_ctx();
    }
    /* An emulated device is slow, and its kernels have tests of their own. */
    for (size_t i = run_emulated() ? 1 : found; i-- > 0;) {
        set->name[set->n] = best_first[i];
        set->ctx[set->n++] = forced_ctx(best_first[i].text, way, threads);
    }
    assert_string_equal(set->name[0].text, "portable");
    guard_open(&set->small, SMALL + GAP_MAX);
    guard_open(&set->large, out_max + GAP_MAX);
    set->want = malloc(out_max + 1);
    assert_non_null(set->want);
}

void impls_close(impl_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        parseal_ctx_destroy(set->ctx[i]);
    guard_close(&set->small);
    guard_close(&set->large);
    free(set->want);
}

void impls_agree(impl_set *set, impl_call call, void *arg, const void *start, size_t size,
                 size_t gap)
{
    guard_buf *g = size <= SMALL ? &set->small : &set->large;
    const guard_side side = (guard_side)(set->calls++ % GUARD_SIDES);
    for (size_t i = 0; i < set->n; i++) {
        uint8_t *out = guard_place(g, side, size, gap);
        memset(out, UNTOUCHED, size);
        if (start != NULL && size != 0)
            memcpy(out, start, size);
        call(arg, i, out);
        guard_check(g);
        if (i == 0 && size != 0)
            memcpy(set->want, out, size);
        check_bytes(out, set->want, size, set->name[i].text, __FILE__, __LINE__);
    }
}

size_t repeat_step(size_t in_slow_builds)
{
    return run_slow() ? in_slow_builds : 1;
}
