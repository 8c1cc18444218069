/* Little-endian integers in memory, whatever the host is: ring elements, file headers, nonces. */
#ifndef PARSEAL_HOST_CLI_BYTES_H
#define PARSEAL_HOST_CLI_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t load_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | (unsigned)p[1] << 8);
}

static inline uint32_t load_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t load_le64(const uint8_t *p)
{
    return load_le32(p) | (uint64_t)load_le32(p + 4) << 32;
}

static inline void store_le32(uint8_t *p, uint32_t x)
{
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
    p[2] = (uint8_t)(x >> 16);
    p[3] = (uint8_t)(x >> 24);
}

static inline void store_le64(uint8_t *p, uint64_t x)
{
    store_le32(p, (uint32_t)x);
    store_le32(p + 4, (uint32_t)(x >> 32));
}

/* Returns element i of a vector with elements of 4 or 8 bytes. */
static inline uint64_t load_element(const uint8_t *vec, uint64_t i, uint32_t element_size)
{
    return element_size == 4 ? load_le32(vec + 4 * i) : load_le64(vec + 8 * i);
}

static inline void store_element(uint8_t *vec, uint64_t i, uint32_t element_size, uint64_t x)
{
    if (element_size == 4)
        store_le32(vec + 4 * i, (uint32_t)x);
    else
        store_le64(vec + 8 * i, x);
}

static inline float float_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#endif
