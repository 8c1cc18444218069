/* More inputs than any implementation adds up between two reductions, on the internal interface.
 * The same few vectors are given again and again, so that plain arithmetic knows the sum. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fallback/backend/candidates.h"
#include "fallback/impl.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { VECTORS = 7, INPUTS = (1 << 24) + 21, SIZE = 256 };

typedef struct {
    uint8_t start[SIZE], in[VECTORS][SIZE], want[SIZE], got[SIZE];
    const void *inputs[INPUTS];
} bench;

static void expect(bench *t, const parseal_ring *ring)
{
    const uint32_t size = ring->element_size;
    for (size_t i = 0; i < SIZE / size; i++) {
        u128 sum = elem_load(t->start, i, size);
        for (size_t j = 0; j < VECTORS; j++) {
            const uint32_t times = INPUTS / VECTORS + (j < INPUTS % VECTORS);
            sum += (u128)times * elem_load(t->in[j], i, size);
        }
        elem_store(t->want, i, size, ring_reduce(ring, sum));
    }
}

static void check_all(bench *t, const parseal_ring *ring)
{
    expect(t, ring);
    for (size_t i = 0; i < sum_candidate_count; i++) {
        const sum_impl *impl = sum_candidates[i].impl;
        if (!cpu_levels[sum_candidates[i].level].supported())
            continue;
        memcpy(t->got, t->start, SIZE);
        impl->sum(ring->modulus, ring->element_size, t->got, t->inputs, INPUTS, 0,
                  SIZE / ring->element_size);
        assert_bytes(t->got, t->want, SIZE);
    }
}

static void many_inputs(void **state)
{
    (void)state;
    static const parseal_ring rings[] = {
        {3, 4, 0}, {4294967291, 4, 0}, {3, 8, 0}, {UINT64_MAX - 58, 8, 0}};
    bench *t = malloc(sizeof *t);
    assert_non_null(t);
    rng r = rng_for("many inputs");
    rng_fill(&r, t->start, sizeof t->start);
    rng_fill(&r, t->in, sizeof t->in);
    memset(t->in[1], 0xff, sizeof t->in[1]); /* the largest sums there are */
    for (size_t j = 0; j < INPUTS; j++)
        t->inputs[j] = t->in[j % VECTORS];
    for (size_t i = 0; i < COUNT_OF(rings); i++)
        check_all(t, &rings[i]);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_inputs)};
    return RUN_SUITE("sums of more inputs than are added up between reductions", tests);
}
