/* GHASH's arithmetic (SP 800-38D section 6.3) by carry-less multiplications of 64 bits.
 *
 * A block is the number that kernels/common/ghash.h makes of it, in two words. As there, the
 * product of two numbers without carries is that of the polynomials after one more shift to the
 * left. Products of many blocks are added up before they are reduced. Constant time: there is
 * neither a table nor a branch. */
#ifndef PARSEAL_KERNELS_CUDA_GHASH_CLMAD_H
#define PARSEAL_KERNELS_CUDA_GHASH_CLMAD_H

#include "kernels/cuda/ghash_powers.h"
#include "kernels/kernels.h"

typedef struct {
    u64 low, high;
} clmad_number;

/* A sum of products, not yet reduced. */
typedef struct {
    u64 part[4];
} clmad_sum;

FN u64 pair_of(u32 low, u32 high)
{
    return (u64)high << 32 | low;
}

/* Takes the words of ghash.h. */
FN clmad_number clmad_of_words(uint4 w)
{
    const clmad_number x = {pair_of(w.x, w.y), pair_of(w.z, w.w)};
    return x;
}

FN uint4 clmad_words(clmad_number x)
{
    const uint4 w = {(u32)x.low, (u32)(x.low >> 32), (u32)x.high, (u32)(x.high >> 32)};
    return w;
}

FN u32 swap_bytes(u32 x)
{
    return byte_permute(x, 0, 0x0123);
}

FN clmad_number clmad_of_block(uint4 b)
{
    const clmad_number x = {pair_of(swap_bytes(b.w), swap_bytes(b.z)),
                            pair_of(swap_bytes(b.y), swap_bytes(b.x))};
    return x;
}

FN clmad_number clmad_xor(clmad_number a, clmad_number b)
{
    const clmad_number x = {a.low ^ b.low, a.high ^ b.high};
    return x;
}

FN void clmad_zero(clmad_sum *sum)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        sum->part[i] = 0;
}

/* sum += a b. */
FN void clmad_add(clmad_sum *sum, clmad_number a, clmad_number b)
{
    u64 *p = sum->part;
    p[0] = clmad_low(a.low, b.low, p[0]);
    p[1] = clmad_high(a.low, b.low, p[1]);
    p[1] = clmad_low(a.high, b.low, p[1]);
    p[1] = clmad_low(a.low, b.high, p[1]);
    p[2] = clmad_high(a.high, b.low, p[2]);
    p[2] = clmad_high(a.low, b.high, p[2]);
    p[2] = clmad_low(a.high, b.high, p[2]);
    p[3] = clmad_high(a.high, b.high, p[3]);
}

/* Returns sum mod x^128 + x^7 + x^2 + x + 1. The lower half holds the powers from x^128 on; a word
 * of it, times x^63 + x^62 + x^57 as this order of bits has it, and itself, goes two words up. */
FN clmad_number clmad_reduce(const clmad_sum *sum)
{
    const u64 *p = sum->part, fold = U64C(0xc200000000000000);
    const u64 v0 = p[0] << 1, v1 = p[1] << 1 | p[0] >> 63;
    const u64 v2 = p[2] << 1 | p[1] >> 63, v3 = p[3] << 1 | p[2] >> 63;
    const u64 next = clmad_low(v0, fold, v1);
    clmad_number y;
    y.low = clmad_low(next, fold, clmad_high(v0, fold, v2 ^ v0));
    y.high = clmad_high(next, fold, v3 ^ next);
    return y;
}

FN clmad_number clmad_multiply(clmad_number a, clmad_number b)
{
    clmad_sum sum;
    clmad_zero(&sum);
    clmad_add(&sum, a, b);
    return clmad_reduce(&sum);
}

/* A key's powers for rows of 32 blocks: row[k] is H^(32 (k + 1)). */
typedef struct {
    u32 row[GHASH_ROWS][4];
} ghash_rows;

#endif
