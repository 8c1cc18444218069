/* Arithmetic mod m, 2 <= m <= 2^64, without division and without branches on values. */
#ifndef PARSEAL_KERNELS_RING_H
#define PARSEAL_KERNELS_RING_H

#include "kernels/common/launch.h"

/* x mod m for any x (Barrett): the quotient is short by at most one. */
FN u64 ring_reduce(ring_params r, u64 x)
{
    const u64 rest = x - mul_hi64(x, r.reciprocal) * r.modulus;
    const u64 reduced = rest - (r.modulus & mask64(rest >= r.modulus));
    return r.power_of_two ? x & r.low_bits : reduced;
}

/* a + b mod m for a in [0, m), b in [0, m], m not a power of two */
FN u64 ring_add(ring_params r, u64 a, u64 b)
{
    const u64 sum = a + b;
    return sum - (r.modulus & mask64(sum < a || sum >= r.modulus));
}

FN u32 ring_add32(u32 modulus, u32 a, u32 b)
{
    const u32 sum = a + b;
    return sum - (modulus & mask32(sum < a || sum >= modulus));
}

/* carries 2^64 + x mod m, for carries < 16 and m not a power of two */
FN u64 ring_reduce_wide(ring_params r, u64 carries, u64 x)
{
    u64 power = ring_add(r, ring_reduce(r, ~(u64)0), 1); /* 2^64 mod m, doubled each time */
    u64 sum = ring_reduce(r, x);
    for (int i = 0; i < 4; i++) {
        sum = ring_add(r, sum, power & mask64(carries >> i & 1));
        power = ring_add(r, power, power);
    }
    return sum;
}

#endif
