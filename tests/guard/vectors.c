/* Masks, sums, quantisation and packing between guard pages, with their descriptions read-only. */
#include <string.h>

#include "check.h"
#include "ref_mask.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"
#include "sizes.h"

enum { N_MAX = 4100, INPUTS = 3, SEEDS = 2 };
enum { FIRST, SECOND, THIRD, FOURTH, COUNT, RING, DESCRIPTION, LIST, BUFS };

typedef struct {
    parseal_ctx *ctx;
    parseal_seed seeds[SEEDS];
    parseal_seeds *set, *rounding; /* rounding is seed 0 alone */
    guard_buf bufs[BUFS];
    uint8_t want[N_MAX * 8], random[N_MAX * 4];
    rng r;
} bench;

/* A vector of random elements in buffer b. */
static parseal_vec random_vec(bench *t, int b, guard_side side, size_t n, uint32_t size)
{
    uint8_t *p = guard_place_aligned(&t->bufs[b], side, n * size, size);
    rng_fill(&t->r, p, n * size);
    return parseal_host_vec(p, n, size);
}

static parseal_vec readonly_vec(bench *t, int b, guard_side side, size_t n, uint32_t size)
{
    parseal_vec vec = random_vec(t, b, side, n, size);
    guard_readonly(&t->bufs[b]);
    return vec;
}

static const parseal_ring *ring_copy(bench *t, guard_side side, const parseal_ring *ring)
{
    return guard_copy(&t->bufs[RING], side, ring, sizeof *ring, _Alignof(parseal_ring));
}

static const parseal_vec *vec_copy(bench *t, guard_side side, const parseal_vec *vec)
{
    return guard_copy(&t->bufs[DESCRIPTION], side, vec, sizeof *vec, _Alignof(parseal_vec));
}

static void visit_mask(void *arg, guard_side side, size_t n)
{
    bench *t = arg;
    for (size_t i = n % 2; i < N_RINGS; i += 2) {
        const parseal_ring *ring = ring_copy(t, side, &RINGS[i]);
        uint32_t size = ring->element_size;
        uint64_t first = rng_below(&t->r, 100);
        parseal_vec acc = random_vec(t, FIRST, side, n, size);
        const parseal_vec *vec = vec_copy(t, side, &acc);
        memcpy(t->want, t->bufs[FIRST].p, n * size);
        ref_mask_apply(t->seeds, SEEDS, ring, t->want, n, first);
        assert_ok(parseal_mask_apply(t->set, ring, vec, first, NULL));
        assert_bytes(t->bufs[FIRST].p, t->want, n * size);
        guard_check(&t->bufs[FIRST]);

        memset(t->want, 0, n * size);
        ref_mask_apply(t->seeds, SEEDS, ring, t->want, n, first);
        assert_ok(parseal_mask_write(t->set, ring, vec, first, NULL));
        assert_bytes(t->bufs[FIRST].p, t->want, n * size);
        guard_check(&t->bufs[FIRST]);
    }
}

static void visit_sum(void *arg, guard_side side, size_t n)
{
    bench *t = arg;
    for (size_t i = 0; i < N_RINGS; i++) {
        const parseal_ring *ring = ring_copy(t, side, &RINGS[i]);
        uint32_t size = ring->element_size;
        parseal_vec acc = random_vec(t, FIRST, side, n, size);
        parseal_vec v[INPUTS];
        const void *inputs[INPUTS];
        for (int j = 0; j < INPUTS; j++) {
            v[j] = readonly_vec(t, SECOND + j, side, n, size);
            inputs[j] = t->bufs[SECOND + j].p;
        }
        const parseal_vec *list =
            guard_copy(&t->bufs[LIST], side, v, sizeof v, _Alignof(parseal_vec));
        memcpy(t->want, t->bufs[FIRST].p, n * size);
        ref_sum(ring, t->want, inputs, INPUTS, n);
        assert_ok(parseal_vec_sum(t->ctx, ring, vec_copy(t, side, &acc), list, INPUTS, NULL));
        assert_bytes(t->bufs[FIRST].p, t->want, n * size);
        guard_check(&t->bufs[FIRST]);
    }
}

static const parseal_quant *place_quant(bench *t, guard_side side, int32_t float_type,
                                        int32_t rounding, uint32_t size)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 100.0f;
    quant.float_type = float_type;
    quant.rounding = rounding;
    quant.element_size = size;
    return guard_copy(&t->bufs[RING], side, &quant, sizeof quant, _Alignof(parseal_quant));
}

static void check_quantize(bench *t, guard_side side, size_t n, const parseal_quant *quant)
{
    uint64_t count = 0;
    bool nearest = quant->rounding == PARSEAL_ROUND_NEAREST;
    parseal_vec x = readonly_vec(t, FIRST, side, n, float_size(quant->float_type));
    parseal_vec q = random_vec(t, SECOND, side, n, quant->element_size);
    parseal_buf nonfinite = parseal_host_buf(guard_place_aligned(&t->bufs[COUNT], side, 8, 8), 8);
    for (size_t i = 0; i < n; i++) {
        float value = ref_float_at(t->bufs[FIRST].p, i, quant->float_type);
        count += value - value == 0 ? 0 : 1;
        elem_store(t->want, i, quant->element_size,
                   ref_quantize(quant, value, (uint32_t)elem_load(t->random, i, 4)));
    }
    assert_ok(
        parseal_quantize(t->ctx, quant, &x, &q, nearest ? NULL : t->rounding, 0, &nonfinite, NULL));
    assert_bytes(t->bufs[SECOND].p, t->want, n * quant->element_size);
    assert_memory_equal(t->bufs[COUNT].p, &count, sizeof count);
    guard_check(&t->bufs[SECOND]);
    guard_check(&t->bufs[COUNT]);
}

static void visit_quantize(void *arg, guard_side side, size_t n)
{
    bench *t = arg;
    for (int32_t type = PARSEAL_FLOAT32; type <= PARSEAL_FLOAT16; type++) {
        for (int32_t rounding = PARSEAL_ROUND_NEAREST; rounding <= PARSEAL_ROUND_STOCHASTIC;
             rounding++) {
            check_quantize(t, side, n, place_quant(t, side, type, rounding, 4));
            check_quantize(t, side, n, place_quant(t, side, type, rounding, 8));
        }
    }
}

static void visit_dequantize(void *arg, guard_side side, size_t n)
{
    bench *t = arg;
    for (uint32_t size = 4; size <= 8; size += 4) {
        const parseal_quant *quant =
            place_quant(t, side, PARSEAL_FLOAT32, PARSEAL_ROUND_NEAREST, size);
        parseal_vec sum = readonly_vec(t, FIRST, side, n, size);
        parseal_vec mean = random_vec(t, SECOND, side, n, 4);
        for (size_t i = 0; i < n; i++) {
            float want = ref_dequantize(quant, elem_load(t->bufs[FIRST].p, i, size), 7);
            memcpy(t->want + 4 * i, &want, sizeof want);
        }
        assert_ok(parseal_dequantize(t->ctx, quant, &sum, 7, vec_copy(t, side, &mean), NULL, NULL));
        assert_bytes(t->bufs[SECOND].p, t->want, n * 4);
        guard_check(&t->bufs[SECOND]);
    }
}

static void check_pack(bench *t, guard_side side, size_t n, uint32_t bits, uint32_t size,
                       size_t gap)
{
    uint64_t bytes;
    assert_ok(parseal_packed_size(n, bits, &bytes));
    parseal_vec in = readonly_vec(t, FIRST, side, n, size);
    parseal_buf packed =
        parseal_host_buf(guard_place(&t->bufs[SECOND], side, (size_t)bytes, gap), bytes);
    ref_pack(bits, size, t->bufs[FIRST].p, t->want, n);
    assert_ok(parseal_pack(t->ctx, bits, size, &in, &packed, NULL));
    assert_bytes(t->bufs[SECOND].p, t->want, (size_t)bytes);
    guard_check(&t->bufs[SECOND]);

    guard_readonly(&t->bufs[SECOND]);
    parseal_vec out = random_vec(t, THIRD, side, n, size);
    ref_unpack(bits, size, t->bufs[SECOND].p, t->want, n);
    assert_ok(parseal_unpack(t->ctx, bits, size, &packed, &out, NULL));
    assert_bytes(t->bufs[THIRD].p, t->want, n * size);
    guard_check(&t->bufs[THIRD]);
}

static void visit_pack(void *arg, guard_side side, size_t n)
{
    static const uint32_t few[] = {1, 8, 20, 32, 33, 63, 64};
    bench *t = arg;
    for (uint32_t bits = 1; bits <= 64 && n <= 130; bits++) {
        check_pack(t, side, n, bits, 8, n % 3);
        if (bits <= 32)
            check_pack(t, side, n, bits, 4, n % 2);
    }
    for (size_t i = 0; i < COUNT_OF(few) && n > 130; i++)
        check_pack(t, side, n, few[i], 8, i % 2);
}

/* A bench for one visitor; the seeds come from guarded memory. */
static void run_visitor(size_visitor visit, const char *name)
{
    static bench t;
    static const parseal_ring words = {UINT64_C(1) << 32, 4, 0};
    t.r = rng_for(name);
    t.ctx = run_ctx(2);
    guards_open(t.bufs, BUFS, N_MAX * 8);
    random_seeds(&t.r, t.seeds, SEEDS);
    for (int side = 0; side < GUARD_SIDES; side++) {
        const parseal_seed *seeds = guard_copy(&t.bufs[LIST], (guard_side)side, t.seeds,
                                               sizeof t.seeds, _Alignof(parseal_seed));
        assert_ok(parseal_seeds_create(&t.set, t.ctx, seeds, SEEDS));
        if (side == GUARD_BEFORE)
            parseal_seeds_destroy(t.set);
    }
    assert_ok(parseal_seeds_create(&t.rounding, t.ctx, t.seeds, 1));
    parseal_seed plus = t.seeds[0];
    plus.sign = 1;
    memset(t.random, 0, sizeof t.random);
    ref_mask_apply(&plus, 1, &words, t.random, N_MAX, 0);
    visit_sizes(visit, &t);
    guards_close(t.bufs, BUFS);
    parseal_seeds_destroy(t.set);
    parseal_seeds_destroy(t.rounding);
    parseal_ctx_destroy(t.ctx);
}

static void masks(void **state)
{
    (void)state;
    run_visitor(visit_mask, "masks");
}

static void sums(void **state)
{
    (void)state;
    run_visitor(visit_sum, "sums");
}

static void quantize(void **state)
{
    (void)state;
    run_visitor(visit_quantize, "quantise");
}

static void dequantize(void **state)
{
    (void)state;
    run_visitor(visit_dequantize, "dequantise");
}

static void pack(void **state)
{
    (void)state;
    run_visitor(visit_pack, "pack");
}

int main(void)
{
    const struct CMUnitTest of_masks[] = {cmocka_unit_test(masks), cmocka_unit_test(quantize)};
    const struct CMUnitTest of_sums[] = {cmocka_unit_test(sums)};
    const struct CMUnitTest of_quant[] = {cmocka_unit_test(quantize), cmocka_unit_test(dequantize)};
    const struct CMUnitTest of_pack[] = {cmocka_unit_test(pack)};
    int failed = 0;
    failed |= RUN_SUITE_PER_IMPL("guarded masks", OF(PARSEAL_PRIMITIVE_MASK), of_masks);
    failed |= RUN_SUITE_PER_IMPL("guarded sums", OF(PARSEAL_PRIMITIVE_VEC_SUM), of_sums);
    failed |= RUN_SUITE_PER_IMPL("guarded quant", OF(PARSEAL_PRIMITIVE_QUANT), of_quant);
    failed |= RUN_SUITE_PER_IMPL("guarded pack", OF(PARSEAL_PRIMITIVE_PACK), of_pack);
    return failed;
}
