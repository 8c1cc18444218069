/* Bytes to words and back, on any host. Where the compiler states the byte order, a load is one
 * memcpy, so that the compiler can make vector loads of it in loops. */
#ifndef PARSEAL_FALLBACK_MATH_BYTES_H
#define PARSEAL_FALLBACK_MATH_BYTES_H

#include <stdint.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST_IS_LITTLE_ENDIAN 1
#else
#define HOST_IS_LITTLE_ENDIAN 0
#endif

static inline uint32_t load_le32(const void *p)
{
    const uint8_t *b = p;
    uint32_t x;
    if (HOST_IS_LITTLE_ENDIAN) {
        memcpy(&x, b, sizeof x);
        return x;
    }
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline void store_le32(void *p, uint32_t x)
{
    uint8_t *b = p;
    if (HOST_IS_LITTLE_ENDIAN) {
        memcpy(b, &x, sizeof x);
        return;
    }
    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(x >> (8 * i));
}

static inline uint64_t load_le64(const void *p)
{
    uint64_t x;
    if (HOST_IS_LITTLE_ENDIAN) {
        memcpy(&x, p, sizeof x);
        return x;
    }
    const uint8_t *b = p;
    return (uint64_t)load_le32(b) | (uint64_t)load_le32(b + 4) << 32;
}

static inline void store_le64(void *p, uint64_t x)
{
    uint8_t *b = p;
    if (HOST_IS_LITTLE_ENDIAN) {
        memcpy(b, &x, sizeof x);
        return;
    }
    store_le32(b, (uint32_t)x);
    store_le32(b + 4, (uint32_t)(x >> 32));
}

static inline uint64_t load_be64(const void *p)
{
    const uint8_t *b = p;
    uint64_t x = 0;
    for (int i = 0; i < 8; i++)
        x = x << 8 | b[i];
    return x;
}

static inline void store_be64(void *p, uint64_t x)
{
    uint8_t *b = p;
    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(x >> (56 - 8 * i));
}

static inline void store_be32(void *p, uint32_t x)
{
    uint8_t *b = p;
    for (int i = 0; i < 4; i++)
        b[i] = (uint8_t)(x >> (24 - 8 * i));
}

#endif
