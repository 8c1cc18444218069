/* Every change of a sealed message is noticed, costs exactly that message, and leaves zeros. */
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "check.h"
#include "run.h"

typedef enum { IN_CIPHERTEXT, IN_TAG, IN_AAD, IN_NONCE, CLASSES } flip_class;

/* Returns the bytes of message i that belong to a class. */
static uint8_t *class_bytes(batch *b, size_t i, flip_class class, size_t *len)
{
    switch (class) {
    case IN_CIPHERTEXT:
        *len = (size_t)b->len[i];
        return b->cipher + b->offset[i];
    case IN_AAD:
        *len = (size_t)b->aad_len[i];
        return b->aad + b->aad_offset[i];
    case IN_NONCE:
        *len = PARSEAL_AES256GCM_NONCEBYTES;
        return b->nonce + i * PARSEAL_AES256GCM_NONCEBYTES;
    default:
        *len = PARSEAL_TAGBYTES;
        return b->tag + i * PARSEAL_TAGBYTES;
    }
}

/* Makes what opening must leave behind where message `bad` is not authentic. */
static void expected_arena(const batch *b, size_t bad, uint8_t *expected)
{
    memcpy(expected, b->plain, b->bytes);
    memset(expected + b->offset[bad], 0, (size_t)b->len[bad]);
}

static int32_t expected_verdict(size_t i, size_t bad)
{
    return i == bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK;
}

static void open_messages(const batch *b, const parseal_keys *keys, size_t bad, bool in_place,
                          uint8_t *out, const uint8_t *expected)
{
    parseal_msg msgs[BATCH_ITEMS];
    size_t failed = 0;
    memcpy(out, in_place ? b->cipher : expected, b->bytes);
    for (size_t i = 0; !in_place && i < b->n; i++)
        memset(out + b->offset[i], UNTOUCHED, (size_t)b->len[i]);
    batch_messages(b, msgs, in_place ? out : b->cipher, out);
    assert_status(parseal_open(keys, msgs, b->n, &failed), PARSEAL_ERR_AUTH);
    assert_int_equal(failed, 1);
    assert_bytes(out, expected, b->bytes);
    for (size_t i = 0; i < b->n; i++) {
        assert_int_equal(msgs[i].status, expected_verdict(i, bad));
        assert_bytes(msgs[i].tag, b->tag + i * PARSEAL_TAGBYTES, PARSEAL_TAGBYTES);
    }
}

static void open_plan(const batch *b, const parseal_keys *keys, size_t bad, bool in_place,
                      uint8_t *out, const uint8_t *expected)
{
    batch_plan p;
    batch_plan_open(&p, b, keys);
    memcpy(out, b->cipher, b->bytes);
    batch_plan_bind(&p, b, in_place ? out : b->cipher, out);
    assert_ok(parseal_plan_open(p.plan, &p.io, NULL));
    assert_bytes(out, expected, b->bytes);
    for (size_t i = 0; i < b->n; i++)
        assert_int_equal(p.verdict[i], expected_verdict(i, bad));
    batch_plan_close(&p);
}

static const ref_aead *reference;

typedef struct {
    batch b;
    parseal_ctx *ctx;
    parseal_keys *keys;
    uint8_t *out, *expected;
} bench;

static void bench_open(bench *t, uint32_t threads)
{
    batch_open(&t->b, BATCH_BYTES);
    t->ctx = run_ctx(threads);
    t->out = malloc(BATCH_BYTES);
    t->expected = malloc(BATCH_BYTES);
    assert_true(t->out != NULL && t->expected != NULL);
}

static void bench_close(bench *t)
{
    free(t->out);
    free(t->expected);
    parseal_ctx_destroy(t->ctx);
    batch_close(&t->b);
}

static void check_flip(bench *t, size_t bad, uint8_t *byte, unsigned bit, bool in_place)
{
    *byte = (uint8_t)(*byte ^ 1u << bit);
    expected_arena(&t->b, bad, t->expected);
    open_messages(&t->b, t->keys, bad, in_place, t->out, t->expected);
    open_plan(&t->b, t->keys, bad, !in_place, t->out, t->expected);
    *byte = (uint8_t)(*byte ^ 1u << bit);
}

/* One bit flips in a random class of a random message: in its first byte, its last or any other. */
static void random_flips(void **state)
{
    (void)state;
    rng r = rng_for("random flips");
    bench t;
    bench_open(&t, 1);
    for (size_t i = 0; i < run_share(600, 15); i++) {
        batch_random(&t.b, &r, reference, PARSEAL_AES256GCM);
        t.keys = batch_keys(&t.b, t.ctx);
        size_t len;
        size_t bad = (size_t)rng_below(&r, t.b.n);
        uint8_t *bytes = class_bytes(&t.b, bad, (flip_class)(i % CLASSES), &len);
        if (len == 0)
            bytes = class_bytes(&t.b, bad, IN_TAG, &len);
        const size_t at[3] = {0, len - 1, (size_t)rng_below(&r, len)};
        for (size_t k = 0; k < COUNT_OF(at); k++)
            check_flip(&t, bad, bytes + at[k], (unsigned)rng_below(&r, 8), i % 8 >= CLASSES);
        parseal_keys_destroy(t.keys);
    }
    bench_close(&t);
}

/* Every single bit flips of one message of 37 bytes with 21 bytes of aad. */
static void every_bit(void **state)
{
    (void)state;
    rng r = rng_for("every bit");
    bench t;
    bench_open(&t, 1);
    batch_random(&t.b, &r, reference, PARSEAL_AES256GCM);
    t.b.n = 1;
    t.b.offset[0] = 3;
    t.b.len[0] = 37;
    t.b.aad_len[0] = 21;
    t.b.bytes = 40;
    batch_seal_by_reference(&t.b, reference);
    memcpy(t.b.cipher, t.b.plain, 3);
    t.keys = batch_keys(&t.b, t.ctx);
    for (int class = 0; class < CLASSES; class ++) {
        size_t len;
        uint8_t *bytes = class_bytes(&t.b, 0, (flip_class) class, &len);
        for (size_t bit = 0; bit < 8 * len; bit += run_slow() ? 3 : 1)
            check_flip(&t, 0, bytes + bit / 8, bit % 8, bit % 2 != 0);
    }
    parseal_keys_destroy(t.keys);
    bench_close(&t);
}

/* A message is cut over threads. Every bit of its tag flips, and text at the ends of likely
 * cuts. */
static void messages_that_are_cut(void **state)
{
    (void)state;
    static const size_t at[] = {0, 65535, 65536, 131071, 131072, 196609, 300000};
    rng r = rng_for("cut");
    bench t;
    bench_open(&t, 3);
    t.b.alg = PARSEAL_AES256GCM;
    t.b.n = 2;
    t.b.n_keys = 2;
    t.b.len[0] = 300001;
    t.b.len[1] = 70000;
    t.b.aad_len[0] = 30;
    t.b.aad_len[1] = 0;
    batch_fill(&t.b, &r, reference);
    t.keys = batch_keys(&t.b, t.ctx);
    for (size_t bit = 0; bit < 8 * PARSEAL_TAGBYTES; bit += run_slow() ? 9 : 1)
        check_flip(&t, 0, t.b.tag + bit / 8, bit % 8, bit % 2 != 0);
    for (size_t i = 0; i < COUNT_OF(at); i++)
        check_flip(&t, 0, t.b.cipher + t.b.offset[0] + at[i], 7, i % 2 != 0);
    check_flip(&t, 0, t.b.aad + t.b.aad_offset[0] + 29, 0, false);
    parseal_keys_destroy(t.keys);
    bench_close(&t);
}

/* Bytes move between aad and ciphertext, a message loses its end, key or algorithm change. */
static void wrong_shape(void **state)
{
    (void)state;
    enum { LEN = 48 };
    parseal_ctx *ctx = run_ctx(1);
    uint8_t key[2 * PARSEAL_AES256GCM_KEYBYTES];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)i;
    parseal_keys *keys = NULL;
    parseal_keys *keys128 = NULL;
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 2, NULL));
    assert_ok(parseal_keys_create(&keys128, ctx, PARSEAL_AES128GCM, key, 2, NULL));
    uint8_t data[LEN] = {1, 2, 3};
    uint8_t out[LEN];
    parseal_msg sealed = {
        .in = data + 16, .out = data + 16, .len = 32, .aad = data, .aad_len = 16, .nonce = {7}};
    assert_ok(parseal_seal(keys, &sealed, 1));

    const struct {
        size_t aad_len, len;
        uint32_t key;
        const parseal_keys *keys;
        parseal_status want;
    } cases[] = {
        {16, 32, 0, keys, PARSEAL_OK},          {17, 31, 0, keys, PARSEAL_ERR_AUTH},
        {0, 48, 0, keys, PARSEAL_ERR_AUTH},     {15, 33, 0, keys, PARSEAL_ERR_AUTH},
        {16, 31, 0, keys, PARSEAL_ERR_AUTH},    {16, 16, 0, keys, PARSEAL_ERR_AUTH},
        {16, 0, 0, keys, PARSEAL_ERR_AUTH},     {16, 32, 1, keys, PARSEAL_ERR_AUTH},
        {16, 32, 0, keys128, PARSEAL_ERR_AUTH},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parseal_msg msg = sealed;
        msg.in = data + cases[i].aad_len;
        msg.out = out;
        msg.len = cases[i].len;
        msg.aad_len = cases[i].aad_len;
        msg.key = cases[i].key;
        memset(out, UNTOUCHED, sizeof out);
        assert_status(parseal_open(cases[i].keys, &msg, 1, NULL), cases[i].want);
        if (cases[i].want != PARSEAL_OK)
            assert_filled(out, cases[i].len, 0);
        assert_filled(out + cases[i].len, sizeof out - cases[i].len, UNTOUCHED);
    }
    parseal_keys_destroy(keys);
    parseal_keys_destroy(keys128);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_flips),
        cmocka_unit_test(every_bit),
        cmocka_unit_test(messages_that_are_cut),
        cmocka_unit_test(wrong_shape),
    };
    reference = ref_aead_for(PARSEAL_AES256GCM);
    if (reference == NULL)
        return run_skip("no other library here has AES-256-GCM");
    return RUN_SUITE_PER_IMPL("tamper", OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
