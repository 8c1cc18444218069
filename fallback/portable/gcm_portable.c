/* AES-GCM from the bitsliced AES and the GHASH with holes. */
#include <sodium.h>
#include <string.h>

#include "fallback/impl.h"
#include "fallback/portable/aes_bitsliced.h"
#include "fallback/portable/ghash_holes.h"

typedef struct {
    aes_key aes;
    uint8_t h[16];
    ghash_key ghash;
} gcm_key;

#define KEY_SIZE ((sizeof(gcm_key) + 63) / 64 * 64)

static void key_init(void *key, const uint8_t *bytes, size_t key_len)
{
    static const uint8_t zero[16];
    gcm_key *k = key;
    aes_key_init(&k->aes, bytes, key_len);
    aes_encrypt_block(&k->aes, zero, k->h);
    ghash_key_init(&k->ghash, k->h);
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
                uint8_t *out, size_t len)
{
    aes_ctr(&((const gcm_key *)key)->aes, nonce, counter, NULL, in, out, len);
}

static void ghash(const void *key, uint8_t y[16], const uint8_t *data, size_t len)
{
    ghash_update(&((const gcm_key *)key)->ghash, y, data, len);
}

static void seal(const void *key, const uint8_t nonce[12], uint32_t counter, const uint8_t *in,
                 uint8_t *out, size_t len, uint8_t y[16], uint8_t *ej0)
{
    const gcm_key *k = key;
    aes_ctr(&k->aes, nonce, ej0 != NULL ? counter - 1 : counter, ej0, in, out, len);
    ghash_update(&k->ghash, y, out, len);
}

const gcm_impl gcm_portable = {
    .name = "portable",
    .key_size = KEY_SIZE,
    .key_init = key_init,
    .hash_key = hash_key,
    .encrypt_j0 = encrypt_j0,
    .ctr = ctr,
    .ghash = ghash,
    .seal = seal,
};
