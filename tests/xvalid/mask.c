/* Masks against format `chacha20` computed from libsodium's keystream. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_mask.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { N = 5003 };

static const parseal_ring WORDS4 = {UINT64_C(1) << 32, 4, 0};
static const parseal_ring WORDS8 = {0, 8, 0};

static void *elements(const parseal_ring *ring, uint64_t n)
{
    void *p = malloc((size_t)(n * ring->element_size) + 1);
    assert_non_null(p);
    return p;
}

static parseal_seeds *seed_set(parseal_ctx *ctx, const parseal_seed *seeds, size_t n)
{
    parseal_seeds *set = NULL;
    assert_ok(parseal_seeds_create(&set, ctx, seeds, n));
    return set;
}

/* Compares one call of each function with the reference. */
static void check_masks(parseal_ctx *ctx, rng *r, const parseal_ring *ring, size_t n_seeds,
                        uint64_t n, uint64_t first)
{
    size_t size = (size_t)(n * ring->element_size);
    parseal_seed seeds[17];
    assert_true(n_seeds <= COUNT_OF(seeds));
    random_seeds(r, seeds, n_seeds);
    parseal_seeds *set = seed_set(ctx, seeds, n_seeds);
    uint8_t *acc = elements(ring, n);
    uint8_t *want = elements(ring, n);
    parseal_vec vec = parseal_host_vec(acc, n, ring->element_size);

    rng_fill(r, acc, size);
    memcpy(want, acc, size);
    ref_mask_apply(seeds, n_seeds, ring, want, n, first);
    assert_ok(parseal_mask_apply(set, ring, &vec, first, NULL));
    assert_bytes(acc, want, size);

    memset(want, 0, size);
    ref_mask_apply(seeds, n_seeds, ring, want, n, first);
    rng_fill(r, acc, size);
    assert_ok(parseal_mask_write(set, ring, &vec, first, NULL));
    assert_bytes(acc, want, size);

    free(acc);
    free(want);
    parseal_seeds_destroy(set);
}

static void every_ring(void **state)
{
    (void)state;
    static const size_t n_seeds[] = {0, 1, 2, 3, 8, 17};
    static const uint64_t lengths[] = {0, 1, 2, 7, 8, 15, 16, 17, 33, 63, 64, 65, 129, 1000};
    rng r = rng_for("every ring");
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < N_RINGS; i++) {
        for (size_t k = 0; k < COUNT_OF(lengths); k++)
            check_masks(ctx, &r, &RINGS[i], n_seeds[k % COUNT_OF(n_seeds)], lengths[k],
                        rng_below(&r, 1000));
        check_masks(ctx, &r, &RINGS[i], 3, N, rng_below(&r, UINT64_C(1) << 34));
    }
    parseal_ctx_destroy(ctx);
}

/* The keystream's last block has counter 2^32 - 1. A mask of no elements may begin behind it. */
static void end_of_keystream(void **state)
{
    (void)state;
    rng r = rng_for("end of keystream");
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < N_RINGS; i++) {
        uint64_t end = (UINT64_C(1) << 38) / RINGS[i].element_size;
        check_masks(ctx, &r, &RINGS[i], 2, 41, end - 41);
        check_masks(ctx, &r, &RINGS[i], 2, 1, end - 1);
        check_masks(ctx, &r, &RINGS[i], 2, 0, end);
    }
    parseal_ctx_destroy(ctx);
}

/* In a ring of all words the mask is the keystream itself. This compares it, from a byte offset
 * that is any multiple of the word's size, without the help of the reference above. */
static void check_keystream(parseal_ctx *ctx, const parseal_ring *ring, uint64_t first)
{
    enum { COUNT = 777 };
    uint8_t zeros[COUNT * 8 + 128] = {0};
    uint8_t stream[sizeof zeros];
    uint8_t got[COUNT * 8];
    uint32_t size = ring->element_size;
    rng r = rng_for("keystream");
    parseal_seed seed;
    random_seeds(&r, &seed, 1);
    seed.sign = 1;
    uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES] = {0};
    memcpy(nonce + 4, seed.stream_id, sizeof seed.stream_id);
    crypto_stream_chacha20_ietf_xor_ic(stream, zeros, sizeof zeros, nonce,
                                       (uint32_t)(first * size / 64), seed.key);
    parseal_seeds *set = seed_set(ctx, &seed, 1);
    parseal_vec out = parseal_host_vec(got, COUNT, size);
    assert_ok(parseal_mask_write(set, ring, &out, first, NULL));
    assert_bytes(got, stream + first * size % 64, COUNT * size);
    parseal_seeds_destroy(set);
}

static void keystream_at_any_offset(void **state)
{
    (void)state;
    rng r = rng_for("offsets");
    parseal_ctx *ctx = run_ctx(1);
    for (uint64_t first = 0; first < 40; first++) {
        check_keystream(ctx, &WORDS4, first);
        check_keystream(ctx, &WORDS8, first);
    }
    for (int i = 0; i < 100; i++) {
        check_keystream(ctx, &WORDS4, rng_below(&r, UINT64_C(1) << 35));
        check_keystream(ctx, &WORDS8, rng_below(&r, UINT64_C(1) << 34));
    }
    parseal_ctx_destroy(ctx);
}

static void slices(void **state)
{
    (void)state;
    rng r = rng_for("slices");
    parseal_ctx *ctx = run_ctx(2);
    parseal_seed seeds[5];
    random_seeds(&r, seeds, COUNT_OF(seeds));
    parseal_seeds *set = seed_set(ctx, seeds, COUNT_OF(seeds));
    for (size_t i = 0; i < N_RINGS; i++) {
        uint32_t size = RINGS[i].element_size;
        uint64_t first = rng_below(&r, UINT64_C(1) << 30);
        uint8_t *whole = elements(&RINGS[i], N);
        uint8_t *part = elements(&RINGS[i], N);
        parseal_vec vec = parseal_host_vec(whole, N, size);
        assert_ok(parseal_mask_write(set, &RINGS[i], &vec, first, NULL));
        for (int k = 0; k < 60; k++) {
            uint64_t from = rng_below(&r, N);
            uint64_t n = rng_range(&r, 0, k % 2 != 0 ? N - from : (N - from) % 50);
            vec = parseal_host_vec(part, n, size);
            assert_ok(parseal_mask_write(set, &RINGS[i], &vec, first + from, NULL));
            assert_bytes(part, whole + from * size, (size_t)n * size);
        }
        free(whole);
        free(part);
    }
    parseal_seeds_destroy(set);
    parseal_ctx_destroy(ctx);
}

/* +seed, then -seed give the vector again, reduced. */
static void there_and_back(void **state)
{
    (void)state;
    rng r = rng_for("there and back");
    parseal_ctx *ctx = run_ctx(2);
    parseal_seed seed[2];
    random_seeds(&r, seed, 1);
    seed[0].sign = 1;
    seed[1] = seed[0];
    seed[1].sign = -1;
    parseal_seeds *plus = seed_set(ctx, &seed[0], 1);
    parseal_seeds *minus = seed_set(ctx, &seed[1], 1);
    parseal_seeds *both = seed_set(ctx, seed, 2);
    for (size_t i = 0; i < N_RINGS; i++) {
        const parseal_ring *ring = &RINGS[i];
        size_t size = (size_t)N * ring->element_size;
        uint8_t *acc = elements(ring, N);
        uint8_t *reduced = elements(ring, N);
        rng_fill(&r, acc, size);
        memcpy(reduced, acc, size);
        ref_mask_apply(NULL, 0, ring, reduced, N, 0);
        parseal_vec vec = parseal_host_vec(acc, N, ring->element_size);
        assert_ok(parseal_mask_apply(plus, ring, &vec, 77, NULL));
        assert_memory_not_equal(acc, reduced, size);
        assert_ok(parseal_mask_apply(minus, ring, &vec, 77, NULL));
        assert_bytes(acc, reduced, size);
        assert_ok(parseal_mask_apply(both, ring, &vec, 5, NULL));
        assert_bytes(acc, reduced, size);
        free(acc);
        free(reduced);
    }
    parseal_seeds_destroy(plus);
    parseal_seeds_destroy(minus);
    parseal_seeds_destroy(both);
    parseal_ctx_destroy(ctx);
}

/* The vector is large enough to be cut over threads. The cuts must not show. */
static void any_number_of_threads(void **state)
{
    (void)state;
    enum { LARGE = 150007 };
    static const uint32_t threads[] = {1, 2, 3, 7};
    static const parseal_ring rings[] = {
        {UINT64_C(1) << 20, 4, 0}, {(UINT64_C(1) << 31) + 11, 4, 0}, {UINT64_MAX - 58, 8, 0}};
    rng r = rng_for("threads");
    parseal_seed seeds[3];
    random_seeds(&r, seeds, COUNT_OF(seeds));
    for (size_t i = 0; i < COUNT_OF(rings); i++) {
        size_t size = (size_t)LARGE * rings[i].element_size;
        uint8_t *start = elements(&rings[i], LARGE);
        uint8_t *want = elements(&rings[i], LARGE);
        uint8_t *acc = elements(&rings[i], LARGE);
        rng_fill(&r, start, size);
        memcpy(want, start, size);
        ref_mask_apply(seeds, COUNT_OF(seeds), &rings[i], want, LARGE, 12345);
        for (size_t t = 0; t < COUNT_OF(threads); t++) {
            parseal_ctx *ctx = run_ctx(threads[t]);
            parseal_seeds *set = seed_set(ctx, seeds, COUNT_OF(seeds));
            memcpy(acc, start, size);
            parseal_vec vec = parseal_host_vec(acc, LARGE, rings[i].element_size);
            assert_ok(parseal_mask_apply(set, &rings[i], &vec, 12345, NULL));
            assert_bytes(acc, want, size);
            parseal_seeds_destroy(set);
            parseal_ctx_destroy(ctx);
        }
        free(start);
        free(want);
        free(acc);
    }
}

/* The caches do not hold the vector, so that output may take another way to memory. The keystream
 * itself is written and added, from an address that is aligned to one word only. */
static void larger_than_the_caches(void **state)
{
    (void)state;
    const size_t size = past_the_caches();
    rng r = rng_for("larger than the caches");
    uint8_t nonce[crypto_stream_chacha20_ietf_NONCEBYTES] = {0};
    parseal_ctx *ctx = run_ctx(3);
    parseal_seed seed;
    random_seeds(&r, &seed, 1);
    seed.sign = 1;
    memcpy(nonce + 4, seed.stream_id, sizeof seed.stream_id);
    parseal_seeds *set = seed_set(ctx, &seed, 1);
    uint8_t *want = calloc(1, size);
    uint8_t *out = malloc(size + 4);
    assert_true(want != NULL && out != NULL);
    crypto_stream_chacha20_ietf_xor_ic(want, want, size, nonce, 7, seed.key);
    parseal_vec vec = parseal_host_vec(out + 4, size / 4, 4);
    assert_ok(parseal_mask_write(set, &WORDS4, &vec, 7 * 64 / 4, NULL));
    assert_bytes(out + 4, want, size);
    memset(out, 0, size + 4);
    assert_ok(parseal_mask_apply(set, &WORDS4, &vec, 7 * 64 / 4, NULL));
    assert_bytes(out + 4, want, size);
    free(want);
    free(out);
    parseal_seeds_destroy(set);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ring),
        cmocka_unit_test(end_of_keystream),
        cmocka_unit_test(keystream_at_any_offset),
        cmocka_unit_test(slices),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(larger_than_the_caches),
    };
    return RUN_SUITE_PER_IMPL("mask", OF(PARSEAL_PRIMITIVE_MASK), tests);
}
