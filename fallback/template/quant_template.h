/* Quantisation (format 4.6), in loops that compilers turn into vector code. A file for each
 * instruction set includes this one, and differs in the flags that it is compiled with. Loops have
 * a fixed length, comparisons are masks, and what they convert is signed, as only those conversions
 * are single instructions everywhere.
 *
 * Every step rounds to float32 once: these files are compiled without contraction, and results are
 * assigned to float variables, so that a host which computes in double gives the same bytes (double
 * rounding of one float32 operation is exact: 53 >= 2 * 24 + 2).
 *
 * Constant time: choices are masks.
 */
#include <float.h>

#include "fallback/impl.h"
#include "fallback/math/elements.h"
#include "parseal/parseal.h"

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    defined(__NO_SIGNED_ZEROS__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "parseal quantises by the rules of IEEE 754: build it without -ffast-math, -Ofast and such"
#endif

_Static_assert(FLT_RADIX == 2 && FLT_MANT_DIG == 24 && DBL_MANT_DIG == 53, "IEEE 754 floats");

static inline float bits_to_float(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t float_to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double bits_to_double(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* condition ? a : b by masks, as compilers may make a branch of a conditional expression. */
static inline uint32_t choose(bool condition, uint32_t a, uint32_t b)
{
    const uint32_t mask = 0 - (uint32_t)condition;
    return (a & mask) | (b & ~mask);
}

static inline float choose_float(bool condition, float a, float b)
{
    return bits_to_float(choose(condition, float_to_bits(a), float_to_bits(b)));
}

/* Converts IEEE 754 binary16 to binary32, exactly. No step makes a float32 subnormal, so that a
 * host which flushes them to zero gives the same bytes. */
static inline float float16_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7fff;
    const float subnormal = (float)(int32_t)magnitude * 0x1p-24f;
    const float normal = bits_to_float((magnitude << 13) + (UINT32_C(112) << 23));
    const float special = bits_to_float(magnitude << 13 | 0x7f800000);
    const float finite = choose_float(magnitude < 0x0400, subnormal, normal);
    return bits_to_float(float_to_bits(choose_float(magnitude < 0x7c00, finite, special)) | sign);
}

/* ---------------------------------------------------------------------------------- quantise -- */

enum { BLOCK = 128 };

static void load_block(float f[BLOCK], int32_t float_type, const uint8_t *x)
{
    uint16_t half[BLOCK];
    if (float_type == PARSEAL_FLOAT32) {
        memcpy(f, x, 4 * BLOCK);
        return;
    }
    memcpy(half, x, 2 * BLOCK);
    if (float_type == PARSEAL_BFLOAT16)
        for (size_t i = 0; i < BLOCK; i++)
            f[i] = bits_to_float((uint32_t)half[i] << 16);
    else
        for (size_t i = 0; i < BLOCK; i++)
            f[i] = float16_to_float(half[i]);
}

/* Does steps 1 to 3 of the format: u takes the place of x. Returns how many x are not finite. */
static uint32_t scale_block(float x[BLOCK], const quant_params *params, float top)
{
    const float clip = params->clip, scale = params->scale;
    uint32_t nonfinite = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        const bool special = (float_to_bits(x[i]) & 0x7f800000) == 0x7f800000;
        nonfinite += special;
        float f = choose_float(special, 0.0f, x[i]);
        f = choose_float(f > -clip, f, -clip);
        f = choose_float(f < clip, f, clip);
        const float shifted = f + clip;
        const float scaled = shifted * scale;
        x[i] = choose_float(scaled < top, scaled, top);
    }
    return nonfinite;
}

/* Does step 4. floor(f * 2^32) is taken in two halves, each of them exact. */
static void round_stochastic(uint32_t q[BLOCK], const float u[BLOCK], const uint32_t *random,
                             uint32_t max)
{
    for (size_t i = 0; i < BLOCK; i++) {
        const int32_t k = (int32_t)u[i];
        const float f = (u[i] - (float)k) * 0x1p16f;
        const int32_t high = (int32_t)f;
        const int32_t low = (int32_t)((f - (float)high) * 0x1p16f);
        const uint32_t f32 = (uint32_t)high << 16 | (uint32_t)low;
        const uint32_t rounded = (uint32_t)k + (f32 > load_le32(random + i));
        q[i] = choose(rounded < max, rounded, max);
    }
}

static void round_nearest(uint32_t q[BLOCK], const float u[BLOCK], uint32_t max)
{
    for (size_t i = 0; i < BLOCK; i++) {
        const int32_t k = (int32_t)u[i];
        const uint32_t rounded = (uint32_t)k + (u[i] - (float)k >= 0.5f);
        q[i] = choose(rounded < max, rounded, max);
    }
}

static void store_block(uint8_t *to, const uint32_t q[BLOCK], uint32_t element_size)
{
    if (element_size == 4)
        for (size_t i = 0; i < BLOCK; i++)
            store_le32(to + 4 * i, q[i]);
    else
        for (size_t i = 0; i < BLOCK; i++)
            store_le64(to + 8 * i, q[i]);
}

static uint32_t quantize_block(const quant_params *params, const uint8_t *x, const uint32_t *random,
                               uint8_t *q)
{
    const uint32_t max = (UINT32_C(1) << params->bits) - 1;
    float u[BLOCK];
    uint32_t integers[BLOCK];
    load_block(u, params->float_type, x);
    const uint32_t nonfinite = scale_block(u, params, (float)(int32_t)max);
    if (random != NULL)
        round_stochastic(integers, u, random, max);
    else
        round_nearest(integers, u, max);
    store_block(q, integers, params->element_size);
    return nonfinite;
}

static uint64_t quantize(const quant_params *params, const void *x, const uint32_t *random, void *q,
                         size_t count)
{
    const size_t float_size = params->float_type == PARSEAL_FLOAT32 ? 4 : 2;
    const uint8_t *in = x;
    uint8_t *out = q;
    uint64_t nonfinite = 0;

    for (; count >= BLOCK; count -= BLOCK) {
        nonfinite += quantize_block(params, in, random, out);
        in += float_size * BLOCK;
        out += params->element_size * BLOCK;
        if (random != NULL)
            random += BLOCK;
    }
    if (count > 0) {
        uint8_t last_in[4 * BLOCK] = {0}, last_out[8 * BLOCK];
        uint32_t last_random[BLOCK] = {0};
        memcpy(last_in, in, float_size * count);
        if (random != NULL)
            memcpy(last_random, random, 4 * count);
        nonfinite += quantize_block(params, last_in, random != NULL ? last_random : NULL, last_out);
        memcpy(out, last_out, params->element_size * count);
    }
    return nonfinite;
}

/* -------------------------------------------------------------------------------- dequantise -- */

/* Rounds once, in the sum: the halves become 2^84 + high * 2^32 and 2^52 + low by their bits alone,
 * and 2^84 + 2^52 is subtracted from the first half, where that is exact. */
static inline double to_double(uint64_t x)
{
    const double high = bits_to_double(UINT64_C(0x4530000000000000) | x >> 32);
    const double low = bits_to_double(UINT64_C(0x4330000000000000) | (x & UINT32_MAX));
    return (high - (0x1p84 + 0x1p52)) + low;
}

static void dequantize_block(const dequant_params *params, const uint8_t *sum, float *mean)
{
    const double step = params->step, n_clients = params->n_clients, clip = params->clip;
    uint64_t s[BLOCK];
    elements_load(s, sum, params->element_size, BLOCK);
    for (size_t i = 0; i < BLOCK; i++)
        mean[i] = (float)(to_double(s[i]) * step / n_clients - clip);
}

static void dequantize(const dequant_params *params, const void *sum, float *mean, size_t count)
{
    const uint8_t *in = sum;
    for (; count >= BLOCK; count -= BLOCK) {
        dequantize_block(params, in, mean);
        in += params->element_size * BLOCK;
        mean += BLOCK;
    }
    if (count > 0) {
        uint8_t last_in[8 * BLOCK] = {0};
        float last_mean[BLOCK];
        memcpy(last_in, in, params->element_size * count);
        dequantize_block(params, last_in, last_mean);
        memcpy(mean, last_mean, 4 * count);
    }
}
