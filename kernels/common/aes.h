/* AES (FIPS 197) bitsliced over 32 blocks: word 8 i + b holds bit b of byte i, and bit j of every
 * word belongs to block j.
 *
 * So ShiftRows moves words, MixColumns and AddRoundKey are XORs of words, and SubBytes is a circuit
 * (Boyar and Peralta, "A small depth-16 circuit for the AES S-box", SEC 2012; names are theirs,
 * whose bit 0 is the most significant). Constant time: no table, no branch or address that depends
 * on key or data.
 */
#ifndef PARSEAL_KERNELS_AES_H
#define PARSEAL_KERNELS_AES_H

#include "kernels/common/launch.h"
#include "kernels/common/transpose.h"

/* x[b] holds bit b of 32 bytes. */
FN void aes_sbox(u32 *x)
{
    const u32 u0 = x[7], u1 = x[6], u2 = x[5], u3 = x[4], u4 = x[3], u5 = x[2], u6 = x[1],
              u7 = x[0];
    const u32 y14 = u3 ^ u5, y13 = u0 ^ u6, y9 = u0 ^ u3, y8 = u0 ^ u5, t0 = u1 ^ u2;
    const u32 y1 = t0 ^ u7, y4 = y1 ^ u3, y12 = y13 ^ y14, y2 = y1 ^ u0, y5 = y1 ^ u6;
    const u32 y3 = y5 ^ y8, t1 = u4 ^ y12, y15 = t1 ^ u5, y20 = t1 ^ u1, y6 = y15 ^ u7;
    const u32 y10 = y15 ^ t0, y11 = y20 ^ y9, y7 = u7 ^ y11, y17 = y10 ^ y11;
    const u32 y19 = y10 ^ y8, y16 = t0 ^ y11, y21 = y13 ^ y16, y18 = u0 ^ y16;
    /* The inversion in GF(2^8) goes by way of GF(2^4). */
    const u32 t2 = y12 & y15, t4 = (y3 & y6) ^ t2, t6 = (y4 & u7) ^ t2, t7 = y13 & y16;
    const u32 t9 = (y5 & y1) ^ t7, t11 = (y2 & y7) ^ t7, t12 = y9 & y11;
    const u32 t14 = (y14 & y17) ^ t12, t16 = (y8 & y10) ^ t12;
    const u32 t21 = t4 ^ t14 ^ y20, t22 = t6 ^ t16 ^ y19, t23 = t9 ^ t14 ^ y21;
    const u32 t24 = t11 ^ t16 ^ y18, t25 = t21 ^ t22, t26 = t21 & t23, t27 = t24 ^ t26;
    const u32 t29 = (t25 & t27) ^ t22, t30 = t23 ^ t24, t31 = t22 ^ t26;
    const u32 t33 = (t31 & t30) ^ t24, t34 = t23 ^ t33, t35 = t27 ^ t33, t36 = t24 & t35;
    const u32 t37 = t36 ^ t34, t38 = t27 ^ t36, t40 = t25 ^ (t29 & t38);
    const u32 t41 = t40 ^ t37, t42 = t29 ^ t33, t43 = t29 ^ t40, t44 = t33 ^ t37;
    const u32 t45 = t42 ^ t41;
    const u32 z0 = t44 & y15, z1 = t37 & y6, z2 = t33 & u7, z3 = t43 & y16;
    const u32 z4 = t40 & y1, z5 = t29 & y7, z6 = t42 & y11, z7 = t45 & y17;
    const u32 z8 = t41 & y10, z9 = t44 & y12, z10 = t37 & y3, z11 = t33 & y4;
    const u32 z12 = t43 & y13, z13 = t40 & y5, z14 = t29 & y2, z15 = t42 & y9;
    const u32 z16 = t45 & y14, z17 = t41 & y8;
    /* The rest goes back to the polynomial basis, and is the affine map. */
    const u32 t46 = z15 ^ z16, t47 = z10 ^ z11, t48 = z5 ^ z13, t49 = z9 ^ z10;
    const u32 t50 = z2 ^ z12, t51 = z2 ^ z5, t52 = z7 ^ z8, t53 = z0 ^ z3, t54 = z6 ^ z7;
    const u32 t55 = z16 ^ z17, t56 = z12 ^ t48, t57 = t50 ^ t53, t58 = z4 ^ t46;
    const u32 t59 = z3 ^ t54, t60 = t46 ^ t57, t61 = z14 ^ t57, t62 = t52 ^ t58;
    const u32 t63 = t49 ^ t58, t64 = z4 ^ t59, t65 = t61 ^ t62, t66 = z1 ^ t63;
    x[7] = t59 ^ t63;
    x[1] = t56 ^ ~t62;
    x[0] = t48 ^ ~t60;
    x[4] = t53 ^ t66;
    x[3] = t51 ^ t66;
    x[2] = t47 ^ t65;
    x[6] = t64 ^ ~x[4];
    x[5] = t55 ^ ~(t64 ^ t65);
}

/* Bytes a, b, c, d move by one place: a gets what b was, ..., d what a was. */
FN void aes_rotate_row(u32 *s, int a, int b, int c, int d)
{
    UNROLL
    for (int k = 0; k < 8; k++) {
        const u32 first = s[8 * a + k];
        s[8 * a + k] = s[8 * b + k];
        s[8 * b + k] = s[8 * c + k];
        s[8 * c + k] = s[8 * d + k];
        s[8 * d + k] = first;
    }
}

FN void aes_swap_bytes(u32 *s, int a, int b)
{
    UNROLL
    for (int k = 0; k < 8; k++) {
        const u32 first = s[8 * a + k];
        s[8 * a + k] = s[8 * b + k];
        s[8 * b + k] = first;
    }
}

/* Byte r + 4 c is row r of column c. */
FN void aes_shift_rows(u32 *s)
{
    aes_rotate_row(s, 1, 5, 9, 13);
    aes_swap_bytes(s, 2, 10);
    aes_swap_bytes(s, 6, 14);
    aes_rotate_row(s, 15, 11, 7, 3);
}

/* to ^= all ^ 2 (a ^ b) in GF(2^8), bit by bit. */
FN void aes_mix_byte(u32 *to, const u32 *all, const u32 *a, const u32 *b)
{
    const u32 top = a[7] ^ b[7];
    u32 before = top;
    UNROLL
    for (int k = 0; k < 8; k++) {
        const u32 next = a[k] ^ b[k];
        to[k] ^= all[k] ^ before ^ (k == 1 || k == 3 || k == 4 ? top : 0);
        before = next;
    }
}

FN void aes_mix_columns(u32 *s)
{
    UNROLL
    for (int c = 0; c < 4; c++) {
        u32 *x = s + 32 * c;
        u32 all[8], first[8];
        UNROLL
        for (int k = 0; k < 8; k++) {
            first[k] = x[k];
            all[k] = x[k] ^ x[8 + k] ^ x[16 + k] ^ x[24 + k];
        }
        aes_mix_byte(x, all, x, x + 8);
        aes_mix_byte(x + 8, all, x + 8, x + 16);
        aes_mix_byte(x + 16, all, x + 16, x + 24);
        aes_mix_byte(x + 24, all, x + 24, first);
    }
}

/* Adds one round key, four little-endian words, to all blocks. */
FN void aes_add_key(u32 *s, GLOBAL const u32 *round_key)
{
    UNROLL
    for (int i = 0; i < 128; i++)
        s[i] ^= mask32(round_key[i / 32] >> (i % 32) & 1);
}

FN void aes_sub_and_shift(u32 *s)
{
    UNROLL
    for (int i = 0; i < 16; i++)
        aes_sbox(s + 8 * i);
    aes_shift_rows(s);
}

/* Encrypts all blocks under one key. */
FN void aes_encrypt_rounds(u32 s[128], GLOBAL const u32 (*round_key)[4], u32 rounds)
{
    aes_add_key(s, round_key[0]);
    for (u32 r = 1; r < rounds; r++) {
        aes_sub_and_shift(s);
        aes_mix_columns(s);
        aes_add_key(s, round_key[r]);
    }
    aes_sub_and_shift(s);
    aes_add_key(s, round_key[rounds]);
}

FN void aes_encrypt(u32 s[128], GLOBAL const aead_key *key)
{
    aes_encrypt_rounds(s, key->round_key, key->rounds);
}

/* Puts a word's four bytes through the S-box: byte i is block i of the circuit. */
FN u32 aes_sub_word(u32 word)
{
    u32 x[8], result = 0;
    for (int b = 0; b < 8; b++) {
        x[b] = 0;
        for (int i = 0; i < 4; i++)
            x[b] |= (word >> (8 * i + b) & 1) << i;
    }
    aes_sbox(x);
    for (int b = 0; b < 8; b++)
        for (int i = 0; i < 4; i++)
            result |= (x[b] >> i & 1) << (8 * i + b);
    return result;
}

/* Expands a key by FIPS 197 section 5.2. Words are read little-endian, so RotWord is a rotation to
 * the right. */
FN void aes_expand_rounds(GLOBAL u32 (*round_key)[4], const u32 *words, u32 n_words)
{
    u32 w[8], rcon = 1;
    for (u32 i = 0; i < n_words; i++)
        w[i] = words[i];
    for (u32 i = 0; i < 4 * (n_words + 7); i++) {
        const u32 at = i % n_words;
        if (i >= n_words) {
            u32 t = w[(i - 1) % n_words];
            if (at == 0) {
                t = aes_sub_word(t >> 8 | t << 24) ^ rcon;
                rcon = (rcon << 1) ^ (rcon >> 7) * 0x11b;
            } else if (n_words == 8 && at == 4) {
                t = aes_sub_word(t);
            }
            w[at] ^= t;
        }
        round_key[i / 4][i % 4] = w[at];
    }
    for (int i = 0; i < 8; i++)
        w[i] = 0;
}

FN void aes_expand_key(GLOBAL aead_key *key, const u32 *words, u32 n_words)
{
    key->rounds = n_words + 6;
    aes_expand_rounds(key->round_key, words, n_words);
}

#endif
