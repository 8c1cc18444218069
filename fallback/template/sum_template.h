/* acc = acc + sum_j v_j mod m on vectors of 32- or 64-bit lanes, for every instruction set. The
 * including file defines `lanes` and its operations (lanes256.h, lanes512.h, lanes_neon.h).
 *
 * Sums wrap in acc itself. That is all where m is a power of two; for other m the carries are
 * counted beside it, and one reduction is made for all inputs (reduce.h).
 *
 * The speed of the memory that holds the inputs bounds that of a sum. Memory is read fastest from a
 * few inputs at once, several vectors of one before the next one's turn, and in blocks that are as
 * long as acc can be without leaving the second-level cache. Where carries are counted, taking more
 * inputs at once saves some of the ways to that cache; where they outlive a group, blocks are as
 * long as small stacks have room for the carries.
 *
 * Constant time: no branch or address depends on elements.
 */
#include <sodium.h>

#include "fallback/impl.h"
#include "fallback/template/reduce.h"

enum {
    ONE = 1, /* So many inputs are added at once, or MANY where carries are counted. */
    FEW = 4,
    MANY = 8,
    VECTORS = 4,                      /* vectors of an input that are added before the next one's */
    STRIDE = VECTORS * sizeof(lanes), /* the same in bytes */
    BLOCK = 65536,                    /* bytes of a group that are added before the next one's */
    BLOCK_COUNTED = 32768,            /* the same where carries outlive a group */
    INPUTS_MAX = 1 << 24              /* inputs to one reduction, a multiple of MANY */
};

/* ---------------------------------------------------------------------------------- addition -- */

/* A group is MANY inputs, from some block on. Where there are fewer, the others read the same zeros
 * again and again: position i of input j is at v[j] + (i & moves[j]). */
typedef struct {
    const uint8_t *v[MANY];
    size_t moves[MANY];
} group;

/* Returns the group of inputs j and up, from byte `at` on. */
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

INLINE void add_wrapping(uint8_t *acc, const group *in, size_t at_once, size_t size,
                         uint32_t element_size, lanes low_bits)
{
    const group g = *in;
    for (size_t i = 0; i < size; i += STRIDE) {
        lanes x[VECTORS];
        for (size_t s = 0; s < VECTORS; s++)
            x[s] = lanes_load(acc + i + s * sizeof(lanes));
        for (size_t j = 0; j < at_once; j++) {
            const uint8_t *v = g.v[j] + (i & g.moves[j]);
            for (size_t s = 0; s < VECTORS; s++)
                x[s] = add_lanes(element_size, x[s], lanes_load(v + s * sizeof(lanes)));
        }
        for (size_t s = 0; s < VECTORS; s++)
            lanes_store(acc + i + s * sizeof(lanes), lanes_and(x[s], low_bits));
    }
}

/* The first group begins to count carries, and the last uses them up. */
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
    if (at_once == ONE)
        add_counting(red, element_size, acc, carries, in, ONE, size, true, true);
    else if (at_once == FEW)
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

INLINE void add_low_bits(const reduction *red, uint32_t element_size, uint8_t *acc, const group *in,
                         size_t at_once, size_t size)
{
    const lanes low32 = lanes_set32((uint32_t)red->r.low_bits),
                low64 = lanes_set64(red->r.low_bits);
    if (element_size == 4 && at_once == ONE)
        add_wrapping(acc, in, ONE, size, 4, low32);
    else if (element_size == 4)
        add_wrapping(acc, in, FEW, size, 4, low32);
    else if (at_once == ONE)
        add_wrapping(acc, in, ONE, size, 8, low64);
    else
        add_wrapping(acc, in, FEW, size, 8, low64);
}

static void add_group(const reduction *red, uint32_t element_size, uint8_t *acc, uint8_t *carries,
                      const group *in, size_t at_once, size_t size, bool first, bool last)
{
    if (red->r.power_of_two)
        add_low_bits(red, element_size, acc, in, at_once, size);
    else if (element_size == 4)
        add_reduced(red, 4, acc, carries, in, at_once, size, first, last);
    else
        add_reduced(red, 8, acc, carries, in, at_once, size, first, last);
}

/* Adds `size` bytes of the inputs, from byte `begin` on, in blocks. */
INLINE void add_blocks(const reduction *red, uint32_t element_size, uint8_t *acc, uint8_t *carries,
                       const void *const *v, size_t n, size_t begin, size_t size, size_t block)
{
    const size_t at_once = n == ONE ? ONE : red->r.power_of_two || n <= FEW ? FEW : MANY;
    for (size_t done = 0; done < size; done += block) {
        const size_t run = size - done < block ? size - done : block;
        size_t j = 0;
        do {
            const group g = group_at(v, j, n, begin + done);
            const bool first = j % INPUTS_MAX == 0;
            j = n - j > at_once ? j + at_once : n;
            const bool last = j == n || j % INPUTS_MAX == 0;
            add_group(red, element_size, acc + begin + done, carries, &g, at_once, run, first,
                      last);
        } while (j < n);
    }
}

/* ---------------------------------------------------------------- one input, m no power of two --
 *
 * This is what MPI's reductions have, in short pieces. */

INLINE lanes sub_lanes(uint32_t element_size, lanes a, lanes b)
{
    return element_size == 4 ? lanes_sub32(a, b) : lanes_sub64(a, b);
}

/* x + (a < b ? m : 0), unsigned. */
INLINE lanes add_if_less(uint32_t element_size, lanes x, lanes a, lanes b, lanes m)
{
    return element_size == 4 ? lanes_add_if_less32(x, a, b, m) : lanes_add_if_less64(x, a, b, m);
}

INLINE lanes below_modulus(uint32_t element_size, lanes x, lanes m)
{
    return add_if_less(element_size, sub_lanes(element_size, x, m), x, m, m);
}

/* Elements of any value are less than 2 m: no plan is needed. */
INLINE void add_to_large(uint32_t element_size, lanes m, uint8_t *acc, const uint8_t *v,
                         size_t size)
{
    for (size_t i = 0; i < size; i += sizeof(lanes)) {
        const lanes a = below_modulus(element_size, lanes_load(acc + i), m);
        const lanes b = below_modulus(element_size, lanes_load(v + i), m);
        const lanes lacking = sub_lanes(element_size, m, b);
        const lanes sum = sub_lanes(element_size, a, lacking);
        lanes_store(acc + i, add_if_less(element_size, sum, a, lacking, m));
    }
}

/* x < 2^steps m, of 4 bytes: x mod m. What is less than it takes away wraps to more than it was. */
INLINE lanes subtract_multiples(int steps, lanes x, const lanes multiples[])
{
    for (int i = steps - 1; i >= 0; i--)
        x = lanes_min32(x, lanes_sub32(x, multiples[i]));
    return x;
}

enum { SUBTRACTIONS_MAX = 4 }; /* After more of them the quotient is found sooner. */

/* Elements of 4 bytes, of any value, are less than 2^steps m, and m is less than 2^31. */
INLINE void add_to_steps(int steps, uint64_t modulus, uint8_t *acc, const uint8_t *v, size_t size)
{
    lanes multiples[SUBTRACTIONS_MAX];
    for (int i = 0; i < steps; i++)
        multiples[i] = lanes_set32((uint32_t)(modulus << i));
    for (size_t i = 0; i < size; i += sizeof(lanes)) {
        const lanes a = subtract_multiples(steps, lanes_load(acc + i), multiples);
        const lanes b = subtract_multiples(steps, lanes_load(v + i), multiples);
        lanes_store(acc + i, subtract_multiples(1, lanes_add32(a, b), multiples));
    }
}

/* x mod m in every 64-bit lane, for x < 2^33: one step of Barrett's with constants at hand. */
INLINE lanes reduce_once(lanes x, lanes factor, uint32_t shift, lanes m)
{
    const lanes product = lanes_multiply32(lanes_shift_right64(x, 1), factor);
    const lanes quotient = lanes_shift_right64_by(product, shift);
    return lanes_add_if_negative64(lanes_sub64(lanes_sub64(x, m), lanes_multiply32(quotient, m)),
                                   m);
}

/* Sums of 4-byte elements are exact in lanes of 64 bits. */
static void add_exactly(const barrett *b, uint8_t *acc, const uint8_t *v, size_t size)
{
    const lanes low = lanes_set64(UINT32_MAX), m = lanes_set64(b->multiple);
    const lanes factor = lanes_set64(b->factor);
    const uint32_t shift = b->shift;
    for (size_t i = 0; i < size; i += sizeof(lanes)) {
        const lanes x = lanes_load(acc + i), y = lanes_load(v + i);
        const lanes even = lanes_add64(lanes_and(x, low), lanes_and(y, low));
        const lanes odd = lanes_add64(lanes_shift_right64(x, 32), lanes_shift_right64(y, 32));
        lanes_store(acc + i, lanes_or(reduce_once(even, factor, shift, m),
                                      lanes_shift_left64(reduce_once(odd, factor, shift, m), 32)));
    }
}

/* Elements of 8 bytes are added to 65 bits, whose quotient is found at once. */
static void add_words(const barrett *b, uint8_t *acc, const uint8_t *v, size_t size)
{
    const lanes m = lanes_set64(b->multiple), m_high = lanes_set64(b->multiple >> 32);
    const lanes factor = lanes_set64(b->factor), zero = lanes_set64(0);
    for (size_t i = 0; i < size; i += sizeof(lanes)) {
        const lanes addend = lanes_load(v + i);
        const lanes sum = lanes_add64(lanes_load(acc + i), addend);
        const lanes top = shift_right128(lanes_count_less64(zero, sum, addend), sum, b->drop);
        const lanes quotient = lanes_shift_right64(lanes_multiply32(top, factor), 33);
        const lanes multiple =
            lanes_add64(lanes_multiply32(quotient, m),
                        lanes_shift_left64(lanes_multiply32(quotient, m_high), 32));
        lanes_store(acc + i, less_modulus(lanes_sub64(sum, multiple), m));
    }
}

/* Returns false where there is no faster way than that of many inputs. */
static bool add_one(const ring *r, uint32_t element_size, uint8_t *acc, const uint8_t *v,
                    size_t size)
{
    const uint64_t m = r->modulus;
    const uint32_t k = ring_bits(r);
    if (r->power_of_two || k < 3 || (element_size == 8 && k < 37))
        return false;
    if (element_size == 4 && k == 32) {
        add_to_large(4, lanes_set32((uint32_t)m), acc, v, size);
    } else if (element_size == 4 && k == 31) {
        add_to_steps(2, m, acc, v, size);
    } else if (element_size == 4 && k == 30) {
        add_to_steps(3, m, acc, v, size);
    } else if (element_size == 4 && k == 29) {
        add_to_steps(4, m, acc, v, size);
    } else if (element_size == 4) {
        const barrett b = barrett_init(m, k, 33);
        add_exactly(&b, acc, v, size);
    } else if (k == 64) {
        add_to_large(8, lanes_set64(m), acc, v, size);
    } else {
        const barrett b = barrett_init_word(m, k);
        add_words(&b, acc, v, size);
    }
    return true;
}

/* The carries are in a frame of their own, which sums of few inputs do not have: others call them
 * with large frames already. */
static __attribute__((noinline)) void add_counted_blocks(const reduction *red,
                                                         uint32_t element_size, uint8_t *acc,
                                                         const void *const *v, size_t n,
                                                         size_t begin, size_t size)
{
    uint8_t carries[BLOCK_COUNTED];
    add_blocks(red, element_size, acc, carries, v, n, begin, size, BLOCK_COUNTED);
    sodium_memzero(carries, size < BLOCK_COUNTED ? size : BLOCK_COUNTED);
}

/* Plans the reduction of the sum, and adds all of the inputs. */
static void add_any(const ring *r, uint32_t element_size, uint8_t *acc, const void *const *v,
                    size_t n, size_t begin, size_t size)
{
    const reduction red =
        reduction_init(r, element_size, (uint32_t)(n < INPUTS_MAX ? n : INPUTS_MAX) + 1);
    if (r->power_of_two || n <= MANY)
        add_blocks(&red, element_size, acc, NULL, v, n, begin, size, BLOCK);
    else
        add_counted_blocks(&red, element_size, acc, v, n, begin, size);
}

static void sum(uint64_t modulus, uint32_t element_size, void *acc, const void *const *v, size_t n,
                size_t offset, size_t count)
{
    const ring r = ring_init(modulus);
    const size_t size = count * element_size / STRIDE * STRIDE;
    const size_t begin = offset * element_size, done = size / element_size;

    if (size > 0 && (n != ONE || !add_one(&r, element_size, (uint8_t *)acc + begin,
                                          (const uint8_t *)v[0] + begin, size)))
        add_any(&r, element_size, acc, v, n, begin, size);
    if (done < count)
        sum_portable.sum(modulus, element_size, acc, v, n, offset + done, count - done);
}
