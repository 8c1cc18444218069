/* Format 4.6 worked by hand, and every half-precision pattern. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "ref_vec.h"
#include "ring.h"
#include "run.h"
#include "small_clip.h"

typedef struct {
    float clip;
    uint32_t bits;
    float x;
    uint32_t q;
} worked;

/* These round to nearest. s = (2^b - 1) / 2c is exact in float32 in each of them. */
static const worked examples[] = {
    /* c = 1, b = 8, s = 127.5 */
    {1.0f, 8, -1.0f, 0},           {1.0f, 8, 1.0f, 255},
    {1.0f, 8, 0.0f, 128},          /* u = 127.5: half goes up */
    {1.0f, 8, -0.0f, 128},         /* the same */
    {1.0f, 8, 0.5f, 191},          /* 191.25 */
    {1.0f, 8, -0.5f, 64},          /* 63.75 */
    {1.0f, 8, 0.99609375f, 255},   /* 254.501953125 */
    {1.0f, 8, 0.9921875f, 254},    /* 254.00390625 */
    {1.0f, 8, 1.5f, 255},          /* clipped */
    {1.0f, 8, -FLT_MAX, 0},        /* clipped */
    {1.0f, 8, 0x1p-149f, 128},     /* the smallest subnormal: x + c = 1 */
    {1.0f, 8, -0x1p-149f, 128},    /* x + c rounds back to 1 */
    {1.0f, 8, -0x1p-24f, 127},     /* x + c = 1 - 2^-24: u = 127.5 - 2^-17 */
    {1.0f, 8, -0x1p-25f, 128},     /* half way between 1 - 2^-24 and 1: to even, 1 */
    {1.0f, 8, INFINITY, 128},      /* not finite: counts as 0 */
    {1.0f, 8, -INFINITY, 128},     /* the same */
    {1.0f, 8, NAN, 128},           /* the same */
    {0.25f, 1, 0.1f, 1},           /* s = 2, u = 0.7 */
    {0.25f, 1, -0.1f, 0},          /* u = 0.3 */
    {0.25f, 1, 0.0f, 1},           /* u = 0.5 */
    {1.0f, 16, 0x1p-16f, 32768},   /* u = 32767.99999 rounds to 32768 in float32 */
    {1.0f, 24, 1.0f, 16777215},    /* s = 8388607.5 */
    {1.0f, 24, 0.0f, 8388608},     /* u = 8388607.5 */
    {1.0f, 24, 0x1p-23f, 8388608}, /* 8388608.49999: a tie no longer, float32 has no half here */
    {65504.0f, 8, 65504.0f, 255},  /* float16's largest */
    {0x1p-128f, 1, 0x1p-128f, 1},  /* c itself is subnormal, s = 2^127 */
    {0x1p-128f, 1, 0.0f, 1},       /* u = 0.5 */
    {0x1p-128f, 1, -0x1p-149f, 0}, /* u = 0.5 - 2^-22 */
};

static void check_example(parseal_ctx *ctx, const parseal_quant *quant, const worked *e)
{
    uint64_t q = UINT64_MAX, nonfinite = 99;
    parseal_vec in = parseal_host_vec(&e->x, 1, float_size(quant->float_type));
    parseal_vec out = parseal_host_vec(&q, 1, quant->element_size);
    parseal_buf count = parseal_host_buf(&nonfinite, sizeof nonfinite);
    if (!quantized(parseal_quantize(ctx, quant, &in, &out, NULL, 0, &count, NULL), quant->clip)) {
        assert_true(q == UINT64_MAX && nonfinite == 99);
        return;
    }
    q = elem_load(&q, 0, quant->element_size);
    if (q != e->q)
        fail_msg("clip %g, %u bits, x = %a: %ju instead of %u", (double)e->clip, e->bits,
                 (double)e->x, (uintmax_t)q, e->q);
    assert_int_equal(nonfinite, isfinite(e->x) ? 0 : 1);
}

static void worked_examples(void **state)
{
    (void)state;
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        const worked *e = &examples[i];
        parseal_quant quant = PARSEAL_QUANT_INIT;
        quant.clip = e->clip;
        quant.bits = e->bits;
        quant.rounding = PARSEAL_ROUND_NEAREST;
        for (quant.element_size = 4; quant.element_size <= 8; quant.element_size += 4)
            check_example(ctx, &quant, e);
    }
    parseal_ctx_destroy(ctx);
}

/* The zero key's first keystream words (RFC 8439 A.1, test vector 1) are r = ade0b876, 903df1a0,
 * e56a5d40, 28bd8653, and x = -0.25 with c = 1, b = 8 has u = 95.625, floor(f * 2^32) = a0000000.
 * So the second and the fourth go up, whose r is below. */
static void stochastic_example(void **state)
{
    (void)state;
    static const uint32_t want[4] = {95, 96, 95, 96};
    static const float x[4] = {-0.25f, -0.25f, -0.25f, -0.25f};
    uint32_t q[4];
    parseal_ctx *ctx = run_ctx(1);
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 1.0f;
    quant.bits = 8;
    for (int32_t sign = -1; sign <= 1; sign += 2) { /* The sign is not used. */
        parseal_seed seed = {.sign = sign};
        parseal_seeds *set = NULL;
        assert_ok(parseal_seeds_create(&set, ctx, &seed, 1));
        for (uint64_t first = 0; first < 4; first++) {
            uint64_t n = 4 - first;
            parseal_vec in = parseal_host_vec(x, n, 4);
            parseal_vec out = parseal_host_vec(q, n, 4);
            assert_ok(parseal_quantize(ctx, &quant, &in, &out, set, first, NULL, NULL));
            for (uint64_t i = 0; i < n; i++)
                assert_int_equal(elem_load(q, i, 4), want[first + i]);
        }
        parseal_seeds_destroy(set);
    }
    parseal_ctx_destroy(ctx);
}

/* All patterns of a half-precision type give what their float32 value gives, at clips that show
 * every exponent. */
static void every_pattern(int32_t float_type, const float *clips, size_t n_clips)
{
    enum { PATTERNS = 65536 };
    static uint16_t half[PATTERNS];
    static float single[PATTERNS];
    static uint32_t q[PATTERNS];
    uint64_t want_nonfinite = 0;
    for (uint32_t i = 0; i < PATTERNS; i++) {
        half[i] = (uint16_t)i;
        single[i] = ref_float_at(half, i, float_type);
        want_nonfinite += isfinite(single[i]) ? 0 : 1;
    }
    assert_int_equal(want_nonfinite, float_type == PARSEAL_FLOAT16 ? 2 * 1024 : 2 * 128);
    parseal_ctx *ctx = run_ctx(1);
    parseal_vec in = parseal_host_vec(half, PATTERNS, 2);
    parseal_vec out = parseal_host_vec(q, PATTERNS, 4);
    for (size_t c = 0; c < n_clips; c++) {
        parseal_quant quant = PARSEAL_QUANT_INIT;
        uint64_t nonfinite = 0;
        parseal_buf count = parseal_host_buf(&nonfinite, sizeof nonfinite);
        quant.clip = clips[c];
        quant.bits = 24;
        quant.rounding = PARSEAL_ROUND_NEAREST;
        quant.float_type = float_type;
        memset(q, UNTOUCHED, sizeof q);
        if (!quantized(parseal_quantize(ctx, &quant, &in, &out, NULL, 0, &count, NULL), clips[c])) {
            assert_filled(q, sizeof q, UNTOUCHED);
            assert_int_equal(nonfinite, 0);
            continue;
        }
        assert_int_equal(nonfinite, want_nonfinite);
        for (uint32_t i = 0; i < PATTERNS; i++) {
            if (elem_load(q, i, 4) != ref_quantize(&quant, single[i], 0))
                fail_msg("pattern %04x, clip %g: %ju", i, (double)clips[c],
                         (uintmax_t)elem_load(q, i, 4));
        }
    }
    parseal_ctx_destroy(ctx);
}

static void every_float16(void **state)
{
    (void)state;
    static const float clips[] = {65504.0f, 1.0f, 0x1p-8f, 0x1p-14f, 0x1p-24f};
    every_pattern(PARSEAL_FLOAT16, clips, COUNT_OF(clips));
}

static void every_bfloat16(void **state)
{
    (void)state;
    static const float clips[] = {0x1p126f, 0x1p100f, 0x1p64f,  0x1p32f,  1.0f,
                                  0x1p-16f, 0x1p-40f, 0x1p-64f, 0x1p-90f, 0x1p-104f};
    every_pattern(PARSEAL_BFLOAT16, clips, COUNT_OF(clips));
}

/* IEEE 754's own landmarks, so that the conversions above are not only compared with each other. */
static void conversions(void **state)
{
    (void)state;
    assert_true(ref_from_float16(0x3c00) == 1.0f);
    assert_true(ref_from_float16(0x7bff) == 65504.0f);
    assert_true(ref_from_float16(0x0001) == 0x1p-24f);
    assert_true(ref_from_float16(0x0400) == 0x1p-14f);
    assert_true(ref_from_float16(0xc000) == -2.0f);
    assert_true(isinf(ref_from_float16(0x7c00)) && isnan(ref_from_float16(0x7c01)));
    for (uint32_t i = 0; i < 65536; i++) {
        uint32_t widened = i << 16; /* bfloat16 is float32's upper half. */
        float want;
        memcpy(&want, &widened, sizeof want);
        float got = ref_from_bfloat16((uint16_t)i);
        assert_true(got == want || (isnan(got) && isnan(want)));
    }
}

static void dequantize_examples(void **state)
{
    (void)state;
    static const struct {
        float clip;
        uint32_t bits;
        uint64_t sum, clients;
        float mean;
    } cases[] = {
        {1.0f, 8, 0, 1, -1.0f},       {1.0f, 8, 255, 1, 1.0f},      {2.0f, 1, 1, 1, 2.0f},
        {2.0f, 1, 1, 2, 0.0f},        {2.0f, 2, 9, 4, 1.0f},        {1.0f, 24, 16777215, 1, 1.0f},
        {7.5f, 4, 15 * 20, 20, 7.5f}, {7.5f, 4, 15 * 10, 20, 0.0f}, {7.5f, 4, 5, 1, -2.5f},
    };
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parseal_quant quant = PARSEAL_QUANT_INIT;
        quant.clip = cases[i].clip;
        quant.bits = cases[i].bits;
        for (quant.element_size = 4; quant.element_size <= 8; quant.element_size += 4) {
            uint64_t sum = 0;
            float mean = NAN;
            elem_store(&sum, 0, quant.element_size, cases[i].sum);
            parseal_vec in = parseal_host_vec(&sum, 1, quant.element_size);
            parseal_vec out = parseal_host_vec(&mean, 1, 4);
            assert_ok(parseal_dequantize(ctx, &quant, &in, cases[i].clients, &out, NULL, NULL));
            assert_true(mean == cases[i].mean);
        }
    }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worked_examples), cmocka_unit_test(stochastic_example),
        cmocka_unit_test(every_float16),   cmocka_unit_test(every_bfloat16),
        cmocka_unit_test(conversions),     cmocka_unit_test(dequantize_examples),
    };
    return RUN_SUITE_PER_IMPL("quant", OF(PARSEAL_PRIMITIVE_QUANT) | OF(PARSEAL_PRIMITIVE_MASK),
                              tests);
}
