/* AES-GCM (SP 800-38D) from the bitsliced AES and the GHASH with holes, one message after the
 * other. Opening hashes a whole message before it decrypts any of it. Constant time, as both of
 * them are. */
#include <sodium.h>
#include <string.h>

#include "fallback/impl.h"
#include "fallback/math/bytes.h"
#include "fallback/portable/aes_bitsliced.h"
#include "fallback/portable/ghash_holes.h"
#include "parseal/parseal.h"

typedef struct {
    aes_key aes;
    uint8_t h[16];
    ghash_key ghash;
} gcm_key;

#define KEY_SIZE ((sizeof(gcm_key) + 63) / 64 * 64)

static void keys_init(void *keys, const uint8_t *bytes, size_t key_len, size_t n)
{
    static const uint8_t zero[16];
    for (size_t i = 0; i < n; i++) {
        gcm_key *k = (gcm_key *)(void *)((uint8_t *)keys + i * KEY_SIZE);
        aes_key_init(&k->aes, bytes + i * key_len, key_len);
        aes_encrypt_block(&k->aes, zero, k->h);
        ghash_key_init(&k->ghash, k->h);
    }
}

static void hash_key(const void *key, uint8_t h[16])
{
    memcpy(h, ((const gcm_key *)key)->h, 16);
}

static void encrypt_j0(const void *key, const uint8_t nonce[12], uint8_t ej0[16])
{
    aes_ctr(&((const gcm_key *)key)->aes, nonce, 1, ej0, NULL, NULL, 0);
}

static void ctr(const void *key, const uint8_t nonce[12], uint32_t counter, const uint8_t *in,
                uint8_t *out, size_t len, bool past_caches)
{
    (void)past_caches;
    aes_ctr(&((const gcm_key *)key)->aes, nonce, counter, NULL, in, out, len);
}

static void ghash(const void *key, uint8_t y[16], const uint8_t *data, size_t len)
{
    ghash_update(&((const gcm_key *)key)->ghash, y, data, len);
}

static void seal(const void *key, const uint8_t nonce[12], uint32_t counter, const uint8_t *in,
                 uint8_t *out, size_t len, bool past_caches, uint8_t y[16])
{
    ctr(key, nonce, counter, in, out, len, past_caches);
    ghash(key, y, out, len);
}

/* Makes the tag of a message, given E(J0). */
static void compute_tag(const cpu_item *item, const uint8_t *ciphertext, const uint8_t ej0[16],
                        uint8_t tag[16])
{
    uint8_t lengths[16];
    store_be64(lengths, item->aad_len * 8);
    store_be64(lengths + 8, item->len * 8);
    memset(tag, 0, 16);
    ghash(item->key, tag, item->aad, (size_t)item->aad_len);
    ghash(item->key, tag, ciphertext, (size_t)item->len);
    ghash(item->key, tag, lengths, sizeof lengths);
    for (size_t i = 0; i < 16; i++)
        tag[i] ^= ej0[i];
}

static void ctr_beside_ghash(const void *key, const uint8_t nonce[12], uint32_t counter,
                             const uint8_t *in, uint8_t *out, size_t len, bool far,
                             const void *other, uint8_t y[16], const uint8_t *data)
{
    (void)far;
    ctr(key, nonce, counter, in, out, len, false);
    ghash(other, y, data, len);
}

static void seal_items(const cpu_item *items, size_t n)
{
    uint8_t ej0[16];
    for (const cpu_item *item = items; item < items + n; item++) {
        aes_ctr(&((const gcm_key *)item->key)->aes, item->nonce, 1, ej0, item->in, item->out,
                (size_t)item->len);
        compute_tag(item, item->out, ej0, item->tag);
        *item->verdict = PARSEAL_ITEM_OK;
    }
    sodium_memzero(ej0, sizeof ej0);
}

static void open_items(const cpu_item *items, size_t n)
{
    uint8_t ej0[16], tag[16];
    for (const cpu_item *item = items; item < items + n; item++) {
        encrypt_j0(item->key, item->nonce, ej0);
        compute_tag(item, item->in, ej0, tag);
        if (crypto_verify_16(tag, item->tag) == 0) {
            *item->verdict = PARSEAL_ITEM_OK;
            ctr(item->key, item->nonce, 2, item->in, item->out, (size_t)item->len, false);
        } else {
            *item->verdict = PARSEAL_ITEM_BAD_TAG;
            if (item->len > 0)
                memset(item->out, 0, (size_t)item->len);
        }
    }
    sodium_memzero(ej0, sizeof ej0);
    sodium_memzero(tag, sizeof tag);
}

const gcm_impl gcm_portable = {
    .name = "portable",
    .aead = {.key_size = KEY_SIZE,
             .keys_init = keys_init,
             .seal_items = seal_items,
             .open_items = open_items,
             .parts = &gcm_parts},
    .hash_key = hash_key,
    .multiply = gf128_multiply,
    .encrypt_j0 = encrypt_j0,
    .ctr = ctr,
    .ghash = ghash,
    .ctr_beside_ghash = ctr_beside_ghash,
    .seal = seal,
};
