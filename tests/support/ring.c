#include "ring.h"

#define IN4(m)    \
    {             \
        (m), 4, 0 \
    }
#define IN8(m)    \
    {             \
        (m), 8, 0 \
    }

const parseal_ring RINGS[] = {
    IN4(2),
    IN8(2),
    IN4(3),
    IN8(3),
    IN4(UINT64_C(1) << 8),
    IN8(UINT64_C(1) << 8),
    IN4(UINT64_C(1) << 20),
    IN8(UINT64_C(1) << 20),
    IN4((UINT64_C(1) << 31) + 11), /* It rejects almost half of the words. */
    IN8((UINT64_C(1) << 31) + 11),
    IN4(UINT64_C(4294967291)), /* 2^32 - 5 */
    IN8(UINT64_C(4294967291)),
    IN4(UINT64_C(1) << 32),
    IN8(UINT64_C(1) << 32),
    IN8(UINT64_C(4294967311)), /* 2^32 + 15 */
    IN8((UINT64_C(1) << 61) - 1),
    IN8((UINT64_C(1) << 63) + 29), /* It rejects almost half of the words. */
    IN8(UINT64_MAX - 58),          /* 2^64 - 59 */
    IN8(0),                        /* 2^64 */
};

const size_t N_RINGS = COUNT_OF(RINGS);

uint32_t ring_bits(const parseal_ring *ring)
{
    uint32_t bits = 0;
    for (uint64_t top = ring->modulus - 1; top != 0; top >>= 1)
        bits++;
    return bits;
}

u128 ring_modulus(const parseal_ring *ring)
{
    return ring->modulus != 0 ? ring->modulus : (u128)1 << 64;
}

uint64_t ring_reduce(const parseal_ring *ring, u128 x)
{
    return (uint64_t)(x % ring_modulus(ring));
}

uint64_t elem_load(const void *p, uint64_t i, uint32_t size)
{
    const uint8_t *bytes = (const uint8_t *)p + i * size;
    uint64_t value = 0;
    for (uint32_t k = size; k-- > 0;)
        value = value << 8 | bytes[k];
    return value;
}

void elem_store(void *p, uint64_t i, uint32_t size, uint64_t value)
{
    uint8_t *bytes = (uint8_t *)p + i * size;
    for (uint32_t k = 0; k < size; k++)
        bytes[k] = (uint8_t)(value >> (8 * k));
}
