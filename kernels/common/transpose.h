/* Transposes a 32 x 32 bit matrix in place: bit j of word i becomes bit i of word j. The steps swap
 * ever smaller squares, so there is no branch or address that depends on the bits. */
#ifndef PARSEAL_KERNELS_TRANSPOSE_H
#define PARSEAL_KERNELS_TRANSPOSE_H

#include "kernels/common/target.h"

/* Bit i + by of word k and bit i of word k + by change places, for each i in the mask. */
#define TRANSPOSE_SWAP(a, k, by, mask)                              \
    do {                                                            \
        const u32 both = ((a)[k] >> (by) ^ (a)[(k) + (by)]) & mask; \
        (a)[(k) + (by)] ^= both;                                    \
        (a)[k] ^= both << (by);                                     \
    } while (0)

FN void transpose32(u32 a[32])
{
    UNROLL
    for (int k = 0; k < 16; k++)
        TRANSPOSE_SWAP(a, k, 16, 0x0000ffffu);
    UNROLL
    for (int k = 0; k < 16; k++)
        TRANSPOSE_SWAP(a, (k & 7) + 2 * (k & 8), 8, 0x00ff00ffu);
    UNROLL
    for (int k = 0; k < 16; k++)
        TRANSPOSE_SWAP(a, (k & 3) + 2 * (k & 12), 4, 0x0f0f0f0fu);
    UNROLL
    for (int k = 0; k < 16; k++)
        TRANSPOSE_SWAP(a, (k & 1) + 2 * (k & 14), 2, 0x33333333u);
    UNROLL
    for (int k = 0; k < 16; k++)
        TRANSPOSE_SWAP(a, 2 * k, 1, 0x55555555u);
}

#endif
