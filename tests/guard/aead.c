/* Key sets and batches of messages between guard pages. What comes out is opened again, so that the
 * check also sees the text. */
#include <string.h>

#include "check.h"
#include "rng.h"
#include "run.h"
#include "sizes.h"

enum { ITEMS = 3, LEN_MAX = 4200, AAD_MAX = 300 };
enum { IN, OUT, AAD, PER_ITEM };

typedef struct {
    parseal_keys *keys;
    guard_buf messages;              /* the array of parseal_msg */
    guard_buf bufs[ITEMS][PER_ITEM]; /* what they point to */
    uint8_t text[ITEMS][LEN_MAX];
    size_t gap; /* between a byte buffer and its guard page: 0, or 1 for an odd address */
    rng r;
} bench;

static size_t item_len(size_t i, size_t n)
{
    return i == 0 ? n : i == 1 ? n / 3 : n + 5;
}

/* The batch as messages in guarded memory; the texts are random. */
static parseal_msg *place(bench *t, guard_side side, size_t n, bool in_place)
{
    parseal_msg *msgs =
        guard_place_aligned(&t->messages, side, ITEMS * sizeof *msgs, _Alignof(parseal_msg));
    memset(msgs, 0, ITEMS * sizeof *msgs);
    for (size_t i = 0; i < ITEMS; i++) {
        guard_buf *b = t->bufs[i];
        size_t len = item_len(i, n);
        size_t aad_len = (n * 7 + i) % AAD_MAX;
        uint8_t *in = guard_place(&b[IN], side, len, t->gap);
        rng_fill(&t->r, t->text[i], len);
        memcpy(in, t->text[i], len);
        msgs[i].in = in;
        msgs[i].out = in_place ? in : guard_place(&b[OUT], side, len, t->gap);
        msgs[i].len = len;
        msgs[i].aad = guard_place(&b[AAD], side, aad_len, t->gap);
        msgs[i].aad_len = aad_len;
        msgs[i].key = (uint32_t)(i % 2);
        rng_fill(&t->r, b[AAD].p, aad_len);
        memset(msgs[i].nonce, 0, sizeof msgs[i].nonce);
        rng_fill(&t->r, msgs[i].nonce, PARSEAL_AES256GCM_NONCEBYTES);
        if (!in_place)
            guard_readonly(&b[IN]);
        guard_readonly(&b[AAD]);
    }
    return msgs;
}

static void check_all(const bench *t, bool in_place)
{
    guard_check(&t->messages);
    for (size_t i = 0; i < ITEMS; i++) {
        guard_check(&t->bufs[i][IN]);
        guard_check(&t->bufs[i][AAD]);
        if (!in_place)
            guard_check(&t->bufs[i][OUT]);
    }
}

/* What was sealed becomes the input; apart, the former input is the place for the text. */
static void turn_around(bench *t, parseal_msg *msgs, guard_side side, bool in_place)
{
    for (size_t i = 0; i < ITEMS && !in_place; i++) {
        guard_readonly(&t->bufs[i][OUT]);
        msgs[i].in = msgs[i].out;
        msgs[i].out = guard_place(&t->bufs[i][IN], side, msgs[i].len, t->gap);
    }
}

static void seal_and_open(bench *t, guard_side side, size_t n, bool in_place)
{
    size_t failed = 0;
    parseal_msg *msgs = place(t, side, n, in_place);
    assert_ok(parseal_seal(t->keys, msgs, ITEMS));
    check_all(t, in_place);
    turn_around(t, msgs, side, in_place);
    bool damage = n % 5 == 4;
    msgs[1].tag[0] ^= damage ? 1 : 0;
    assert_status(parseal_open(t->keys, msgs, ITEMS, &failed),
                  damage ? PARSEAL_ERR_AUTH : PARSEAL_OK);
    check_all(t, in_place);
    for (size_t i = 0; i < ITEMS; i++)
        if (damage && i == 1)
            assert_filled(msgs[i].out, msgs[i].len, 0);
        else
            assert_bytes(msgs[i].out, t->text[i], msgs[i].len);
}

static void visit(void *arg, guard_side side, size_t n)
{
    bench *t = arg;
    for (t->gap = 0; t->gap < 2; t->gap++) {
        seal_and_open(t, side, n, false);
        seal_and_open(t, side, n, true);
    }
}

static void messages(void **state)
{
    (void)state;
    static bench t;
    parseal_ctx *ctx = run_ctx(2);
    guard_buf key_bytes;
    t.r = rng_for("messages");
    guard_open(&key_bytes, 64);
    guard_open(&t.messages, ITEMS * sizeof(parseal_msg));
    for (size_t i = 0; i < ITEMS; i++)
        guards_open(t.bufs[i], PER_ITEM, LEN_MAX);
    for (int32_t alg = PARSEAL_AES128GCM; alg <= PARSEAL_AES256GCM; alg++) {
        for (int side = 0; side < GUARD_SIDES; side++) {
            size_t size = alg == PARSEAL_AES128GCM ? 32 : 64;
            uint8_t *key = guard_place(&key_bytes, (guard_side)side, size, 0);
            rng_fill(&t.r, key, size);
            guard_readonly(&key_bytes);
            assert_ok(parseal_keys_create(&t.keys, ctx, alg, key, 2, NULL));
            if (side == GUARD_BEFORE)
                parseal_keys_destroy(t.keys);
        }
        visit_sizes(visit, &t);
        parseal_keys_destroy(t.keys);
    }
    for (size_t i = 0; i < ITEMS; i++)
        guards_close(t.bufs[i], PER_ITEM);
    guard_close(&t.messages);
    guard_close(&key_bytes);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages)};
    return RUN_SUITE_PER_IMPL("guarded aead", OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
