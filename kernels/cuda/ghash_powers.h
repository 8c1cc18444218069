/* Powers of H, made from those that a key is expanded to. Constant time: exponents and branches
 * depend on lengths only. */
#ifndef PARSEAL_KERNELS_CUDA_GHASH_POWERS_H
#define PARSEAL_KERNELS_CUDA_GHASH_POWERS_H

#include "kernels/cuda/aead_memory.h"

/* y = y H^exponent. */
FN void ghash_raise(u32 y[4], const aead_key *key, u64 exponent)
{
    NO_UNROLL
    for (u32 k = 0; exponent != 0; k++, exponent >>= 1) {
        u32 power[4];
        if ((exponent & 1) == 0)
            continue;
        words_of(power, load_words(key->square[k]));
        ghash_multiply(y, power);
    }
}

/* XORs y over the warp's lanes whose numbers differ in bits `first`, 2 first, ... 16 only. */
FN void ghash_add_lanes(u32 y[4], u32 first)
{
    UNROLL
    for (u32 by = first; by < LANES; by *= 2) {
        UNROLL
        for (u32 k = 0; k < 4; k++)
            y[k] ^= warp_shuffle_xor(y[k], by);
    }
}

/* Turns a block into a number, or a number into a block. */
FN void ghash_number(u32 x[4], uint4 block)
{
    u32 words[4];
    words_of(words, block);
    ghash_turn(x, words);
}

FN uint4 ghash_block(const u32 x[4])
{
    u32 words[4];
    ghash_turn(words, x);
    return vector_of(words);
}

#endif
