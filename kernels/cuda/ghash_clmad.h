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

/* A key's powers for rows of 32 blocks: at[k] is H^(32 k). */
typedef struct {
    u32 at[GHASH_ROWS + 1][4];
} ghash_rows;

FN clmad_number row_power(const u32 (*row)[4])
{
    return clmad_of_words(load_words(*row));
}

/* Weighs the lanes' sums with a power of H each, H to 32 where `power` is 31, adds them up and
 * stores the hash of a tile. All lanes take part. */
FN void store_tile_hash(u32 *hash, clmad_number sum, const aead_key *key, u32 power)
{
    const clmad_number weight = clmad_of_words(load_words(key->power[power]));
    u32 y[4];
    words_of(y, clmad_words(clmad_multiply(sum, weight)));
    ghash_add_lanes(y, 1);
    if (lane_id() == 0)
        *(uint4 *)hash = vector_of(y);
}

/* ------------------------------------------------------------------------------------- tiles -- */

/* Returns block b of an aligned tile, which may be its last. */
FN uint4 aligned_block(const hash_tile *t, i32 b)
{
    const u32 offset = BLOCK * (u32)b, left = t->size - offset;
    if (left >= BLOCK)
        return load_streaming(t->from + offset);
    return load_bytes(t->from + offset, left);
}

/* Returns the lane's sum after eight rows, of which block b is the lane's in the first. A tile can
 * lack blocks in its first row only, and a part of one in its last. So a block of a row between
 * these has whole ones before and behind it. */
template <bool aligned>
FN clmad_number after_rows(clmad_number y, const clmad_number power[GHASH_ROWS], const hash_tile *t,
                           i32 b)
{
    const u8 *second = t->from + BLOCK * (u32)(b + LANES); /* the lane's block in the second row */
    const uint4 zero = {0, 0, 0, 0};
    uint4 block[GHASH_ROWS];
    clmad_sum sum;
    block[0] = b < 0 ? zero : aligned ? load_streaming(second - BLOCK * LANES) : tile_block(t, b);
    UNROLL
    for (u32 k = 1; k < GHASH_ROWS - 1; k++) {
        const u8 *p = second + BLOCK * LANES * (k - 1);
        block[k] = aligned ? load_streaming(p) : load_across(p);
    }
    b += LANES * (GHASH_ROWS - 1);
    block[GHASH_ROWS - 1] = aligned ? aligned_block(t, b) : tile_block(t, b);
    clmad_zero(&sum);
    clmad_add(&sum, y, power[GHASH_ROWS - 1]);
    UNROLL
    for (u32 k = 0; k < GHASH_ROWS - 1; k++)
        clmad_add(&sum, clmad_of_block(block[k]), power[GHASH_ROWS - 2 - k]);
    return clmad_xor(clmad_reduce(&sum), clmad_of_block(block[GHASH_ROWS - 1]));
}

/* Returns the lane's sum over a tile. Lane l has blocks l, l + 32, ..., as if zeros before the tile
 * made their number a multiple of 32. Eight of them, a ... h, take its sum y to
 * y H^256 + a H^224 + ... + g H^32 + h, with one reduction for the eight products; the first rows,
 * when there are not eight of them, go row by row. */
FN clmad_number lane_sum(const hash_tile *t, const ghash_rows *powers)
{
    const i32 blocks = (i32)blocks_of(t->size), rows = (blocks + LANES - 1) / LANES;
    const i32 first = blocks - LANES * rows + (i32)lane_id(); /* the lane's block in row 0 */
    const i32 alone = rows % GHASH_ROWS;
    const u32 aligned = is_aligned(t->from);
    clmad_number power[GHASH_ROWS], y = {0, 0};
    UNROLL
    for (u32 k = 0; k < GHASH_ROWS; k++)
        power[k] = row_power(powers->at + 1 + k);
    NO_UNROLL
    for (i32 row = 0; row < alone; row++)
        y = clmad_xor(clmad_multiply(y, power[0]),
                      clmad_of_block(tile_block(t, first + LANES * row)));
    NO_UNROLL
    for (i32 row = alone; aligned && row < rows; row += GHASH_ROWS)
        y = after_rows<true>(y, power, t, first + LANES * row);
    NO_UNROLL
    for (i32 row = alone; !aligned && row < rows; row += GHASH_ROWS)
        y = after_rows<false>(y, power, t, first + LANES * row);
    return y;
}

#endif
