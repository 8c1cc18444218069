/* Every implementation gives the same masks, wherever its units of keystream begin and end. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "impls.h"
#include "ref_mask.h"
#include "ring.h"
#include "rng.h"

enum { SEEDS = 9, N_MAX = 20011, SIGNS = 2 };

/* Sets of 0 to SEEDS seeds, whose signs alternate and begin with + or with -. */
typedef struct {
    impl_set impls;
    parseal_seeds *sets[SIGNS][SEEDS + 1][IMPLS_MAX];
    uint8_t start[N_MAX * 8];
    rng r;
} bench;

static bench *bench_open(const char *name, force_way way, uint32_t threads)
{
    bench *t = malloc(sizeof *t);
    parseal_seed seeds[SEEDS];
    assert_non_null(t);
    t->r = rng_for(name);
    impls_open(&t->impls, PARSEAL_PRIMITIVE_MASK, way, threads, N_MAX * 8);
    random_seeds(&t->r, seeds, SEEDS);
    for (size_t sign = 0; sign < SIGNS; sign++) {
        for (size_t j = 0; j < SEEDS; j++)
            seeds[j].sign = (j + sign) % 2 == 0 ? 1 : -1;
        for (size_t n = 0; n <= SEEDS; n++)
            for (size_t i = 0; i < t->impls.n; i++)
                assert_ok(parseal_seeds_create(&t->sets[sign][n][i], t->impls.ctx[i], seeds, n));
    }
    rng_fill(&t->r, t->start, sizeof t->start);
    return t;
}

static void bench_close(bench *t)
{
    for (size_t i = 0; i < t->impls.n; i++)
        for (size_t n = 0; n <= SEEDS; n++)
            for (size_t sign = 0; sign < SIGNS; sign++)
                parseal_seeds_destroy(t->sets[sign][n][i]);
    impls_close(&t->impls);
    free(t);
}

typedef struct {
    parseal_seeds *const *set; /* each implementation's set */
    const parseal_ring *ring;
    uint64_t n, first;
    bool write;
} mask_call;

static void call_mask(void *arg, size_t impl, void *out)
{
    const mask_call *c = arg;
    const parseal_vec vec = parseal_host_vec(out, c->n, c->ring->element_size);
    if (c->write)
        assert_ok(parseal_mask_write(c->set[impl], c->ring, &vec, c->first, NULL));
    else
        assert_ok(parseal_mask_apply(c->set[impl], c->ring, &vec, c->first, NULL));
}

/* Checks both functions, with a set of any size, on a vector of any alignment. */
static void check(bench *t, const parseal_ring *ring, uint64_t n, uint64_t first)
{
    const size_t size = ring->element_size;
    mask_call c = {.ring = ring, .n = n, .first = first};
    for (int write = 0; write < 2; write++) {
        c.set = t->sets[rng_below(&t->r, SIGNS)][rng_below(&t->r, SEEDS + 1)];
        c.write = write != 0;
        impls_agree(&t->impls, call_mask, &c, t->start, n * size, rng_below(&t->r, 8) * size);
    }
}

static void every_set(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1, 77, 128, 300};
    const size_t step = run_slow() ? 3 : 1; /* Each set takes others. */
    bench *t = bench_open("sets", BY_OPTION, 1);
    for (size_t i = 0; i < N_RINGS; i++) {
        for (size_t n = 0; n <= SEEDS; n++) {
            for (size_t k = n % step; k < SIGNS * COUNT_OF(lengths); k += step) {
                mask_call c = {t->sets[k % SIGNS][n], &RINGS[i], lengths[k / SIGNS],
                               rng_below(&t->r, 1000), rng_below(&t->r, 2) != 0};
                impls_agree(&t->impls, call_mask, &c, t->start, c.n * RINGS[i].element_size, 0);
            }
        }
    }
    bench_close(t);
}

/* Units of keystream are 512 to 2048 bytes: 64 to 512 elements. */
static void unit_boundaries(void **state)
{
    (void)state;
    static const uint64_t units[] = {64, 128, 256, 512};
    static const uint64_t at[] = {1, 2, 3, 7777777};
    const size_t step = run_slow() ? 5 : 1; /* Each ring takes others. */
    bench *t = bench_open("units", BY_ENVIRONMENT, 1);
    for (size_t i = 0; i < N_RINGS; i++) {
        for (size_t k = i % step; k < COUNT_OF(units) * COUNT_OF(at); k += step) {
            const uint64_t unit = units[k % COUNT_OF(units)];
            for (uint64_t first = unit * at[k / COUNT_OF(units)] - 1, end = first + 3; first < end;
                 first++) {
                check(t, &RINGS[i], rng_range(&t->r, 0, 20), first);
                check(t, &RINGS[i], rng_range(&t->r, unit - 2, unit + 2), first);
                check(t, &RINGS[i], rng_range(&t->r, 0, 1500), first);
            }
        }
    }
    bench_close(t);
}

static void every_length(void **state)
{
    (void)state;
    bench *t = bench_open("lengths", BY_OPTION, 1);
    for (uint64_t n = 0; n <= 2000; n += repeat_step(7))
        for (size_t i = n % 4; i < N_RINGS; i += 4)
            check(t, &RINGS[i], n, rng_below(&t->r, 2) == 0 ? 0 : rng_below(&t->r, 300));
    bench_close(t);
}

static void last_elements_of_the_keystream(void **state)
{
    (void)state;
    bench *t = bench_open("end", BY_ENVIRONMENT, 1);
    for (size_t i = 0; i < N_RINGS; i++) {
        const uint64_t end = (UINT64_C(1) << 38) / RINGS[i].element_size;
        for (uint64_t left = 0; left < 600; left += left >= 20 ? 29 : run_slow() ? 3 : 1) {
            check(t, &RINGS[i], left, end - left);
            check(t, &RINGS[i], left / 2, end - left);
        }
    }
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
                check(t, &RINGS[i], lengths[k], rng_below(&t->r, 70));
        bench_close(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_set),    cmocka_unit_test(unit_boundaries),
        cmocka_unit_test(every_length), cmocka_unit_test(last_elements_of_the_keystream),
        cmocka_unit_test(long_vectors),
    };
    return RUN_SUITE("masks of every implementation", tests);
}
