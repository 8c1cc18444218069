/* Quantise and dequantise (format 4.6) against an independent computation. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_mask.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"
#include "small_clip.h"

static const parseal_ring RANDOM_WORDS = {UINT64_C(1) << 32, 4, 0};

static const float clips[] = {1.0f, 0.3f, 1e-3f, 7.5f, 65504.0f, 1e-30f, 1e30f};
static const uint32_t widths[] = {1, 2, 7, 8, 12, 16, 20, 23, 24};
static const int32_t float_types[] = {PARSEAL_FLOAT32, PARSEAL_BFLOAT16, PARSEAL_FLOAT16};

static parseal_quant quant_of(float clip, uint32_t bits, int32_t rounding)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = clip;
    quant.bits = bits;
    quant.rounding = rounding;
    return quant;
}

/* Draws n floats of the type, spread over a little more than [-clip, clip]. Some have any bit
 * pattern, among them subnormal ones, infinities and NaNs. */
static void random_floats(rng *r, void *x, uint64_t n, const parseal_quant *quant)
{
    for (uint64_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)rng_u64(r);
        double unit = ldexp((double)rng_below(r, UINT64_C(1) << 40), -39) - 1;
        float value = (float)(unit * 1.2 * (double)quant->clip);
        if (quant->float_type != PARSEAL_FLOAT32) {
            /* Any pattern will do, as half precision has few. */
            memcpy((uint8_t *)x + i * 2, &bits, 2);
            continue;
        }
        if (bits % 8 == 0)
            bits = (uint32_t)rng_u64(r);
        else
            memcpy(&bits, &value, sizeof bits);
        memcpy((uint8_t *)x + i * 4, &bits, 4);
    }
}

typedef struct {
    parseal_ctx *ctx;
    parseal_seeds *set;
    parseal_seed seed;
    void *x;
    uint8_t *q, *want;
} bench;

static void bench_open(bench *t, rng *r, uint32_t threads, uint64_t n)
{
    *t = (bench){.ctx = run_ctx(threads)};
    random_seeds(r, &t->seed, 1);
    assert_ok(parseal_seeds_create(&t->set, t->ctx, &t->seed, 1));
    t->seed.sign = 1; /* Quantise does not use it. */
    t->x = malloc((size_t)n * 4);
    t->q = malloc((size_t)n * 8);
    t->want = malloc((size_t)n * 8);
    assert_true(t->x != NULL && t->q != NULL && t->want != NULL);
}

static void bench_close(bench *t)
{
    free(t->x);
    free(t->q);
    free(t->want);
    parseal_seeds_destroy(t->set);
    parseal_ctx_destroy(t->ctx);
}

/* Quantises t->x into t->q, and counts the values that were not finite. False where the device
 * has refused the clip, as documented. */
static bool try_quantize(bench *t, const parseal_quant *quant, uint64_t n, uint64_t first,
                         uint64_t *nonfinite)
{
    bool nearest = quant->rounding == PARSEAL_ROUND_NEAREST;
    *nonfinite = 99;
    parseal_buf count = parseal_host_buf(nonfinite, sizeof *nonfinite);
    parseal_vec x = parseal_host_vec(t->x, n, float_size(quant->float_type));
    parseal_vec q = parseal_host_vec(t->q, n, quant->element_size);
    memset(t->q, UNTOUCHED, (size_t)n * quant->element_size);
    if (quantized(
            parseal_quantize(t->ctx, quant, &x, &q, nearest ? NULL : t->set, first, &count, NULL),
            quant->clip))
        return true;
    assert_filled(t->q, (size_t)n * quant->element_size, UNTOUCHED);
    assert_int_equal(*nonfinite, 99);
    return false;
}

static uint64_t quantize(bench *t, const parseal_quant *quant, uint64_t n, uint64_t first)
{
    uint64_t nonfinite;
    assert_true(try_quantize(t, quant, n, first, &nonfinite));
    return nonfinite;
}

static uint64_t reference(bench *t, const parseal_quant *quant, uint64_t n, uint64_t first)
{
    uint64_t nonfinite = 0;
    memset(t->want, 0, (size_t)n * 4);
    ref_mask_apply(&t->seed, 1, &RANDOM_WORDS, t->want, n, first);
    for (uint64_t i = n; i-- > 0;) { /* It goes backwards: results may be wider than words. */
        uint32_t random = (uint32_t)elem_load(t->want, i, 4);
        float x = ref_float_at(t->x, i, quant->float_type);
        nonfinite += isfinite(x) ? 0 : 1;
        elem_store(t->want, i, quant->element_size, ref_quantize(quant, x, random));
    }
    return nonfinite;
}

static void check_quantize(bench *t, const parseal_quant *quant, uint64_t n, uint64_t first)
{
    uint64_t nonfinite;
    if (!try_quantize(t, quant, n, first, &nonfinite))
        return;
    assert_int_equal(nonfinite, reference(t, quant, n, first));
    assert_bytes(t->q, t->want, (size_t)n * quant->element_size);
}

static void every_parameter(void **state)
{
    (void)state;
    enum { N = 611 };
    rng r = rng_for("quantise");
    bench t;
    bench_open(&t, &r, 1, N);
    for (size_t c = 0; c < COUNT_OF(clips); c++) {
        for (size_t b = 0; b < COUNT_OF(widths); b++) {
            for (size_t f = 0; f < 2 * COUNT_OF(float_types); f++) {
                parseal_quant quant =
                    quant_of(clips[c], widths[b],
                             f % 2 != 0 ? PARSEAL_ROUND_NEAREST : PARSEAL_ROUND_STOCHASTIC);
                quant.float_type = float_types[f / 2];
                quant.element_size = (b + c + f) % 2 != 0 ? 4 : 8;
                random_floats(&r, t.x, N, &quant);
                check_quantize(&t, &quant, N, rng_below(&r, UINT64_C(1) << 35));
            }
        }
    }
    bench_close(&t);
}

/* Clips are the smallest and the largest that the format allows with each number of bits. */
static void extreme_clips(void **state)
{
    (void)state;
    enum { N = 300 };
    rng r = rng_for("extreme clips");
    bench t;
    bench_open(&t, &r, 1, N);
    for (uint32_t bits = 1; bits <= 24; bits++) {
        double levels = ldexp(1, (int)bits) - 1;
        double lowest = levels / (2 * (double)FLT_MAX) * (1 + 1e-6);
        double highest = fmin(levels / (2 * (double)FLT_MIN) * (1 - 1e-6), (double)FLT_MAX / 2);
        parseal_quant quant = quant_of((float)lowest, bits, PARSEAL_ROUND_NEAREST);
        random_floats(&r, t.x, N, &quant);
        check_quantize(&t, &quant, N, 0);
        quant = quant_of((float)highest, bits, PARSEAL_ROUND_STOCHASTIC);
        random_floats(&r, t.x, N, &quant);
        check_quantize(&t, &quant, N, 0);
    }
    bench_close(&t);
}

static void slices(void **state)
{
    (void)state;
    enum { N = 1500 };
    rng r = rng_for("slices");
    bench t;
    bench_open(&t, &r, 2, N);
    parseal_quant quant = quant_of(1.0f, 16, PARSEAL_ROUND_STOCHASTIC);
    random_floats(&r, t.x, N, &quant);
    uint64_t first = (UINT64_C(1) << 36) - N; /* It ends with the keystream's last word. */
    check_quantize(&t, &quant, N, first);
    const uint8_t *x = t.x;
    for (int i = 0; i < 50; i++) {
        uint64_t from = rng_below(&r, N);
        uint64_t n = rng_range(&r, 0, N - from);
        t.x = (void *)(uintptr_t)(x + from * 4);
        quantize(&t, &quant, n, first + from);
        assert_bytes(t.q, t.want + from * 4, (size_t)n * 4);
    }
    t.x = (void *)(uintptr_t)x;
    bench_close(&t);
}

static void any_number_of_threads(void **state)
{
    (void)state;
    enum { N = 250007 };
    static const uint32_t threads[] = {1, 2, 3, 7};
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        rng r = rng_for("threads");
        bench t;
        bench_open(&t, &r, threads[i], N);
        parseal_quant quant = quant_of(0.3f, 20, PARSEAL_ROUND_STOCHASTIC);
        random_floats(&r, t.x, N, &quant);
        check_quantize(&t, &quant, N, 1000);
        bench_close(&t);
    }
}

/* floor(f * 2^32) > r is false where the two are equal. With c = 0.5 and b = 1, u = x + 0.5. So for
 * an r below 2^31 that is a multiple of 128 there is an x with floor(f * 2^32) = r. */
static void fraction_equal_to_the_random_word(void **state)
{
    (void)state;
    enum { N = 20000 };
    rng r = rng_for("equal");
    bench t;
    bench_open(&t, &r, 1, N);
    parseal_quant quant = quant_of(0.5f, 1, PARSEAL_ROUND_STOCHASTIC);
    size_t equal = 0;
    memset(t.want, 0, N * 4);
    ref_mask_apply(&t.seed, 1, &RANDOM_WORDS, t.want, N, 0);
    for (int above = 0; above < 2; above++) {
        for (uint64_t i = 0; i < N; i++) {
            uint64_t fraction = (elem_load(t.want, i, 4) & ~UINT64_C(127)) + 128 * (uint64_t)above;
            float x = (float)(ldexp((double)fraction, -32) - 0.5);
            memcpy((uint8_t *)t.x + 4 * i, &x, sizeof x);
        }
        assert_int_equal(quantize(&t, &quant, N, 0), 0);
        for (uint64_t i = 0; i < N; i++) {
            uint64_t word = elem_load(t.want, i, 4);
            if (word >= UINT64_C(1) << 31 || word % 128 != 0)
                continue;
            assert_int_equal(elem_load(t.q, i, 4), above);
            equal++;
        }
    }
    assert_true(equal > 20);
    bench_close(&t);
}

/* The mean of many roundings of one value is the value, within five standard errors of a fair coin
 * and what step 3 rounds away. */
static void stochastic_rounding_is_unbiased(void **state)
{
    (void)state;
    enum { N = 1000000 };
    rng r = rng_for("unbiased");
    bench t;
    bench_open(&t, &r, 1, N);
    parseal_quant quant = quant_of(1.0f, 8, PARSEAL_ROUND_STOCHASTIC);
    for (int k = -8; k <= 8; k++) {
        float x = (float)k / 9.7f;
        for (size_t i = 0; i < N; i++)
            memcpy((uint8_t *)t.x + 4 * i, &x, sizeof x);
        quantize(&t, &quant, N, 0);
        double sum = 0;
        for (uint64_t i = 0; i < N; i++)
            sum += (double)elem_load(t.q, i, 4);
        double exact = ((double)x + 1) * 127.5;
        assert_true(fabs(sum / N - exact) < 5 * 0.5 / sqrt(N) + 1e-4);
    }
    bench_close(&t);
}

/* Returns how many float32 lie between a and b. */
static int64_t ulps_between(float a, float b)
{
    int32_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    int64_t i = x < 0 ? (int64_t)INT32_MIN - x : x;
    int64_t k = y < 0 ? (int64_t)INT32_MIN - y : y;
    return i > k ? i - k : k - i;
}

static void check_dequantize(parseal_ctx *ctx, rng *r, const parseal_quant *quant, uint64_t clients)
{
    enum { N = 501 };
    uint64_t sum[N];
    float mean[N];
    uint64_t levels = (UINT64_C(1) << quant->bits) - 1;
    uint64_t storable = quant->element_size == 4 ? UINT32_MAX : UINT64_MAX;
    uint64_t most = clients <= storable / levels ? clients * levels : storable;
    for (uint64_t i = 0; i < N; i++)
        elem_store(sum, i, quant->element_size,
                   most == UINT64_MAX ? rng_u64(r) : rng_range(r, 0, most));
    elem_store(sum, 0, quant->element_size, 0);
    elem_store(sum, 1, quant->element_size, most);
    elem_store(sum, 2, quant->element_size, most / 2);
    elem_store(sum, 3, quant->element_size, storable);
    parseal_vec in = parseal_host_vec(sum, N, quant->element_size);
    parseal_vec out = parseal_host_vec(mean, N, 4);
    assert_ok(parseal_dequantize(ctx, quant, &in, clients, &out, NULL, NULL));
    for (uint64_t i = 0; i < N; i++) {
        uint64_t s = elem_load(sum, i, quant->element_size);
        float want = ref_dequantize(quant, s, clients);
        if (ulps_between(mean[i], want) > 1)
            fail_msg("sum %ju of %ju clients, %u bits, clip %g: %.9g instead of %.9g", (uintmax_t)s,
                     (uintmax_t)clients, quant->bits, (double)quant->clip, (double)mean[i],
                     (double)want);
    }
}

static void dequantize(void **state)
{
    (void)state;
    static const uint64_t clients[] = {1, 2, 3, 20, 199, 1000003, UINT64_C(1) << 40};
    rng r = rng_for("dequantise");
    parseal_ctx *ctx = run_ctx(2);
    for (size_t c = 0; c < COUNT_OF(clips); c++) {
        for (size_t b = 0; b < COUNT_OF(widths); b++) {
            for (size_t n = 0; n < COUNT_OF(clients); n++) {
                parseal_quant quant = quant_of(clips[c], widths[b], PARSEAL_ROUND_NEAREST);
                quant.element_size = n % 2 != 0 ? 4 : 8;
                check_dequantize(ctx, &r, &quant, clients[n]);
                quant.element_size = 12 - quant.element_size;
                check_dequantize(ctx, &r, &quant, clients[n]);
            }
        }
    }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_parameter),
        cmocka_unit_test(extreme_clips),
        cmocka_unit_test(slices),
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(fraction_equal_to_the_random_word),
        cmocka_unit_test(stochastic_rounding_is_unbiased),
        cmocka_unit_test(dequantize),
    };
    return RUN_SUITE_PER_IMPL("quant", OF(PARSEAL_PRIMITIVE_QUANT) | OF(PARSEAL_PRIMITIVE_MASK),
                              tests);
}
