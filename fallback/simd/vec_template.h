/* acc = acc + sum_j v_j mod m on vectors of 32- or 64-bit lanes, for every instruction set. The
 * including file defines `lanes` and its operations (lanes256.h, lanes512.h, lanes_neon.h).
 *
 * Sums wrap in acc itself. That is all where m is a power of two; for other m the carries out of a
 * lane are counted beside it, so that the sum of all inputs is known exactly, whatever they are,
 * and one reduction is made for all of them: sum = carries 2^(8 element_size) + lane.
 *
 * What bounds a sum is the memory that the inputs come from. It is read fastest in a few streams,
 * several vectors of one before the next one's turn, and in blocks that are as long as acc and the
 * carries can be without leaving the second-level cache. Where carries are counted, more inputs at
 * once save some of the ways to that cache. Constant time.
 */
#include <sodium.h>

#include "fallback/impl.h"
#include "fallback/portable/fold.h"

enum {
    FEW = 4, /* inputs at once */
    MANY = 8,
    VECTORS = 4,                      /* of each before the next input's turn */
    STRIDE = VECTORS * sizeof(lanes), /* the same in bytes */
    BLOCK = 65536,                    /* bytes of each before the next inputs' turn */
    INPUTS_MAX = 1 << 24              /* in one reduction; a multiple of MANY */
};

#define INLINE static inline __attribute__((always_inline))

/* ------------------------------------------------------------------------------- reduction -- */

enum { STEPS_MAX = 3 };

/* How a sum becomes an element: each step takes off 30 bits or more. Of a 4-byte sum all steps are
 * Barrett's, of an 8-byte one folds. */
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

/* Sums of n inputs and acc take at most 8 * element_size + (the bits of n) bits. */
static reduction reduction_init(const ring *r, uint32_t element_size, size_t n)
{
    uint32_t bits = 8 * element_size;
    reduction red = {.r = *r};
    for (n = n < INPUTS_MAX ? n : INPUTS_MAX; n > 0; n >>= 1)
        bits++;
    if (r->power_of_two)
        return red;
    if (element_size == 4)
        plan_narrow(&red, ring_bits(r), bits);
    else
        plan_wide(&red, ring_bits(r), bits);
    return red;
}

/* x mod m in every 64-bit lane, m < 2^32 */
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

/* x mod m for x < 2m */
INLINE lanes less_modulus(lanes x, lanes m)
{
    return lanes_add_if_less64(lanes_sub64(x, m), x, m, m);
}

/* c 2^shift mod m in every lane, for c < 2^32 */
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

/* top 2^shift + (the low bits of x), mod m after the last step, before that only shorter */
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

/* carries 2^64 + x >> by, for 0 < by <= 64 and a result below 2^64 */
INLINE lanes shift_right128(lanes carries, lanes x, uint32_t by)
{
    return lanes_or(lanes_shift_left64_by(carries, 64 - by), lanes_shift_right64_by(x, by));
}

/* The elements, reduced, from their lanes and the carries out of these. */
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

/* -------------------------------------------------------------------------------- addition -- */

/* The inputs of a group, from a block on. Where there are fewer, the others read the same zeros
 * again and again: position i of input j is at v[j] + (i & moves[j]). */
typedef struct {
    const uint8_t *v[MANY];
    size_t moves[MANY];
} group;

/* Inputs j and up. */
static group group_at(const void *const *v, size_t j, size_t n, size_t at)
{
    static const uint8_t zeros[STRIDE];
    group g;
    for (size_t i = 0; i < MANY; i++) {
        const bool there = i < n - j;
        g.v[i] = there ? (const uint8_t *)v[j + i] + at : zeros;
        g.moves[i] = there ? SIZE_MAX : 0;
    }
    return g;
}

INLINE lanes add_lanes(uint32_t element_size, lanes a, lanes b)
{
    return element_size == 4 ? lanes_add32(a, b) : lanes_add64(a, b);
}

/* carries + (sum < addend), which is the carry out of sum = something + addend */
INLINE lanes count_carry(uint32_t element_size, lanes carries, lanes sum, lanes addend)
{
    return element_size == 4 ? lanes_count_less32(carries, sum, addend)
                             : lanes_count_less64(carries, sum, addend);
}

INLINE void add_wrapping(uint8_t *acc, const group *in, size_t size, uint32_t element_size,
                         lanes low_bits)
{
    const group g = *in;
    for (size_t i = 0; i < size; i += STRIDE) {
        lanes x[VECTORS];
        for (size_t s = 0; s < VECTORS; s++)
            x[s] = lanes_load(acc + i + s * sizeof(lanes));
        for (size_t j = 0; j < FEW; j++) {
            const uint8_t *v = g.v[j] + (i & g.moves[j]);
            for (size_t s = 0; s < VECTORS; s++)
                x[s] = add_lanes(element_size, x[s], lanes_load(v + s * sizeof(lanes)));
        }
        for (size_t s = 0; s < VECTORS; s++)
            lanes_store(acc + i + s * sizeof(lanes), lanes_and(x[s], low_bits));
    }
}

/* The first group begins to count carries, the last uses them up. */
INLINE void add_counting(const reduction *red, uint32_t element_size, uint8_t *acc,
                         uint8_t *carries, const group *in, size_t at_once, size_t size, bool first,
                         bool last)
{
    const group g = *in;
    for (size_t i = 0; i < size; i += STRIDE) {
        lanes x[VECTORS], c[VECTORS];
        for (size_t s = 0; s < VECTORS; s++) {
            x[s] = lanes_load(acc + i + s * sizeof(lanes));
            c[s] = first ? lanes_set64(0) : lanes_load(carries + i + s * sizeof(lanes));
        }
        for (size_t j = 0; j < at_once; j++) {
            const uint8_t *v = g.v[j] + (i & g.moves[j]);
            for (size_t s = 0; s < VECTORS; s++) {
                const lanes addend = lanes_load(v + s * sizeof(lanes));
                x[s] = add_lanes(element_size, x[s], addend);
                c[s] = count_carry(element_size, c[s], x[s], addend);
            }
        }
        for (size_t s = 0; s < VECTORS; s++) {
            lanes_store(acc + i + s * sizeof(lanes),
                        last ? reduce(red, element_size, x[s], c[s]) : x[s]);
            if (!last)
                lanes_store(carries + i + s * sizeof(lanes), c[s]);
        }
    }
}

INLINE void add_reduced(const reduction *red, uint32_t element_size, uint8_t *acc, uint8_t *carries,
                        const group *in, size_t at_once, size_t size, bool first, bool last)
{
    if (at_once == FEW)
        add_counting(red, element_size, acc, carries, in, FEW, size, true, true);
    else if (first && last)
        add_counting(red, element_size, acc, carries, in, MANY, size, true, true);
    else if (first)
        add_counting(red, element_size, acc, carries, in, MANY, size, true, false);
    else if (last)
        add_counting(red, element_size, acc, carries, in, MANY, size, false, true);
    else
        add_counting(red, element_size, acc, carries, in, MANY, size, false, false);
}

static void add_group(const reduction *red, uint32_t element_size, uint8_t *acc, uint8_t *carries,
                      const group *in, size_t at_once, size_t size, bool first, bool last)
{
    if (red->r.power_of_two && element_size == 4)
        add_wrapping(acc, in, size, 4, lanes_set32((uint32_t)red->r.low_bits));
    else if (red->r.power_of_two)
        add_wrapping(acc, in, size, 8, lanes_set64(red->r.low_bits));
    else if (element_size == 4)
        add_reduced(red, 4, acc, carries, in, at_once, size, first, last);
    else
        add_reduced(red, 8, acc, carries, in, at_once, size, first, last);
}

static void sum(uint64_t modulus, uint32_t element_size, void *acc, const void *const *v, size_t n,
                size_t offset, size_t count)
{
    const ring r = ring_init(modulus);
    const reduction red = reduction_init(&r, element_size, n);
    const size_t at_once = r.power_of_two || n <= FEW ? FEW : MANY;
    const size_t size = count * element_size / STRIDE * STRIDE;
    const size_t begin = offset * element_size;
    uint8_t carries[BLOCK];

    for (size_t done = 0; done < size; done += BLOCK) {
        const size_t run = size - done < BLOCK ? size - done : BLOCK;
        uint8_t *p = (uint8_t *)acc + begin + done;
        size_t j = 0;
        do {
            const group g = group_at(v, j, n, begin + done);
            const bool first = j % INPUTS_MAX == 0;
            j = n - j > at_once ? j + at_once : n;
            const bool last = j == n || j % INPUTS_MAX == 0;
            add_group(&red, element_size, p, carries, &g, at_once, run, first, last);
        } while (j < n);
    }
    if (!r.power_of_two && n > MANY && size > 0)
        sodium_memzero(carries, size < BLOCK ? size : BLOCK);
    vec_portable.sum(modulus, element_size, acc, v, n, offset + size / element_size,
                     count - size / element_size);
}
