/* Aggregators with their secrets marked: keys, seeds, what updates decrypt to, updates that are not
 * sealed, the sum. Public are what is sealed and its tags, clients, lengths and, once a call has
 * returned, its verdicts. Under memcheck any jump or address that depends on a secret is an error,
 * but for those in expected.supp. */
#include <parseal/aggregator.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "forced.h"
#include "rng.h"
#include "secret.h"

/* More updates than are added together; one of them is not authentic. */
enum { CLIENTS = 6, BAD = 2, KEYS = 3, SEEDS = 3, AAD = 21, DIGEST = 32, QUANT_BITS = 8 };

typedef struct {
    parseal_ring ring;
    uint64_t dim;
    uint32_t bits;
} shape;

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_seeds *seeds;
    parseal_aggregator *aggregator;
    const shape *shape;
    uint64_t update_size;
    uint8_t *bytes; /* of the updates */
    uint8_t aad[AAD];
    parseal_update updates[CLIENTS];
    rng r;
} bench;

/* Zeros, which Valgrind takes for public. */
static uint8_t *public_bytes(uint64_t n)
{
    uint8_t *p = calloc(1, (size_t)n + 1);
    assert_non_null(p);
    return p;
}

static void make_secrets(bench *b)
{
    uint8_t keys[KEYS * PARSEAL_AES256GCM_KEYBYTES];
    parseal_seed seeds[SEEDS];
    memset(seeds, 0, sizeof seeds);
    rng_fill(&b->r, keys, sizeof keys);
    make_secret(keys, sizeof keys);
    for (size_t i = 0; i < SEEDS; i++) {
        rng_fill(&b->r, seeds[i].key, sizeof seeds[i].key);
        make_secret(seeds[i].key, sizeof seeds[i].key);
        seeds[i].sign = i % 2 == 0 ? -1 : 1;
    }
    assert_ok(parseal_keys_create(&b->keys, b->ctx, PARSEAL_AES256GCM, keys, KEYS, NULL));
    assert_ok(parseal_seeds_create(&b->seeds, b->ctx, seeds, SEEDS));
}

static void bench_open(bench *b, const shape *s, uint32_t threads)
{
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = s->ring;
    options.dim = s->dim;
    options.bits = s->bits;
    options.quant_bits = QUANT_BITS;
    options.quant_clip = 1.5f;
    *b = (bench){.ctx = forced_ctx(threads), .shape = s, .r = rng_for("aggregator")};
    make_secrets(b);
    rng_fill(&b->r, b->aad, sizeof b->aad);
    assert_ok(parseal_aggregator_create(&b->aggregator, b->ctx, &options));
    assert_ok(parseal_aggregator_update_size(b->aggregator, &b->update_size));
    b->bytes = public_bytes(CLIENTS * b->update_size);
}

static void bench_close(bench *b)
{
    parseal_aggregator_destroy(b->aggregator);
    parseal_keys_destroy(b->keys);
    parseal_seeds_destroy(b->seeds);
    parseal_ctx_destroy(b->ctx);
    free(b->bytes);
}

/* The updates, secret, at odd addresses too: those of clients from `first` on. */
static void make_updates(bench *b, uint64_t first)
{
    rng_fill(&b->r, b->bytes, (size_t)(CLIENTS * b->update_size));
    make_secret(b->bytes, (size_t)(CLIENTS * b->update_size));
    for (size_t i = 0; i < CLIENTS; i++) {
        b->updates[i] = (parseal_update){.client = first + i,
                                         .in = b->bytes + i * b->update_size,
                                         .len = (size_t)b->update_size,
                                         .aad = b->aad,
                                         .aad_len = i * 7 % AAD,
                                         .key = (uint32_t)(i % KEYS)};
        rng_fill(&b->r, b->updates[i].nonce, PARSEAL_AES256GCM_NONCEBYTES);
    }
}

static void seal_updates(bench *b)
{
    for (size_t i = 0; i < CLIENTS; i++) {
        parseal_update *u = &b->updates[i];
        parseal_msg m = {.in = u->in,
                         .out = b->bytes + i * b->update_size,
                         .len = u->len,
                         .aad = u->aad,
                         .aad_len = u->aad_len,
                         .key = u->key};
        memcpy(m.nonce, u->nonce, sizeof m.nonce);
        assert_ok(parseal_seal(b->keys, &m, 1));
        make_public(m.tag, sizeof m.tag);
        memcpy(u->tag, m.tag, sizeof u->tag);
    }
    make_public(b->bytes, (size_t)(CLIENTS * b->update_size));
}

/* Every element of the sum depends on a secret. */
static void check_sum(const bench *b)
{
    const uint32_t size = b->shape->ring.element_size;
    const uint64_t dim = b->shape->dim;
    uint8_t *got = public_bytes(dim * size);
    const parseal_vec sum = parseal_host_vec(got, dim, size);
    assert_ok(parseal_aggregator_sum(b->aggregator, &sum));
    assert_secret(got, (size_t)dim * size, size);
    free(got);
}

static void add_sealed(bench *b, size_t bad)
{
    size_t added = 99;
    make_updates(b, 100);
    seal_updates(b);
    if (bad < CLIENTS)
        b->updates[bad].tag[5] ^= 0x10;
    assert_status(
        parseal_aggregator_add_sealed(b->aggregator, b->keys, b->updates, CLIENTS, &added),
        bad < CLIENTS ? PARSEAL_ERR_AUTH : PARSEAL_OK);
    make_public(&added, sizeof added);
    assert_int_equal(added, CLIENTS - (bad < CLIENTS));
    for (size_t i = 0; i < CLIENTS; i++) {
        make_public(&b->updates[i].status, sizeof b->updates[i].status);
        assert_int_equal(b->updates[i].status, i == bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
    }
    check_sum(b);
}

static void add_plain(bench *b)
{
    size_t added = 99;
    make_updates(b, 200);
    assert_ok(parseal_aggregator_add_plain(b->aggregator, b->updates, CLIENTS, &added));
    assert_int_equal(added, CLIENTS);
    check_sum(b);
}

static void take_out(const bench *b)
{
    const uint64_t dim = b->shape->dim, sum_size = dim * b->shape->ring.element_size;
    float *got = (float *)(void *)public_bytes(dim * sizeof *got);
    const parseal_vec mean = parseal_host_vec(got, dim, sizeof *got);
    uint64_t size;
    assert_ok(parseal_aggregator_mean(b->aggregator, &mean, NULL));
    assert_secret(got, (size_t)dim * sizeof *got, sizeof *got);
    assert_ok(parseal_aggregator_export_size(b->aggregator, &size));
    uint8_t *exported = public_bytes(size);
    assert_ok(parseal_aggregator_export(b->aggregator, exported, (size_t)size));
    assert_secret(exported + size - DIGEST - sum_size, (size_t)sum_size,
                  b->shape->ring.element_size);
    assert_secret(exported + size - DIGEST, DIGEST, 1);
    free(got);
    free(exported);
}

/* Each way that an update is added meets a sum of zero, which is public, and one that is secret. */
static void aggregate(const shape *s, uint32_t threads, size_t bad, bool plain_first)
{
    bench b;
    bench_open(&b, s, threads);
    if (plain_first)
        add_plain(&b);
    add_sealed(&b, bad);
    if (!plain_first)
        add_plain(&b);
    assert_ok(parseal_aggregator_unmask(b.aggregator, b.seeds));
    check_sum(&b);
    take_out(&b);
    bench_close(&b);
}

static void aggregate_each(const shape *shapes, size_t n, uint32_t threads)
{
    for (size_t i = 0; i < n; i++)
        for (int bad = 0; bad < 2; bad++)
            aggregate(&shapes[i], threads, bad ? BAD : CLIENTS, i % 2 == (size_t)bad);
}

static void whole_elements(void **state)
{
    static const shape shapes[] = {
        {{UINT64_C(1) << 32, 4, 0}, 1, 0},
        {{UINT64_C(1) << 32, 4, 0}, 333, 0},
        {{1000003, 4, 0}, 129, 0},
        {{UINT64_C(4294967291), 4, 0}, 200, 0},
        {{0, 8, 0}, 131, 0},
        {{UINT64_C(1) << 45, 8, 0}, 77, 0},
        {{UINT64_MAX - 58, 8, 0}, 127, 64},
        {{(UINT64_C(1) << 63) + 29, 8, 0}, 64, 0},
    };
    (void)state;
    aggregate_each(shapes, COUNT_OF(shapes), 1);
}

static void packed_elements(void **state)
{
    static const shape shapes[] = {
        {{UINT64_C(1) << 13, 4, 0}, 333, 13}, {{UINT64_C(1) << 20, 4, 0}, 129, 20},
        {{1000003, 4, 0}, 127, 20},           {{1000003, 4, 0}, 2060, 13},
        {{1000003, 8, 0}, 130, 20},           {{UINT64_C(1) << 45, 8, 0}, 131, 45},
        {{UINT64_MAX - 58, 8, 0}, 77, 61},    {{0, 8, 0}, 1030, 13},
    };
    (void)state;
    aggregate_each(shapes, COUNT_OF(shapes), 1);
}

/* Hashed part by part, and added by several threads. */
static void cut_updates(void **state)
{
    static const shape shapes[] = {
        {{1000003, 4, 0}, 40001, 0},
        {{UINT64_C(1) << 20, 4, 0}, 70007, 20},
    };
    (void)state;
    aggregate_each(shapes, COUNT_OF(shapes), 2);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_elements),
        cmocka_unit_test(packed_elements),
        cmocka_unit_test(cut_updates),
    };
    return FORCED_SUITE(argc, argv, "aggregator", tests);
}
