/* Aggregators: every error, every damage to an export, and that neither changes anything. */
#include <parseal/aggregator.h>
#include <parseal/fcp.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

enum { DIM = 9, CLIENTS = 3, EXPORT_MAX = 256 };

static parseal_aggregator_options good_options(void)
{
    parseal_aggregator_options o = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    o.ring = (parseal_ring){1000003, 4, 0};
    o.dim = DIM;
    o.quant_bits = 8;
    o.quant_clip = 1.0f;
    return o;
}

/* One that has counted clients 7, 8 and 9. */
typedef struct {
    parseal_aggregator *aggregator;
    uint32_t elements[CLIENTS][DIM];
    parseal_update updates[CLIENTS];
    uint8_t exported[EXPORT_MAX];
    uint64_t size;
} filled;

static void fill(filled *f, parseal_ctx *ctx)
{
    const parseal_aggregator_options o = good_options();
    memset(f, 0, sizeof *f);
    assert_ok(parseal_aggregator_create(&f->aggregator, ctx, &o));
    for (size_t i = 0; i < CLIENTS; i++) {
        for (size_t k = 0; k < DIM; k++)
            memcpy(&f->elements[i][k], (uint8_t[4]){(uint8_t)k, (uint8_t)i, 3, 0}, 4);
        f->updates[i].client = 7 + i;
        f->updates[i].in = f->elements[i];
        f->updates[i].len = sizeof f->elements[i];
    }
    assert_ok(parseal_aggregator_add_plain(f->aggregator, f->updates, CLIENTS, NULL));
    assert_ok(parseal_aggregator_export_size(f->aggregator, &f->size));
    assert_true(f->size <= EXPORT_MAX);
    assert_ok(parseal_aggregator_export(f->aggregator, f->exported, f->size));
}

/* What it would export now is what it exported then. */
static void assert_unchanged(const filled *f)
{
    uint8_t now[EXPORT_MAX];
    uint64_t size;
    assert_ok(parseal_aggregator_export_size(f->aggregator, &size));
    assert_int_equal(size, f->size);
    assert_ok(parseal_aggregator_export(f->aggregator, now, size));
    assert_bytes(now, f->exported, size);
}

static void options(void **state)
{
    const fixture *f = *state;
    parseal_aggregator *a = NULL;
    parseal_aggregator_options o = good_options();
#define REFUSED(change, status, name)                                            \
    do {                                                                         \
        o = good_options();                                                      \
        change;                                                                  \
        assert_error(parseal_aggregator_create(&a, f->ctx, &o), (status), name); \
        assert_null(a);                                                          \
    } while (0)
    REFUSED(o.struct_size = 3, PARSEAL_ERR_ARG, "options");
    REFUSED(o.ring.modulus = 1, PARSEAL_ERR_ARG, "ring");
    REFUSED(o.ring.element_size = 5, PARSEAL_ERR_ARG, "ring");
    REFUSED(o.dim = 0, PARSEAL_ERR_ARG, "dim");
    REFUSED(o.dim = UINT64_MAX / 4, PARSEAL_ERR_SIZE, "dim");
    REFUSED(o.dim = UINT64_C(1) << 34, PARSEAL_ERR_SIZE, "dim");
    REFUSED(o.bits = 33, PARSEAL_ERR_ARG, "bits");
    REFUSED(o.quant_bits = 25, PARSEAL_ERR_ARG, "bits");
    REFUSED(o.quant_bits = 0, PARSEAL_ERR_ARG, "bits");
    REFUSED(o.bits = 7, PARSEAL_ERR_ARG, "quant_bits");
    REFUSED(o.quant_clip = -1, PARSEAL_ERR_ARG, "clip");
#undef REFUSED
    o = good_options();
    assert_error(parseal_aggregator_create(NULL, f->ctx, &o), PARSEAL_ERR_ARG, "aggregator");
    assert_error(parseal_aggregator_create(&a, NULL, &o), PARSEAL_ERR_ARG, "ctx");
    assert_error(parseal_aggregator_create(&a, f->ctx, NULL), PARSEAL_ERR_ARG, "options");
    parseal_aggregator_destroy(NULL);
}

static void calls(void **state)
{
    const fixture *fix = *state;
    filled f;
    parseal_ctx *other = run_ctx(1);
    parseal_keys *other_keys;
    parseal_seeds *other_seeds;
    parseal_seed seed = {.sign = 1};
    const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {0};
    uint32_t out[DIM + 1];
    uint64_t number;
    int32_t has;
    parseal_update u;
    fill(&f, fix->ctx);
    u = f.updates[0];
    u.client = 99;
    assert_ok(parseal_keys_create(&other_keys, other, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_seeds_create(&other_seeds, other, &seed, 1));
    parseal_aggregator *const a = f.aggregator;
    assert_error(parseal_aggregator_add_sealed(a, NULL, &u, 1, NULL), PARSEAL_ERR_ARG, "keys");
    assert_error(parseal_aggregator_add_sealed(a, other_keys, &u, 1, NULL), PARSEAL_ERR_ARG,
                 "keys");
    assert_error(parseal_aggregator_add_sealed(NULL, fix->keys, &u, 1, NULL), PARSEAL_ERR_ARG,
                 "aggregator");
    assert_error(parseal_aggregator_add_sealed(a, fix->keys, NULL, 1, NULL), PARSEAL_ERR_ARG,
                 "updates");
    assert_error(parseal_aggregator_add_plain(a, NULL, 1, NULL), PARSEAL_ERR_ARG, "updates");
    assert_error(parseal_aggregator_add_plain(a, &u, SIZE_MAX, NULL), PARSEAL_ERR_SIZE, "n");
    u.key = 2;
    assert_error(parseal_aggregator_add_sealed(a, fix->keys, &u, 1, NULL), PARSEAL_ERR_SIZE, "key");
    u.key = 0;
    u.aad_len = 1;
    assert_error(parseal_aggregator_add_sealed(a, fix->keys, &u, 1, NULL), PARSEAL_ERR_ARG, "aad");
    u.aad_len = 0;
    u.nonce[PARSEAL_AES256GCM_NONCEBYTES] = 1;
    assert_error(parseal_aggregator_add_sealed(a, fix->keys, &u, 1, NULL), PARSEAL_ERR_ARG,
                 "nonce");
    u.nonce[PARSEAL_AES256GCM_NONCEBYTES] = 0;
    u.weight = 1;
    assert_error(parseal_aggregator_add_sealed(a, fix->keys, &u, 1, NULL), PARSEAL_ERR_ARG,
                 "weight");
    u.weight = UINT64_C(1) << 22;
    assert_error(parseal_aggregator_add_plain(a, &u, 1, NULL), PARSEAL_ERR_ARG, "weight");
    u.weight = 0;
    u.in = NULL;
    assert_error(parseal_aggregator_add_plain(a, &u, 1, NULL), PARSEAL_ERR_ARG, "in");
    assert_error(parseal_aggregator_unmask(a, NULL), PARSEAL_ERR_ARG, "seeds");
    assert_error(parseal_aggregator_unmask(a, other_seeds), PARSEAL_ERR_ARG, "seeds");
    assert_error(parseal_aggregator_count(a, NULL), PARSEAL_ERR_ARG, "count");
    assert_error(parseal_aggregator_has(a, 7, NULL), PARSEAL_ERR_ARG, "has");
    assert_error(parseal_aggregator_has(NULL, 7, &has), PARSEAL_ERR_ARG, "aggregator");
    assert_error(parseal_aggregator_update_size(NULL, &number), PARSEAL_ERR_ARG, "aggregator");
    assert_error(parseal_aggregator_export_size(a, NULL), PARSEAL_ERR_ARG, "size");
    assert_error(parseal_aggregator_export(a, out, f.size - 1), PARSEAL_ERR_SIZE, "size");
    assert_error(parseal_aggregator_export(a, NULL, f.size), PARSEAL_ERR_ARG, "out");
    const parseal_vec longer = parseal_host_vec(out, DIM + 1, 4), none = {{0}, DIM};
    assert_error(parseal_aggregator_sum(a, &longer), PARSEAL_ERR_SIZE, "sum");
    assert_error(parseal_aggregator_mean(a, &longer, NULL), PARSEAL_ERR_SIZE, "mean");
    const parseal_vec mean = parseal_host_vec(out, DIM, 4);
    parseal_mean_options weighted = PARSEAL_MEAN_OPTIONS_INIT;
    weighted.weights = 3;
    memset(out, UNTOUCHED, sizeof out);
    assert_error(parseal_aggregator_mean(a, &mean, &weighted), PARSEAL_ERR_ARG, "weights");
    assert_filled(out, sizeof out, UNTOUCHED);
    assert_error(parseal_aggregator_sum(a, &none), PARSEAL_ERR_SIZE, "sum");
    assert_unchanged(&f);
    parseal_aggregator_destroy(a);
    parseal_seeds_destroy(other_seeds);
    parseal_keys_destroy(other_keys);
    parseal_ctx_destroy(other);
}

static void refuse_export(const filled *f, parseal_ctx *ctx, const uint8_t *bytes, size_t size,
                          const char *name)
{
    parseal_aggregator *made = NULL;
    assert_error(parseal_aggregator_import(&made, ctx, bytes, size), PARSEAL_ERR_FORMAT, name);
    assert_null(made);
    assert_error(parseal_aggregator_merge(f->aggregator, bytes, size), PARSEAL_ERR_FORMAT, name);
}

/* With a digest that is right, as of somebody who writes exports of his own. */
static void sign(uint8_t *bytes, size_t size)
{
    (void)crypto_generichash(bytes + size - 32, 32, bytes, size - 32, NULL, 0);
}

static void damaged_exports(void **state)
{
    const fixture *fix = *state;
    filled f;
    uint8_t bytes[EXPORT_MAX];
    fill(&f, fix->ctx);
    for (size_t size = 0; size < f.size; size++)
        refuse_export(&f, fix->ctx, f.exported, size, "exported");
    for (size_t i = 0; i < f.size; i++) {
        memcpy(bytes, f.exported, f.size);
        bytes[i] ^= 1;
        refuse_export(&f, fix->ctx, bytes, f.size, "exported");
    }
    memcpy(bytes, f.exported, f.size);
    bytes[f.size] = 0;
    refuse_export(&f, fix->ctx, bytes, f.size + 1, "dim");
    static const struct {
        size_t at;
        uint8_t value;
        const char *name;
    } rows[] = {{0, 'P', "magic"},   {8, 2, "version"},      {12, 5, "element_size"},
                {12, 8, "dim"},      {24, 10, "dim"},        {32, 33, "bits"},
                {32, 0, "bits"},     {36, 1, "reserved"},    {40, 25, "bits"},
                {47, 0x80, "clip"},  {48, 4, "clients"},     {55, 0x80, "clients"},
                {56, 1, "reserved"}, {64 + 8, 7, "clients"}, {64 + 24 + 3, 1, "sum"}};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        memcpy(bytes, f.exported, f.size);
        bytes[rows[i].at] = rows[i].value;
        sign(bytes, f.size);
        refuse_export(&f, fix->ctx, bytes, f.size, rows[i].name);
    }
    parseal_aggregator *made = NULL;
    assert_error(parseal_aggregator_import(&made, fix->ctx, NULL, 9), PARSEAL_ERR_ARG, "exported");
    assert_error(parseal_aggregator_import(NULL, fix->ctx, bytes, 9), PARSEAL_ERR_ARG,
                 "aggregator");
    assert_error(parseal_aggregator_merge(f.aggregator, NULL, 9), PARSEAL_ERR_ARG, "exported");
    assert_unchanged(&f);
    parseal_aggregator_destroy(f.aggregator);
}

/* Exports that are right, but not of this aggregator's kind. */
static void foreign_exports(void **state)
{
    const fixture *fix = *state;
    filled f;
    fill(&f, fix->ctx);
    static const char *const names[] = {"modulus", "element_size", "dim",
                                        "bits",    "quant_bits",   "quant_clip"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        parseal_aggregator_options o = good_options();
        parseal_aggregator *other;
        uint8_t bytes[EXPORT_MAX];
        uint64_t size;
        if (i == 0)
            o.ring.modulus++;
        else if (i == 1)
            o.ring.element_size = 8;
        else if (i == 2)
            o.dim++;
        else if (i == 3)
            o.bits = 31;
        else if (i == 4)
            o.quant_bits++;
        else
            o.quant_clip = 2.0f;
        assert_ok(parseal_aggregator_create(&other, fix->ctx, &o));
        assert_ok(parseal_aggregator_export_size(other, &size));
        assert_ok(parseal_aggregator_export(other, bytes, size));
        assert_error(parseal_aggregator_merge(f.aggregator, bytes, size), PARSEAL_ERR_ARG,
                     names[i]);
        parseal_aggregator_destroy(other);
    }
    assert_unchanged(&f);
    parseal_aggregator_destroy(f.aggregator);
}

/* Those of parseal/fcp.h have a ring of their own. */
static void seeds_of_fcp(void **state)
{
    const fixture *fix = *state;
    static const uint8_t key[PARSEAL_FCP_KEYBYTES] = {4, 5};
    static const parseal_ring ring = {1 << 20, 4, 0};
    const parseal_fcp_key keys[1] = {{key, sizeof key, -1}};
    parseal_aggregator *a;
    parseal_aggregator_options o = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    parseal_seeds *seeds, *others, *shorter;
    uint32_t want[DIM] = {0}, got[DIM] = {0};
    const parseal_vec masked = parseal_host_vec(want, DIM, 4), sum = parseal_host_vec(got, DIM, 4);
    o.ring = ring;
    o.dim = DIM;
    assert_ok(parseal_aggregator_create(&a, fix->ctx, &o));
    mask.modulus = ring.modulus;
    mask.n = DIM;
    assert_ok(parseal_fcp_seeds_create(&seeds, fix->ctx, &mask, keys, 1));
    mask.n = DIM - 1;
    assert_ok(parseal_fcp_seeds_create(&shorter, fix->ctx, &mask, keys, 1));
    mask.modulus = 1 << 21;
    assert_ok(parseal_fcp_seeds_create(&others, fix->ctx, &mask, keys, 1));
    assert_error(parseal_aggregator_unmask(a, others), PARSEAL_ERR_ARG, "modulus");
    assert_error(parseal_aggregator_unmask(a, shorter), PARSEAL_ERR_SIZE, "length");
    assert_ok(parseal_aggregator_unmask(a, seeds));
    assert_ok(parseal_mask_apply(seeds, &ring, &masked, 0, NULL));
    assert_ok(parseal_aggregator_sum(a, &sum));
    assert_bytes(got, want, sizeof got);
    parseal_seeds_destroy(seeds);
    parseal_seeds_destroy(shorter);
    parseal_seeds_destroy(others);
    parseal_aggregator_destroy(a);
}

/* Forged updates under a client's number take only themselves out. */
static void many_of_one_client(void **state)
{
    enum { MANY = 60, GOOD = 40 };
    const fixture *fix = *state;
    filled f;
    parseal_update updates[MANY];
    size_t added;
    uint32_t sealed[DIM];
    fill(&f, fix->ctx);
    parseal_msg m = {.in = f.elements[1], .out = sealed, .len = sizeof sealed};
    assert_ok(parseal_seal(fix->keys, &m, 1));
    for (size_t i = 0; i < MANY; i++) {
        updates[i] =
            (parseal_update){.client = i % 7 == 3 ? 8 : 77, .in = sealed, .len = sizeof sealed};
        memcpy(updates[i].tag, m.tag, sizeof m.tag);
        if (i < GOOD)
            updates[i].tag[i % PARSEAL_TAGBYTES] ^= 1;
    }
    assert_error(parseal_aggregator_add_sealed(f.aggregator, fix->keys, updates, MANY, &added),
                 PARSEAL_ERR_AUTH, "updates[0]");
    assert_int_equal(added, 1);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(updates[i].status, i % 7 == 3  ? PARSEAL_ITEM_COUNTED
                                            : i < GOOD  ? PARSEAL_ITEM_BAD_TAG
                                            : i == GOOD ? PARSEAL_ITEM_OK
                                                        : PARSEAL_ITEM_COUNTED);
    parseal_aggregator_destroy(f.aggregator);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(options),         WITH_FIXTURE(calls),
        WITH_FIXTURE(seeds_of_fcp),    WITH_FIXTURE(many_of_one_client),
        WITH_FIXTURE(damaged_exports), WITH_FIXTURE(foreign_exports)};
    return RUN_SUITE("aggregator_errors", tests);
}
