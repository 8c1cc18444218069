#include "host/support/hkdf.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "host/support/wipe.h"

#ifdef crypto_kdf_hkdf_sha256_KEYBYTES /* libsodium 1.0.19 and later */

static void extract(uint8_t prk[32], const uint8_t *ikm, size_t ikm_len, const uint8_t *salt,
                    size_t salt_len)
{
    (void)crypto_kdf_hkdf_sha256_extract(prk, salt, salt_len, ikm, ikm_len);
}

static void expand(uint8_t *okm, size_t okm_len, const uint8_t prk[32], const uint8_t *info,
                   size_t info_len)
{
    (void)crypto_kdf_hkdf_sha256_expand(okm, okm_len, (const char *)info, info_len, prk);
}

#else

/* PRK = HMAC(salt, IKM), where the salt may have any length. */
static void extract(uint8_t prk[32], const uint8_t *ikm, size_t ikm_len, const uint8_t *salt,
                    size_t salt_len)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, salt, salt_len);
    crypto_auth_hmacsha256_update(&state, ikm, ikm_len);
    crypto_auth_hmacsha256_final(&state, prk);
    sodium_memzero(&state, sizeof state);
}

/* T(i) = HMAC(PRK, T(i - 1) | info | i) */
static void expand(uint8_t *okm, size_t okm_len, const uint8_t prk[32], const uint8_t *info,
                   size_t info_len)
{
    crypto_auth_hmacsha256_state state;
    uint8_t t[32], counter = 0;
    for (size_t at = 0; at < okm_len; at += sizeof t) {
        const size_t take = okm_len - at < sizeof t ? okm_len - at : sizeof t;
        counter++;
        crypto_auth_hmacsha256_init(&state, prk, 32);
        if (at > 0)
            crypto_auth_hmacsha256_update(&state, t, sizeof t);
        crypto_auth_hmacsha256_update(&state, info, info_len);
        crypto_auth_hmacsha256_update(&state, &counter, 1);
        crypto_auth_hmacsha256_final(&state, t);
        memcpy(okm + at, t, take);
    }
    sodium_memzero(&state, sizeof state);
    sodium_memzero(t, sizeof t);
}

#endif

void hkdf_sha256(uint8_t *okm, size_t okm_len, const uint8_t *ikm, size_t ikm_len,
                 const uint8_t *salt, size_t salt_len, const uint8_t *info, size_t info_len)
{
    static const uint8_t none[1] = {0}; /* It stands in for NULL, which libsodium does not take. */
    uint8_t prk[32];
    assert(okm_len <= HKDF_SHA256_BYTES_MAX);
    extract(prk, ikm, ikm_len, salt_len > 0 ? salt : none, salt_len);
    expand(okm, okm_len, prk, info_len > 0 ? info : none, info_len);
    sodium_memzero(prk, sizeof prk);
    wipe_stack();
}
