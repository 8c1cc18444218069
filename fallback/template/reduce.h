/* Sums of elements mod m, not a power of two, on vectors of 32- or 64-bit lanes, for every
 * instruction set: whoever includes lanes256.h, lanes512.h or lanes_neon.h includes this too.
 *
 * A sum wraps in its lane, and the carries out of the lane are counted beside it. So the sum is
 * known exactly, whatever the elements: carries 2^(8 element_size) + lane. Constant time: no branch
 * or address depends on elements.
 */
#ifndef PARSEAL_FALLBACK_TEMPLATE_REDUCE_H
#define PARSEAL_FALLBACK_TEMPLATE_REDUCE_H

#include "fallback/math/fold.h"

#define INLINE static inline __attribute__((always_inline))

INLINE lanes add_lanes(uint32_t element_size, lanes a, lanes b)
{
    return element_size == 4 ? lanes_add32(a, b) : lanes_add64(a, b);
}

/* carries + (sum < addend). The comparison is the carry out of sum = something + addend. */
INLINE lanes count_carry(uint32_t element_size, lanes carries, lanes sum, lanes addend)
{
    return element_size == 4 ? lanes_count_less32(carries, sum, addend)
                             : lanes_count_less64(carries, sum, addend);
}

enum { STEPS_MAX = 3 };

/* A reduction makes an element of a sum, in steps that take off 30 bits or more each. For elements
 * of 4 bytes all steps are Barrett's, for elements of 8 bytes they are folds (math/fold.h). */
typedef struct {
    ring r;
    int n_steps;
    union {
        barrett narrow[STEPS_MAX];
        fold wide[STEPS_MAX];
    } step;
} reduction;

static void plan_narrow(reduction *red, uint32_t k, uint32_t bits)
{
    uint32_t left;
    do {
        left = bits <= k + 30 ? k : bits - 30;
        red->step.narrow[red->n_steps++] = barrett_init(red->r.modulus << (left - k), left, bits);
        bits = left + 1;
    } while (left > k);
}

static void plan_wide(reduction *red, uint32_t k, uint32_t bits)
{
    uint32_t shift;
    do {
        shift = bits < k + 32 ? k : bits - 32;
        red->step.wide[red->n_steps++] = fold_init(&red->r, shift);
        bits = shift + 1;
    } while (shift > k);
}

/* Plans the reduction of sums of n elements of any value. They have at most
 * 8 * element_size + (the bits of n - 1) bits. */
static reduction reduction_init(const ring *r, uint32_t element_size, uint32_t n)
{
    uint32_t bits = 8 * element_size;
    reduction red = {.r = *r};
    for (n--; n > 0; n >>= 1)
        bits++;
    if (r->power_of_two)
        return red;
    if (element_size == 4)
        plan_narrow(&red, ring_bits(r), bits);
    else
        plan_wide(&red, ring_bits(r), bits);
    return red;
}

/* x mod m in every 64-bit lane, m < 2^32. */
INLINE lanes reduce_narrow(const reduction *red, lanes x)
{
    const lanes m = lanes_set64(red->r.modulus);
    for (int i = 0; i < red->n_steps; i++) {
        const barrett *b = &red->step.narrow[i];
        const lanes top = lanes_shift_right64_by(x, b->drop);
        const lanes product = lanes_multiply32(top, lanes_set64(b->factor));
        const lanes quotient = lanes_shift_right64_by(product, b->shift);
        x = lanes_sub64(x, lanes_multiply32(quotient, lanes_set64(b->multiple)));
    }
    return lanes_add_if_negative64(lanes_sub64(x, m), m);
}

/* x mod m for x < 2m. */
INLINE lanes less_modulus(lanes x, lanes m)
{
    return lanes_add_if_less64(lanes_sub64(x, m), x, m, m);
}

/* c 2^shift mod m in every lane, for c < 2^32. */
INLINE lanes fold_top(const reduction *red, const fold *f, lanes c)
{
    const uint64_t modulus = red->r.modulus;
    const lanes m_low = lanes_set64(modulus), m_high = lanes_set64(modulus >> 32);
    const lanes product_low = lanes_multiply32(c, lanes_set64(f->factor));
    const lanes product_high = lanes_multiply32(c, lanes_set64(f->factor >> 32));
    const lanes quotient =
        lanes_shift_right64(lanes_add64(product_high, lanes_shift_right64(product_low, 32)), 32);
    const lanes low = lanes_sub64(lanes_multiply32(c, lanes_set64(f->residue)),
                                  lanes_multiply32(quotient, m_low));
    const lanes high = lanes_sub64(lanes_multiply32(c, lanes_set64(f->residue >> 32)),
                                   lanes_multiply32(quotient, m_high));
    return less_modulus(lanes_add64(low, lanes_shift_left64(high, 32)), m_low);
}

/* top 2^shift + (the low bits of x), which the last step reduces mod m; others only shorten it. */
INLINE lanes fold_once(const reduction *red, int i, lanes x, lanes top)
{
    const fold *f = &red->step.wide[i];
    const lanes m = lanes_set64(red->r.modulus);
    const lanes rest = lanes_and(x, lanes_set64(UINT64_MAX >> (64 - f->shift)));
    const lanes folded = fold_top(red, f, top);
    if (i < red->n_steps - 1)
        return lanes_add64(rest, folded);
    const lanes lacking = lanes_sub64(m, folded), a = less_modulus(rest, m);
    return lanes_add_if_less64(lanes_sub64(a, lacking), a, lacking, m);
}

/* (carries 2^64 + x) >> by, for 0 < by <= 64 and a result below 2^64. */
INLINE lanes shift_right128(lanes carries, lanes x, uint32_t by)
{
    return lanes_or(lanes_shift_left64_by(carries, 64 - by), lanes_shift_right64_by(x, by));
}

/* Returns the reduced elements, made from their lanes and the carries out of these. */
INLINE lanes reduce(const reduction *red, uint32_t element_size, lanes x, lanes carries)
{
    if (element_size == 4) {
        const lanes low_half = lanes_set64(UINT32_MAX),
                    high_half = lanes_set64(~(uint64_t)UINT32_MAX);
        const lanes even = lanes_or(lanes_and(x, low_half), lanes_shift_left64(carries, 32));
        const lanes odd = lanes_or(lanes_shift_right64(x, 32), lanes_and(carries, high_half));
        return lanes_or(reduce_narrow(red, even), lanes_shift_left64(reduce_narrow(red, odd), 32));
    }
    x = fold_once(red, 0, x, shift_right128(carries, x, red->step.wide[0].shift));
    for (int i = 1; i < red->n_steps; i++)
        x = fold_once(red, i, x, lanes_shift_right64_by(x, red->step.wide[i].shift));
    return x;
}

#endif
