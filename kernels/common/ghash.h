/* GHASH (SP 800-38D section 6.4) by integer multiplication.
 *
 * A block is a 128-bit number whose most significant bit is the coefficient of x^0: words x[3] ...
 * x[0] are its bytes 0 ... 15, big-endian. The product of two such numbers, without carries, is the
 * product of the polynomials after one more shift to the left.
 *
 * Words of 32 bits are multiplied without carries by ordinary multiplications of every fourth bit
 * of each factor: sums of up to eight bits then end within the three zeros, the "holes", beside
 * them. Only the lowest of each four bits is wanted, so products of many blocks are XORed first,
 * and their holes are wiped out once. By Karatsuba's method a product of blocks takes nine products
 * of words.
 *
 * Constant time where the device multiplies 32-bit words in constant time: no table, no branch or
 * address that depends on data.
 */
#ifndef PARSEAL_KERNELS_GHASH_H
#define PARSEAL_KERNELS_GHASH_H

#include "kernels/common/target.h"

enum { GHASH_PRODUCTS = 9 };

/* Sum [i][k] is of products i: its bits 4 n + k are right, and the others are not yet wiped out. */
typedef struct {
    u64 part[GHASH_PRODUCTS][4];
} ghash_sum;

FN void ghash_zero(ghash_sum *sum)
{
    UNROLL
    for (int i = 0; i < GHASH_PRODUCTS; i++) {
        UNROLL
        for (int k = 0; k < 4; k++)
            sum->part[i][k] = 0;
    }
}

FN u64 ghash_wide(u32 a, u32 b)
{
    return (u64)a * b;
}

FN void ghash_word(u64 part[4], u32 a, u32 b)
{
    const u32 a0 = a & 0x11111111, a1 = a & 0x22222222, a2 = a & 0x44444444, a3 = a & 0x88888888;
    const u32 b0 = b & 0x11111111, b1 = b & 0x22222222, b2 = b & 0x44444444, b3 = b & 0x88888888;
    part[0] ^= ghash_wide(a0, b0) ^ ghash_wide(a1, b3) ^ ghash_wide(a2, b2) ^ ghash_wide(a3, b1);
    part[1] ^= ghash_wide(a0, b1) ^ ghash_wide(a1, b0) ^ ghash_wide(a2, b3) ^ ghash_wide(a3, b2);
    part[2] ^= ghash_wide(a0, b2) ^ ghash_wide(a1, b1) ^ ghash_wide(a2, b0) ^ ghash_wide(a3, b3);
    part[3] ^= ghash_wide(a0, b3) ^ ghash_wide(a1, b2) ^ ghash_wide(a2, b1) ^ ghash_wide(a3, b0);
}

/* sum += a b. */
FN void ghash_add(ghash_sum *sum, const u32 a[4], const u32 b[4])
{
    const u32 a02 = a[0] ^ a[2], a13 = a[1] ^ a[3], b02 = b[0] ^ b[2], b13 = b[1] ^ b[3];
    ghash_word(sum->part[0], a[0], b[0]);
    ghash_word(sum->part[1], a[1], b[1]);
    ghash_word(sum->part[2], a[0] ^ a[1], b[0] ^ b[1]);
    ghash_word(sum->part[3], a[2], b[2]);
    ghash_word(sum->part[4], a[3], b[3]);
    ghash_word(sum->part[5], a[2] ^ a[3], b[2] ^ b[3]);
    ghash_word(sum->part[6], a02, b02);
    ghash_word(sum->part[7], a13, b13);
    ghash_word(sum->part[8], a02 ^ a13, b02 ^ b13);
}

FN u64 ghash_wipe_holes(const u64 part[4])
{
    const u64 every_fourth = U64C(0x1111111111111111);
    return (part[0] & every_fourth) | (part[1] & every_fourth << 1) |
           (part[2] & every_fourth << 2) | (part[3] & every_fourth << 3);
}

/* Puts the product of two pairs of words together from three: of their low words, of their high
 * words, and of the sums of both. */
FN void ghash_pair(u32 v[4], u64 low, u64 high, u64 both)
{
    const u64 middle = both ^ low ^ high;
    v[0] = (u32)low;
    v[1] = (u32)(low >> 32) ^ (u32)middle;
    v[2] = (u32)high ^ (u32)(middle >> 32);
    v[3] = (u32)(high >> 32);
}

/* y = sum mod x^128 + x^7 + x^2 + x + 1. */
FN void ghash_reduce(u32 y[4], const ghash_sum *sum)
{
    u32 low[4], high[4], both[4], v[8];
    u64 word[GHASH_PRODUCTS];
    UNROLL
    for (int i = 0; i < GHASH_PRODUCTS; i++)
        word[i] = ghash_wipe_holes(sum->part[i]);
    ghash_pair(low, word[0], word[1], word[2]);
    ghash_pair(high, word[3], word[4], word[5]);
    ghash_pair(both, word[6], word[7], word[8]);
    UNROLL
    for (int i = 0; i < 4; i++) {
        v[i] = low[i];
        v[4 + i] = high[i];
        both[i] ^= low[i] ^ high[i];
    }
    UNROLL
    for (int i = 0; i < 4; i++)
        v[2 + i] ^= both[i];
    UNROLL
    for (int i = 7; i > 0; i--)
        v[i] = v[i] << 1 | v[i - 1] >> 31;
    v[0] <<= 1;
    /* The lower half holds the powers from x^128 on, and x^128 = x^7 + x^2 + x + 1. */
    UNROLL
    for (int i = 0; i < 4; i++) {
        v[i + 4] ^= v[i] ^ v[i] >> 1 ^ v[i] >> 2 ^ v[i] >> 7;
        v[i + 3] ^= v[i] << 31 ^ v[i] << 30 ^ v[i] << 25;
    }
    UNROLL
    for (int i = 0; i < 4; i++)
        y[i] = v[4 + i];
}

/* y = y b. */
FN void ghash_multiply(u32 y[4], const u32 b[4])
{
    ghash_sum sum;
    ghash_zero(&sum);
    ghash_add(&sum, y, b);
    ghash_reduce(y, &sum);
}

FN u32 ghash_swap_bytes(u32 x)
{
    return x << 24 | (x & 0xff00) << 8 | (x >> 8 & 0xff00) | x >> 24;
}

/* Turns a block's four little-endian words into a number, or a number into a block's words. */
FN void ghash_turn(u32 to[4], const u32 from[4])
{
    const u32 w0 = from[0], w1 = from[1], w2 = from[2], w3 = from[3];
    to[3] = ghash_swap_bytes(w0);
    to[2] = ghash_swap_bytes(w1);
    to[1] = ghash_swap_bytes(w2);
    to[0] = ghash_swap_bytes(w3);
}

#endif
