/* Quantisation (format 4.6). Every step rounds to float32 once: this file is compiled without
 * contraction, and results are assigned to float variables, so that a host which computes in double
 * gives the same bytes (double rounding of one float32 operation is exact: 53 >= 2 * 24 + 2).
 * Constant time: choices are masks, and conversions are signed, as those are single instructions.
 */
#include <float.h>

#include "fallback/impl.h"
#include "fallback/portable/elements.h"
#include "parseal/parseal.h"

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

/* condition ? a : b by masks: of a conditional expression compilers may make a branch. */
static inline uint32_t choose(bool condition, uint32_t a, uint32_t b)
{
    const uint32_t mask = 0 - (uint32_t)condition;
    return (a & mask) | (b & ~mask);
}

static inline float choose_float(bool condition, float a, float b)
{
    return bits_to_float(choose(condition, float_to_bits(a), float_to_bits(b)));
}

/* IEEE 754 binary16 to binary32, exactly. No step makes a float32 subnormal, so that a host which
 * flushes them to zero gives the same bytes. */
static inline float float16_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7fff;
    const float subnormal = (float)magnitude * 0x1p-24f;
    const float normal = bits_to_float((magnitude << 13) + (UINT32_C(112) << 23));
    const float special = bits_to_float(magnitude << 13 | 0x7f800000);
    const float finite = choose_float(magnitude < 0x0400, subnormal, normal);
    return bits_to_float(float_to_bits(choose_float(magnitude < 0x7c00, finite, special)) | sign);
}

/* Floats go in blocks, through loops that compilers turn into vector code: comparisons are masks
 * there, and no conversion is wider than 32 bits. */
enum { BLOCK = 64 };

static void load_block(float f[BLOCK], int32_t float_type, const uint8_t *x, size_t n)
{
    uint16_t half[BLOCK];
    if (float_type == PARSEAL_FLOAT32) {
        memcpy(f, x, 4 * n);
        return;
    }
    memcpy(half, x, 2 * n);
    if (float_type == PARSEAL_BFLOAT16)
        for (size_t i = 0; i < n; i++)
            f[i] = bits_to_float((uint32_t)half[i] << 16);
    else
        for (size_t i = 0; i < n; i++)
            f[i] = float16_to_float(half[i]);
}

/* Steps 1 to 3 of the format: u in place of x. Returns how many x are not finite. */
static uint32_t scale_block(float x[BLOCK], const quant_params *params, float top, size_t n)
{
    const float clip = params->clip, scale = params->scale;
    uint32_t nonfinite = 0;
    for (size_t i = 0; i < n; i++) {
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

/* Step 4. floor(f * 2^32) is taken in two halves, each of them exact. */
static void round_stochastic(uint32_t q[BLOCK], const float u[BLOCK], const uint32_t *random,
                             uint32_t max, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t k = (int32_t)u[i];
        const float f = (u[i] - (float)k) * 0x1p16f;
        const int32_t high = (int32_t)f;
        const int32_t low = (int32_t)((f - (float)high) * 0x1p16f);
        const uint32_t f32 = (uint32_t)high << 16 | (uint32_t)low;
        const uint32_t rounded = (uint32_t)k + (f32 > load_le32(random + i));
        q[i] = choose(rounded < max, rounded, max);
    }
}

static void round_nearest(uint32_t q[BLOCK], const float u[BLOCK], uint32_t max, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t k = (int32_t)u[i];
        const uint32_t rounded = (uint32_t)k + (u[i] - (float)k >= 0.5f);
        q[i] = choose(rounded < max, rounded, max);
    }
}

static void store_block(uint8_t *to, const uint32_t q[BLOCK], uint32_t element_size, size_t n)
{
    if (element_size == 4)
        for (size_t i = 0; i < n; i++)
            store_le32(to + 4 * i, q[i]);
    else
        for (size_t i = 0; i < n; i++)
            store_le64(to + 8 * i, q[i]);
}

static uint64_t quantize(const quant_params *params, const void *x, const uint32_t *random, void *q,
                         size_t count)
{
    const uint32_t max = (UINT32_C(1) << params->bits) - 1;
    const size_t float_size = params->float_type == PARSEAL_FLOAT32 ? 4 : 2;
    const uint8_t *in = x;
    uint8_t *out = q;
    uint64_t nonfinite = 0;
    float u[BLOCK];
    uint32_t integers[BLOCK];

    for (size_t done = 0; done < count; done += BLOCK) {
        const size_t n = count - done < BLOCK ? count - done : BLOCK;
        load_block(u, params->float_type, in + float_size * done, n);
        nonfinite += scale_block(u, params, (float)(int32_t)max, n);
        if (random != NULL)
            round_stochastic(integers, u, random + done, max, n);
        else
            round_nearest(integers, u, max, n);
        store_block(out + params->element_size * done, integers, params->element_size, n);
    }
    return nonfinite;
}

/* Rounded once, in the sum: the halves are exact. */
static inline double to_double(uint64_t x)
{
    return (double)(int64_t)(x >> 32) * 0x1p32 + (double)(int64_t)(x & UINT32_MAX);
}

static void dequantize(const dequant_params *params, const void *sum, float *mean, size_t count)
{
    const uint8_t *p = sum;
    for (size_t i = 0; i < count; i++) {
        const uint64_t s = params->element_size == 4 ? load_le32(p + 4 * i) : load_le64(p + 8 * i);
        mean[i] = (float)(to_double(s) * params->step / params->n_clients - params->clip);
    }
}

const quant_impl quant_portable = {
    .name = "portable", .quantize = quantize, .dequantize = dequantize};
