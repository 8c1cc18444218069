/* ChaCha20's block with some of its rotations on the multiplier.
 *
 * The ALU bounds masks: of 320 exclusive ors and 320 rotations a block all are its own, while the
 * multiplier adds. x 2^12 has x's rotation by 12 in two halves. They need no OR, as what comes next
 * takes both: a sum, which a multiply-add and an addition make, and an exclusive or of three. Done
 * in the column rounds that takes 40 operations from the ALU and gives the multiplier 80; in all
 * rounds it would fill every slot of issue instead. Constant time, as multiplications are. */
#ifndef PARSEAL_KERNELS_CUDA_CHACHA20_H
#define PARSEAL_KERNELS_CUDA_CHACHA20_H

#include "kernels/cuda/ptx.h"

#define CHACHA20_COLUMN(a, b, c, d)                             \
    do {                                                        \
        a += b;                                                 \
        d = CHACHA20_ROTATE(d ^ a, 16);                         \
        c += d;                                                 \
        b ^= c;                                                 \
        const u64 chacha20_halves = multiply_wide(b, 1 << 12);  \
        const u32 chacha20_high = (u32)(chacha20_halves >> 32); \
        a = multiply_add(b, 1 << 12, a) + chacha20_high;        \
        d = CHACHA20_ROTATE(d ^ a, 8);                          \
        c += d;                                                 \
        b = ((u32)chacha20_halves | chacha20_high) ^ c;         \
        b = CHACHA20_ROTATE(b, 7);                              \
    } while (0)

#include "kernels/common/chacha20.h"

#endif
