/* Every type of tensor: each value against the definition of its format, and all of them in a file.
 */
#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "folder.h"
#include "host/cli/bytes.h"
#include "host/cli/round/float64.h"
#include "host/cli/round/float8.h"
#include "host/cli/round/params.h"

static uint32_t float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ----------------------------------------------------------------------------- small formats -- */

typedef struct {
    const char *name;
    float (*convert)(uint8_t bits);
    int exponent_bits, fraction_bits, bias;
    int infinity; /* the magnitude's bits; -1: none. Above it are NaNs. */
    int first_nan;
    bool fnuz; /* the bits of -0 are the only NaN */
    double largest;
} small_format;

static const small_format small_formats[] = {
    {"E4M3", float_from_e4m3, 4, 3, 7, -1, 0x7f, false, 448},
    {"E5M2", float_from_e5m2, 5, 2, 15, 0x7c, 0x7d, false, 57344},
    {"E4M3FNUZ", float_from_e4m3fnuz, 4, 3, 8, -1, 0x80, true, 240},
    {"E5M2FNUZ", float_from_e5m2fnuz, 5, 2, 16, -1, 0x80, true, 57344},
    {"E2M1", float_from_e2m1, 2, 1, 1, -1, 8, false, 6},
};

static double by_definition(const small_format *f, int magnitude)
{
    const int exponent = magnitude >> f->fraction_bits;
    const int fraction = magnitude & ((1 << f->fraction_bits) - 1);
    if (exponent == 0)
        return ldexp(fraction, 1 - f->bias - f->fraction_bits);
    return ldexp((1 << f->fraction_bits) + fraction, exponent - f->bias - f->fraction_bits);
}

static void assert_all_values(const small_format *f)
{
    const int sign_bit = 1 << (f->exponent_bits + f->fraction_bits);
    double largest = 0;
    for (int bits = 0; bits < 2 * sign_bit; bits++) {
        const int magnitude = bits & (sign_bit - 1);
        const float x = f->convert((uint8_t)bits);
        if (f->fnuz ? bits == sign_bit : magnitude >= f->first_nan) {
            assert_true(isnan(x));
            continue;
        }
        const double expected =
            magnitude == f->infinity ? (double)INFINITY : by_definition(f, magnitude);
        if ((double)x != ((bits & sign_bit) != 0 ? -expected : expected))
            print_error("%s, 0x%02x: %.9g\n", f->name, bits, (double)x);
        assert_true((double)x == ((bits & sign_bit) != 0 ? -expected : expected));
        assert_int_equal(signbit(x) != 0, (bits & sign_bit) != 0);
        if (isfinite(x))
            largest = fmax(largest, (double)x);
    }
    assert_true(largest == f->largest);
}

static void test_small_formats(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof small_formats / sizeof small_formats[0]; i++)
        assert_all_values(&small_formats[i]);
}

/* ---------------------------------------------------------------------------------- binary64 -- */

/* Against the processor's own conversion, to nearest. */
static void assert_as_hardware(uint64_t bits)
{
    const double x = double_of(bits);
    const volatile float expected = (float)x;
    bool exact;
    const float rounded = float_from_float64(bits, &exact);
    if (isnan(x)) {
        assert_true(isnan(rounded) && exact);
        return;
    }
    if (float_bits(rounded) != float_bits(expected))
        print_error("%a becomes %a\n", x, (double)rounded);
    assert_int_equal(float_bits(rounded), float_bits(expected));
    assert_int_equal(exact, (double)expected == x);
}

static void test_float64(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (uint64_t exponent = 0; exponent < 2048; exponent++) {
        const uint64_t base = exponent << 52;
        for (int bit = 0; bit <= 52; bit++) { /* a half at every place, and what is beside it */
            const uint64_t fraction = bit < 52 ? UINT64_C(1) << bit : 0;
            for (uint64_t step = 0; step < 3; step++) {
                const uint64_t low = (fraction + step - 1) & ((UINT64_C(1) << 52) - 1);
                assert_as_hardware(base | low);
                assert_as_hardware(UINT64_C(1) << 63 | base | low);
                assert_as_hardware(base | (~low & ((UINT64_C(1) << 52) - 1)));
                assert_as_hardware(base | (low ^ UINT64_C(1) << 29));
            }
        }
    }
    for (int i = 0; i < 200000; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        assert_as_hardware(random ^ random >> 32);
    }
}

/* The nearest stays the nearest, whatever the direction of the floating-point unit is. */
static void test_float64_in_other_directions(void **state)
{
    static const double values[] = {0.1,         -0.1,       1 + 0x1p-24,
                                    1 + 0x3p-24, 0x1.8p-150, 0x1.fffffefp127};
    static const int directions[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    enum { N = sizeof values / sizeof values[0] };
    (void)state;
    for (size_t i = 0; i < N; i++) {
        const volatile float expected = (float)values[i];
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        for (size_t d = 0; d < sizeof directions / sizeof directions[0]; d++) {
            bool exact;
            if (fesetround(directions[d]) != 0)
                continue; /* a soft float has one direction only */
            const float rounded = float_from_float64(bits, &exact);
            fesetround(FE_TONEAREST);
            assert_int_equal(float_bits(rounded), float_bits(expected));
            assert_false(exact);
        }
    }
}

/* ------------------------------------------------------------------------------------- files -- */

/* A tensor of each type. The bytes are in the file's order; n_floats 0: it is left out. */
typedef struct {
    const char *dtype;
    unsigned elements;
    size_t size;
    uint8_t bytes[16];
    size_t n_floats;
    float floats[4];
} sample;

/* The odd sizes put most of them where they are not aligned. */
static const sample samples[] = {
    {"U8", 3, 3, {1, 2, 3}, 0, {0}},
    {"F64",
     2,
     16,
     {0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 0x9a, 0x99, 0x99, 0x99, 0x99, 0x99, 0xb9, 0xbf},
     2,
     {1.5f, -0.1f}},
    {"BOOL", 1, 1, {1}, 0, {0}},
    {"F32", 1, 4, {0, 0, 0x20, 0xc1}, 1, {-10}},
    {"F16", 2, 4, {0x00, 0x3c, 0x01, 0x80}, 2, {1, -0x1p-24f}},
    {"I8", 1, 1, {9}, 0, {0}},
    {"BF16", 1, 2, {0x49, 0x40}, 1, {3.140625f}},
    {"F8_E4M3", 3, 3, {0x7e, 0x81, 0x38}, 3, {448, -0x1p-9f, 1}},
    {"F8_E5M2", 3, 3, {0x7b, 0x81, 0x3c}, 3, {57344, -0x1p-16f, 1}},
    {"F8_E4M3FNUZ", 3, 3, {0x7f, 0x81, 0x40}, 3, {240, -0x1p-10f, 1}},
    {"F8_E5M2FNUZ", 3, 3, {0x7f, 0x81, 0x40}, 3, {57344, -0x1p-17f, 1}},
    {"F4", 4, 2, {0xf1, 0x25}, 4, {0.5f, -6, 3, 1}}, /* the low half of a byte is the first */
    {"F8_E8M0", 1, 1, {0x7f}, 0, {0}},
    {"F6_E2M3", 4, 3, {1, 2, 3}, 0, {0}},
    {"F6_E3M2", 8, 6, {1, 2, 3, 4, 5, 6}, 0, {0}},
    {"C64", 1, 8, {1, 2, 3, 4, 5, 6, 7, 8}, 0, {0}},
    {"U16", 1, 2, {1, 2}, 0, {0}},
    {"I16", 1, 2, {1, 2}, 0, {0}},
    {"U32", 1, 4, {1, 2}, 0, {0}},
    {"I32", 1, 4, {1, 2}, 0, {0}},
    {"U64", 1, 8, {1, 2}, 0, {0}},
    {"I64", 1, 8, {1, 2}, 0, {0}},
    {"F32", 1, 4, {0, 0, 0x80, 0x3f}, 1, {1}},
};
enum { SAMPLES = sizeof samples / sizeof samples[0] };

/* Appends the i-th sample's tensor, or an empty one of its type. */
static void append(char *header, uint8_t *data, size_t *size, size_t i, bool empty)
{
    const sample *s = &samples[i];
    const size_t length = strlen(header), n = empty ? 0 : s->size;
    snprintf(header + length, 4096 - length,
             "%s\"%s%zu\":{\"dtype\":\"%s\",\"shape\":[%u],\"data_offsets\":[%zu,%zu]}",
             length == 1 ? "" : ",", empty ? "e" : "t", i, s->dtype, empty ? 0 : s->elements, *size,
             *size + n);
    if (n != 0)
        memcpy(data + *size, s->bytes, n);
    *size += n;
}

static void assert_reads(const char *header, const uint8_t *data, size_t size,
                         const float *expected, size_t n)
{
    cli_failure failure = {CLI_OK, ""};
    params p;
    const char *path = folder_write_safetensors("types.safetensors", header, data, size);
    if (params_load(&p, path, &failure) != CLI_OK)
        print_error("%s\n", failure.text);
    assert_int_equal(failure.code, CLI_OK);
    assert_int_equal(p.n, n);
    assert_memory_equal(p.x, expected, n * sizeof(float));
    params_destroy(&p);
}

static void test_file_of_all_types(void **state)
{
    char header[4096] = "{";
    uint8_t data[16 * SAMPLES];
    float expected[4 * SAMPLES];
    size_t size = 0, n = 0;
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        append(header, data, &size, i, false);
        memcpy(expected + n, samples[i].floats, samples[i].n_floats * sizeof(float));
        n += samples[i].n_floats;
    }
    strcat(header, "}");
    assert_reads(header, data, size, expected, n);
}

/* No type refuses a file, neither with values nor empty. */
static void test_one_tensor_beside_a_float(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        for (int empty = 0; empty < 2; empty++) {
            char header[4096] = "{";
            uint8_t data[32];
            float expected[5];
            const size_t n = empty ? 0 : samples[i].n_floats;
            size_t size = 0;
            append(header, data, &size, i, empty != 0);
            append(header, data, &size, SAMPLES - 1, false);
            memcpy(expected, samples[i].floats, n * sizeof(float));
            expected[n] = 1;
            /* The last sample itself would be there twice. */
            if (i < SAMPLES - 1 || empty) {
                strcat(header, "}");
                assert_reads(header, data, size, expected, n + 1);
            }
        }
    }
}

/* More elements than are converted at once, and an odd number of bytes of them. */
static void test_long_tensors(void **state)
{
    enum { N = 2 * 16384 + 6 };
    static uint8_t data[N / 2 + 8 * N];
    static float expected[2 * N];
    char header[256];
    (void)state;
    for (size_t i = 0; i < N; i++) {
        data[i / 2] |= (uint8_t)((i * 7 % 16) << 4 * (i % 2));
        expected[i] = float_from_e2m1((uint8_t)(i * 7 % 16));
        const double x = (double)i / 3;
        uint64_t bits;
        memcpy(&bits, &x, sizeof bits);
        store_le64(data + N / 2 + 8 * i, bits);
        expected[N + i] = (float)x;
    }
    snprintf(header, sizeof header,
             "{\"a\":{\"dtype\":\"F4\",\"shape\":[%d],\"data_offsets\":[0,%d]},"
             "\"b\":{\"dtype\":\"F64\",\"shape\":[2,%d],\"data_offsets\":[%d,%d]}}",
             N, N / 2, N / 2, N / 2, N / 2 + 8 * N);
    assert_reads(header, data, sizeof data, expected, sizeof expected / sizeof expected[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_formats),
        cmocka_unit_test(test_float64),
        cmocka_unit_test(test_float64_in_other_directions),
        cmocka_unit_test(test_file_of_all_types),
        cmocka_unit_test(test_one_tensor_beside_a_float),
        cmocka_unit_test(test_long_tensors),
    };
    return cmocka_run_group_tests_name("dtypes", tests, folder_create, folder_remove);
}
