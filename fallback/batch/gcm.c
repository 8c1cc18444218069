/* AES-GCM's messages in tiles, over any gcm_impl: SP 800-38D algorithms 4 and 5.
 *
 * GHASH is linear: the hash of a tile t is computed on its own as partial[t]; then
 * y = y * H^(blocks of t) ^ partial[t], tile by tile, gives the hash of the whole.
 */
#include <sodium.h>
#include <string.h>

#include "fallback/batch/aead.h"
#include "fallback/math/bytes.h"
#include "fallback/portable/ghash_holes.h"

static const gcm_impl *gcm_of(const aead_impl *impl)
{
    return (const gcm_impl *)((const char *)impl - offsetof(gcm_impl, aead));
}

/* Returns the counter of the block at `offset`. J0 has counter 1, so data begins with 2. A message
 * has fewer than 2^32 blocks, so the counter does not wrap. */
static uint32_t counter_at(uint64_t offset)
{
    return (uint32_t)(2 + offset / 16);
}

/* Continues y, the hash of the aad, with the hashes of the tiles. Without aad y is zero, and so is
 * its product with any power of H: the first tile then needs no power. */
static void combine(const gcm_impl *impl, const cpu_item *item, uint64_t tile_size,
                    const uint8_t (*partial)[16], uint8_t y[16])
{
    uint8_t h[16], power[16];
    const size_t n = aead_tiles_of(item->len, tile_size);
    const uint64_t last = item->len - (n - 1) * tile_size;
    const size_t first = item->aad_len == 0 ? 1 : 0;

    impl->hash_key(item->key, h);
    if (n > first + 1)
        gf128_power_by(impl->multiply, power, h, tile_size / 16);
    for (size_t t = 0; t < n; t++) {
        if (t == n - 1 && t >= first)
            gf128_power_by(impl->multiply, power, h, (last + 15) / 16);
        if (t >= first)
            impl->multiply(y, power);
        for (size_t i = 0; i < 16; i++)
            y[i] ^= partial[t][i];
    }
    sodium_memzero(h, sizeof h);
    sodium_memzero(power, sizeof power);
}

/* Makes the tag from the hash of aad and ciphertext, which is in `tag`: it hashes the lengths and
 * adds E(J0). */
static void tag_of_hash(const gcm_impl *impl, const cpu_item *item, uint8_t tag[16])
{
    uint8_t ej0[16], lengths[16];
    store_be64(lengths, item->aad_len * 8);
    store_be64(lengths + 8, item->len * 8);
    impl->ghash(item->key, tag, lengths, sizeof lengths);
    impl->encrypt_j0(item->key, item->nonce, ej0);
    for (size_t i = 0; i < 16; i++)
        tag[i] ^= ej0[i];
    sodium_memzero(ej0, sizeof ej0);
}

/* Makes the tag of an item that has been cut into tiles. */
static void tag_of_parts(const aead_impl *aead, const cpu_item *item, uint64_t tile_size,
                         const uint8_t (*partial)[16], uint8_t tag[16])
{
    const gcm_impl *impl = gcm_of(aead);
    memset(tag, 0, 16);
    impl->ghash(item->key, tag, item->aad, (size_t)item->aad_len);
    combine(impl, item, tile_size, partial, tag);
    tag_of_hash(impl, item, tag);
}

static void seal_part(const aead_impl *aead, const cpu_item *item, uint64_t offset, size_t size,
                      uint8_t partial[16])
{
    gcm_of(aead)->seal(item->key, item->nonce, counter_at(offset), item->in + offset,
                       item->out + offset, size, item->past_caches, partial);
}

static void hash_part(const aead_impl *aead, const cpu_item *item, uint64_t offset, size_t size,
                      uint8_t partial[16])
{
    gcm_of(aead)->ghash(item->key, partial, item->in + offset, size);
}

static void open_part(const aead_impl *aead, const cpu_item *item, uint64_t offset, size_t size,
                      uint8_t *to, bool past_caches)
{
    gcm_of(aead)->ctr(item->key, item->nonce, counter_at(offset), item->in + offset, to, size,
                      past_caches);
}

static void open_beside_hash(const aead_impl *aead, const cpu_item *item, uint8_t *to, bool far,
                             const cpu_item *next, uint64_t offset, size_t size,
                             uint8_t partial[16])
{
    gcm_of(aead)->ctr_beside_ghash(item->key, item->nonce, counter_at(offset), item->in + offset,
                                   to, size, far, next->key, partial, next->in + offset);
}

static void add_beside_hash(const aead_impl *aead, const cpu_item *item, uint8_t *acc,
                            uint32_t element_size, uint64_t low_bits, const cpu_item *next,
                            uint64_t offset, size_t size, uint8_t partial[16])
{
    gcm_of(aead)->add_beside_ghash(item->key, item->nonce, counter_at(offset), item->in + offset,
                                   acc, size, element_size, low_bits,
                                   next != NULL ? next->key : NULL, partial,
                                   next != NULL ? next->in + offset : NULL);
}

const aead_parts gcm_parts = {
    .seal_part = seal_part,
    .hash_part = hash_part,
    .tag = tag_of_parts,
    .open_part = open_part,
    .open_beside_hash = open_beside_hash,
};

const aead_parts gcm_adding_parts = {
    .seal_part = seal_part,
    .hash_part = hash_part,
    .tag = tag_of_parts,
    .open_part = open_part,
    .open_beside_hash = open_beside_hash,
    .add_beside_hash = add_beside_hash,
};
