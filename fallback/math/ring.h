/* Arithmetic mod m, 2 <= m <= 2^64. Constant time: no division, no branch on values. */
#ifndef PARSEAL_FALLBACK_MATH_RING_H
#define PARSEAL_FALLBACK_MATH_RING_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t modulus;    /* 0 stands for 2^64 */
    uint64_t low_bits;   /* 2^k - 1, k the bit length of modulus - 1 */
    uint64_t reciprocal; /* floor(2^64 / modulus); 0 where modulus is 0 */
    bool power_of_two;
} ring;

static inline ring ring_init(uint64_t modulus)
{
    ring r = {.modulus = modulus, .power_of_two = (modulus & (modulus - 1)) == 0};
    r.low_bits = modulus - 1;
    for (int shift = 1; shift < 64; shift <<= 1)
        r.low_bits |= r.low_bits >> shift;
    if (modulus != 0)
        r.reciprocal = UINT64_MAX / modulus + (UINT64_MAX % modulus == modulus - 1);
    return r;
}

/* Returns the high half of a 64 x 64 bit product. */
static inline uint64_t multiply_high(uint64_t a, uint64_t b)
{
    const uint64_t a0 = a & UINT32_MAX, a1 = a >> 32, b0 = b & UINT32_MAX, b1 = b >> 32;
    const uint64_t middle = a1 * b0 + (a0 * b0 >> 32);
    const uint64_t middle2 = a0 * b1 + (middle & UINT32_MAX);
    return a1 * b1 + (middle >> 32) + (middle2 >> 32);
}

/* Returns x, and hides from the compiler where x comes from: it makes branches of masks if it can
 * see that they come from a comparison. */
static inline uint64_t opaque(uint64_t x)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(x));
#endif
    return x;
}

/* mask_less is all ones where a < b, and mask_not_less where a >= b; else they are zero. */
static inline uint64_t mask_less(uint64_t a, uint64_t b)
{
    return 0 - opaque(a < b);
}

static inline uint64_t mask_not_less(uint64_t a, uint64_t b)
{
    return ~mask_less(a, b);
}

/* x mod m for any x (Barrett). The quotient is short by at most one. */
static inline uint64_t ring_reduce(const ring *r, uint64_t x)
{
    if (r->power_of_two)
        return x & r->low_bits;
    const uint64_t rest = x - multiply_high(x, r->reciprocal) * r->modulus;
    return rest - (r->modulus & mask_not_less(rest, r->modulus));
}

/* a + b mod m for a in [0, m), b in [0, m] and m not a power of two. */
static inline uint64_t ring_add(const ring *r, uint64_t a, uint64_t b)
{
    const uint64_t sum = a + b;
    return sum - (r->modulus & (mask_less(sum, a) | mask_not_less(sum, r->modulus)));
}

#endif
