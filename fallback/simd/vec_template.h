/* acc = acc + sum_j v_j mod m on vectors of 64-bit lanes, for every instruction set. The including
 * file defines `lanes` and its operations (lanes256.h, lanes512.h).
 *
 * Powers of two wrap, in acc itself. Any other sum is kept exactly, whatever the inputs, in two
 * 64-bit lanes for one of input: the sum of the lanes mod 2^64, and the sum of their high halves.
 * The sum of the low halves follows from these two. So 4-byte elements need no unpacking and
 * 8-byte elements no carries, and one reduction is made for all inputs.
 *
 * Inputs are read some at a time: more of them keep the sum in registers for longer, but memory
 * that is read at too many places is slow. Constant time.
 */
#include <sodium.h>

#include "fallback/impl.h"
#include "fallback/portable/fold.h"

enum {
    GROUP = 8,    /* inputs at once */
    BLOCK = 16384 /* bytes of each before the next group's turn */
};

#define INLINE static inline __attribute__((always_inline))

/* ------------------------------------------------------------------------------- reduction -- */

enum { FOLDS_MAX = 3 };

typedef struct {
    ring r;
    int n_folds;
    fold folds[FOLDS_MAX];
} reduction;

/* Sums of n inputs and acc take at most 8 * element_size + (the bits of n) bits; each fold takes
 * off 31 or more until k are left. The first of an 8-byte sum begins at bit 32 or above. */
static reduction reduction_init(const ring *r, uint32_t element_size, size_t n)
{
    const uint32_t k = ring_bits(r), lowest = element_size == 8 && k < 32 ? 32 : k;
    uint32_t bits = 8 * element_size;
    reduction red = {.r = *r};
    if (r->power_of_two)
        return red;
    for (; n > 0; n >>= 1)
        bits++;
    do {
        const uint32_t least = red.n_folds == 0 ? lowest : k;
        const uint32_t shift = bits < least + 32 ? least : bits - 32;
        red.folds[red.n_folds++] = fold_init(r, shift);
        bits = shift + 1;
    } while (red.folds[red.n_folds - 1].shift > k);
    return red;
}

/* x mod m for x < 2m */
INLINE lanes less_modulus(lanes x, lanes m)
{
    return lanes_add_if_less64(lanes_sub64(x, m), x, m, m);
}

/* fold_top in every lane */
INLINE lanes fold_lanes(const reduction *red, const fold *f, lanes c, bool narrow)
{
    const lanes m = lanes_set64(red->r.modulus);
    const lanes low = lanes_multiply32(c, lanes_set64(f->factor));
    const lanes high = lanes_multiply32(c, lanes_set64(f->factor >> 32));
    const lanes quotient = lanes_shift_right64(lanes_add64(high, lanes_shift_right64(low, 32)), 32);
    lanes rest =
        lanes_sub64(lanes_multiply32(c, lanes_set64(f->residue)), lanes_multiply32(quotient, m));
    if (!narrow) {
        const lanes upper =
            lanes_sub64(lanes_multiply32(c, lanes_set64(f->residue >> 32)),
                        lanes_multiply32(quotient, lanes_set64(red->r.modulus >> 32)));
        rest = lanes_add64(rest, lanes_shift_left64(upper, 32));
    }
    return less_modulus(rest, m);
}

/* top 2^shift + (the low bits of x), either mod m or as short as fold i makes it */
INLINE lanes fold_once(const reduction *red, int i, lanes x, lanes top, bool narrow)
{
    const fold *f = &red->folds[i];
    const lanes m = lanes_set64(red->r.modulus);
    const lanes rest = lanes_and(x, lanes_set64(UINT64_MAX >> (64 - f->shift)));
    const lanes folded = fold_lanes(red, f, top, narrow);
    if (i < red->n_folds - 1)
        return lanes_add64(rest, folded);
    const lanes lacking = lanes_sub64(m, folded), a = less_modulus(rest, m);
    return lanes_add_if_less64(lanes_sub64(a, lacking), a, lacking, m);
}

INLINE lanes fold_from(const reduction *red, int i, lanes x, bool narrow)
{
    for (; i < red->n_folds; i++)
        x = fold_once(red, i, x, lanes_shift_right64_by(x, red->folds[i].shift), narrow);
    return x;
}

/* The elements, reduced, from the sum of their lanes and that of the high halves. */
INLINE lanes reduce(const reduction *red, uint32_t element_size, lanes total, lanes high)
{
    const lanes low = lanes_sub64(total, lanes_shift_left64(high, 32));
    if (element_size == 4)
        return lanes_or(fold_from(red, 0, low, true),
                        lanes_shift_left64(fold_from(red, 0, high, true), 32));
    /* bits 32 and up of the whole sum */
    const lanes upper = lanes_add64(high, lanes_shift_right64(low, 32));
    const lanes top = lanes_shift_right64_by(upper, red->folds[0].shift - 32);
    return fold_from(red, 1, fold_once(red, 0, total, top, false), false);
}

/* -------------------------------------------------------------------------------- addition -- */

/* The inputs of a group, from a block on. A loop over them is unrolled, as processors tell streams
 * of memory by the instruction that reads them. */
typedef struct {
    const uint8_t *v[GROUP];
} group;

typedef struct {
    lanes total[BLOCK / sizeof(lanes)], high[BLOCK / sizeof(lanes)];
} wide_sums;

INLINE void add_wrapping(uint8_t *acc, const group *in, size_t size, uint32_t element_size,
                         lanes low_bits)
{
    const group g = *in;
    for (size_t i = 0; i < size; i += sizeof(lanes)) {
        lanes x = lanes_load(acc + i);
        for (int j = 0; j < GROUP; j++)
            x = element_size == 4 ? lanes_add32(x, lanes_load(g.v[j] + i))
                                  : lanes_add64(x, lanes_load(g.v[j] + i));
        lanes_store(acc + i, lanes_and(x, low_bits));
    }
}

/* The first group begins with acc, the last leaves the result there. */
INLINE void add_exact(const reduction *red, uint32_t element_size, uint8_t *acc, wide_sums *wide,
                      const group *in, size_t size, bool first, bool last)
{
    const group g = *in;
    for (size_t i = 0; i < size; i += sizeof(lanes)) {
        const size_t k = i / sizeof(lanes);
        lanes total = first ? lanes_load(acc + i) : wide->total[k];
        lanes high = first ? lanes_shift_right64(total, 32) : wide->high[k];
        for (int j = 0; j < GROUP; j++) {
            const lanes x = lanes_load(g.v[j] + i);
            total = lanes_add64(total, x);
            high = lanes_add64(high, lanes_shift_right64(x, 32));
        }
        if (last) {
            lanes_store(acc + i, reduce(red, element_size, total, high));
        } else {
            wide->total[k] = total;
            wide->high[k] = high;
        }
    }
}

INLINE void add_exact_group(const reduction *red, uint32_t element_size, uint8_t *acc,
                            wide_sums *wide, const group *in, size_t size, bool first, bool last)
{
    if (first && last)
        add_exact(red, element_size, acc, wide, in, size, true, true);
    else if (first)
        add_exact(red, element_size, acc, wide, in, size, true, false);
    else if (last)
        add_exact(red, element_size, acc, wide, in, size, false, true);
    else
        add_exact(red, element_size, acc, wide, in, size, false, false);
}

static void add_group(const reduction *red, uint32_t element_size, uint8_t *acc, wide_sums *wide,
                      const group *in, size_t size, bool first, bool last)
{
    if (red->r.power_of_two && element_size == 4)
        add_wrapping(acc, in, size, 4, lanes_set32((uint32_t)red->r.low_bits));
    else if (red->r.power_of_two)
        add_wrapping(acc, in, size, 8, lanes_set64(red->r.low_bits));
    else if (element_size == 4)
        add_exact_group(red, 4, acc, wide, in, size, first, last);
    else
        add_exact_group(red, 8, acc, wide, in, size, first, last);
}

/* Inputs j and up, or zeros past the last. */
static group group_at(const void *const *v, size_t j, size_t n, size_t at)
{
    static const uint8_t zeros[BLOCK];
    group g;
    for (size_t i = 0; i < GROUP; i++)
        g.v[i] = i < n - j ? (const uint8_t *)v[j + i] + at : zeros;
    return g;
}

static void sum(uint64_t modulus, uint32_t element_size, void *acc, const void *const *v, size_t n,
                size_t offset, size_t count)
{
    const ring r = ring_init(modulus);
    const reduction red = reduction_init(&r, element_size, n);
    const size_t size = count * element_size / sizeof(lanes) * sizeof(lanes);
    const size_t begin = offset * element_size;
    wide_sums wide;

    for (size_t done = 0; done < size; done += BLOCK) {
        const size_t run = size - done < BLOCK ? size - done : BLOCK;
        uint8_t *p = (uint8_t *)acc + begin + done;
        size_t j = 0;
        do {
            const group g = group_at(v, j, n, begin + done);
            const bool first = j == 0, last = n - j <= GROUP;
            add_group(&red, element_size, p, &wide, &g, run, first, last);
            j = last ? n : j + GROUP;
        } while (j < n);
    }
    if (!r.power_of_two && n > GROUP && size > 0)
        sodium_memzero(&wide, sizeof wide);
    vec_portable.sum(modulus, element_size, acc, v, n, offset + size / element_size,
                     count - size / element_size);
}
