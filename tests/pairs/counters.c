/* Counter mode, on the internal interface, where the counter carries from byte to byte, and where
 * its 32 bits wrap without touching the nonce. The command line names the AES that the keystream is
 * compared with: OpenSSL's, or the portable one applied to single blocks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if PARSEAL_TESTS_OPENSSL
#include <openssl/evp.h>
#endif

#include "check.h"
#include "fallback/portable/aes_bitsliced.h"
#include "gcm_set.h"
#include "impls.h"
#include "rng.h"

/* Starts reach from 80 blocks before a carry, so that it comes in each place of the longest chunks,
 * to 16 behind it. */
enum { BEFORE = 80, BEHIND = 16, LEN_MAX = 2100, BLOCKS = BEFORE + BEHIND + LEN_MAX / 16 + 2 };

static const uint32_t carries[] = {0x100, 0x10000, 0x1000000, 0x80000000, 0 /* 2^32 */};
static const size_t lengths[] = {1, 16, 17, 64, 250, 511, 512, 513, 1024, 1500, LEN_MAX};

/* Encrypts n blocks, one by one. */
typedef void (*encrypt_blocks)(const uint8_t *key, size_t key_len, const uint8_t *in, uint8_t *out,
                               size_t n);

static encrypt_blocks encrypt;

static void portable_blocks(const uint8_t *key, size_t key_len, const uint8_t *in, uint8_t *out,
                            size_t n)
{
    aes_key expanded;
    aes_key_init(&expanded, key, key_len);
    for (size_t i = 0; i < n; i++)
        aes_encrypt_block(&expanded, in + 16 * i, out + 16 * i);
}

#if PARSEAL_TESTS_OPENSSL
static void openssl_blocks(const uint8_t *key, size_t key_len, const uint8_t *in, uint8_t *out,
                           size_t n)
{
    int done;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_non_null(ctx);
    assert_int_equal(EVP_EncryptInit_ex(ctx, key_len == 16 ? EVP_aes_128_ecb() : EVP_aes_256_ecb(),
                                        NULL, key, NULL),
                     1);
    assert_int_equal(EVP_EncryptUpdate(ctx, out, &done, in, (int)(16 * n)), 1);
    assert_int_equal(done, 16 * n);
    EVP_CIPHER_CTX_free(ctx);
}
#endif

typedef struct {
    size_t key_len;
    uint8_t bytes[32], nonce[12];
    gcm_set impls;
    uint8_t keystream[BLOCKS * 16];
    uint8_t in[LEN_MAX + 64], out[LEN_MAX + 64], want[LEN_MAX];
    rng r;
} bench;

static void bench_open(bench *t, size_t key_len)
{
    t->r = rng_for("counters");
    t->key_len = key_len;
    rng_fill(&t->r, t->bytes, sizeof t->bytes);
    rng_fill(&t->r, t->nonce, sizeof t->nonce);
    rng_fill(&t->r, t->in, sizeof t->in);
    gcm_set_open(&t->impls, t->bytes, key_len);
}

/* Makes the keystream of the counters from `start` on, which may wrap. */
static void fill_keystream(bench *t, uint32_t start)
{
    uint8_t counters[BLOCKS * 16];
    for (uint32_t i = 0; i < BLOCKS; i++) {
        const uint32_t counter = start + i;
        memcpy(counters + 16 * i, t->nonce, 12);
        for (uint32_t k = 0; k < 4; k++)
            counters[16 * i + 12 + k] = (uint8_t)(counter >> (24 - 8 * k));
    }
    encrypt(t->bytes, t->key_len, counters, t->keystream, BLOCKS);
}

/* Returns a place to write len bytes to. Stores past the caches need a block's alignment. */
static uint8_t *output(bench *t, const uint8_t *in, size_t len, bool in_place)
{
    const size_t off_block = (16 - (uintptr_t)t->out % 16) % 16;
    uint8_t *out = t->out + (rng_below(&t->r, 2) == 0 ? off_block : rng_below(&t->r, 64));
    memset(t->out, UNTOUCHED, sizeof t->out);
    if (in_place)
        memcpy(out, in, len);
    return out;
}

static void assert_written(const bench *t, const uint8_t *out, size_t len, const gcm_impl *impl)
{
    check_bytes(out, t->want, len, impl->name, __FILE__, __LINE__);
    assert_filled(t->out, (size_t)(out - t->out), UNTOUCHED);
    assert_filled(out + len, (size_t)(t->out + sizeof t->out - out) - len, UNTOUCHED);
}

static void check(bench *t, size_t i, uint32_t counter, size_t len, bool stream, bool in_place)
{
    const gcm_impl *impl = t->impls.impl[i];
    const void *key = t->impls.key[i];
    const uint8_t *in = t->in + rng_below(&t->r, 64);
    uint8_t y[16], hash[16];

    uint8_t *out = output(t, in, len, in_place);
    for (size_t k = 0; k < len; k++)
        t->want[k] ^= in[k];
    impl->ctr(key, t->nonce, counter, in_place ? out : in, out, len, stream);
    assert_written(t, out, len, impl);

    rng_fill(&t->r, y, sizeof y);
    memcpy(hash, y, sizeof y);
    gcm_portable.ghash(t->impls.key[0], hash, t->want, len);
    out = output(t, in, len, in_place);
    impl->seal(key, t->nonce, counter, in_place ? out : in, out, len, stream, y);
    assert_written(t, out, len, impl);
    check_bytes(y, hash, sizeof y, impl->name, __FILE__, __LINE__);
}

static void around_carries(size_t key_len)
{
    static bench t;
    bench_open(&t, key_len);
    for (size_t c = 0; c < COUNT_OF(carries); c++) {
        const uint32_t first = carries[c] - BEFORE;
        fill_keystream(&t, first);
        for (uint32_t skip = 0; skip < BEFORE + BEHIND; skip++) {
            for (size_t k = skip % repeat_step(3); k < 4 * COUNT_OF(lengths); k += repeat_step(3)) {
                for (size_t i = 0; i < t.impls.n; i++) {
                    const size_t len = lengths[k / 4];
                    memcpy(t.want, t.keystream + 16 * skip, len);
                    check(&t, i, first + skip, len, k % 2 != 0, k / 2 % 2 != 0);
                }
            }
        }
    }
    gcm_set_close(&t.impls);
}

static void aes128(void **state)
{
    (void)state;
    around_carries(16);
}

static void aes256(void **state)
{
    (void)state;
    around_carries(32);
}

/* Checks counter 1, which hides the tag, and the hash key. */
static void check_single_blocks(bench *t)
{
    const uint8_t zeros[16] = {0};
    uint8_t j0[16] = {[15] = 1}, ej0[16], h[16], out[16];
    memcpy(j0, t->nonce, 12);
    encrypt(t->bytes, t->key_len, j0, ej0, 1);
    encrypt(t->bytes, t->key_len, zeros, h, 1);
    for (size_t i = 0; i < t->impls.n; i++) {
        const gcm_impl *impl = t->impls.impl[i];
        impl->encrypt_j0(t->impls.key[i], t->nonce, out);
        check_bytes(out, ej0, sizeof out, impl->name, __FILE__, __LINE__);
        impl->hash_key(t->impls.key[i], out);
        check_bytes(out, h, sizeof out, impl->name, __FILE__, __LINE__);
    }
}

static void single_blocks(void **state)
{
    (void)state;
    static bench t;
    rng r = rng_for("single blocks");
    for (int i = 0; i < 200; i++) {
        t.key_len = i % 2 != 0 ? 16 : 32;
        rng_fill(&r, t.bytes, sizeof t.bytes);
        rng_fill(&r, t.nonce, sizeof t.nonce);
        gcm_set_open(&t.impls, t.bytes, t.key_len);
        check_single_blocks(&t);
        gcm_set_close(&t.impls);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes128),
        cmocka_unit_test(aes256),
        cmocka_unit_test(single_blocks),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: %s openssl|portable\n", argv[0]);
        return 2;
    }
    encrypt = portable_blocks;
    if (strcmp(argv[1], "openssl") == 0) {
#if PARSEAL_TESTS_OPENSSL
        encrypt = openssl_blocks;
#else
        return run_skip("this build of the tests has no OpenSSL");
#endif
    }
    return RUN_SUITE(argv[1], tests);
}
