/* Raw float files, the 16-bit formats, and what is measured of the parameters. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "folder.h"
#include "host/cli/bytes.h"
#include "host/cli/round/draws.h"
#include "host/cli/round/float16.h"
#include "host/cli/round/params.h"

static void assert_bad(const char *path, const char *text)
{
    cli_failure failure = {CLI_OK, ""};
    params p;
    assert_int_equal(params_load(&p, path, &failure), CLI_USAGE);
    if (strstr(failure.text, text) == NULL)
        print_error("'%s' is not in '%s'\n", text, failure.text);
    assert_non_null(strstr(failure.text, text));
}

static void test_f32_file(void **state)
{
    const float values[5] = {3.0f, -4.0f, 0.0f, INFINITY, NAN};
    uint8_t file[sizeof values];
    cli_failure failure = {CLI_OK, ""};
    params p;
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        store_le32(file + 4 * i, bits);
    }
    assert_int_equal(params_load(&p, folder_write("x.f32", file, sizeof file), &failure), CLI_OK);
    assert_int_equal(p.n, 5);
    assert_memory_equal(p.x, values, sizeof values);
    assert_int_equal(p.nonfinite, 2);
    assert_true(p.max_abs == 4.0f);
    assert_true(fabs(p.rms - sqrt(25.0 / 3.0)) < 1e-12);
    params_destroy(&p);
}

static void test_files_that_are_none(void **state)
{
    const uint8_t bytes[5] = {0};
    (void)state;
    assert_bad(folder_write("x.f32", bytes, 5), "5 bytes are not a whole number of float32");
    assert_bad(folder_write("x.f32", bytes, 0), "no parameters");
    assert_bad(folder_write("x.bin", bytes, 4), "neither a .safetensors");
    assert_bad(folder_path("none.f32"), "No such file");
    assert_bad(folder_path("none.safetensors"), "No such file");
    assert_bad("/dev/null.f32", "/dev/null.f32");
}

/* binary16 by its definition, for all 2^16 values. */
static void test_float16(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        int exponent = (int)(bits >> 10 & 31u);
        double fraction = bits & 1023u;
        double sign = bits >> 15 ? -1 : 1;
        float x = float_from_float16((uint16_t)bits);
        if (exponent == 31 && fraction > 0) {
            assert_true(isnan(x));
            continue;
        }
        double expected = exponent == 31  ? INFINITY
                          : exponent == 0 ? ldexp(fraction, -24)
                                          : ldexp(1024 + fraction, exponent - 25);
        assert_true((double)x == sign * expected);
        assert_int_equal(signbit(x) != 0, bits >> 15);
    }
}

/* bfloat16 is the upper half of a float32. */
static void test_bfloat16(void **state)
{
    (void)state;
    for (uint32_t bits = 0; bits < 65536; bits++) {
        float x = float_from_bfloat16((uint16_t)bits);
        uint32_t back;
        memcpy(&back, &x, sizeof back);
        assert_int_equal(back, bits << 16);
    }
}

static void test_gaussian(void **state)
{
    enum { N = 2 * DRAWS_MAX + 5 }; /* odd, and more than two reads */
    parseal_ctx *ctx = NULL;
    const parseal_seed seed = {{7}, {0}, 1};
    cli_failure failure = {CLI_OK, ""};
    params p, q;
    double mean = 0, inside = 0;
    (void)state;
    assert_int_equal(parseal_ctx_create(&ctx, NULL), PARSEAL_OK);
    assert_int_equal(params_gaussian(&p, ctx, &seed, N, &failure), CLI_OK);
    assert_int_equal(p.n, N);
    for (size_t i = 0; i < N; i++) {
        mean += (double)p.x[i] / N;
        inside += fabsf(p.x[i]) < 0.01f ? 1.0 / N : 0;
    }
    /* Six standard errors of each. */
    assert_true(fabs(mean) < 6 * 0.01 / sqrt(N));
    assert_true(fabs(p.rms / 0.01 - 1) < 6 / sqrt(2.0 * N));
    assert_true(fabs(inside - 0.6827) < 6 * 0.4654 / sqrt(N));

    assert_int_equal(params_gaussian(&q, ctx, &seed, 1001, &failure), CLI_OK);
    assert_memory_equal(p.x, q.x, 1001 * sizeof(float));
    params_destroy(&q);
    params_destroy(&p);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f32_file), cmocka_unit_test(test_files_that_are_none),
        cmocka_unit_test(test_float16),  cmocka_unit_test(test_bfloat16),
        cmocka_unit_test(test_gaussian),
    };
    return cmocka_run_group_tests_name("params", tests, folder_create, folder_remove);
}
