#include "ref_mask.h"

#include <sodium.h>
#include <string.h>

#include "ring.h"

#define BLOCK 64

/* Makes block `counter` of the keystream of attempt t. */
static void keystream_block(const parseal_seed *seed, uint32_t t, uint32_t counter,
                            uint8_t block[BLOCK])
{
    static const uint8_t zeros[BLOCK];
    uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES];
    elem_store(nonce, 0, 4, t);
    memcpy(nonce + 4, seed->stream_id, sizeof seed->stream_id);
    crypto_stream_chacha20_ietf_xor_ic(block, zeros, BLOCK, nonce, counter, seed->key);
}

/* Returns the low bits of element i's word in `block`, which is the block that it lies in. */
static uint64_t candidate(const parseal_ring *ring, const uint8_t block[BLOCK], uint64_t i)
{
    uint64_t word = elem_load(block, i % (BLOCK / ring->element_size), ring->element_size);
    uint32_t bits = ring_bits(ring);
    return bits == 64 ? word : word & ((UINT64_C(1) << bits) - 1);
}

/* Returns the element, given the block of attempt 0 that it lies in. */
static uint64_t element_from(const parseal_seed *seed, const parseal_ring *ring, uint64_t i,
                             const uint8_t first_block[BLOCK])
{
    uint64_t value = candidate(ring, first_block, i);
    for (uint32_t t = 1; value >= ring_modulus(ring); t++) {
        uint8_t block[BLOCK];
        keystream_block(seed, t, (uint32_t)(i * ring->element_size / BLOCK), block);
        value = candidate(ring, block, i);
    }
    return value;
}

uint64_t ref_mask_element(const parseal_seed *seed, const parseal_ring *ring, uint64_t i)
{
    uint8_t block[BLOCK];
    keystream_block(seed, 0, (uint32_t)(i * ring->element_size / BLOCK), block);
    return element_from(seed, ring, i, block);
}

void ref_mask_apply(const parseal_seed *seeds, size_t n_seeds, const parseal_ring *ring, void *acc,
                    uint64_t n, uint64_t first)
{
    uint32_t size = ring->element_size;
    for (uint64_t i = 0; i < n; i++)
        elem_store(acc, i, size, ring_reduce(ring, elem_load(acc, i, size)));
    for (size_t j = 0; j < n_seeds; j++) {
        uint8_t block[BLOCK];
        for (uint64_t i = 0; i < n; i++) {
            uint64_t at = (first + i) * size;
            if (i == 0 || at % BLOCK == 0)
                keystream_block(&seeds[j], 0, (uint32_t)(at / BLOCK), block);
            u128 value = element_from(&seeds[j], ring, first + i, block);
            if (seeds[j].sign < 0)
                value = ring_modulus(ring) - value;
            elem_store(acc, i, size, ring_reduce(ring, elem_load(acc, i, size) + value));
        }
    }
}

void random_seeds(rng *r, parseal_seed *seeds, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        rng_fill(r, seeds[j].key, sizeof seeds[j].key);
        rng_fill(r, seeds[j].stream_id, sizeof seeds[j].stream_id);
        seeds[j].sign = rng_below(r, 2) != 0 ? 1 : -1;
    }
}
