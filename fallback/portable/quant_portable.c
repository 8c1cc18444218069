/* Quantisation (format 4.6). Every step rounds to float32 once: this file is compiled without
 * contraction, and results are assigned to float variables, so that a host which computes in double
 * gives the same bytes (double rounding of one float32 operation is exact: 53 >= 2 * 24 + 2).
 * Constant time: choices are masks, and conversions are signed, as those are single instructions.
 */
#include <float.h>
#include <math.h>

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

static inline float load_float(int32_t float_type, const void *x, size_t i)
{
    const uint8_t *p = x;
    uint16_t half;
    float f;
    if (float_type == PARSEAL_FLOAT32) {
        memcpy(&f, p + 4 * i, sizeof f);
        return f;
    }
    memcpy(&half, p + 2 * i, sizeof half);
    return float_type == PARSEAL_BFLOAT16 ? bits_to_float((uint32_t)half << 16)
                                          : float16_to_float(half);
}

static inline uint32_t quantize_one(float x, const quant_params *params, float top, bool nearest,
                                    uint32_t random)
{
    x = choose_float(x > -params->clip, x, -params->clip);
    x = choose_float(x < params->clip, x, params->clip);
    const float shifted = x + params->clip;
    const float scaled = shifted * params->scale;
    const float u = choose_float(scaled < top, scaled, top);
    const int32_t k = (int32_t)u;
    const float f = u - (float)k;
    const int64_t f32 = (int64_t)(f * 0x1p32f);
    const uint32_t up = nearest ? f >= 0.5f : f32 > (int64_t)random;
    const uint32_t q = (uint32_t)k + up, max = (uint32_t)(int32_t)top;
    return choose(q < max, q, max);
}

static uint64_t quantize(const quant_params *params, const void *x, const uint32_t *random, void *q,
                         size_t count)
{
    const float top = (float)((UINT32_C(1) << params->bits) - 1);
    uint64_t nonfinite = 0;
    uint8_t *out = q;

    for (size_t i = 0; i < count; i++) {
        const float f = load_float(params->float_type, x, i);
        const bool finite = fabsf(f) <= FLT_MAX;
        nonfinite += !finite;
        const uint32_t value =
            quantize_one(choose_float(finite, f, 0.0f), params, top, random == NULL,
                         random == NULL ? 0 : load_le32(random + i));
        if (params->element_size == 4)
            store_le32(out + 4 * i, value);
        else
            store_le64(out + 8 * i, value);
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
