/* Words of a little-endian run of b-bit elements, format 4.4. Constant time: branches depend on
 * positions only. */
#ifndef PARSEAL_KERNELS_PACK_H
#define PARSEAL_KERNELS_PACK_H

#include "kernels/common/target.h"

/* Returns b ones, 1 <= b <= 64. */
FN u64 pack_ones(u32 bits)
{
    return ~(u64)0 >> (64 - bits);
}

/* Moves x up by `by` bits, or down where `by` is negative; |by| < 64. */
FN u64 pack_move(u64 x, i32 by)
{
    return by >= 0 ? x << by : x >> -by;
}

/* Returns the element that begins at bit `shift` of three words. Words that it does not reach may
 * be anything. */
FN u64 pack_element(u32 word0, u32 word1, u32 word2, u32 shift, u32 bits)
{
    u64 x = ((u64)word1 << 32 | word0) >> shift;
    if (shift > 0)
        x |= (u64)word2 << (64 - shift);
    return x & pack_ones(bits);
}

/* Returns element i of those that begin at `packed`. */
FN u64 pack_load(GLOBAL const u8 *packed, u32 bits, u64 i)
{
    /* Eight elements are b bytes: counted in these, no product can overflow. */
    const u64 bit = i % 8 * bits, at = i / 8 * bits + bit / 8;
    const u32 shift = (u32)(bit % 8), bytes = (shift + bits + 7) / 8;
    u64 x = 0;
    for (u32 k = 0; k < bytes; k++)
        x |= pack_move((u64)packed[at + k], (i32)(8 * k) - (i32)shift);
    return x & pack_ones(bits);
}

#endif
