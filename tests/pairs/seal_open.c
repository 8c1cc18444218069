/* What one implementation of AES-GCM seals another one opens, for every ordered pair of them. */
#include <stdlib.h>
#include <string.h>

#include "any_reference.h"
#include "batch.h"
#include "check.h"
#include "impls.h"

enum { BATCHES = 2000 };

/* A party is one implementation's part in a batch. */
typedef struct {
    parseal_msg msgs[BATCH_ITEMS];
    uint8_t *arena;
    parseal_keys *keys[FORCE_WAYS];
} party;

typedef struct {
    impl_set impls[FORCE_WAYS];
    size_t n;
    party party[IMPLS_MAX];
    uint8_t *opened, *expected;
    batch b;
    rng r;
} bench;

static uint8_t *arena_new(void)
{
    uint8_t *p = malloc(BATCH_BYTES);
    assert_non_null(p);
    return p;
}

/* Each way of choosing an implementation has its number of threads. */
static void bench_open(bench *t)
{
    t->r = rng_for("pairs");
    impls_open(&t->impls[BY_OPTION], PARSEAL_PRIMITIVE_AEAD, BY_OPTION, 1, 0);
    impls_open(&t->impls[BY_ENVIRONMENT], PARSEAL_PRIMITIVE_AEAD, BY_ENVIRONMENT, 3, 0);
    t->n = t->impls[BY_OPTION].n;
    for (size_t i = 0; i < t->n; i++)
        t->party[i].arena = arena_new();
    t->opened = arena_new();
    t->expected = arena_new();
    batch_open(&t->b, BATCH_BYTES);
}

static void bench_close(bench *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->party[i].arena);
    free(t->opened);
    free(t->expected);
    batch_close(&t->b);
    impls_close(&t->impls[BY_OPTION]);
    impls_close(&t->impls[BY_ENVIRONMENT]);
}

static void keys_open(bench *t)
{
    for (size_t i = 0; i < t->n; i++)
        for (int way = 0; way < FORCE_WAYS; way++)
            t->party[i].keys[way] = batch_keys(&t->b, t->impls[way].ctx[i]);
}

static void keys_close(bench *t)
{
    for (size_t i = 0; i < t->n; i++)
        for (int way = 0; way < FORCE_WAYS; way++)
            parseal_keys_destroy(t->party[i].keys[way]);
}

static void seal_batch(const batch *b, party *p, force_way way, bool in_place)
{
    uint8_t *in = in_place ? p->arena : b->plain;
    memset(p->arena, UNTOUCHED, b->bytes);
    if (in_place)
        memcpy(p->arena, b->plain, b->bytes);
    batch_messages(b, p->msgs, in, p->arena);
    for (size_t i = 0; i < b->n; i++)
        memset(p->msgs[i].tag, 0, PARSEAL_TAGBYTES);
    assert_ok(parseal_seal(p->keys[way], p->msgs, b->n));
    assert_bytes(p->arena, b->cipher, b->bytes);
    for (size_t i = 0; i < b->n; i++)
        assert_bytes(p->msgs[i].tag, b->tag + i * PARSEAL_TAGBYTES, PARSEAL_TAGBYTES);
}

/* Opens what `from` has sealed. A message `bad` below n has lost a bit of its tag on the way. */
static void open_batch(bench *t, const party *from, const parseal_keys *keys, size_t bad,
                       bool in_place)
{
    const batch *b = &t->b;
    parseal_msg msgs[BATCH_ITEMS];
    size_t failed = 99;
    memset(t->opened, UNTOUCHED, b->bytes);
    if (in_place)
        memcpy(t->opened, from->arena, b->bytes);
    memcpy(msgs, from->msgs, b->n * sizeof *msgs);
    for (size_t i = 0; i < b->n; i++) {
        msgs[i].out = t->opened + b->offset[i];
        msgs[i].in = (in_place ? t->opened : from->arena) + b->offset[i];
    }
    if (bad < b->n)
        msgs[bad].tag[bad % PARSEAL_TAGBYTES] ^= 0x10;
    assert_status(parseal_open(keys, msgs, b->n, &failed),
                  bad < b->n ? PARSEAL_ERR_AUTH : PARSEAL_OK);
    assert_int_equal(failed, bad < b->n ? 1 : 0);
    assert_bytes(t->opened, t->expected, b->bytes);
    for (size_t i = 0; i < b->n; i++)
        assert_int_equal(msgs[i].status, i == bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
}

static void every_pair(bench *t, force_way sealing, size_t bad)
{
    const batch *b = &t->b;
    memcpy(t->expected, b->plain, b->bytes);
    if (bad < b->n && b->len[bad] != 0)
        memset(t->expected + b->offset[bad], 0, (size_t)b->len[bad]);
    for (size_t i = 0; i < t->n; i++)
        seal_batch(b, &t->party[i], sealing, rng_below(&t->r, 2) != 0);
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < t->n; k++)
            open_batch(t, &t->party[i], t->party[k].keys[BY_ENVIRONMENT - sealing], bad,
                       rng_below(&t->r, 2) != 0);
}

static void ragged_batches(bench *t, int32_t alg)
{
    bench_open(t);
    for (size_t i = 0; i < run_share(BATCHES, 10); i += repeat_step(5)) {
        batch_random(&t->b, &t->r, any_reference(alg), alg);
        keys_open(t);
        every_pair(t, i % 2 != 0 ? BY_OPTION : BY_ENVIRONMENT,
                   i % 3 == 0 ? rng_below(&t->r, t->b.n) : BATCH_ITEMS);
        keys_close(t);
    }
    bench_close(t);
}

static void aes128gcm(void **state)
{
    (void)state;
    static bench t;
    ragged_batches(&t, PARSEAL_AES128GCM);
}

static void aes256gcm(void **state)
{
    (void)state;
    static bench t;
    ragged_batches(&t, PARSEAL_AES256GCM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes128gcm),
        cmocka_unit_test(aes256gcm),
    };
    return RUN_SUITE("seal with one, open with another", tests);
}
