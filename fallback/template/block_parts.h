/* Parts of a block, at the end of an instruction set's block.h, which has said what a block is. */
#ifndef PARSEAL_FALLBACK_TEMPLATE_BLOCK_PARTS_H
#define PARSEAL_FALLBACK_TEMPLATE_BLOCK_PARTS_H

#include "fallback/math/bytes.h"

/* Loads n <= 16 bytes; the rest is zero. */
static inline block block_load_partial(const void *p, size_t n)
{
    if (n == 16)
        return block_load(p);
    if (n > 8)
        return block_set(load_le_bytes((const uint8_t *)p + 8, n - 8), load_le64(p));
    return block_set(0, load_le_bytes(p, n));
}

/* Stores the first n <= 16 bytes. */
static inline void block_store_partial(void *p, block x, size_t n)
{
    const uint64_t low = block_low(x), high = block_high(x);
    if (n == 16) {
        block_store(p, x);
    } else if (n > 8) {
        store_le64(p, low);
        store_le_bytes((uint8_t *)p + 8, high, n - 8);
    } else {
        store_le_bytes(p, low, n);
    }
}

/* Returns x with zeros for the bytes from n <= 16 on. */
static inline block block_keep_bytes(block x, size_t n)
{
    static const uint8_t mask[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return block_and(x, block_load(mask + 16 - n));
}

#endif
