/* b-bit elements in a little-endian bit stream (format 4.4). Branches depend on b and the position
 * only. */
#include "fallback/impl.h"
#include "fallback/portable/elements.h"

static uint64_t low_bits(uint32_t bits)
{
    return UINT64_MAX >> (64 - bits);
}

static void store_partial(uint8_t *p, uint64_t word, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(word >> (8 * i));
}

static uint64_t load_partial(const uint8_t *p, size_t bytes)
{
    uint64_t word = 0;
    for (size_t i = 0; i < bytes; i++)
        word |= (uint64_t)p[i] << (8 * i);
    return word;
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

static void unpack(uint32_t bits, uint32_t element_size, const uint8_t *packed, void *elements,
                   size_t count)
{
    uint8_t *p = elements;
    const uint64_t keep = low_bits(bits);
    size_t bytes_left = (size_t)(((uint64_t)count * bits + 7) / 8);
    uint64_t word = 0;
    uint32_t filled = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t x = word;
        if (filled < bits) {
            const size_t n = bytes_left < 8 ? bytes_left : 8;
            const uint64_t next = n == 8 ? load_le64(packed) : load_partial(packed, n);
            packed += n;
            bytes_left -= n;
            x |= next << filled;
            const uint32_t used = bits - filled;
            word = used < 64 ? next >> used : 0;
            filled = 64 - used;
        } else {
            word = bits < 64 ? word >> bits : 0;
            filled -= bits;
        }
        if (element_size == 4)
            store_le32(p + 4 * i, (uint32_t)(x & keep));
        else
            store_le64(p + 8 * i, x & keep);
    }
}

const pack_impl pack_portable = {.name = "portable", .pack = pack, .unpack = unpack};
