/* Sums mod m against 128-bit arithmetic. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { VECTORS_MAX = 100, N_MAX = 255 };

typedef enum { ANY_WORD, BELOW_M, AROUND_M, ALL_ONES, KINDS } content;

static uint64_t word_of(rng *r, const parseal_ring *ring, content kind)
{
    uint64_t mask = ring->element_size == 4 ? UINT32_MAX : UINT64_MAX;
    switch (kind) {
    case BELOW_M:
        return ring_reduce(ring, rng_u64(r));
    case AROUND_M:
        return (ring->modulus - 3 + rng_below(r, 6)) & mask;
    case ALL_ONES:
        return mask;
    default:
        return rng_u64(r) & mask;
    }
}

static void fill(rng *r, const parseal_ring *ring, content kind, void *p, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        elem_store(p, i, ring->element_size, word_of(r, ring, kind));
}

typedef struct {
    uint8_t *acc, *want, *v[VECTORS_MAX];
} vectors;

static void vectors_open(vectors *a, size_t n_vectors, uint64_t n_max)
{
    size_t size = (size_t)n_max * 8;
    *a = (vectors){.acc = malloc(size), .want = malloc(size)};
    assert_true(a->acc != NULL && a->want != NULL);
    for (size_t j = 0; j < n_vectors; j++) {
        a->v[j] = malloc(size);
        assert_non_null(a->v[j]);
    }
}

static void vectors_close(vectors *a)
{
    free(a->acc);
    free(a->want);
    for (size_t j = 0; j < VECTORS_MAX; j++)
        free(a->v[j]);
}

/* Checks a sum of what acc and v hold. */
static void check_sum(parseal_ctx *ctx, vectors *a, const parseal_ring *ring, size_t n_vectors,
                      uint64_t n)
{
    parseal_vec v[VECTORS_MAX];
    size_t size = (size_t)n * ring->element_size;
    parseal_vec acc = parseal_host_vec(a->acc, n, ring->element_size);
    for (size_t j = 0; j < n_vectors; j++)
        v[j] = parseal_host_vec(a->v[j], n, ring->element_size);
    memcpy(a->want, a->acc, size);
    ref_sum(ring, a->want, (const void *const *)a->v, n_vectors, n);
    assert_ok(parseal_vec_sum(ctx, ring, &acc, v, n_vectors, NULL));
    assert_bytes(a->acc, a->want, size);
}

static void every_ring(void **state)
{
    (void)state;
    static const size_t counts[] = {0, 1, 2, 3, 7, 16, 100};
    static const uint64_t lengths[] = {0, 1, 3, 8, 17, 64, 255};
    rng r = rng_for("sums");
    parseal_ctx *ctx = run_ctx(1);
    vectors a;
    vectors_open(&a, VECTORS_MAX, N_MAX);
    for (size_t i = 0; i < N_RINGS; i++) {
        for (size_t k = 0; k < COUNT_OF(counts) * KINDS; k++) {
            content kind = (content)(k % KINDS);
            uint64_t n = lengths[(i + k) % COUNT_OF(lengths)];
            fill(&r, &RINGS[i], kind, a.acc, n);
            for (size_t j = 0; j < counts[k / KINDS]; j++)
                fill(&r, &RINGS[i], kind, a.v[j], n);
            check_sum(ctx, &a, &RINGS[i], counts[k / KINDS], n);
        }
    }
    vectors_close(&a);
    parseal_ctx_destroy(ctx);
}

/* Fills x and y with words of any value whose sums lie beside multiples of the modulus, up to the
 * largest there are: quotients that are estimated are wrong there if anywhere. */
static void fill_beside_multiples(rng *r, const parseal_ring *ring, uint8_t *x, uint8_t *y,
                                  uint64_t n)
{
    const uint64_t largest = ring->element_size == 4 ? UINT32_MAX : UINT64_MAX;
    const u128 m = ring->modulus, most = (u128)largest * 2;
    for (uint64_t i = 0; i < n; i++) {
        const u128 quotient = (u128)rng_u64(r) * rng_u64(r) % (most / m + 1);
        u128 sum = quotient * m + rng_below(r, 3) - 1;
        if (i == 0 || sum > most) /* This is also the sum that is one below zero. */
            sum = most;
        const u128 least = sum > largest ? sum - largest : 0;
        const u128 room = (sum < largest ? sum : largest) - least;
        const uint64_t first = (uint64_t)(least + rng_u64(r) % (room + 1));
        elem_store(x, i, ring->element_size, first);
        elem_store(y, i, ring->element_size, (uint64_t)(sum - first));
    }
}

/* One vector is added in ways of its own, which the modulus's length decides. */
static void one_vector(void **state)
{
    (void)state;
    enum { COUNT = 130 };
    rng r = rng_for("one vector");
    parseal_ctx *ctx = run_ctx(1);
    vectors a;
    vectors_open(&a, 1, COUNT);
    for (uint32_t bits = 2; bits <= 64; bits++) {
        const uint64_t half = UINT64_C(1) << (bits - 1);
        const uint64_t moduli[] = {half + 1, half + 1 + rng_below(&r, half - 1), 2 * half - 1};
        for (uint32_t size = bits <= 32 ? 4 : 8; size <= 8; size += 4)
            for (size_t i = 0; i < COUNT_OF(moduli); i++) {
                const parseal_ring ring = {moduli[i], size, 0};
                for (int times = 0; times < 4; times++) {
                    fill_beside_multiples(&r, &ring, a.acc, a.v[0], COUNT);
                    check_sum(ctx, &a, &ring, 1, COUNT - (uint64_t)times);
                }
            }
    }
    vectors_close(&a);
    parseal_ctx_destroy(ctx);
}

/* There are more elements than in any block, and any number of threads sums them up. */
static void any_number_of_threads(void **state)
{
    (void)state;
    enum { LARGE = 200003 };
    static const uint32_t threads[] = {1, 2, 3, 7};
    rng r = rng_for("threads");
    vectors a;
    vectors_open(&a, 3, LARGE);
    for (size_t t = 0; t < COUNT_OF(threads); t++) {
        parseal_ctx *ctx = run_ctx(threads[t]);
        for (size_t i = 0; i < N_RINGS; i++) {
            rng_fill(&r, a.acc, LARGE * 8);
            for (size_t j = 0; j < 3; j++)
                rng_fill(&r, a.v[j], LARGE * 8);
            check_sum(ctx, &a, &RINGS[i], 3, LARGE);
        }
        parseal_ctx_destroy(ctx);
    }
    vectors_close(&a);
}

/* Inputs may overlap: one vector comes many times, and vectors share elements. */
static void inputs_that_overlap(void **state)
{
    (void)state;
    enum { COUNT = 500 };
    rng r = rng_for("overlap");
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < N_RINGS; i++) {
        uint32_t size = RINGS[i].element_size;
        uint64_t acc[COUNT], want[COUNT], in[COUNT + 1];
        rng_fill(&r, in, sizeof in);
        memset(acc, 0, sizeof acc);
        memset(want, 0, sizeof want);
        const uint8_t *p = (const uint8_t *)in;
        const void *from[4] = {p, p, p + size, p + size};
        parseal_vec v[4];
        for (size_t j = 0; j < COUNT_OF(v); j++)
            v[j] = parseal_host_vec(from[j], COUNT, size);
        parseal_vec vec = parseal_host_vec(acc, COUNT, size);
        ref_sum(&RINGS[i], want, from, COUNT_OF(from), COUNT);
        assert_ok(parseal_vec_sum(ctx, &RINGS[i], &vec, v, COUNT_OF(v), NULL));
        assert_bytes(acc, want, sizeof acc);
    }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ring),
        cmocka_unit_test(one_vector),
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(inputs_that_overlap),
    };
    return RUN_SUITE_PER_IMPL("sum", OF(PARSEAL_PRIMITIVE_VEC_SUM), tests);
}
