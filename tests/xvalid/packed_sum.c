/* Sums of packed vectors against unpacking and adding, each by its reference. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "guard.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { INPUTS = 7, N_MAX = 20011 };

typedef struct {
    rng r;
    guard_buf acc, packed[INPUTS];
    uint8_t *want, *unpacked[INPUTS];
} bench;

static void bench_open(bench *t, const char *name)
{
    t->r = rng_for(name);
    guard_open(&t->acc, N_MAX * 8);
    t->want = malloc(N_MAX * 8);
    assert_non_null(t->want);
    for (size_t j = 0; j < INPUTS; j++) {
        guard_open(&t->packed[j], N_MAX * 8 + 16);
        t->unpacked[j] = malloc(N_MAX * 8);
        assert_non_null(t->unpacked[j]);
    }
}

static void bench_close(bench *t)
{
    guard_close(&t->acc);
    free(t->want);
    for (size_t j = 0; j < INPUTS; j++) {
        guard_close(&t->packed[j]);
        free(t->unpacked[j]);
    }
}

/* Inputs are random bits, with their padding, and may begin at any address. */
static void check_sum(bench *t, parseal_ctx *ctx, uint32_t bits, const parseal_ring *ring,
                      size_t n_inputs, uint64_t n)
{
    const uint32_t size = ring->element_size;
    const guard_side side = (guard_side)rng_below(&t->r, GUARD_SIDES);
    parseal_buf packed[INPUTS];
    uint64_t bytes;
    uint8_t *p = guard_place_aligned(&t->acc, side, (size_t)n * size, size);
    rng_fill(&t->r, p, (size_t)n * size);
    memcpy(t->want, p, (size_t)n * size);
    assert_ok(parseal_packed_size(n, bits, &bytes));
    for (size_t j = 0; j < n_inputs; j++) {
        const size_t gap = rng_below(&t->r, 3) == 0 ? (size_t)rng_below(&t->r, 9) : 0;
        uint8_t *in = guard_place(&t->packed[j], side, (size_t)bytes, gap);
        rng_fill(&t->r, in, (size_t)bytes);
        ref_unpack(bits, size, in, t->unpacked[j], n);
        guard_readonly(&t->packed[j]);
        packed[j] = parseal_host_buf(in, bytes);
    }
    ref_sum(ring, t->want, (const void *const *)t->unpacked, n_inputs, n);
    const parseal_vec acc = parseal_host_vec(p, n, size);
    assert_ok(parseal_packed_sum(ctx, bits, ring, &acc, packed, n_inputs, NULL));
    assert_bytes(p, t->want, (size_t)n * size);
    guard_check(&t->acc);
}

static void every_width(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, 7, 8, 9, 17, 64, 131, 500};
    static bench t;
    parseal_ctx *ctx = run_ctx(1);
    bench_open(&t, "widths");
    for (uint32_t bits = 1; bits <= 64; bits++)
        for (size_t i = bits % 2; i < N_RINGS; i += 2)
            if (bits <= 8 * RINGS[i].element_size)
                check_sum(&t, ctx, bits, &RINGS[i], (size_t)rng_below(&t.r, INPUTS + 1),
                          lengths[rng_below(&t.r, COUNT_OF(lengths))]);
    bench_close(&t);
    parseal_ctx_destroy(ctx);
}

/* Lengths lie around the pieces of 8192 elements, on any number of threads. */
static void long_vectors(void **state)
{
    (void)state;
    static const uint32_t widths[] = {1, 13, 20, 32, 33, 63, 64}, threads[] = {1, 3, 7};
    static const uint64_t lengths[] = {8191, 8192, 8193, 16385, N_MAX};
    static bench t;
    bench_open(&t, "long");
    for (size_t k = 0; k < run_share(COUNT_OF(threads), 3); k++) {
        parseal_ctx *ctx = run_ctx(threads[k]);
        for (size_t b = 0; b < COUNT_OF(widths); b++)
            for (size_t i = b % 4; i < N_RINGS; i += run_emulated() ? 8 : 4)
                if (widths[b] <= 8 * RINGS[i].element_size)
                    check_sum(&t, ctx, widths[b], &RINGS[i], (size_t)rng_range(&t.r, 1, INPUTS),
                              lengths[(i + b) % (run_emulated() ? 3 : COUNT_OF(lengths))]);
        parseal_ctx_destroy(ctx);
    }
    bench_close(&t);
}

/* There are more inputs than any implementation takes at once: one vector many times over. */
static void many_inputs(void **state)
{
    (void)state;
    enum { MANY = 150, N = 300, BITS = 21 };
    rng r = rng_for("many");
    parseal_ctx *ctx = run_ctx(1);
    uint8_t bytes[(N * BITS + 7) / 8];
    uint64_t one[N], acc[N], want[N];
    parseal_buf packed[MANY];
    const void *inputs[MANY];
    rng_fill(&r, bytes, sizeof bytes);
    for (size_t j = 0; j < MANY; j++) {
        packed[j] = parseal_host_buf(bytes, sizeof bytes);
        inputs[j] = one;
    }
    for (size_t i = 0; i < N_RINGS; i++) {
        const uint32_t size = RINGS[i].element_size;
        const parseal_vec vec = parseal_host_vec(acc, N, size);
        ref_unpack(BITS, size, bytes, one, N);
        rng_fill(&r, acc, sizeof acc);
        memcpy(want, acc, sizeof acc);
        ref_sum(&RINGS[i], want, inputs, MANY, N);
        assert_ok(parseal_packed_sum(ctx, BITS, &RINGS[i], &vec, packed, MANY, NULL));
        assert_bytes(acc, want, N * size);
    }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width),
        cmocka_unit_test(long_vectors),
        cmocka_unit_test(many_inputs),
    };
    return RUN_SUITE_PER_IMPL("sums of packed vectors",
                              OF(PARSEAL_PRIMITIVE_PACK) | OF(PARSEAL_PRIMITIVE_VEC_SUM), tests);
}
