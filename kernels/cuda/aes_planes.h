/* AES (FIPS 197) of one block without tables, for what is needed once a key or once a message.
 *
 * Plane b of eight holds bit b of the block's bytes: byte i (row i mod 4, column i / 4) is bit i.
 * Bits 16 to 31 repeat bits 0 to 15, so that rotating a plane rotates its columns. SubBytes is the
 * circuit of kernels/common/aes.h.
 *
 * Constant time: no table, no branch or address that depends on key or data.
 */
#ifndef PARSEAL_KERNELS_CUDA_AES_PLANES_H
#define PARSEAL_KERNELS_CUDA_AES_PLANES_H

#include "kernels/common/aes.h"

/* Returns bit b of a word's four bytes as four neighbouring bits. One multiplication moves them, as
 * no two products of bits meet. */
FN u32 planes_nibble(u32 word, u32 b)
{
    return ((word >> b) & 0x01010101) * 0x01020408 >> 24 & 0xf;
}

/* x ^= a block or a round key, given as little-endian words. */
FN void planes_add(u32 x[8], uint4 v)
{
    UNROLL
    for (u32 b = 0; b < 8; b++) {
        const u32 plane = planes_nibble(v.x, b) | planes_nibble(v.y, b) << 4 |
                          planes_nibble(v.z, b) << 8 | planes_nibble(v.w, b) << 12;
        x[b] ^= plane * 0x10001;
    }
}

FN u32 planes_word(const u32 x[8], u32 word)
{
    u32 result = 0;
    UNROLL
    for (u32 b = 0; b < 8; b++)
        result |= ((x[b] >> (4 * word) & 0xf) * 0x00204081 & 0x01010101) << b;
    return result;
}

FN u32 planes_rotate(u32 plane, u32 bits)
{
    return plane >> bits | plane << (32 - bits);
}

/* In row r column c gets the byte of column c + r. */
FN void planes_shift_rows(u32 x[8])
{
    UNROLL
    for (u32 b = 0; b < 8; b++)
        x[b] = (x[b] & 0x11111111) | (planes_rotate(x[b], 4) & 0x22222222) |
               (planes_rotate(x[b], 8) & 0x44444444) | (planes_rotate(x[b], 12) & 0x88888888);
}

/* In every column, row r gets the byte of row r + 1 (next), or of row r + 2 (second). */
FN u32 planes_next_row(u32 plane)
{
    return (plane >> 1 & 0x77777777) | (plane << 3 & 0x88888888);
}

FN u32 planes_second_row(u32 plane)
{
    return (plane >> 2 & 0x33333333) | (plane << 2 & 0xcccccccc);
}

/* byte ^= all of its column ^ 2 (byte ^ the next row's). */
FN void planes_mix_columns(u32 x[8])
{
    u32 pair[8];
    UNROLL
    for (u32 b = 0; b < 8; b++)
        pair[b] = x[b] ^ planes_next_row(x[b]);
    UNROLL
    for (u32 b = 0; b < 8; b++) {
        const u32 all = pair[b] ^ planes_second_row(pair[b]);
        const u32 twice =
            (b > 0 ? pair[b - 1] : 0) ^ (b == 0 || b == 1 || b == 3 || b == 4 ? pair[7] : 0);
        x[b] ^= all ^ twice;
    }
}

/* Returns E(block) as words. */
FN uint4 planes_encrypt(const aead_key *key, uint4 block)
{
    const u32 rounds = key->rounds;
    u32 x[8];
    UNROLL
    for (u32 b = 0; b < 8; b++)
        x[b] = 0;
    planes_add(x, block);
    planes_add(x, load_words(key->round_key[0]));
    NO_UNROLL
    for (u32 r = 1; r <= rounds; r++) {
        aes_sbox(x);
        planes_shift_rows(x);
        if (r < rounds)
            planes_mix_columns(x);
        planes_add(x, load_words(key->round_key[r]));
    }
    const uint4 v = {planes_word(x, 0), planes_word(x, 1), planes_word(x, 2), planes_word(x, 3)};
    return v;
}

/* Puts a word's four bytes through the S-box. */
FN u32 planes_sub_word(u32 word)
{
    u32 x[8];
    UNROLL
    for (u32 b = 0; b < 8; b++)
        x[b] = planes_nibble(word, b);
    aes_sbox(x);
    return planes_word(x, 0);
}

FN void store_words(u32 *to, const u32 from[4])
{
    *(uint4 *)to = vector_of(from);
}

/* Expands a key by FIPS 197 section 5.2, with words read little-endian. All of w's indices are
 * constants, so that w stays in registers. `raw` may be where the round keys go. */
template <u32 words> FN void planes_expand(u32 (*round_key)[4], const u8 *raw)
{
    u32 w[words], rcon = 1;
    UNROLL
    for (u32 k = 0; k < words; k++)
        w[k] = (u32)raw[4 * k] | (u32)raw[4 * k + 1] << 8 | (u32)raw[4 * k + 2] << 16 |
               (u32)raw[4 * k + 3] << 24;
    NO_UNROLL
    for (u32 at = 0; at < words + 7; at += words / 4) {
        store_words(round_key[at], w);
        if (words == 8 && at + 1 < words + 7)
            store_words(round_key[at + 1], w + words - 4);
        const u32 last = w[words - 1];
        w[0] ^= planes_sub_word(last >> 8 | last << 24) ^ rcon;
        rcon = (rcon << 1) ^ (rcon >> 7) * 0x11b;
        UNROLL
        for (u32 k = 1; k < words; k++)
            w[k] ^= words == 8 && k == 4 ? planes_sub_word(w[3]) : w[k - 1];
    }
}

#endif
