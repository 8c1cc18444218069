/* One message of more than 4 GiB, for real: sizes beyond 32 bits, and counters beyond 2^28. Sealed
 * in place on one thread, compared with OpenSSL's incremental interface where there is one, and
 * opened in place on two threads. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if PARSEAL_TESTS_OPENSSL
#include <openssl/evp.h>
#endif

#include "check.h"
#include "impls.h"
#include "rng.h"

enum { CHUNK = 1 << 20 };

#define LEN       ((UINT64_C(1) << 32) + 3 * CHUNK + 12345)
#define NEEDED_KB (UINT64_C(10) << 20)

static const uint8_t aad[] = "past 4 GiB";
static const uint8_t nonce[PARSEAL_AES256GCM_NONCEBYTES] = "once for all";
static uint8_t key[PARSEAL_AES256GCM_KEYBYTES];

/* Chunk i of the text: random bytes that all chunks share, and its number. */
static size_t text_chunk(uint8_t *chunk, uint64_t i)
{
    static uint8_t common[CHUNK];
    if (common[0] == 0) {
        rng r = rng_for("text");
        rng_fill(&r, common, sizeof common);
        common[0] = 1;
    }
    memcpy(chunk, common, CHUNK);
    memcpy(chunk + 8, &i, sizeof i);
    return LEN - i * CHUNK < CHUNK ? (size_t)(LEN - i * CHUNK) : CHUNK;
}

static void fill_text(uint8_t *p)
{
    uint8_t *chunk = malloc(CHUNK);
    assert_non_null(chunk);
    for (uint64_t i = 0; i * CHUNK < LEN; i++) {
        const size_t n = text_chunk(chunk, i);
        memcpy(p + i * CHUNK, chunk, n);
    }
    free(chunk);
}

static void assert_text(const uint8_t *p)
{
    uint8_t *chunk = malloc(CHUNK);
    assert_non_null(chunk);
    for (uint64_t i = 0; i * CHUNK < LEN; i++) {
        const size_t n = text_chunk(chunk, i);
        assert_bytes(p + i * CHUNK, chunk, n);
    }
    free(chunk);
}

#if PARSEAL_TESTS_OPENSSL
static void assert_sealed_as_by_openssl(const uint8_t *p, const uint8_t *tag)
{
    int done;
    uint8_t want[PARSEAL_TAGBYTES];
    uint8_t *chunk = malloc(CHUNK);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_true(chunk != NULL && ctx != NULL);
    assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &done, aad, (int)sizeof aad), 1);
    for (uint64_t i = 0; i * CHUNK < LEN; i++) {
        const size_t n = text_chunk(chunk, i);
        assert_int_equal(EVP_EncryptUpdate(ctx, chunk, &done, chunk, (int)n), 1);
        assert_bytes(p + i * CHUNK, chunk, n);
    }
    assert_int_equal(EVP_EncryptFinal_ex(ctx, chunk, &done), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, sizeof want, want), 1);
    assert_bytes(tag, want, sizeof want);
    EVP_CIPHER_CTX_free(ctx);
    free(chunk);
}
#endif

static parseal_keys *keys_on(const impl_set *set, size_t impl)
{
    parseal_keys *keys = NULL;
    assert_ok(parseal_keys_create(&keys, set->ctx[impl], PARSEAL_AES256GCM, key, 1, NULL));
    return keys;
}

/* The best implementation seals. Without OpenSSL another one opens, so that two have to agree. */
static void past_4gib(void **state)
{
    (void)state;
    impl_set one, two;
    rng r = rng_for("key");
    uint8_t *p = malloc((size_t)LEN);
    assert_non_null(p);
    rng_fill(&r, key, sizeof key);
    impls_open(&one, PARSEAL_PRIMITIVE_AEAD, BY_OPTION, 1, 0);
    impls_open(&two, PARSEAL_PRIMITIVE_AEAD, BY_ENVIRONMENT, 2, 0);
    const size_t best = one.n - 1;
    size_t opens = best;

    parseal_msg msg = {.in = p, .out = p, .len = (size_t)LEN, .aad = aad, .aad_len = sizeof aad};
    memcpy(msg.nonce, nonce, sizeof nonce);
    parseal_keys *keys = keys_on(&one, best);
    fill_text(p);
    assert_ok(parseal_seal(keys, &msg, 1));
    parseal_keys_destroy(keys);
#if PARSEAL_TESTS_OPENSSL
    assert_sealed_as_by_openssl(p, msg.tag);
#else
    opens = best > 0 ? best - 1 : best;
#endif
    keys = keys_on(&two, opens);
    assert_ok(parseal_open(keys, &msg, 1, NULL));
    assert_int_equal(msg.status, PARSEAL_ITEM_OK);
    parseal_keys_destroy(keys);
    assert_text(p);

    impls_close(&one);
    impls_close(&two);
    free(p);
}

/* From /proc/meminfo; 0 where there is no such file. */
static uint64_t available_kb(void)
{
    char line[128];
    uint64_t kb = 0;
    FILE *f = fopen("/proc/meminfo", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "MemAvailable: %" SCNu64, &kb) == 1)
            break;
    if (f != NULL)
        fclose(f);
    return kb;
}

/* Valgrind puts itself into the environment of what it runs. */
static bool on_valgrind(void)
{
    const char *preload = getenv("LD_PRELOAD");
    return preload != NULL && strstr(preload, "vgpreload") != NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(past_4gib)};
    if (SIZE_MAX < LEN)
        return run_skip("objects of this machine end below 4 GiB");
    if (PARSEAL_TESTS_SLOW_BUILD || on_valgrind())
        return run_skip("too slow under sanitizers, Valgrind or emulation");
    if (available_kb() < NEEDED_KB)
        return run_skip("less than 10 GiB of memory are available");
    return RUN_SUITE("past 4 GiB", tests);
}
