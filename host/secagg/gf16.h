/* GF(2^16) modulo x^16 + x^5 + x^3 + x^2 + 1. Constant time: there are no tables, and no branches
 * or addresses that depend on the operands. Loops over many words are written for the compiler's
 * vectoriser. */
#ifndef PARSEAL_HOST_SECAGG_GF16_H
#define PARSEAL_HOST_SECAGG_GF16_H

#include <stddef.h>
#include <stdint.h>

enum { GF_BITS = 16, GF_REDUCTION = 0x2d };

/* Returns a word all of whose bits are bit b of w. */
static inline uint16_t gf_spread(uint16_t w, int b)
{
    return (uint16_t) - (w >> b & 1);
}

static inline uint16_t gf_times_x(uint16_t a)
{
    return (uint16_t)((uint16_t)(a << 1) ^ (gf_spread(a, GF_BITS - 1) & GF_REDUCTION));
}

static inline uint16_t gf_mul(uint16_t a, uint16_t b)
{
    uint16_t product = 0;
    for (int i = 0; i < GF_BITS; i++) {
        product = (uint16_t)(product ^ (gf_spread(b, i) & a));
        a = gf_times_x(a);
    }
    return product;
}

/* Returns a^(2^16 - 2), which is the inverse, and 0 for 0. */
static inline uint16_t gf_inverse(uint16_t a)
{
    uint16_t inverse = 1;
    for (int i = 1; i < GF_BITS; i++) {
        a = gf_mul(a, a);
        inverse = gf_mul(inverse, a);
    }
    return inverse;
}

/* A factor that many words are multiplied by is kept as its products with x^0 .. x^15. */
typedef struct {
    uint16_t times[GF_BITS];
} gf_factor;

static inline gf_factor gf_prepare(uint16_t factor)
{
    gf_factor f;
    for (int i = 0; i < GF_BITS; i++, factor = gf_times_x(factor))
        f.times[i] = factor;
    return f;
}

static inline uint16_t gf_mul_by(const gf_factor *f, uint16_t w)
{
    uint16_t product = 0;
    for (int i = 0; i < GF_BITS; i++)
        product = (uint16_t)(product ^ (gf_spread(w, i) & f->times[i]));
    return product;
}

#endif
