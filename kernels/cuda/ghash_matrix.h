/* Multiplication by a power of H as a matrix over GF(2), laid out as mma.m16n8k256 wants its A.
 *
 * Bits are those of a block's four little-endian words: number 32 w + b is bit b of word w, in the
 * factor and in the product, so that data is multiplied as it is loaded. A warp's 32 lanes have a
 * block each, and lanes 4 c + t, t = 0 ... 3, make column c of B. Step 0 takes words 0 and 1 of all
 * lanes, step 1 words 2 and 3.
 *
 * A set is the matrix for one row of 32 blocks in a group of GHASH_SETS rows: eight tiles of 16
 * rows for each of the steps. In it, word w of lane t meets the columns of H^e(t). Here e(t) is
 * 4 - t, and 32 more for each row that follows in the group.
 *
 * Rows g and g + 8 of tile m are the product's bits 16 g + 2 m and 16 g + 2 m + 1, so that over
 * all tiles lane (g, t) has 16 neighbouring bits of a column.
 *
 * After the sets comes H^(32 GHASH_SETS) by itself, for Horner's method from group to group. Lane t
 * of each column has word t of the product so far, which takes the place of words 0 of step 0, and
 * zeros take that of words 1: half of A is enough. Constant time: indices depend on lanes only.
 */
#ifndef PARSEAL_KERNELS_CUDA_GHASH_MATRIX_H
#define PARSEAL_KERNELS_CUDA_GHASH_MATRIX_H

#include "kernels/cuda/device.h"
#include "kernels/kernels.h"

enum {
    MATRIX_TILES = 8,
    /* A fragment is 16 bytes: a lane's part of a tile. */
    SET_FRAGMENTS = 2 * MATRIX_TILES * 32,
    HORNER_FRAGMENT = GHASH_SETS * SET_FRAGMENTS, /* the last matrix's first fragment */
    MATRIX_FRAGMENTS = HORNER_FRAGMENT + MATRIX_TILES / 2 * 32,
    GROUP_BLOCKS_LOG2 = 8, /* H^(2^8) = H^(32 GHASH_SETS) */
    SET_TASKS = 4 * 4 * 4, /* one for each lane t, word of the factor and word of the product */
    MATRIX_TASKS = GHASH_SETS * SET_TASKS + 4 * 4
};

/* Returns where A has, for bit `bit` of the product, the 32 bits that meet word w of lane t. */
FN u32 matrix_index(u32 set, u32 w, u32 t, u32 bit)
{
    const u32 g = bit / 16, tile = bit / 2 % MATRIX_TILES, half = bit % 2;
    return 4 * (set * SET_FRAGMENTS + (w / 2 * MATRIX_TILES + tile) * 32 + 4 * g + t) +
           2 * (w % 2) + half;
}

/* Returns the same for the last matrix, in which two tiles share a lane's 16 bytes. */
FN u32 horner_index(u32 w, u32 bit)
{
    const u32 g = bit / 16, tile = bit / 2 % MATRIX_TILES, half = bit % 2;
    return 4 * (HORNER_FRAGMENT + tile / 2 * 32 + 4 * g + w) + 2 * (tile % 2) + half;
}

#endif
