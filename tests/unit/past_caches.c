/* Output that goes past the caches is the same output. The library chooses it for batches larger
 * than the machine's last cache, which may be hundreds of megabytes, so here the implementations
 * are called directly. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fallback/backend/candidates.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { LEN_MAX = 20000, OFFSETS = 65, ARENA = LEN_MAX + 2 * OFFSETS };

typedef struct {
    _Alignas(64) uint8_t in[ARENA];
    _Alignas(64) uint8_t out[ARENA];
    _Alignas(64) uint8_t want[ARENA];
    rng r;
} bench;

static bench *bench_open(const char *name)
{
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, 64, sizeof(bench)), 0);
    bench *t = memory;
    t->r = rng_for(name);
    rng_fill(&t->r, t->in, sizeof t->in);
    return t;
}

static void clear(bench *t)
{
    memset(t->out, UNTOUCHED, sizeof t->out);
    memset(t->want, UNTOUCHED, sizeof t->want);
}

/* Sealed and opened as a whole message, past the caches and through them. */
static void seal_and_open(bench *t, const gcm_impl *impl, const void *key, size_t offset,
                          size_t len)
{
    const uint8_t nonce[12] = {1, 2, 3};
    uint8_t tag[2][16];
    int32_t verdict[2] = {0, 0};
    cpu_item item = {
        .in = t->in, .len = len, .aad = t->in, .aad_len = 20, .nonce = nonce, .key = key};
    clear(t);
    for (int stream = 0; stream < 2; stream++) {
        item.out = (stream ? t->out : t->want) + offset;
        item.tag = tag[stream];
        item.verdict = &verdict[stream];
        item.past_caches = stream != 0;
        impl->aead.seal_items(&item, 1);
        assert_int_equal(verdict[stream], PARSEAL_ITEM_OK);
    }
    assert_bytes(t->out, t->want, sizeof t->out);
    assert_bytes(tag[1], tag[0], sizeof tag[0]);

    item.in = t->want + offset;
    item.out = t->out + offset;
    impl->aead.open_items(&item, 1);
    assert_int_equal(verdict[1], PARSEAL_ITEM_OK);
    assert_bytes(t->out + offset, t->in, len);
}

/* One part of a cut message. */
static void encrypt(bench *t, const gcm_impl *impl, const void *key, size_t offset, size_t len)
{
    const uint8_t nonce[12] = {3, 2, 1};
    uint8_t y[2][16] = {{0}};
    clear(t);
    impl->ctr(key, nonce, 77, t->in, t->want + offset, len, false);
    impl->ctr(key, nonce, 77, t->in, t->out + offset, len, true);
    assert_bytes(t->out, t->want, sizeof t->out);
    clear(t);
    impl->seal(key, nonce, 77, t->in, t->want + offset, len, false, y[0]);
    impl->seal(key, nonce, 77, t->in, t->out + offset, len, true, y[1]);
    assert_bytes(t->out, t->want, sizeof t->out);
    assert_bytes(y[1], y[0], sizeof y[0]);
}

static void visit_gcm(bench *t, const gcm_impl *impl)
{
    static const size_t lens[] = {1, 15, 255, 512, 1025, 4096, 8191, 8193, 16384, LEN_MAX};
    uint8_t bytes[32];
    void *key = NULL;
    assert_int_equal(posix_memalign(&key, 64, impl->aead.key_size), 0);
    for (size_t key_len = 16; key_len <= 32; key_len += 16) {
        rng_fill(&t->r, bytes, sizeof bytes);
        impl->aead.keys_init(key, bytes, key_len, 1);
        for (size_t offset = 0; offset < OFFSETS; offset++) {
            size_t len = lens[offset % COUNT_OF(lens)];
            seal_and_open(t, impl, key, offset, len);
            encrypt(t, impl, key, offset, len);
        }
        seal_and_open(t, impl, key, 0, LEN_MAX);
        encrypt(t, impl, key, 16, LEN_MAX);
    }
    free(key);
}

static void gcm(void **state)
{
    (void)state;
    bench *t = bench_open("gcm");
    size_t visited = 0;
    for (size_t i = 0; i < gcm_candidate_count; i++) {
        if (!cpu_levels[gcm_candidates[i].level].supported())
            continue;
        visit_gcm(t, gcm_candidates[i].impl);
        visited++;
    }
    assert_true(visited > 0);
    free(t);
}

/* A mask, or the sum of two, at any alignment that elements of four bytes may have. */
static void visit_mask(bench *t, const mask_impl *impl)
{
    static const uint64_t moduli[] = {UINT64_C(1) << 32, 4294967291, 2147483659};
    static const size_t counts[] = {1, 15, 64, 511, 513, 2048, 3333};
    mask_seed seeds[2];
    rng_fill(&t->r, seeds, sizeof seeds);
    seeds[0].sign = 1;
    seeds[1].sign = -1;
    for (size_t offset = 0; offset < OFFSETS; offset += 4)
        for (size_t k = 0; k < COUNT_OF(counts); k++)
            for (size_t n = 1; n <= COUNT_OF(seeds); n++) {
                const uint64_t modulus = moduli[(k + n + offset / 4) % COUNT_OF(moduli)];
                clear(t);
                impl->apply(seeds, n, modulus, 4, t->want + offset, offset, counts[k],
                            MASK_WRITTEN);
                impl->apply(seeds, n, modulus, 4, t->out + offset, offset, counts[k],
                            MASK_WRITTEN_PAST_CACHES);
                assert_bytes(t->out, t->want, sizeof t->out);
            }
}

static void masks(void **state)
{
    (void)state;
    bench *t = bench_open("masks");
    size_t visited = 0;
    for (size_t i = 0; i < mask_candidate_count; i++) {
        if (!cpu_levels[mask_candidates[i].level].supported())
            continue;
        visit_mask(t, mask_candidates[i].impl);
        visited++;
    }
    assert_true(visited > 0);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gcm), cmocka_unit_test(masks)};
    return RUN_SUITE("past_caches", tests);
}
