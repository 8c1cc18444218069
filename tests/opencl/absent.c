/* Machines without OpenCL. The argument says why: a part of the error's text. */
#include <string.h>

#include "check.h"
#include "run.h"

static const char *why;

static void named(void **state)
{
    (void)state;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = PARSEAL_BACKEND_OPENCL;
    assert_error(parseal_ctx_create(&ctx, &options), PARSEAL_ERR_NO_DEVICE, "opencl");
    assert_non_null(strstr(parseal_last_error_text(), why));
    assert_null(ctx);
}

static void picked(void **state)
{
    (void)state;
    parseal_ctx *ctx;
    parseal_info info = PARSEAL_INFO_INIT;
    assert_ok(parseal_ctx_create(&ctx, NULL));
    assert_ok(parseal_ctx_info(ctx, &info));
    assert_int_equal(info.backend, PARSEAL_BACKEND_CPU);
    assert_non_null(strstr(info.reason, why));
    parseal_ctx_destroy(ctx);
}

/* One row stands for the whole backend. */
static void listed(void **state)
{
    (void)state;
    size_t rows = 0;
    for (size_t i = 0; i < parseal_impl_count(); i++) {
        parseal_impl impl = PARSEAL_IMPL_INIT;
        assert_ok(parseal_impl_test(i, &impl));
        if (impl.backend != PARSEAL_BACKEND_OPENCL)
            continue;
        rows++;
        assert_int_equal(impl.state, PARSEAL_IMPL_ABSENT);
        assert_int_equal(impl.primitive, -1);
        assert_non_null(strstr(impl.detail, why));
    }
    assert_int_equal(rows, 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named),
        cmocka_unit_test(picked),
        cmocka_unit_test(listed),
    };
    if (argc != 2) {
        print_error("usage: %s PART_OF_THE_ERROR_TEXT\n", argv[0]);
        return 1;
    }
    why = argv[1];
    return RUN_SUITE("no OpenCL", tests);
}
