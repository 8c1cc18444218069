/* Aggregators between guard pages: updates, sealed and plain, at odd addresses too; their aad;
 * sums, means and exports. */
#include <parseal/aggregator.h>
#include <string.h>

#include "check.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"
#include "sizes.h"

/* More updates than are added together; one of the sealed may be damaged. */
enum { SEALED = 6, PLAIN = 2, CLIENTS = SEALED + PLAIN, DAMAGED = 4, KEYS = 2 };
enum { DIM_MAX = 2049, AAD_MAX = 40, EXPORT_MAX = 8 * DIM_MAX + 8 * CLIENTS + 128 };
enum { IN, AAD, PER_UPDATE };

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    guard_side side;
    size_t gap; /* between bytes and their guard page: 0, or 1 for an odd address */
    parseal_aggregator_options options;
    guard_buf updates, description, number, out, exported;
    guard_buf bufs[CLIENTS][PER_UPDATE];
    uint8_t elements[DIM_MAX * 8], text[DIM_MAX * 8], want[DIM_MAX * 8];
    rng r;
} bench;

static parseal_aggregator *begin(bench *t)
{
    parseal_aggregator *a = NULL;
    assert_ok(parseal_aggregator_create(&a, t->ctx,
                                        guard_copy(&t->description, t->side, &t->options,
                                                   sizeof t->options,
                                                   _Alignof(parseal_aggregator_options))));
    return a;
}

/* The aad and the text of a message, sealed to `in`. */
static void seal(bench *t, parseal_update *u, size_t i, uint8_t *in)
{
    guard_buf *aad = &t->bufs[i][AAD];
    u->aad_len = (t->options.dim + i * 5) % AAD_MAX;
    u->aad = guard_place(aad, t->side, u->aad_len, t->gap);
    rng_fill(&t->r, aad->p, u->aad_len);
    u->key = (uint32_t)(i % KEYS);
    memset(u->nonce, 0, sizeof u->nonce);
    rng_fill(&t->r, u->nonce, PARSEAL_AES256GCM_NONCEBYTES);
    parseal_msg m = {.in = t->text,
                     .out = in,
                     .len = u->len,
                     .aad = u->aad,
                     .aad_len = u->aad_len,
                     .key = u->key};
    memcpy(m.nonce, u->nonce, sizeof m.nonce);
    assert_ok(parseal_seal(t->keys, &m, 1));
    memcpy(u->tag, m.tag, sizeof u->tag);
    guard_readonly(aad);
}

/* Random elements; those of an update that is not damaged are in the sum. */
static parseal_update make_update(bench *t, size_t i, size_t size, bool damaged)
{
    const parseal_aggregator_options *o = &t->options;
    const uint32_t bits = o->bits != 0 ? o->bits : 8 * o->ring.element_size;
    const void *elements = t->elements;
    uint8_t *in = guard_place(&t->bufs[i][IN], t->side, size, t->gap);
    parseal_update u = {.client = 1000 - i, .in = in, .len = size};
    for (uint64_t k = 0; k < o->dim; k++)
        elem_store(t->elements, k, o->ring.element_size, rng_u64(&t->r) >> (64 - bits));
    ref_pack(bits, o->ring.element_size, t->elements, t->text, o->dim);
    if (i < SEALED)
        seal(t, &u, i, in);
    else
        memcpy(in, t->text, size);
    u.tag[3] ^= damaged ? 1 : 0;
    guard_readonly(&t->bufs[i][IN]);
    if (!damaged)
        ref_sum(&o->ring, t->want, &elements, 1, o->dim);
    return u;
}

/* A number that a call writes. */
static void *place_number(bench *t, size_t size)
{
    return guard_place_aligned(&t->number, t->side, size, size);
}

static void add(bench *t, parseal_aggregator *a, size_t first, size_t n, bool damage)
{
    parseal_update list[CLIENTS];
    uint64_t *size = place_number(t, sizeof *size);
    assert_ok(parseal_aggregator_update_size(a, size));
    guard_check(&t->number);
    for (size_t i = 0; i < n; i++)
        list[i] = make_update(t, first + i, (size_t)*size, damage && i == DAMAGED);
    parseal_update *updates =
        guard_place_aligned(&t->updates, t->side, n * sizeof *list, _Alignof(parseal_update));
    memcpy(updates, list, n * sizeof *list);
    size_t *added = place_number(t, sizeof *added);
    if (first == 0)
        assert_status(parseal_aggregator_add_sealed(a, t->keys, updates, n, added),
                      damage ? PARSEAL_ERR_AUTH : PARSEAL_OK);
    else
        assert_ok(parseal_aggregator_add_plain(a, updates, n, added));
    assert_int_equal(*added, damage ? n - 1 : n);
    guard_check(&t->number);
    guard_check(&t->updates);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(updates[i].status,
                         damage && i == DAMAGED ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
}

static void check_sum(bench *t, const parseal_aggregator *a, uint64_t clients)
{
    const uint32_t size = t->options.ring.element_size;
    const uint64_t dim = t->options.dim;
    uint64_t *count = place_number(t, sizeof *count);
    assert_ok(parseal_aggregator_count(a, count));
    assert_int_equal(*count, clients);
    guard_check(&t->number);
    const parseal_vec sum =
        parseal_host_vec(guard_place_aligned(&t->out, t->side, dim * size, size), dim, size);
    assert_ok(parseal_aggregator_sum(
        a, guard_copy(&t->description, t->side, &sum, sizeof sum, _Alignof(parseal_vec))));
    assert_bytes(t->out.p, t->want, dim * size);
    guard_check(&t->out);
}

static void check_mean(bench *t, const parseal_aggregator *a, uint64_t clients)
{
    const uint64_t dim = t->options.dim;
    const uint32_t size = t->options.ring.element_size;
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.bits = t->options.quant_bits;
    quant.clip = t->options.quant_clip;
    const parseal_vec mean =
        parseal_host_vec(guard_place_aligned(&t->out, t->side, dim * 4, 4), dim, 4);
    assert_ok(parseal_aggregator_mean(a, &mean, NULL));
    for (uint64_t i = 0; i < dim; i++) {
        const float want = ref_dequantize(&quant, elem_load(t->want, i, size), clients);
        assert_memory_equal(t->out.p + 4 * i, &want, sizeof want);
    }
    guard_check(&t->out);
}

/* Out, and in again: as an aggregator, and into one that has counted nobody. */
static void travel(bench *t, const parseal_aggregator *a, uint64_t clients)
{
    parseal_aggregator *imported = NULL, *merged = begin(t);
    uint64_t *number = place_number(t, sizeof *number);
    assert_ok(parseal_aggregator_export_size(a, number));
    guard_check(&t->number);
    const size_t size = (size_t)*number;
    uint8_t *exported = guard_place(&t->exported, t->side, size, t->gap);
    assert_ok(parseal_aggregator_export(a, exported, size));
    guard_check(&t->exported);
    guard_readonly(&t->exported);
    assert_ok(parseal_aggregator_import(&imported, t->ctx, exported, size));
    assert_ok(parseal_aggregator_merge(merged, exported, size));
    check_sum(t, imported, clients);
    check_sum(t, merged, clients);
    parseal_aggregator_destroy(imported);
    parseal_aggregator_destroy(merged);
}

static void check(bench *t)
{
    const bool damage = t->options.dim % 2 == 0 || t->gap != 0;
    const uint64_t clients = CLIENTS - damage;
    parseal_aggregator *a = begin(t);
    memset(t->want, 0, sizeof t->want);
    add(t, a, 0, SEALED, damage);
    add(t, a, SEALED, PLAIN, false);
    for (size_t i = 0; i < CLIENTS; i++)
        guards_check(t->bufs[i], i < SEALED ? PER_UPDATE : AAD);
    check_sum(t, a, clients);
    check_mean(t, a, clients);
    travel(t, a, clients);
    parseal_aggregator_destroy(a);
}

/* Around the AES block, the vectors of an implementation, and the parts that are decrypted at a
 * time; of 13 and 20 bits an update ends inside a byte or a word. */
static void visit(bench *t)
{
    static const uint64_t dims[] = {1, 3, 4, 5, 127, 128, 129, 1023, 1025, 2047, 2048, DIM_MAX};
    static const uint32_t bits[] = {0, 13, 20};
    static const parseal_ring rings[] = {
        {UINT64_C(1) << 32, 4, 0}, {1000003, 4, 0},           {0, 8, 0},
        {UINT64_MAX - 58, 8, 0},   {UINT64_C(1) << 20, 4, 0},
    };
    for (size_t d = 0, k = 0; d < COUNT_OF(dims); d++)
        for (size_t b = 0; b < COUNT_OF(bits); b++)
            for (t->gap = 0; t->gap < 2; t->gap++, k++) {
                t->options.ring = rings[k % COUNT_OF(rings)];
                t->options.dim = dims[d];
                t->options.bits = bits[b];
                check(t);
            }
}

static void aggregators(void **state)
{
    static bench t;
    uint8_t keys[KEYS * PARSEAL_AES256GCM_KEYBYTES];
    (void)state;
    t.r = rng_for("aggregators");
    t.ctx = run_ctx(2);
    t.options = (parseal_aggregator_options)PARSEAL_AGGREGATOR_OPTIONS_INIT;
    t.options.quant_bits = 12;
    t.options.quant_clip = 2.0f;
    rng_fill(&t.r, keys, sizeof keys);
    assert_ok(parseal_keys_create(&t.keys, t.ctx, PARSEAL_AES256GCM, keys, KEYS, NULL));
    guard_open(&t.updates, CLIENTS * sizeof(parseal_update));
    guard_open(&t.description, sizeof(parseal_aggregator_options));
    guard_open(&t.number, sizeof(uint64_t));
    guard_open(&t.out, DIM_MAX * 8);
    guard_open(&t.exported, EXPORT_MAX);
    for (size_t i = 0; i < CLIENTS; i++) {
        guard_open(&t.bufs[i][IN], DIM_MAX * 8 + 1);
        guard_open(&t.bufs[i][AAD], AAD_MAX + 1);
    }
    for (int side = 0; side < GUARD_SIDES; side++) {
        t.side = (guard_side)side;
        visit(&t);
    }
    for (size_t i = 0; i < CLIENTS; i++)
        guards_close(t.bufs[i], PER_UPDATE);
    guard_close(&t.updates);
    guard_close(&t.description);
    guard_close(&t.number);
    guard_close(&t.out);
    guard_close(&t.exported);
    parseal_keys_destroy(t.keys);
    parseal_ctx_destroy(t.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(aggregators)};
    return RUN_SUITE_PER_IMPL("guarded aggregators",
                              OF(PARSEAL_PRIMITIVE_AEAD) | OF(PARSEAL_PRIMITIVE_PACK) |
                                  OF(PARSEAL_PRIMITIVE_VEC_SUM),
                              tests);
}
