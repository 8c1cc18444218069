/* kernels/common/quant.h as C, against format 4.6 computed in double. */
#include "kernels/common/quant.h"

#include <float.h>
#include <math.h>

#include "check.h"
#include "ref_vec.h"
#include "rng.h"
#include "run.h"

enum { RANDOM = 4000 };

static void every_float16(void **state)
{
    (void)state;
    for (u32 i = 0; i < 65536; i++) {
        const float want = ref_from_float16((uint16_t)i), got = float16_value(i);
        assert_int_equal(is_special(got), !isfinite(want));
        if (isnan(want))
            assert_true(isnan(got));
        else
            assert_int_equal(bits_of(got), bits_of(want));
    }
}

static void special(void **state)
{
    (void)state;
    static const float finite[] = {0.0f, -0.0f, FLT_MIN, -FLT_MAX, 0x1p-149f, FLT_MAX};
    for (size_t i = 0; i < COUNT_OF(finite); i++)
        assert_false(is_special(finite[i]));
    assert_true(is_special(INFINITY) && is_special(-INFINITY) && is_special(NAN));
    assert_true(is_special(float_of(0x7f800001)) && is_special(float_of(0xffffffff)));
}

/* A pattern is chosen whole, with a NaN's and a zero's sign. */
static void choice(void **state)
{
    (void)state;
    const float nan = float_of(0x7fc12345), minus_zero = -0.0f;
    assert_int_equal(bits_of(choose_float(1, nan, minus_zero)), 0x7fc12345);
    assert_int_equal(bits_of(choose_float(0, nan, minus_zero)), 0x80000000);
}

static u32 device_quantize(const parseal_quant *quant, float x, u32 random)
{
    const u32 max = ((u32)1 << quant->bits) - 1;
    const float scale = (float)(max / (2.0 * (double)quant->clip));
    const float u = quant_scale(x, quant->clip, scale, (float)(i32)max);
    assert_true(u >= 0 && u <= (float)(i32)max);
    return quant->rounding == PARSEAL_ROUND_NEAREST ? quant_nearest(u, max)
                                                    : quant_stochastic(u, random, max);
}

static void check_value(parseal_quant *quant, float x, u32 random)
{
    for (quant->rounding = PARSEAL_ROUND_NEAREST; quant->rounding <= PARSEAL_ROUND_STOCHASTIC;
         quant->rounding++) {
        const u32 got = device_quantize(quant, x, random), want = ref_quantize(quant, x, random);
        if (got != want)
            fail_msg("clip %a, %u bits, x = %a, r = %08x, rounding %d: %u instead of %u",
                     (double)quant->clip, quant->bits, (double)x, random, quant->rounding, got,
                     want);
    }
}

/* Values are in and around [-clip, clip], or have any bit pattern. */
static void check_clip(rng *r, float clip, u32 bits)
{
    const float edges[] = {clip,
                           -clip,
                           nextafterf(clip, 0),
                           nextafterf(-clip, 0),
                           0.0f,
                           -0.0f,
                           INFINITY,
                           -INFINITY,
                           NAN,
                           FLT_MAX,
                           -FLT_MAX};
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = clip;
    quant.bits = bits;
    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        check_value(&quant, edges[i], 0);
        check_value(&quant, edges[i], UINT32_MAX);
    }
    for (unsigned i = 0; i < RANDOM; i++) {
        const double unit = ldexp((double)rng_below(r, UINT64_C(1) << 40), -39) - 1;
        const float near = (float)(unit * 1.1 * (double)clip);
        check_value(&quant, i % 8 == 0 ? float_of((u32)rng_u64(r)) : near, (u32)rng_u64(r));
    }
}

static void quantized(void **state)
{
    (void)state;
    static const float clips[] = {1.0f, 0.3f, 7.5f, 65504.0f, 1e-30f, 1e30f};
    rng r = rng_for("common quant");
    for (u32 bits = 1; bits <= 24; bits++) {
        const double levels = ldexp(1, (int)bits) - 1;
        const double lowest = levels / (2 * (double)FLT_MAX) * (1 + 1e-6);
        const double highest = levels / (2 * (double)FLT_MIN) * (1 - 1e-6);
        for (size_t i = 0; i < COUNT_OF(clips); i++)
            check_clip(&r, clips[i], bits);
        check_clip(&r, (float)lowest, bits);
        check_clip(&r, (float)fmin(highest, (double)FLT_MAX / 2), bits);
    }
}

/* r is just below, at and just above floor(f 2^32), for fractions of every precision. */
static void fractions(void **state)
{
    (void)state;
    rng r = rng_for("common quant fractions");
    const u32 max = ((u32)1 << 24) - 1;
    for (unsigned i = 0; i < 100000; i++) {
        const u32 whole = (u32)rng_below(&r, UINT64_C(1) << rng_below(&r, 25));
        const double fraction = ldexp((double)rng_below(&r, UINT64_C(1) << 32), -32);
        const float u = (float)fmin(whole + fraction, max);
        const double k = floor((double)u), at = floor(ldexp((double)u - k, 32));
        for (int d = -1; d <= 1; d++) {
            const double random = at + d;
            if (random < 0 || random > UINT32_MAX)
                continue;
            const u32 want = (u32)k + (at > random && k < max ? 1 : 0);
            assert_int_equal(quant_stochastic(u, (u32)random, max), want);
        }
        assert_int_equal(quant_nearest(u, max), (u32)fmin(floor((double)u + 0.5), max));
    }
}

/* The zero key's first keystream words (RFC 8439 A.1, test vector 1) round u = 95.625. */
static void stochastic_example(void **state)
{
    (void)state;
    static const u32 random[] = {0xade0b876, 0x903df1a0, 0xe56a5d40, 0x28bd8653};
    static const u32 want[] = {95, 96, 95, 96};
    const float u = quant_scale(-0.25f, 1.0f, 127.5f, 255.0f);
    assert_true(u == 95.625f);
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_int_equal(quant_stochastic(u, random[i], 255), want[i]);
    assert_int_equal(quant_stochastic(254.5f, 0, 254), 254);
    assert_int_equal(quant_nearest(254.5f, 254), 254);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_float16), cmocka_unit_test(special),
        cmocka_unit_test(choice),        cmocka_unit_test(quantized),
        cmocka_unit_test(fractions),     cmocka_unit_test(stochastic_example),
    };
    return RUN_SUITE("common quant", tests);
}
