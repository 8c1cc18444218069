/* The kernels of AES-GCM share this: blocks of messages in memory, and the keystream, bitsliced. */
#ifndef PARSEAL_KERNELS_OPENCL_AEAD_BLOCKS_H
#define PARSEAL_KERNELS_OPENCL_AEAD_BLOCKS_H

#include "kernels/common/aes.h"
#include "kernels/common/ghash.h"

#define KERNEL __kernel __attribute__((reqd_work_group_size(64, 1, 1)))

enum { ITEM_UNSET = 0, ITEM_OK = 1, ITEM_BAD_TAG = 2, BLOCK = 16 };

/* Returns how many of a word's four bytes a block of `size` bytes has. */
FN uint bytes_of_word(ulong size, uint word)
{
    return size <= 4 * word ? 0 : (uint)min(size - 4 * word, (ulong)4);
}

/* w = a block of which `size` bytes are there, as four little-endian words, with zeros after them.
 * Once unrolled, all indices are constants, so that w may be part of a state in registers. */
FN void load_block(u32 w[4], GLOBAL const uchar *p, ulong size)
{
    if (size >= BLOCK && ((ulong)p & 3) == 0) {
        /* vload4 would promise 4-byte alignment only, and may become four loads. */
        const uint4 v =
            ((ulong)p & 15) == 0 ? *(GLOBAL const uint4 *)p : vload4(0, (GLOBAL const u32 *)p);
        w[0] = v.x;
        w[1] = v.y;
        w[2] = v.z;
        w[3] = v.w;
        return;
    }
    UNROLL
    for (uint i = 0; i < 4; i++) {
        const uint n = bytes_of_word(size, i);
        w[i] = 0;
        UNROLL
        for (uint b = 0; b < 4; b++)
            if (b < n)
                w[i] |= (u32)p[4 * i + b] << (8 * b);
    }
}

FN void load_nonce(u32 w[3], GLOBAL const uchar *nonces, ulong at, ulong message)
{
    u32 block[4];
    load_block(block, nonces + at + 12 * message, 12);
    w[0] = block[0];
    w[1] = block[1];
    w[2] = block[2];
}

/* s = the keystream of 32 counters that are `step` apart: word w of block j is s[32 w + j]. */
FN void keystream(u32 s[128], GLOBAL const aead_key *key, const u32 nonce[3], u32 counter, u32 step)
{
    UNROLL
    for (int w = 0; w < 3; w++) {
        UNROLL
        for (int b = 0; b < 32; b++)
            s[32 * w + b] = mask32(nonce[w] >> b & 1);
    }
    UNROLL
    for (int j = 0; j < 32; j++)
        s[96 + j] = ghash_swap_bytes(counter + step * (u32)j);
    transpose32(s + 96);
    aes_encrypt(s, key);
    UNROLL
    for (int w = 0; w < 4; w++)
        transpose32(s + 32 * w);
}

#endif
