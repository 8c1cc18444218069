/* Little-endian numbers in files and exports. */
#ifndef PARSEAL_HOST_SUPPORT_BYTES_H
#define PARSEAL_HOST_SUPPORT_BYTES_H

#include <stdint.h>

static inline void put_le(uint8_t *to, uint64_t x, int size)
{
    for (int i = 0; i < size; i++)
        to[i] = (uint8_t)(x >> 8 * i);
}

static inline uint64_t get_le(const uint8_t *from, int size)
{
    uint64_t x = 0;
    for (int i = 0; i < size; i++)
        x |= (uint64_t)from[i] << 8 * i;
    return x;
}

static inline void put_le32(uint8_t *to, uint32_t x)
{
    put_le(to, x, 4);
}

static inline void put_le64(uint8_t *to, uint64_t x)
{
    put_le(to, x, 8);
}

static inline uint32_t get_le32(const uint8_t *from)
{
    return (uint32_t)get_le(from, 4);
}

static inline uint64_t get_le64(const uint8_t *from)
{
    return get_le(from, 8);
}

#endif
