/* Machines without a GPU's runtime, or with one that will not do. The arguments: the backend's
 * name, and why it is not there, a part of the error's text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "run.h"

static const char *name, *why;
static int32_t backend;

static void named(void **state)
{
    (void)state;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = backend;
    assert_error(parseal_ctx_create(&ctx, &options), PARSEAL_ERR_NO_DEVICE, name);
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
        if (impl.backend != backend)
            continue;
        rows++;
        assert_int_equal(impl.state, PARSEAL_IMPL_ABSENT);
        assert_int_equal(impl.primitive, -1);
        assert_non_null(strstr(impl.detail, why));
    }
    assert_int_equal(rows, 1);
}

#ifdef PARSEAL_COMMAND
/* `parseal devices` says so, too: in the backend's row, and where it says what is picked. */
static void shown(void **state)
{
    (void)state;
    char line[1024];
    bool in_row = false, in_reason = false;
    FILE *out = popen("'" PARSEAL_COMMAND "' devices", "r");
    assert_non_null(out);
    while (fgets(line, sizeof line, out) != NULL) {
        const bool says_why = strstr(line, why) != NULL;
        in_row = in_row || (says_why && strncmp(line, name, strlen(name)) == 0);
        in_reason = in_reason || (says_why && strncmp(line, "because:", 8) == 0);
    }
    assert_int_equal(pclose(out), 0);
    assert_true(in_row);
    assert_true(in_reason);
}
#endif

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(named),
        cmocka_unit_test(picked),
        cmocka_unit_test(listed),
#ifdef PARSEAL_COMMAND
        cmocka_unit_test(shown),
#endif
    };
    if (argc != 3) {
        print_error("usage: %s opencl|cuda PART_OF_THE_ERROR_TEXT\n", argv[0]);
        return 1;
    }
    name = argv[1];
    why = argv[2];
    backend = strcmp(name, "cuda") == 0 ? PARSEAL_BACKEND_CUDA : PARSEAL_BACKEND_OPENCL;
    unsetenv("PARSEAL_TEST_BACKEND");
    return RUN_SUITE("no device", tests);
}
