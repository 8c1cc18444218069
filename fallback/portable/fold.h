/* Reduction mod m, not a power of two, of what is longer than m, by its top bits (Shoup).
 *
 * x = c 2^shift + rest, and c 2^shift mod m = c residue - floor(c factor / 2^64) m, or that less m,
 * with residue = 2^shift mod m and factor = floor(2^64 residue / m): the quotient's error is below
 * 1 + c / 2^64. For c < 2^32 the difference fits 64 bits for every m. For m <= 2^64 - 2^32 it is
 * below m (1 + 2^-32) <= 2^64; and above, once shift is 64, residue = 2^64 - m is so small that the
 * quotient is 0.
 */
#ifndef PARSEAL_FALLBACK_PORTABLE_FOLD_H
#define PARSEAL_FALLBACK_PORTABLE_FOLD_H

#include "fallback/portable/ring.h"

typedef struct {
    uint32_t shift;
    uint64_t residue, factor;
} fold;

/* k, the bit length of m - 1 */
static inline uint32_t ring_bits(const ring *r)
{
    uint32_t k = 0;
    for (uint64_t x = r->low_bits; x != 0; x >>= 1)
        k++;
    return k;
}

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

/* c 2^shift mod m for c < 2^32 */
static inline uint64_t fold_top(const ring *r, const fold *f, uint64_t c)
{
    const uint64_t quotient = multiply_high(c, f->factor);
    const uint64_t rest = c * f->residue - quotient * r->modulus;
    return rest - (r->modulus & mask_not_less(rest, r->modulus));
}

#endif
