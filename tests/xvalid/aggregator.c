/* Aggregators against sums in 128-bit arithmetic: sealed and plain updates of every ring, packed or
 * not, some of them tampered with, replayed, of a wrong length; masks; exports. */
#include <parseal/aggregator.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_mask.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { CLIENTS = 23, KEYS = 3, AAD = 9, DIM_MAX = 5000 };

/* What all benches of a test share. The CPU seals. */
typedef struct {
    parseal_ctx *ctx, *cpu;
    parseal_keys *keys, *cpu_keys;
    rng r;
} site;

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys, *cpu_keys;
    parseal_aggregator *aggregator;
    parseal_aggregator_options options;
    size_t n; /* clients */
    uint64_t update_size;
    uint8_t *want; /* the sum */
    uint8_t *elements[CLIENTS], *plain[CLIENTS], *sealed[CLIENTS];
    uint8_t aad[AAD];
    parseal_update updates[CLIENTS];
    rng *r;
} bench;

static uint8_t *room(size_t size)
{
    uint8_t *p = malloc(size + 1);
    assert_non_null(p);
    return p;
}

/* A client's elements, packed and sealed. */
static void make_update(bench *b, size_t i, uint32_t bits)
{
    const parseal_aggregator_options *o = &b->options;
    const uint32_t size = o->ring.element_size;
    b->elements[i] = room(o->dim * size);
    b->plain[i] = room(b->update_size);
    b->sealed[i] = room(b->update_size);
    for (uint64_t k = 0; k < o->dim; k++)
        elem_store(b->elements[i], k, size,
                   bits == 64 ? rng_u64(b->r) : rng_below(b->r, UINT64_C(1) << bits));
    ref_pack(bits, size, b->elements[i], b->plain[i], o->dim);
    parseal_update *u = &b->updates[i];
    *u = (parseal_update){.client = rng_u64(b->r),
                          .in = b->sealed[i],
                          .len = b->update_size,
                          .aad = b->aad,
                          .aad_len = i % 3 == 0 ? 0 : AAD,
                          .key = (uint32_t)(i % KEYS)};
    rng_fill(b->r, u->nonce, PARSEAL_AES256GCM_NONCEBYTES);
    parseal_msg m = {.in = b->plain[i],
                     .out = b->sealed[i],
                     .len = u->len,
                     .aad = u->aad,
                     .aad_len = u->aad_len,
                     .key = u->key};
    memcpy(m.nonce, u->nonce, sizeof m.nonce);
    assert_ok(parseal_seal(b->cpu_keys, &m, 1));
    memcpy(u->tag, m.tag, sizeof u->tag);
}

static int open_site(void **state)
{
    site *s = calloc(1, sizeof *s);
    parseal_options options = PARSEAL_OPTIONS_INIT;
    uint8_t key_bytes[KEYS * PARSEAL_AES256GCM_KEYBYTES];
    assert_non_null(s);
    s->r = rng_for("aggregator");
    s->ctx = run_ctx(2);
    options.backend = PARSEAL_BACKEND_CPU;
    assert_ok(parseal_ctx_create(&s->cpu, &options));
    rng_fill(&s->r, key_bytes, sizeof key_bytes);
    assert_ok(parseal_keys_create(&s->keys, s->ctx, PARSEAL_AES256GCM, key_bytes, KEYS, NULL));
    assert_ok(parseal_keys_create(&s->cpu_keys, s->cpu, PARSEAL_AES256GCM, key_bytes, KEYS, NULL));
    *state = s;
    return 0;
}

static int close_site(void **state)
{
    site *s = *state;
    parseal_keys_destroy(s->keys);
    parseal_keys_destroy(s->cpu_keys);
    parseal_ctx_destroy(s->ctx);
    parseal_ctx_destroy(s->cpu);
    free(s);
    return 0;
}

static void bench_open_n(bench *b, site *s, size_t n, const parseal_ring *ring, uint64_t dim,
                         uint32_t bits)
{
    memset(b, 0, sizeof *b);
    b->n = n;
    b->r = &s->r;
    b->ctx = s->ctx;
    b->keys = s->keys;
    b->cpu_keys = s->cpu_keys;
    rng_fill(b->r, b->aad, sizeof b->aad);
    b->options = (parseal_aggregator_options)PARSEAL_AGGREGATOR_OPTIONS_INIT;
    b->options.ring = *ring;
    b->options.dim = dim;
    b->options.bits = bits;
    assert_ok(parseal_aggregator_create(&b->aggregator, b->ctx, &b->options));
    assert_ok(parseal_aggregator_update_size(b->aggregator, &b->update_size));
    b->want = room(dim * ring->element_size);
    memset(b->want, 0, dim * ring->element_size);
    for (size_t i = 0; i < n; i++)
        make_update(b, i, bits == 0 ? 8 * ring->element_size : bits);
}

static void bench_open(bench *b, site *s, const parseal_ring *ring, uint64_t dim, uint32_t bits)
{
    bench_open_n(b, s, CLIENTS, ring, dim, bits);
}

static void bench_close(bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->elements[i]);
        free(b->plain[i]);
        free(b->sealed[i]);
    }
    free(b->want);
    parseal_aggregator_destroy(b->aggregator);
}

static void expect(bench *b, size_t i)
{
    const void *v = b->elements[i];
    ref_sum(&b->options.ring, b->want, &v, 1, b->options.dim);
}

static void check_sum(bench *b, const parseal_aggregator *a, uint64_t count)
{
    const parseal_ring *ring = &b->options.ring;
    const size_t size = (size_t)b->options.dim * ring->element_size;
    uint8_t *got = room(size);
    uint64_t counted;
    const parseal_vec sum = parseal_host_vec(got, b->options.dim, ring->element_size);
    assert_ok(parseal_aggregator_sum(a, &sum));
    assert_bytes(got, b->want, size);
    assert_ok(parseal_aggregator_count(a, &counted));
    assert_int_equal(counted, count);
    free(got);
}

static const struct {
    uint64_t dim;
    uint32_t bits; /* 0: whole elements */
} shapes[] = {{1, 0}, {1, 1}, {7, 20}, {1024, 0}, {2049, 13}, {DIM_MAX, 20}, {4097, 32}, {4096, 8}};

/* Updates of several calls, in two of which all is well. */
static void every_ring(void **state)
{
    site *here = *state;
    for (size_t k = 0; k < N_RINGS; k++) {
        const size_t s = k % COUNT_OF(shapes);
        bench b;
        size_t added = 99;
        bench_open(&b, here, &RINGS[k], shapes[s].dim, shapes[s].bits);
        assert_ok(parseal_aggregator_add_sealed(b.aggregator, b.keys, b.updates, 5, &added));
        assert_int_equal(added, 5);
        assert_ok(parseal_aggregator_add_sealed(b.aggregator, b.keys, b.updates + 5, 0, &added));
        assert_int_equal(added, 0);
        assert_ok(parseal_aggregator_add_sealed(b.aggregator, b.keys, b.updates + 5, 12, NULL));
        for (size_t i = 17; i < CLIENTS; i++)
            b.updates[i].in = b.plain[i];
        assert_ok(parseal_aggregator_add_plain(b.aggregator, b.updates + 17, CLIENTS - 17, &added));
        assert_int_equal(added, CLIENTS - 17);
        for (size_t i = 0; i < CLIENTS; i++) {
            assert_int_equal(b.updates[i].status, PARSEAL_ITEM_OK);
            expect(&b, i);
        }
        check_sum(&b, b.aggregator, CLIENTS);
        bench_close(&b);
    }
}

/* So long that a GPU adds what it decrypts without writing it; one of the updates is not authentic.
 * To a CPU these are like others. */
static void long_vectors(void **state)
{
    static const struct {
        parseal_ring ring;
        uint64_t dim;
        uint32_t bits;
    } all[] = {{{UINT64_C(1) << 32, 4, 0}, 140001, 0},
               {{1000003, 4, 0}, 215011, 20},
               {{UINT64_C(1) << 20, 4, 0}, 325001, 13},
               {{UINT64_MAX - 58, 8, 0}, 70001, 0}};
    enum { FEW = 3 };
    site *here = *state;
    for (size_t k = 0; run_backend() != PARSEAL_BACKEND_CPU && k < COUNT_OF(all); k++) {
        bench b;
        size_t added;
        bench_open_n(&b, here, FEW, &all[k].ring, all[k].dim, all[k].bits);
        b.sealed[1][b.update_size / 2] ^= 1;
        assert_status(parseal_aggregator_add_sealed(b.aggregator, b.keys, b.updates, FEW, &added),
                      PARSEAL_ERR_AUTH);
        for (size_t i = 0; i < FEW; i++)
            if (i != 1)
                expect(&b, i);
        check_sum(&b, b.aggregator, FEW - 1);
        bench_close(&b);
    }
}

/* What is not authentic, replayed, doubled or misshapen never changes the sum. */
static void hostile_updates(void **state)
{
    static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
    site *here = *state;
    bench b;
    size_t added;
    bench_open(&b, here, &ring, DIM_MAX, 20);
    parseal_update *u = b.updates;
    u[1].tag[7] ^= 1;
    b.sealed[2][b.update_size - 1] ^= 0x80;
    u[4].aad_len--; /* had it all */
    u[5].key = (u[5].key + 1) % KEYS;
    u[6].len--;
    u[7].client = u[8].client; /* 7 was first, and counts */
    u[9] = u[0];               /* a replay in the same call */
    u[10].client = u[11].client;
    u[10].tag[0] ^= 1; /* the one that is not authentic does not keep the other out */
    u[12].nonce[3] ^= 4;
    static const int32_t want[13] = {
        PARSEAL_ITEM_OK,      PARSEAL_ITEM_BAD_TAG, PARSEAL_ITEM_BAD_TAG,    PARSEAL_ITEM_OK,
        PARSEAL_ITEM_BAD_TAG, PARSEAL_ITEM_BAD_TAG, PARSEAL_ITEM_BAD_LENGTH, PARSEAL_ITEM_OK,
        PARSEAL_ITEM_COUNTED, PARSEAL_ITEM_COUNTED, PARSEAL_ITEM_BAD_TAG,    PARSEAL_ITEM_OK,
        PARSEAL_ITEM_BAD_TAG};
    assert_error(parseal_aggregator_add_sealed(b.aggregator, b.keys, u, 13, &added),
                 PARSEAL_ERR_AUTH, "updates[1]");
    assert_int_equal(added, 4);
    for (size_t i = 0; i < 13; i++) {
        assert_int_equal(u[i].status, want[i]);
        if (want[i] == PARSEAL_ITEM_OK)
            expect(&b, i);
    }
    check_sum(&b, b.aggregator, 4);
    /* A replay in a later call, and what failed comes again as it should be. */
    u[1].tag[7] ^= 1;
    assert_status(parseal_aggregator_add_sealed(b.aggregator, b.keys, u, 2, &added),
                  PARSEAL_ERR_AUTH);
    assert_int_equal(u[0].status, PARSEAL_ITEM_COUNTED);
    assert_int_equal(u[1].status, PARSEAL_ITEM_OK);
    expect(&b, 1);
    check_sum(&b, b.aggregator, 5);
    int32_t has[2];
    assert_ok(parseal_aggregator_has(b.aggregator, u[1].client, &has[0]));
    assert_ok(parseal_aggregator_has(b.aggregator, u[2].client, &has[1]));
    assert_int_equal(has[0], 1);
    assert_int_equal(has[1], 0);
    bench_close(&b);
}

static void masks_are_stripped(void **state)
{
    enum { MASKS = 40 };
    site *here = *state;
    for (size_t k = 0; k < N_RINGS; k += 2) {
        parseal_seed list[MASKS];
        parseal_seeds *some, *rest;
        bench b;
        bench_open(&b, here, &RINGS[k], 777, 0);
        random_seeds(&here->r, list, MASKS);
        assert_ok(parseal_seeds_create(&some, b.ctx, list, 11));
        assert_ok(parseal_seeds_create(&rest, b.ctx, list + 11, MASKS - 11));
        assert_ok(parseal_aggregator_unmask(b.aggregator, rest));
        assert_ok(parseal_aggregator_add_sealed(b.aggregator, b.keys, b.updates, CLIENTS, NULL));
        assert_ok(parseal_aggregator_unmask(b.aggregator, some));
        for (size_t i = 0; i < CLIENTS; i++)
            expect(&b, i);
        ref_mask_apply(list, MASKS, &RINGS[k], b.want, 777, 0);
        check_sum(&b, b.aggregator, CLIENTS);
        parseal_seeds_destroy(some);
        parseal_seeds_destroy(rest);
        bench_close(&b);
    }
}

static uint8_t *export_of(const parseal_aggregator *a, uint64_t *size)
{
    assert_ok(parseal_aggregator_export_size(a, size));
    uint8_t *out = room(*size);
    assert_ok(parseal_aggregator_export(a, out, *size));
    return out;
}

/* Two halves meet, one of them after a restart; then each is refused a second time. */
static void exports(void **state)
{
    site *here = *state;
    for (size_t k = 0; k < N_RINGS; k++) {
        bench b;
        parseal_aggregator *other, *resumed;
        uint64_t size, other_size;
        size_t added;
        bench_open(&b, here, &RINGS[k], 333 + k, k % 2 == 0 ? 0 : 17);
        assert_ok(parseal_aggregator_create(&other, b.ctx, &b.options));
        assert_ok(parseal_aggregator_add_sealed(b.aggregator, b.keys, b.updates, 9, NULL));
        uint8_t *first = export_of(b.aggregator, &size);
        assert_ok(parseal_aggregator_import(&resumed, b.ctx, first, size));
        assert_ok(parseal_aggregator_add_sealed(resumed, b.keys, b.updates + 9, 4, NULL));
        assert_ok(parseal_aggregator_add_sealed(other, b.keys, b.updates + 13, 10, NULL));
        uint8_t *second = export_of(other, &other_size);
        assert_ok(parseal_aggregator_merge(resumed, second, other_size));
        for (size_t i = 0; i < CLIENTS; i++)
            expect(&b, i);
        check_sum(&b, resumed, CLIENTS);
        assert_error(parseal_aggregator_merge(resumed, second, other_size), PARSEAL_ERR_ARG,
                     "clients");
        assert_error(parseal_aggregator_merge(resumed, first, size), PARSEAL_ERR_ARG, "clients");
        assert_status(parseal_aggregator_add_sealed(resumed, b.keys, b.updates + 3, 17, &added),
                      PARSEAL_ERR_AUTH);
        assert_int_equal(added, 0);
        check_sum(&b, resumed, CLIENTS);
        free(first);
        free(second);
        parseal_aggregator_destroy(other);
        parseal_aggregator_destroy(resumed);
        bench_close(&b);
    }
}

static void means(void **state)
{
    static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
    enum { DIM = 1000, BITS = 12 };
    site *here = *state;
    bench b;
    float got[DIM] = {0};
    const parseal_vec mean = {parseal_host_buf(got, sizeof got), DIM};
    bench_open(&b, here, &ring, DIM, BITS);
    assert_error(parseal_aggregator_mean(b.aggregator, &mean, NULL), PARSEAL_ERR_ARG, "quant_bits");
    parseal_aggregator_destroy(b.aggregator);
    b.options.quant_bits = BITS;
    b.options.quant_clip = 1.5f;
    assert_ok(parseal_aggregator_create(&b.aggregator, b.ctx, &b.options));
    assert_error(parseal_aggregator_mean(b.aggregator, &mean, NULL), PARSEAL_ERR_ARG, "nobody");
    assert_ok(parseal_aggregator_add_sealed(b.aggregator, b.keys, b.updates, CLIENTS, NULL));
    assert_ok(parseal_aggregator_mean(b.aggregator, &mean, NULL));
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.bits = BITS;
    quant.clip = 1.5f;
    for (size_t i = 0; i < CLIENTS; i++)
        expect(&b, i);
    for (size_t i = 0; i < DIM; i++) {
        const float want = ref_dequantize(&quant, elem_load(b.want, i, 4), CLIENTS);
        assert_true(got[i] - want <= 1e-6f && want - got[i] <= 1e-6f);
    }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_ring, open_site, close_site),
        cmocka_unit_test_setup_teardown(long_vectors, open_site, close_site),
        cmocka_unit_test_setup_teardown(hostile_updates, open_site, close_site),
        cmocka_unit_test_setup_teardown(masks_are_stripped, open_site, close_site),
        cmocka_unit_test_setup_teardown(exports, open_site, close_site),
        cmocka_unit_test_setup_teardown(means, open_site, close_site),
    };
    return RUN_SUITE_PER_IMPL("aggregator",
                              OF(PARSEAL_PRIMITIVE_AEAD) | OF(PARSEAL_PRIMITIVE_PACK) |
                                  OF(PARSEAL_PRIMITIVE_VEC_SUM) | OF(PARSEAL_PRIMITIVE_MASK),
                              tests);
}
