/* Reduction mod m, not a power of two, of sums that are longer than m. The sum's top bits say what
 * to subtract, so that no sum is divided. */
#ifndef PARSEAL_FALLBACK_MATH_FOLD_H
#define PARSEAL_FALLBACK_MATH_FOLD_H

#include "fallback/math/ring.h"

/* Returns k, the bit length of m - 1. */
static inline uint32_t ring_bits(const ring *r)
{
    uint32_t k = 0;
    for (uint64_t x = r->low_bits; x != 0; x >>= 1)
        k++;
    return k;
}

/* ----------------------------------------------------- the top bits mod m, for every m (Shoup) --
 *
 * c 2^shift mod m = c residue - floor(c factor / 2^64) m, or that less m, where residue =
 * 2^shift mod m and factor = floor(2^64 residue / m): the quotient is short by less than
 * 1 + c / 2^64. For c < 2^32 the difference fits 64 bits. Where m <= 2^64 - 2^32 it is below
 * m (1 + 2^-32) <= 2^64. Above, shift is 64, and residue = 2^64 - m is so small that the quotient
 * is 0. */
typedef struct {
    uint32_t shift;
    uint64_t residue, factor;
} fold;

/* k <= shift <= 64 */
static inline fold fold_init(const ring *r, uint32_t shift)
{
    fold f = {shift, r->low_bits + 1 - r->modulus, 0};
    for (uint32_t k = ring_bits(r); k < shift; k++)
        f.residue = ring_add(r, f.residue, f.residue);
    uint64_t rest = f.residue;
    for (int i = 0; i < 64; i++) {
        const uint64_t doubled = ring_add(r, rest, rest);
        f.factor = f.factor << 1 | (doubled != rest << 1);
        rest = doubled;
    }
    return f;
}

/* ---------------------------------------------------- a whole number, for m < 2^32 (Barrett) --
 *
 * x mod multiple = x - floor(floor(x / 2^drop) factor / 2^shift) multiple, or that less multiple.
 * With multiple = m 2^j of k bits, x of at most k + 30, drop to leave 32 bits of x,
 * shift = 31 + k - drop and factor = floor(2^(31 + k) / multiple) < 2^32, the quotient is short by
 * less than 1 + 2^(drop + 1 - k) + 2^(bits of x - 31 - k) <= 2. */
typedef struct {
    uint32_t drop, shift;
    uint64_t factor, multiple;
} barrett;

/* The same for a word and the carry out of it, x < 2^65, and 2^(k - 1) < m < 2^k, 37 <= k <= 63.
 * The top 67 - k bits of x, and factor = floor(2^63 / (floor(m / 2^(k - 32)) + 1)), which is short
 * of 2^(k + 31) / m < 2^32 by less than 3: the quotient before its floor is short of x / m by less
 * than 1 / 2 for the bits that are left away and 3 2^(34 - k) <= 3 / 8 for the factor. So what is
 * left of x is less than 2 m. */
static inline barrett barrett_init_word(uint64_t m, uint32_t k)
{
    return (barrett){k - 2, 33, (UINT64_C(1) << 63) / ((m >> (k - 32)) + 1), m};
}

/* 2^(k - 1) < multiple < 2^k <= 2^32; bits <= k + 30 */
static inline barrett barrett_init(uint64_t multiple, uint32_t k, uint32_t bits)
{
    const uint32_t drop = bits > 32 ? bits - 32 : 0;
    return (barrett){drop, 31 + k - drop, (UINT64_C(1) << (31 + k)) / multiple, multiple};
}

#endif
