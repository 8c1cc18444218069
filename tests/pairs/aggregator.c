/* Aggregators on every implementation give the same exports, and an export of one goes on in
 * another: from portable code on the CPU to what is tested and back, and merged both ways. */
#include <parseal/aggregator.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "impls.h"
#include "ring.h"
#include "rng.h"

enum { CLIENTS = 12, SEEDS = 5, KEYS = 3, AAD = 13, DIM_MAX = 8200 };
enum { ROOM = 8 * DIM_MAX + 8 * CLIENTS + 128 };

typedef struct {
    impl_set impls;
    parseal_keys *keys[IMPLS_MAX];
    parseal_seeds *seeds[IMPLS_MAX];
    parseal_aggregator_options options;
    uint64_t update_size, export_size;
    uint8_t sealed[CLIENTS][DIM_MAX * 8], aad[AAD];
    parseal_update updates[CLIENTS];
    uint8_t travelling[2][ROOM];
    rng r;
} bench;

static bench *bench_open(const char *name, force_way way, uint32_t threads)
{
    uint8_t keys[KEYS * PARSEAL_AES256GCM_KEYBYTES];
    parseal_seed seeds[SEEDS];
    bench *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->r = rng_for(name);
    impls_open(&t->impls, PARSEAL_PRIMITIVE_VEC_SUM, way, threads, ROOM);
    rng_fill(&t->r, keys, sizeof keys);
    rng_fill(&t->r, t->aad, sizeof t->aad);
    for (size_t j = 0; j < SEEDS; j++) {
        seeds[j] = (parseal_seed){.stream_id = {(uint8_t)j}, .sign = j % 2 == 0 ? 1 : -1};
        rng_fill(&t->r, seeds[j].key, sizeof seeds[j].key);
    }
    for (size_t i = 0; i < t->impls.n; i++) {
        parseal_ctx *ctx = t->impls.ctx[i];
        assert_ok(parseal_keys_create(&t->keys[i], ctx, PARSEAL_AES256GCM, keys, KEYS, NULL));
        assert_ok(parseal_seeds_create(&t->seeds[i], ctx, seeds, SEEDS));
    }
    return t;
}

static void bench_close(bench *t)
{
    for (size_t i = 0; i < t->impls.n; i++) {
        parseal_keys_destroy(t->keys[i]);
        parseal_seeds_destroy(t->seeds[i]);
    }
    impls_close(&t->impls);
    free(t);
}

static parseal_aggregator *begin(const bench *t, size_t impl)
{
    parseal_aggregator *a = NULL;
    assert_ok(parseal_aggregator_create(&a, t->impls.ctx[impl], &t->options));
    return a;
}

/* Updates of random bytes, sealed by portable code. */
static void make_updates(bench *t)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        parseal_update *u = &t->updates[i];
        parseal_msg m = {.in = t->sealed[i],
                         .out = t->sealed[i],
                         .len = (size_t)t->update_size,
                         .aad = t->aad,
                         .aad_len = i % AAD,
                         .key = (uint32_t)(i % KEYS)};
        rng_fill(&t->r, t->sealed[i], (size_t)t->update_size);
        rng_fill(&t->r, m.nonce, PARSEAL_AES256GCM_NONCEBYTES);
        assert_ok(parseal_seal(t->keys[0], &m, 1));
        *u = (parseal_update){.client = rng_u64(&t->r),
                              .in = m.out,
                              .len = m.len,
                              .aad = m.aad,
                              .aad_len = m.aad_len,
                              .key = m.key};
        memcpy(u->nonce, m.nonce, sizeof u->nonce);
        memcpy(u->tag, m.tag, sizeof u->tag);
    }
}

static void set_shape(bench *t, const parseal_ring *ring, uint64_t dim, uint32_t bits)
{
    t->options = (parseal_aggregator_options)PARSEAL_AGGREGATOR_OPTIONS_INIT;
    t->options.ring = *ring;
    t->options.dim = dim;
    t->options.bits = bits;
    t->options.quant_bits = 5;
    t->options.quant_clip = 0.75f;
    parseal_aggregator *a = begin(t, 0);
    assert_ok(parseal_aggregator_update_size(a, &t->update_size));
    assert_ok(parseal_aggregator_export_size(a, &t->export_size));
    t->export_size += (uint64_t)8 * CLIENTS;
    assert_true(t->export_size <= ROOM);
    parseal_aggregator_destroy(a);
    make_updates(t);
}

static void add(bench *t, parseal_aggregator *a, size_t impl, size_t first, size_t end)
{
    assert_ok(
        parseal_aggregator_add_sealed(a, t->keys[impl], t->updates + first, end - first, NULL));
}

/* The aggregator ends as an export in `out`. */
static uint64_t take_out(parseal_aggregator *a, void *out)
{
    uint64_t size;
    assert_ok(parseal_aggregator_export_size(a, &size));
    assert_ok(parseal_aggregator_export(a, out, (size_t)size));
    parseal_aggregator_destroy(a);
    return size;
}

static parseal_aggregator *take_in(const bench *t, size_t impl, const void *exported, uint64_t size)
{
    parseal_aggregator *a = NULL;
    assert_ok(parseal_aggregator_import(&a, t->impls.ctx[impl], exported, (size_t)size));
    return a;
}

static void stay(void *arg, size_t impl, void *out)
{
    bench *t = arg;
    parseal_aggregator *a = begin(t, impl);
    add(t, a, impl, 0, CLIENTS);
    assert_ok(parseal_aggregator_unmask(a, t->seeds[impl]));
    assert_int_equal(take_out(a, out), t->export_size);
}

/* Begun on portable code, gone on with here, finished there. */
static void travel(void *arg, size_t impl, void *out)
{
    bench *t = arg;
    uint8_t *bytes = t->travelling[0];
    parseal_aggregator *a = begin(t, 0);
    add(t, a, 0, 0, 4);
    a = take_in(t, impl, bytes, take_out(a, bytes));
    add(t, a, impl, 4, 7);
    assert_ok(parseal_aggregator_unmask(a, t->seeds[impl]));
    a = take_in(t, 0, bytes, take_out(a, bytes));
    add(t, a, 0, 7, CLIENTS);
    assert_int_equal(take_out(a, out), t->export_size);
}

/* A third from portable code meets a third from here, there, and the rest meets both here. */
static void meet(void *arg, size_t impl, void *out)
{
    bench *t = arg;
    parseal_aggregator *there = begin(t, 0), *here = begin(t, impl), *last = begin(t, impl);
    add(t, there, 0, 0, 4);
    add(t, here, impl, 4, 8);
    add(t, last, impl, 8, CLIENTS);
    assert_ok(parseal_aggregator_unmask(here, t->seeds[impl]));
    const uint64_t size = take_out(here, t->travelling[0]);
    assert_ok(parseal_aggregator_merge(there, t->travelling[0], (size_t)size));
    const uint64_t both = take_out(there, t->travelling[1]);
    assert_ok(parseal_aggregator_merge(last, t->travelling[1], (size_t)both));
    assert_int_equal(take_out(last, out), t->export_size);
}

static void check(bench *t, const parseal_ring *ring, uint64_t dim, uint32_t bits)
{
    static uint8_t stayed[ROOM];
    set_shape(t, ring, dim, bits);
    const size_t size = (size_t)t->export_size;
    impls_agree(&t->impls, stay, t, NULL, size, dim % 8);
    memcpy(stayed, t->impls.want, size);
    impls_agree(&t->impls, travel, t, NULL, size, dim % 3);
    assert_bytes(t->impls.want, stayed, size);
    impls_agree(&t->impls, meet, t, NULL, size, dim % 5);
    assert_bytes(t->impls.want, stayed, size);
}

static void every_ring(void **state)
{
    static const uint64_t dims[] = {1, 3, 129, 500, 1023, 2051};
    (void)state;
    bench *t = bench_open("rings", BY_OPTION, 1);
    for (size_t i = 0; i < N_RINGS; i++) {
        const uint32_t bits = i % 2 == 0 ? 0 : i % 4 == 1 ? 20 : 13;
        check(t, &RINGS[i], dims[i % COUNT_OF(dims)], bits);
    }
    bench_close(t);
}

/* Over threads. */
static void longer_vectors(void **state)
{
    static const parseal_ring packed = {UINT64_C(1) << 20, 4, 0}, whole = {UINT64_MAX - 58, 8, 0};
    (void)state;
    bench *t = bench_open("longer", BY_ENVIRONMENT, 3);
    check(t, &packed, DIM_MAX - 3, 20);
    check(t, &whole, DIM_MAX, 0);
    bench_close(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ring),
        cmocka_unit_test(longer_vectors),
    };
    return RUN_SUITE("aggregators of every implementation", tests);
}
