/* Elements of b bits side by side, little-endian (format 4.4), one by one: packing collects bits in
 * a word that gives its full bytes away, and unpacking loads the few bytes that an element lies in.
 * Constant time: branches and addresses depend on b and the position only. */
#include <sodium.h>

#include "fallback/impl.h"
#include "fallback/math/elements.h"

static uint64_t low_bits(uint32_t bits)
{
    return UINT64_MAX >> (64 - bits);
}

static void store_partial(uint8_t *p, uint64_t word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(word >> (8 * i));
}

static void pack(uint32_t bits, uint32_t element_size, const void *elements, uint8_t *packed,
                 size_t count)
{
    const uint8_t *p = elements;
    const uint64_t keep = low_bits(bits);
    uint64_t word = 0;
    uint32_t filled = 0;

    for (size_t i = 0; i < count; i++) {
        const uint64_t x = keep & (element_size == 4 ? load_le32(p + 4 * i) : load_le64(p + 8 * i));
        word |= x << filled;
        filled += bits;
        if (filled >= 64) {
            store_le64(packed, word);
            packed += 8;
            filled -= 64;
            word = filled > 0 ? x >> (bits - filled) : 0;
        }
    }
    store_partial(packed, word, (filled + 7) / 8);
}

/* Whatever b is, an element lies within the 9 bytes from the one that holds its first bit, and an
 * element of 4 bytes within 8. */
enum { WINDOW = 9 };

static uint64_t window(const uint8_t *packed, uint64_t position)
{
    const uint8_t *p = packed + position / 8;
    const uint32_t bit = position % 8;
    return load_le64(p) >> bit | (uint64_t)p[8] << 1 << (63 - bit);
}

/* `packed` holds WINDOW bytes from the last element's first bit on. */
static void unpack_windows(uint32_t bits, uint32_t element_size, const uint8_t *packed,
                           uint64_t position, uint8_t *to, size_t count)
{
    const uint64_t keep = low_bits(bits);
    if (element_size == 4)
        for (size_t i = 0; i < count; i++, position += bits) {
            const uint64_t x = load_le64(packed + position / 8) >> (position % 8);
            store_le32(to + 4 * i, (uint32_t)(x & keep));
        }
    else
        for (size_t i = 0; i < count; i++, position += bits)
            store_le64(to + 8 * i, window(packed, position) & keep);
}

static void unpack(uint32_t bits, uint32_t element_size, const uint8_t *packed, void *elements,
                   size_t count)
{
    const uint64_t bytes = ((uint64_t)count * bits + 7) / 8;
    const uint64_t inside = bytes < WINDOW ? 0 : (8 * (bytes - WINDOW) + 7) / bits + 1;
    const size_t direct = inside < count ? (size_t)inside : count;
    const uint64_t position = (uint64_t)direct * bits;
    uint8_t *to = elements, end[2 * WINDOW] = {0};

    unpack_windows(bits, element_size, packed, 0, to, direct);
    memcpy(end, packed + position / 8, (size_t)(bytes - position / 8));
    unpack_windows(bits, element_size, end, position % 8, to + direct * element_size,
                   count - direct);
    sodium_memzero(end, sizeof end);
}

const pack_impl pack_portable = {.name = "portable", .pack = pack, .unpack = unpack};
