#include "ref_aead.h"

#include <sodium.h>
#include <string.h>

#if PARSEAL_TESTS_OPENSSL
#include <limits.h>
#include <openssl/evp.h>
#endif

static bool sodium_has(int32_t alg)
{
    return alg == PARSEAL_AES256GCM && sodium_init() >= 0 &&
           crypto_aead_aes256gcm_is_available() != 0;
}

static void sodium_seal(int32_t alg, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad,
                        size_t aad_len, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
    (void)alg;
    assert_int_equal(crypto_aead_aes256gcm_encrypt_detached(out, tag, NULL, in, len, aad, aad_len,
                                                            NULL, nonce, key),
                     0);
}

#if PARSEAL_TESTS_OPENSSL
static bool openssl_has(int32_t alg)
{
    return alg == PARSEAL_AES128GCM || alg == PARSEAL_AES256GCM;
}

static void openssl_update(EVP_CIPHER_CTX *ctx, uint8_t *out, const uint8_t *in, size_t len)
{
    int done;
    assert_true(len <= INT_MAX);
    if (len != 0)
        assert_int_equal(EVP_EncryptUpdate(ctx, out, &done, in, (int)len), 1);
}

static void openssl_seal(int32_t alg, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad,
                         size_t aad_len, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag)
{
    int done;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_non_null(ctx);
    const EVP_CIPHER *cipher = alg == PARSEAL_AES128GCM ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    assert_int_equal(EVP_EncryptInit_ex(ctx, cipher, NULL, key, nonce), 1);
    openssl_update(ctx, NULL, aad, aad_len);
    openssl_update(ctx, out, in, len);
    assert_int_equal(EVP_EncryptFinal_ex(ctx, tag, &done), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, PARSEAL_TAGBYTES, tag), 1);
    EVP_CIPHER_CTX_free(ctx);
}
#endif

static const ref_aead references[] = {
    {"libsodium", sodium_has, sodium_seal},
#if PARSEAL_TESTS_OPENSSL
    {"openssl", openssl_has, openssl_seal},
#endif
};

const ref_aead *ref_aead_named(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(references); i++)
        if (strcmp(references[i].name, name) == 0)
            return &references[i];
    return NULL;
}

const ref_aead *ref_aead_for(int32_t alg)
{
    for (size_t i = 0; i < COUNT_OF(references); i++)
        if (references[i].has(alg))
            return &references[i];
    return NULL;
}
