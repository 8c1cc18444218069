/* Elements of 4 or 8 bytes, little-endian in memory, as uint64_t. The width is decided once for a
 * run of elements, not once for each. */
#ifndef PARSEAL_FALLBACK_MATH_ELEMENTS_H
#define PARSEAL_FALLBACK_MATH_ELEMENTS_H

#include "fallback/math/bytes.h"

static inline void elements_load(uint64_t *to, const void *from, uint32_t element_size,
                                 size_t count)
{
    const uint8_t *p = from;
    if (element_size == 4)
        for (size_t i = 0; i < count; i++)
            to[i] = load_le32(p + 4 * i);
    else
        for (size_t i = 0; i < count; i++)
            to[i] = load_le64(p + 8 * i);
}

/* Stores the low element_size bytes of each number. */
static inline void elements_store(void *to, const uint64_t *from, uint32_t element_size,
                                  size_t count)
{
    uint8_t *p = to;
    if (element_size == 4)
        for (size_t i = 0; i < count; i++)
            store_le32(p + 4 * i, (uint32_t)from[i]);
    else
        for (size_t i = 0; i < count; i++)
            store_le64(p + 8 * i, from[i]);
}

#endif
