/* Arithmetic mod m, 2 <= m <= 2^64. Constant time: no division, no branch on values. */
#ifndef PARSEAL_KERNELS_RING_H
#define PARSEAL_KERNELS_RING_H

#include "kernels/common/launch.h"

/* x mod m for any x (Barrett). The quotient is short by at most one. */
FN u64 ring_reduce(ring_params r, u64 x)
{
    const u64 rest = x - mul_hi64(x, r.reciprocal) * r.modulus;
    const u64 reduced = rest - (r.modulus & mask64(rest >= r.modulus));
    return r.power_of_two ? x & r.low_bits : reduced;
}

/* a + b mod m for a in [0, m), b in [0, m] and m not a power of two. */
FN u64 ring_add(ring_params r, u64 a, u64 b)
{
    const u64 sum = a + b;
    return sum - (r.modulus & mask64((u64)(sum < a) | (u64)(sum >= r.modulus)));
}

FN u32 ring_add32(u32 modulus, u32 a, u32 b)
{
    const u32 sum = a + b;
    return sum - (modulus & mask32((u32)(sum < a) | (u32)(sum >= modulus)));
}

/* x mod m for x of 32 bits and m < 2^32, not a power of two. */
FN u32 ring_reduce32(ring_params r, u32 x)
{
    const u32 modulus = (u32)r.modulus, reciprocal = (u32)(r.reciprocal >> 32);
    const u32 rest = x - (u32)((u64)x * reciprocal >> 32) * modulus;
    return rest - (modulus & mask32(rest >= modulus));
}

/* ring_reduce_wide needs to know this of a ring. It is found once for many sums. */
typedef struct {
    u64 power;    /* 2^64 mod m */
    u32 quotient; /* floor(2^bits power / m) */
    u32 bits;     /* 1 to 32: carries are below 2^bits */
} ring_wide;

/* m must not be a power of two. The quotient is divided out bit by bit. */
FN void ring_wide_init(ring_wide *wide, ring_params r, u32 bits)
{
    u64 rest = 0 - r.reciprocal * r.modulus;
    wide->power = rest;
    wide->quotient = 0;
    wide->bits = bits;
    for (u32 i = 0; i < bits; i++) {
        const u64 doubled = rest << 1;
        const u32 over = (u32)(rest >> 63) | (u32)(doubled >= r.modulus);
        rest = doubled - (r.modulus & mask64(over));
        wide->quotient = wide->quotient << 1 | over;
    }
}

/* carries 2^64 + x mod m for carries < 2^bits and m not a power of two. The quotient of
 * carries (2^64 mod m) is short by at most one, so what is left may have 65 bits. */
FN u64 ring_reduce_wide(ring_params r, ring_wide wide, u32 carries, u64 x)
{
    const u32 q = (u32)((u64)carries * wide.quotient >> wide.bits);
    const u64 product = carries * wide.power, multiple = q * r.modulus;
    const u64 rest = product - multiple;
    const u64 top = mul_hi64(carries, wide.power) - mul_hi64(q, r.modulus) - (product < multiple);
    return ring_add(r, ring_reduce(r, x), rest - (r.modulus & mask64(top | (rest >= r.modulus))));
}

/* a + b mod m for any a and b. `wide` is for carries of one bit or more, and is not read where m is
 * a power of two. */
FN u64 ring_add_any(ring_params r, ring_wide wide, u64 a, u64 b)
{
    const u64 sum = a + b;
    return r.power_of_two ? sum & r.low_bits : ring_reduce_wide(r, wide, sum < a, sum);
}

#endif
