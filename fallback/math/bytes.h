/* Bytes to words and back, on any host. Where the compiler states the byte order, a load is one
 * memcpy, so that the compiler can make vector loads of it in loops. */
#ifndef PARSEAL_FALLBACK_MATH_BYTES_H
#define PARSEAL_FALLBACK_MATH_BYTES_H

#include <stddef.h>
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

/* Returns the n <= 8 bytes at p as a little-endian number, without a call or a loop. */
static inline uint64_t load_le_bytes(const void *p, size_t n)
{
    const uint8_t *b = p;
    if (n >= 4)
        return load_le32(b) | (uint64_t)load_le32(b + n - 4) << (8 * (n - 4));
    if (n == 0)
        return 0;
    return b[0] | (uint64_t)b[n / 2] << (8 * (n / 2)) | (uint64_t)b[n - 1] << (8 * (n - 1));
}

/* Stores the low n <= 8 bytes of x. */
static inline void store_le_bytes(void *p, uint64_t x, size_t n)
{
    uint8_t *b = p;
    if (n >= 4) {
        store_le32(b, (uint32_t)x);
        store_le32(b + n - 4, (uint32_t)(x >> (8 * (n - 4))));
    } else if (n > 0) {
        b[0] = (uint8_t)x;
        b[n / 2] = (uint8_t)(x >> (8 * (n / 2)));
        b[n - 1] = (uint8_t)(x >> (8 * (n - 1)));
    }
}

/* In a loop over bytes some compilers see something to vectorise, which takes ten times as long as
 * one load. */
static inline uint64_t load_be64(const void *p)
{
    const uint8_t *b = p;
    uint64_t x = 0;
    if (HOST_IS_LITTLE_ENDIAN)
        return __builtin_bswap64(load_le64(p));
    for (int i = 0; i < 8; i++)
        x = x << 8 | b[i];
    return x;
}

static inline uint32_t load_be32(const void *p)
{
    const uint8_t *b = p;
    if (HOST_IS_LITTLE_ENDIAN)
        return __builtin_bswap32(load_le32(p));
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | (uint32_t)b[3];
}

static inline void store_be64(void *p, uint64_t x)
{
    uint8_t *b = p;
    if (HOST_IS_LITTLE_ENDIAN) {
        store_le64(p, __builtin_bswap64(x));
        return;
    }
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
