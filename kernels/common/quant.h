/* Quantisation, format 4.6, one element at a time. Every operation on floats rounds once: files
 * that include this are compiled without contraction. Constant time: choices are masks. */
#ifndef PARSEAL_KERNELS_QUANT_H
#define PARSEAL_KERNELS_QUANT_H

#include "kernels/common/target.h"

enum { QUANT_FLOAT32 = 1, QUANT_BFLOAT16 = 2, QUANT_FLOAT16 = 3 };

#if defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__)
FN float float_of(u32 bits)
{
    return as_float(bits);
}

FN u32 bits_of(float x)
{
    return as_uint(x);
}
#elif defined(__CUDACC__)
FN float float_of(u32 bits)
{
    return __uint_as_float(bits);
}

FN u32 bits_of(float x)
{
    return __float_as_uint(x);
}
#else
FN float float_of(u32 bits)
{
    union {
        u32 bits;
        float x;
    } both = {bits};
    return both.x;
}

FN u32 bits_of(float x)
{
    union {
        float x;
        u32 bits;
    } both = {x};
    return both.bits;
}
#endif

FN float choose_float(u32 condition, float a, float b)
{
    const u32 mask = mask32(condition);
    return float_of((bits_of(a) & mask) | (bits_of(b) & ~mask));
}

/* Converts exactly, and makes no subnormal float32 on the way: a device may flush those to zero. */
FN float float16_value(u32 h)
{
    const u32 sign = (h & 0x8000) << 16, magnitude = h & 0x7fff;
    const float subnormal = (float)(i32)magnitude * 5.9604644775390625e-8f; /* 2^-24 */
    const float normal = float_of((magnitude << 13) + ((u32)112 << 23));
    const float special = float_of(magnitude << 13 | 0x7f800000);
    const float finite = choose_float(magnitude < 0x0400, subnormal, normal);
    return float_of(bits_of(choose_float(magnitude < 0x7c00, finite, special)) | sign);
}

FN u32 is_special(float x)
{
    return (bits_of(x) & 0x7f800000) == 0x7f800000;
}

/* Does steps 1 to 3 and returns u; top = 2^b - 1. */
FN float quant_scale(float x, float clip, float scale, float top)
{
    float f = choose_float(is_special(x), 0.0f, x);
    f = choose_float(f > -clip, f, -clip);
    f = choose_float(f < clip, f, clip);
    const float shifted = f + clip;
    const float scaled = shifted * scale;
    return choose_float(scaled < top, scaled, top);
}

FN u32 quant_cap(u32 q, u32 max)
{
    const u32 mask = mask32(q < max);
    return (q & mask) | (max & ~mask);
}

/* Does step 4. floor(f * 2^32) is taken in two halves, each of them exact. */
FN u32 quant_stochastic(float u, u32 random, u32 max)
{
    const i32 k = (i32)u;
    const float f = (u - (float)k) * 65536.0f;
    const i32 high = (i32)f;
    const i32 low = (i32)((f - (float)high) * 65536.0f);
    const u32 f32 = (u32)high << 16 | (u32)low;
    return quant_cap((u32)k + (u32)(f32 > random), max);
}

FN u32 quant_nearest(float u, u32 max)
{
    const i32 k = (i32)u;
    return quant_cap((u32)k + (u32)(u - (float)k >= 0.5f), max);
}

#endif
