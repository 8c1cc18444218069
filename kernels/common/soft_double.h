/* IEEE 754 double arithmetic in integers, rounded to nearest, for devices without doubles. It is as
 * much as dequantising needs: numbers are bit patterns, zero or normal, and only a difference may
 * be negative. */
#ifndef PARSEAL_KERNELS_SOFT_DOUBLE_H
#define PARSEAL_KERNELS_SOFT_DOUBLE_H

#include "kernels/common/target.h"

/* soft_mantissa returns a mantissa's 53 bits, soft_exponent the exponent of the first of them. */
FN u64 soft_mantissa(u64 x)
{
    return (x & U64C(0xfffffffffffff)) | (u64)1 << 52;
}

FN i32 soft_exponent(u64 x)
{
    return (i32)(x >> 52 & 0x7ff) - 1023;
}

/* Rounds m 2^(exponent - 63), where m's first bit is bit 63. With inexact set something below 1 is
 * to be added to m. */
FN u64 soft_round(u64 m, i32 exponent, u32 inexact)
{
    const u64 rest = m & 0x7ff, kept = m >> 11;
    const u64 up = rest > 0x400 || (rest == 0x400 && (inexact || (kept & 1)));
    /* A carry out of the mantissa makes the exponent one more, as it should. */
    return ((u64)(exponent + 1022) << 52) + kept + up;
}

FN u64 soft_from_u64(u64 x)
{
    const u32 zeros = clz64(x | 1);
    return x == 0 ? 0 : soft_round(x << zeros, 63 - (i32)zeros, 0);
}

FN u64 soft_multiply(u64 a, u64 b)
{
    const u64 x = soft_mantissa(a) << 11, y = soft_mantissa(b) << 11;
    const u64 low = x * y, high = mul_hi64(x, y);
    const u32 zeros = (u32)(high >> 63) ^ 1;
    const u64 m = zeros ? high << 1 | low >> 63 : high;
    const u64 product = soft_round(m, soft_exponent(a) + soft_exponent(b) + 1 - (i32)zeros,
                                   (zeros ? low << 1 : low) != 0);
    return a == 0 || b == 0 ? 0 : product;
}

FN u64 soft_divide(u64 a, u64 b)
{
    const u64 divisor = soft_mantissa(b);
    const u32 less = soft_mantissa(a) < divisor;
    u64 rest = soft_mantissa(a) << less, quotient = 0;
    for (int i = 0; i < 64; i++) {
        const u64 bit = rest >= divisor;
        quotient = quotient << 1 | bit;
        rest = (rest - (divisor & mask64(bit))) << 1;
    }
    const i32 exponent = soft_exponent(a) - soft_exponent(b) - (i32)less;
    return a == 0 ? 0 : soft_round(quotient, exponent, rest != 0);
}

/* The sign is bit 63. */
FN u64 soft_subtract(u64 a, u64 b)
{
    const u64 negative = a < b, large = negative ? b : a, small = negative ? a : b;
    const i32 exponent = soft_exponent(large), apart = exponent - soft_exponent(small);
    const u64 minuend = soft_mantissa(large) << 10;
    const u64 whole = small == 0 ? 0 : soft_mantissa(small) << 10;
    const u64 subtrahend = apart > 63 ? 0 : whole >> apart;
    const u32 inexact = apart > 63 ? whole != 0 : subtrahend << apart != whole;
    const u64 difference = minuend - subtrahend - inexact;
    const u32 zeros = clz64(difference | 1);
    const u64 rounded = soft_round(difference << zeros, exponent + 1 - (i32)zeros, inexact);
    return a == b ? 0 : rounded | negative << 63;
}

/* Returns the bits of the nearest float, which may be subnormal or infinite. */
FN u32 soft_to_float(u64 x)
{
    const u32 sign = (u32)(x >> 63) << 31;
    const i32 exponent = soft_exponent(x);
    const i32 below = exponent < -126 ? -126 - exponent : 0;
    const u32 shift = below > 34 ? 63 : 29 + (u32)below;
    const u64 m = soft_mantissa(x), kept = m >> shift, rest = m & (((u64)1 << shift) - 1);
    const u64 halfway = (u64)1 << (shift - 1);
    const u32 up = rest > halfway || (rest == halfway && (kept & 1));
    const u32 first = below > 0 ? 0 : (u32)(exponent + 126) << 23;
    if ((x & ~((u64)1 << 63)) == 0)
        return sign;
    return sign | (exponent > 127 ? (u32)0x7f800000 : first + (u32)kept + up);
}

#endif
