/* Are masks uniform where almost half of the words, or more than a third, are rejected? Pearson's
 * chi-squared at a threshold that a uniform source passes with probability 1 - 1e-6. The same
 * statistic must notice a mask that is reduced instead of rejected. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "ref_mask.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { SAMPLES = 1000000, BUCKETS_MAX = 256 };

/* Bucket b holds the values x with floor(x * buckets / m) == b. */
static uint64_t bucket_of(const parseal_ring *ring, uint64_t x, uint64_t buckets)
{
    return (uint64_t)((u128)x * buckets / ring_modulus(ring));
}

/* Returns how many values of the ring fall in bucket b. */
static double bucket_width(const parseal_ring *ring, uint64_t b, uint64_t buckets)
{
    u128 m = ring_modulus(ring);
    u128 from = (b * m + buckets - 1) / buckets;
    u128 to = ((b + 1) * m + buckets - 1) / buckets;
    return (double)(to - from);
}

static double chi_squared(const parseal_ring *ring, const void *samples, uint64_t buckets)
{
    uint64_t seen[BUCKETS_MAX] = {0};
    for (uint64_t i = 0; i < SAMPLES; i++) {
        uint64_t b = bucket_of(ring, elem_load(samples, i, ring->element_size), buckets);
        assert_true(b < buckets);
        seen[b]++;
    }
    double sum = 0;
    for (uint64_t b = 0; b < buckets; b++) {
        double expected = SAMPLES * bucket_width(ring, b, buckets) / (double)ring_modulus(ring);
        double off = (double)seen[b] - expected;
        sum += off * off / expected;
    }
    return sum;
}

/* Returns the statistic's 1 - 1e-6 quantile (Wilson and Hilferty's approximation). */
static double threshold(uint64_t buckets)
{
    const double normal_quantile = 4.753424;
    double k = (double)(buckets - 1);
    double cube_root = 1 - 2 / (9 * k) + normal_quantile * sqrt(2 / (9 * k));
    return k * cube_root * cube_root * cube_root;
}

/* With m just above half of the words a reduction is almost uniform, and cannot be noticed. */
static const struct {
    parseal_ring ring;
    uint64_t buckets;
    bool reduction_shows;
} cases[] = {
    {{3, 4, 0}, 3, true},
    {{5, 4, 0}, 5, true},
    {{5, 8, 0}, 5, true},
    {{17, 4, 0}, 17, true},
    {{17, 8, 0}, 17, true},
    {{(UINT64_C(1) << 31) + 11, 4, 0}, BUCKETS_MAX, false},
    {{UINT64_C(3) << 30, 4, 0}, BUCKETS_MAX, true},
    {{(UINT64_C(1) << 63) + 29, 8, 0}, BUCKETS_MAX, false},
    {{UINT64_C(3) << 62, 8, 0}, BUCKETS_MAX, true},
};

static uint8_t *mask(parseal_ctx *ctx, const parseal_seed *seed, const parseal_ring *ring)
{
    uint8_t *out = malloc((size_t)SAMPLES * ring->element_size);
    assert_non_null(out);
    parseal_seeds *set = NULL;
    assert_ok(parseal_seeds_create(&set, ctx, seed, 1));
    parseal_vec vec = parseal_host_vec(out, SAMPLES, ring->element_size);
    assert_ok(parseal_mask_write(set, ring, &vec, 0, NULL));
    parseal_seeds_destroy(set);
    return out;
}

static void masks_are_uniform(void **state)
{
    (void)state;
    rng r = rng_for("uniform");
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parseal_seed seed;
        random_seeds(&r, &seed, 1);
        uint8_t *samples = mask(ctx, &seed, &cases[i].ring);
        double chi = chi_squared(&cases[i].ring, samples, cases[i].buckets);
        if (!(chi < threshold(cases[i].buckets)))
            fail_msg("modulus %ju: chi-squared is %.1f, at most %.1f was expected",
                     (uintmax_t)cases[i].ring.modulus, chi, threshold(cases[i].buckets));
        free(samples);
    }
    parseal_ctx_destroy(ctx);
}

/* The low k bits of uniform words are reduced mod m, as they would be if step 3 were missing. */
static void the_statistic_notices_bias(void **state)
{
    (void)state;
    rng r = rng_for("bias");
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const parseal_ring *ring = &cases[i].ring;
        if (!cases[i].reduction_shows)
            continue;
        uint32_t bits = ring_bits(ring);
        parseal_ring words = {bits == 64 ? 0 : UINT64_C(1) << bits, ring->element_size, 0};
        parseal_seed seed;
        random_seeds(&r, &seed, 1);
        uint8_t *samples = mask(ctx, &seed, &words);
        for (uint64_t k = 0; k < SAMPLES; k++)
            elem_store(samples, k, words.element_size,
                       ring_reduce(ring, elem_load(samples, k, words.element_size)));
        assert_true(chi_squared(ring, samples, cases[i].buckets) > threshold(cases[i].buckets));
        free(samples);
    }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_are_uniform),
        cmocka_unit_test(the_statistic_notices_bias),
    };
    return RUN_SUITE_PER_IMPL("uniform", OF(PARSEAL_PRIMITIVE_MASK), tests);
}
