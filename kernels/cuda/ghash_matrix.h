/* Multiplication by a power of H as a matrix over GF(2), laid out as mma.m16n8k256 wants its A.
 *
 * Bits are those of a block's four little-endian words: number 32 w + b is bit b of word w, for the
 * factor and for the product, so that data is multiplied as it is loaded. A warp's 32 lanes have a
 * block each; column c of B are the lanes 4 c + t, t = 0 ... 3. Step 0 takes words 0 and 1 of all
 * lanes, step 1 words 2 and 3. Word w of lane t meets the columns of H^e(t), where e(t) = 4 - t,
 * and 32 more for each row of 32 blocks that follows in the group of GHASH_SETS rows: a set is the
 * matrix of one such row, eight tiles of 16 rows for each of the steps.
 *
 * Tile m's rows g and g + 8 are the product's bits 16 g + 2 m and 16 g + 2 m + 1: what lane (g, t)
 * has of a column in all tiles are 16 neighbours.
 *
 * After the sets comes H^(32 GHASH_SETS) by itself, for Horner's method from group to group: the
 * product so far, word t of it in lane t of each column, takes the place of words 0 of step 0, and
 * zeros that of words 1, so that half of A is enough.
 */
#ifndef PARSEAL_KERNELS_CUDA_GHASH_MATRIX_H
#define PARSEAL_KERNELS_CUDA_GHASH_MATRIX_H

#include "kernels/kernels.h"
#include "kernels/cuda/device.h"

enum {
    MATRIX_TILES = 8,
    SET_FRAGMENTS = 2 * MATRIX_TILES * 32,        /* of 16 bytes: a lane's part of a tile */
    HORNER_FRAGMENT = GHASH_SETS * SET_FRAGMENTS, /* the first of the last matrix */
    MATRIX_FRAGMENTS = HORNER_FRAGMENT + MATRIX_TILES / 2 * 32,
    GROUP_BLOCKS_LOG2 = 8, /* H^(2^8) = H^(32 GHASH_SETS) */
    SET_TASKS = 4 * 4 * 4, /* lane t, word of the factor, word of the product */
    MATRIX_TASKS = GHASH_SETS * SET_TASKS + 4 * 4
};

/* Word `half` (0: row g, 1: row g + 8) of word `w` of lane t's in A, for a product's bit. */
FN u32 matrix_index(u32 set, u32 w, u32 t, u32 bit)
{
    const u32 g = bit / 16, tile = bit / 2 % MATRIX_TILES, half = bit % 2;
    return 4 * (set * SET_FRAGMENTS + (w / 2 * MATRIX_TILES + tile) * 32 + 4 * g + t) +
           2 * (w % 2) + half;
}

/* The same of the last matrix, where two tiles share a lane's 16 bytes. */
FN u32 horner_index(u32 w, u32 bit)
{
    const u32 g = bit / 16, tile = bit / 2 % MATRIX_TILES, half = bit % 2;
    return 4 * (HORNER_FRAGMENT + tile / 2 * 32 + 4 * g + w) + 2 * (tile % 2) + half;
}

#endif
