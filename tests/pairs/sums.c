/* Every implementation gives the same bytes for a sum mod m. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "impls.h"
#include "ring.h"
#include "rng.h"

enum { VECTORS = 40, N_MAX = 20011, SHIFT_MAX = 8 };

typedef struct {
    impl_set impls;
    uint8_t start[N_MAX * 8];
    uint8_t in[VECTORS][(N_MAX + SHIFT_MAX) * 8];
    rng r;
} bench;

static bench *bench_open(const char *name, force_way way, uint32_t threads)
{
    bench *t = malloc(sizeof *t);
    assert_non_null(t);
    t->r = rng_for(name);
    impls_open(&t->impls, PARSEAL_PRIMITIVE_VEC_SUM, way, threads, N_MAX * 8);
    rng_fill(&t->r, t->start, sizeof t->start);
    rng_fill(&t->r, t->in, sizeof t->in);
    memset(t->in[1], 0xff, sizeof t->in[1]); /* These make the largest sums. */
    memset(t->in[2], 0xff, sizeof t->in[2]);
    return t;
}

static void bench_close(bench *t)
{
    impls_close(&t->impls);
    free(t);
}

typedef struct {
    const bench *t;
    const parseal_ring *ring;
    parseal_vec v[VECTORS];
    size_t n_vectors;
    uint64_t n;
} sum_call;

static void call_sum(void *arg, size_t impl, void *out)
{
    const sum_call *c = arg;
    const parseal_vec acc = parseal_host_vec(out, c->n, c->ring->element_size);
    assert_ok(parseal_vec_sum(c->t->impls.ctx[impl], c->ring, &acc, c->v, c->n_vectors, NULL));
}

/* Checks a sum of inputs that each have an alignment of their own. */
static void check(bench *t, const parseal_ring *ring, size_t n_vectors, uint64_t n)
{
    const uint32_t size = ring->element_size;
    sum_call c = {.t = t, .ring = ring, .n_vectors = n_vectors, .n = n};
    for (size_t j = 0; j < n_vectors; j++)
        c.v[j] = parseal_host_vec(t->in[j] + rng_below(&t->r, SHIFT_MAX) * size, n, size);
    impls_agree(&t->impls, call_sum, &c, t->start, n * size, rng_below(&t->r, SHIFT_MAX) * size);
}

static void every_count(void **state)
{
    (void)state;
    bench *t = bench_open("counts", BY_OPTION, 1);
    for (size_t i = 0; i < N_RINGS; i++)
        for (size_t n_vectors = 0; n_vectors <= VECTORS; n_vectors++)
            for (int k = 0; k < 4; k++)
                check(t, &RINGS[i], n_vectors, rng_range(&t->r, 1, 300));
    bench_close(t);
}

static void every_length(void **state)
{
    (void)state;
    bench *t = bench_open("lengths", BY_ENVIRONMENT, 1);
    for (uint64_t n = 0; n <= 2000; n += repeat_step(7))
        for (size_t i = n % 2; i < N_RINGS; i += 2)
            check(t, &RINGS[i], rng_range(&t->r, 0, 9), n);
    bench_close(t);
}

/* Lengths lie around the pieces of 8192 elements that a call is cut into, and go over threads. */
static void long_vectors(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {8175, 8191, 8192, 8193, 8209, 16384, N_MAX};
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        bench *t = bench_open("long", BY_OPTION, threads);
        for (size_t i = 0; i < N_RINGS; i += repeat_step(3))
            for (size_t k = 0; k < COUNT_OF(lengths); k++)
                check(t, &RINGS[i], rng_range(&t->r, 1, 20), lengths[k]);
        bench_close(t);
    }
}

/* Fills elements with multiples of m and their neighbours, as far as elements go. */
static void fill_multiples(bench *t, const parseal_ring *ring, uint8_t *to)
{
    const uint64_t most = (ring->element_size == 4 ? UINT32_MAX : UINT64_MAX) / ring->modulus;
    for (size_t i = 0; i < N_MAX; i++)
        elem_store(to, i, ring->element_size,
                   ring->modulus * rng_range(&t->r, 0, most) + rng_range(&t->r, 0, 2) - 1);
}

/* One input, as reductions of MPI have it, mod the least and the greatest odd m of every length. */
static void one_input(void **state)
{
    (void)state;
    bench *t = bench_open("one input", BY_OPTION, 1);
    for (uint32_t size = 4; size <= 8; size += 4)
        for (uint32_t k = 2; k <= 8 * size; k++)
            for (int greatest = 0; greatest <= 1; greatest++) {
                const uint64_t top = UINT64_C(1) << (k - 1);
                const parseal_ring ring = {greatest ? top - 1 + top : top + 1, size, 0};
                fill_multiples(t, &ring, t->start);
                fill_multiples(t, &ring, t->in[0]);
                check(t, &ring, 1, rng_range(&t->r, 1, 300));
            }
    bench_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count),
        cmocka_unit_test(every_length),
        cmocka_unit_test(long_vectors),
        cmocka_unit_test(one_input),
    };
    return RUN_SUITE("sums of every implementation", tests);
}
