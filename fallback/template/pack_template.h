/* Elements of b bits side by side, little-endian (format 4.4), on vectors of 64-bit words. The
 * including file defines `lanes` and its operations (words256.h, words512.h).
 *
 * A vector of elements becomes 64-bit words of `width` bits: each has one element of 8 bytes, or
 * two of 4 bytes side by side. Packing closes the gaps between words, then between pairs of words,
 * and so on; unpacking takes every word from its place at once. Both are made of one operation, a
 * gather: each word of the result is the 64 bits that begin at some bit of a vector.
 *
 * A step is eight elements or more, so that it begins and ends with a byte. It loads or stores
 * whole vectors of packed bytes, and the bytes beyond the step belong to the next one. A call's
 * last steps work on a copy, which has room beyond its end.
 *
 * Constant time: branches and addresses depend on b and the position only.
 */
#include <sodium.h>

#include "fallback/impl.h"
#include "fallback/math/elements.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    VECTOR = sizeof(lanes),
    WORDS = VECTOR / 8,
    LEVELS = WORDS == 8 ? 3 : 2, /* WORDS = 2^LEVELS */
    EXTENT_MAX = 64              /* packed bytes, or bytes of elements, that one step touches */
};

/* ------------------------------------------------------------------------------------ gather -- */

typedef struct {
    lanes low, right; /* the word in which the 64 bits begin, and by how much it moves right */
    lanes high, left; /* the next word, and by how much it moves left */
} gather;

/* Word j of the result is the 64 bits from bit first + stride * j on. Where group is 0 all words of
 * the vector count. Otherwise the words count in groups of 2 * group: only the upper half of j's
 * own group does, and all other words are taken as zero. */
static gather gather_init(int first, int stride, int group)
{
    uint64_t low[WORDS], right[WORDS], high[WORDS], left[WORDS];
    for (int j = 0; j < WORDS; j++) {
        const int begin = group == 0 ? 0 : (j & -(2 * group)) + group;
        const int end = group == 0 ? WORDS : begin + group;
        const int bit = first + stride * j + 64, word = bit / 64 - 1;
        const bool low_in = word >= begin && word < end,
                   high_in = word + 1 >= begin && word + 1 < end;
        low[j] = low_in ? (uint64_t)word : 0;
        right[j] = low_in ? (uint64_t)(bit % 64) : 64;
        high[j] = high_in ? (uint64_t)(word + 1) : 0;
        left[j] = high_in ? (uint64_t)(64 - bit % 64) : 64;
    }
    return (gather){words_index(lanes_load(low)), lanes_load(right), words_index(lanes_load(high)),
                    lanes_load(left)};
}

INLINE lanes gather_apply(const gather *g, lanes x)
{
    return lanes_or(words_shift_right(words_permute(x, g->low), g->right),
                    words_shift_left(words_permute(x, g->high), g->left));
}

/* ------------------------------------------------------------------------------------- steps -- */

/* Where a vector holds four words, eight elements of 8 bytes are two vectors. */
INLINE bool step_is_two(uint32_t element_size)
{
    return element_size == 8 && WORDS < 8;
}

typedef struct {
    uint32_t width;
    size_t elements, bytes; /* A step has so many elements, and so many packed bytes. */
    size_t second, extent;  /* bytes before a step's second vector, and up to that vector's end */
    int half_byte;          /* bits of the second vector's first byte that the first vector has */
} layout;

INLINE layout layout_init(uint32_t bits, uint32_t element_size)
{
    layout l = {.width = element_size == 4 ? 2 * bits : bits};
    l.elements = (step_is_two(element_size) ? 2u : 1u) * VECTOR / element_size;
    l.bytes = l.elements * bits / 8;
    l.second = step_is_two(element_size) ? l.bytes / 2 : 0;
    l.extent = l.second + VECTOR;
    l.half_byte = l.bytes % 2 != 0 ? 4 : 0;
    return l;
}

/* Returns how many steps, from the first on, touch no byte beyond the packed ones. */
static size_t steps_inside(const layout *l, size_t steps, size_t stream_bytes)
{
    const size_t inside = stream_bytes < l->extent ? 0 : (stream_bytes - l->extent) / l->bytes + 1;
    return inside < steps ? inside : steps;
}

static size_t stream_bytes(uint32_t bits, size_t count)
{
    return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

static uint64_t low_bits(uint32_t bits)
{
    return UINT64_MAX >> (64 - bits);
}

/* -------------------------------------------------------------------------------------- pack -- */

typedef struct {
    layout layout;
    uint32_t apart;  /* bits between two elements of 4 bytes */
    lanes even, odd; /* masks of the bits at which even and odd elements are kept */
    struct {
        lanes keep;
        gather upper;
    } level[LEVELS];
    gather place; /* moves a step's second vector half a byte on, where b is odd */
    gather rest;  /* moves the first vector's last half byte to where the second begins */
} pack_plan;

INLINE pack_plan pack_plan_init(uint32_t bits, uint32_t element_size)
{
    pack_plan p = {.layout = layout_init(bits, element_size)};
    p.even = lanes_set64(low_bits(bits));
    if (element_size == 4) {
        p.apart = 32 - bits;
        p.odd = lanes_set64(low_bits(bits) << bits);
    }
    for (int i = 0; i < LEVELS; i++) {
        const int group = 1 << i;
        uint64_t keep[WORDS];
        for (int j = 0; j < WORDS; j++)
            keep[j] = (j & group) == 0 ? UINT64_MAX : 0;
        p.level[i].keep = lanes_load(keep);
        p.level[i].upper = gather_init(group * (64 - (int)p.layout.width), 64, group);
    }
    if (step_is_two(element_size)) {
        p.place = gather_init(-p.layout.half_byte, 64, 0);
        p.rest = gather_init(8 * (int)p.layout.second, 64, 0);
    }
    return p;
}

/* Returns the vector's elements as one run of bits, with zeros after it. */
INLINE lanes close_gaps(const pack_plan *p, uint32_t element_size, lanes x)
{
    lanes y = lanes_and(x, p->even);
    if (element_size == 4)
        y = lanes_or(y, lanes_and(lanes_shift_right64_by(x, p->apart), p->odd));
    for (int i = 0; i < LEVELS; i++)
        y = lanes_or(lanes_and(y, p->level[i].keep), gather_apply(&p->level[i].upper, y));
    return y;
}

INLINE void pack_steps(const pack_plan *p, uint32_t element_size, const uint8_t *from, uint8_t *to,
                       size_t steps)
{
    for (; steps > 0; steps--) {
        const lanes x = close_gaps(p, element_size, lanes_load(from));
        lanes_store(to, x);
        if (step_is_two(element_size)) {
            const lanes y = close_gaps(p, element_size, lanes_load(from + VECTOR));
            lanes_store(to + p->layout.second,
                        lanes_or(gather_apply(&p->rest, x), gather_apply(&p->place, y)));
        }
        from += p->layout.elements * element_size;
        to += p->layout.bytes;
    }
}

INLINE void pack_size(uint32_t bits, uint32_t element_size, const uint8_t *from, uint8_t *to,
                      size_t count)
{
    const pack_plan p = pack_plan_init(bits, element_size);
    const size_t bytes = stream_bytes(bits, count), steps = count / p.layout.elements;
    const size_t inside = steps_inside(&p.layout, steps, bytes);
    uint8_t last[EXTENT_MAX] = {0}, end[3 * EXTENT_MAX];

    pack_steps(&p, element_size, from, to, inside);
    from += inside * p.layout.elements * element_size;
    to += inside * p.layout.bytes;
    pack_steps(&p, element_size, from, end, steps - inside);
    from += (steps - inside) * p.layout.elements * element_size;
    memcpy(last, from, count % p.layout.elements * element_size);
    pack_steps(&p, element_size, last, end + (steps - inside) * p.layout.bytes, 1);
    memcpy(to, end, bytes - inside * p.layout.bytes);
    sodium_memzero(last, sizeof last);
    sodium_memzero(end, sizeof end);
}

static void pack(uint32_t bits, uint32_t element_size, const void *elements, uint8_t *packed,
                 size_t count)
{
    if (element_size == 4)
        pack_size(bits, 4, elements, packed, count);
    else
        pack_size(bits, 8, elements, packed, count);
}

/* ------------------------------------------------------------------------------------ unpack -- */

typedef struct {
    layout layout;
    uint32_t apart;
    lanes even, odd; /* the bits that elements of either kind are kept at */
    gather words, second_words;
} unpack_plan;

INLINE unpack_plan unpack_plan_init(uint32_t bits, uint32_t element_size)
{
    unpack_plan p = {.layout = layout_init(bits, element_size)};
    p.even = lanes_set64(low_bits(bits));
    if (element_size == 4) {
        p.apart = 32 - bits;
        p.odd = lanes_set64(low_bits(bits) << 32);
    }
    p.words = gather_init(0, (int)p.layout.width, 0);
    if (step_is_two(element_size))
        p.second_words = gather_init(p.layout.half_byte, (int)p.layout.width, 0);
    return p;
}

INLINE void unpack_steps(const unpack_plan *p, uint32_t element_size, const uint8_t *from,
                         uint8_t *to, size_t steps)
{
    for (; steps > 0; steps--) {
        const lanes x = gather_apply(&p->words, lanes_load(from));
        lanes elements = lanes_and(x, p->even);
        if (element_size == 4)
            elements = lanes_or(elements, lanes_and(lanes_shift_left64_by(x, p->apart), p->odd));
        lanes_store(to, elements);
        if (step_is_two(element_size)) {
            const lanes y = gather_apply(&p->second_words, lanes_load(from + p->layout.second));
            lanes_store(to + VECTOR, lanes_and(y, p->even));
        }
        from += p->layout.bytes;
        to += p->layout.elements * element_size;
    }
}

INLINE void unpack_size(uint32_t bits, uint32_t element_size, const uint8_t *from, uint8_t *to,
                        size_t count)
{
    const unpack_plan p = unpack_plan_init(bits, element_size);
    const size_t bytes = stream_bytes(bits, count), steps = count / p.layout.elements;
    const size_t inside = steps_inside(&p.layout, steps, bytes);
    uint8_t last[EXTENT_MAX], end[3 * EXTENT_MAX] = {0};

    unpack_steps(&p, element_size, from, to, inside);
    from += inside * p.layout.bytes;
    to += inside * p.layout.elements * element_size;
    memcpy(end, from, bytes - inside * p.layout.bytes);
    unpack_steps(&p, element_size, end, to, steps - inside);
    to += (steps - inside) * p.layout.elements * element_size;
    unpack_steps(&p, element_size, end + (steps - inside) * p.layout.bytes, last, 1);
    memcpy(to, last, count % p.layout.elements * element_size);
    sodium_memzero(last, sizeof last);
    sodium_memzero(end, sizeof end);
}

static void unpack(uint32_t bits, uint32_t element_size, const uint8_t *packed, void *elements,
                   size_t count)
{
    if (element_size == 4)
        unpack_size(bits, 4, packed, elements, count);
    else
        unpack_size(bits, 8, packed, elements, count);
}
