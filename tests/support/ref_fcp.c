#include "ref_fcp.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"

#if PARSEAL_TESTS_OPENSSL
#include <openssl/evp.h>

typedef struct {
    EVP_CIPHER_CTX *aes;
    uint64_t next; /* the number of the next byte */
    uint8_t block[16];
} stream;

static void put_be32(uint8_t *to, uint64_t x)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(x >> (24 - 8 * i));
}

static void derive(const parseal_fcp_mask *mask, const parseal_fcp_key *key, uint32_t bits,
                   uint8_t aes_key[32])
{
    const size_t info = mask->session_id_len + 8 + mask->name_len;
    uint8_t *text = malloc(4 + key->len + 1 + 4 + info), *p = text;
    assert_non_null(text);
    put_be32(p, bits);
    memcpy(p + 4, key->key, key->len);
    p += 4 + key->len;
    *p++ = 2;
    put_be32(p, info);
    p += 4;
    if (mask->session_id_len != 0)
        memcpy(p, mask->session_id, mask->session_id_len);
    p += mask->session_id_len;
    put_be32(p, bits);
    put_be32(p + 4, mask->n);
    p += 8;
    if (mask->name_len != 0)
        memcpy(p, mask->name, mask->name_len);
    p += mask->name_len;
    crypto_hash_sha256(aes_key, text, (size_t)(p - text));
    free(text);
}

static uint8_t next_byte(stream *s)
{
    if (s->next % 16 == 0) {
        uint8_t counter[16] = {0};
        int done;
        for (int i = 0; i < 8; i++)
            counter[15 - i] = (uint8_t)(s->next / 16 >> (8 * i));
        assert_int_equal(EVP_EncryptUpdate(s->aes, s->block, &done, counter, 16), 1);
    }
    return s->block[s->next++ % 16];
}

static uint64_t next_element(stream *s, uint64_t modulus, uint32_t bits)
{
    const uint64_t all = UINT64_C(1) << bits;
    for (;;) {
        uint64_t value = 0;
        for (uint32_t i = 0; i < (bits + 7) / 8; i++)
            value = value << 8 | next_byte(s);
        value %= all;
        if (value >= all - modulus)
            return value % modulus;
    }
}

static void add_mask(const parseal_fcp_mask *mask, const parseal_fcp_key *key, uint64_t *sum)
{
    const parseal_ring ring = {mask->modulus, 8, 0};
    const uint32_t bits = ring_bits(&ring);
    stream s = {.aes = EVP_CIPHER_CTX_new()};
    uint8_t aes_key[32];
    assert_non_null(s.aes);
    derive(mask, key, bits, aes_key);
    assert_int_equal(EVP_EncryptInit_ex(s.aes, EVP_aes_256_ecb(), NULL, aes_key, NULL), 1);
    for (uint64_t i = 0; i < mask->n; i++) {
        const uint64_t x = next_element(&s, mask->modulus, bits);
        sum[i] = (sum[i] + (key->sign > 0 ? x : mask->modulus - x)) % mask->modulus;
    }
    EVP_CIPHER_CTX_free(s.aes);
}

bool ref_fcp_exists(void)
{
    return true;
}

void ref_fcp_sum(const parseal_fcp_mask *mask, const parseal_fcp_key *keys, size_t n, uint64_t *sum)
{
    for (uint64_t i = 0; i < mask->n; i++)
        sum[i] = 0;
    for (size_t j = 0; j < n; j++)
        add_mask(mask, &keys[j], sum);
}

#else

bool ref_fcp_exists(void)
{
    return false;
}

void ref_fcp_sum(const parseal_fcp_mask *mask, const parseal_fcp_key *keys, size_t n, uint64_t *sum)
{
    (void)mask, (void)keys, (void)n, (void)sum;
    fail_msg("no OpenSSL");
}

#endif
