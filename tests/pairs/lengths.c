/* AES-GCM message by message: every length up to 2000 and around the sizes at which some
 * implementation does something else, at any alignment, between pages that may not be touched. */
#include <stdlib.h>
#include <string.h>

#include "any_reference.h"
#include "check.h"
#include "impls.h"
#include "rng.h"

enum { AROUND = 17, LEN_MAX = 65536 + AROUND, AAD_MAX = 300 };

typedef struct {
    impl_set impls;
    int32_t alg;
    const ref_aead *reference;
    uint8_t key[PARSEAL_AES256GCM_KEYBYTES];
    parseal_keys *keys[IMPLS_MAX];
    guard_buf small[3], large[3];
    uint8_t text[LEN_MAX], cipher[LEN_MAX];
    rng r;
} bench;

static void bench_open(bench *t, int32_t alg)
{
    t->r = rng_for("lengths");
    t->alg = alg;
    t->reference = any_reference(alg);
    impls_open(&t->impls, PARSEAL_PRIMITIVE_AEAD, BY_OPTION, 1, 0);
    rng_fill(&t->r, t->key, sizeof t->key);
    rng_fill(&t->r, t->text, sizeof t->text);
    for (size_t i = 0; i < t->impls.n; i++)
        assert_ok(parseal_keys_create(&t->keys[i], t->impls.ctx[i], alg, t->key, 1, NULL));
    for (int i = 0; i < 3; i++) {
        guard_open(&t->small[i], 2048 + AROUND);
        guard_open(&t->large[i], LEN_MAX + AROUND);
    }
}

static void bench_close(bench *t)
{
    for (int i = 0; i < 3; i++) {
        guard_close(&t->small[i]);
        guard_close(&t->large[i]);
    }
    for (size_t i = 0; i < t->impls.n; i++)
        parseal_keys_destroy(t->keys[i]);
    impls_close(&t->impls);
}

/* A buffer of its own alignment, less than a cache line away from one guard page. */
static uint8_t *place(bench *t, guard_buf *g, const void *from, size_t size)
{
    const guard_side side = (guard_side)rng_below(&t->r, GUARD_SIDES);
    const size_t gap = rng_below(&t->r, 2) == 0 ? 0 : rng_below(&t->r, AROUND);
    uint8_t *p = guard_place(g, side, size, gap);
    memset(p, UNTOUCHED, size);
    if (from != NULL && size != 0)
        memcpy(p, from, size);
    return p;
}

enum { FIRST, SECOND, AAD };

/* in -> out on one implementation, with the buffers that msg then points to. */
static void run(bench *t, guard_buf *bufs, size_t impl, parseal_msg *msg, const void *from,
                const void *to, bool in_place, bool open)
{
    uint8_t *in = place(t, &bufs[FIRST], from, msg->len);
    msg->in = in;
    msg->out = in_place ? in : place(t, &bufs[SECOND], NULL, msg->len);
    if (!in_place)
        guard_readonly(&bufs[FIRST]);
    assert_ok(open ? parseal_open(t->keys[impl], msg, 1, NULL)
                   : parseal_seal(t->keys[impl], msg, 1));
    check_bytes(msg->out, to, msg->len, t->impls.name[impl].text, __FILE__, __LINE__);
    guard_check(in_place ? &bufs[FIRST] : &bufs[SECOND]);
}

static void check(bench *t, size_t len, size_t aad_len)
{
    uint8_t tag[PARSEAL_TAGBYTES], aad[AAD_MAX];
    parseal_msg msg = {.len = len, .aad_len = aad_len};
    guard_buf *bufs = len <= 2048 ? t->small : t->large;
    const uint8_t *text = t->text + rng_below(&t->r, LEN_MAX - len + 1);
    rng_fill(&t->r, msg.nonce, PARSEAL_AES256GCM_NONCEBYTES);
    rng_fill(&t->r, aad, aad_len);
    t->reference->seal(t->alg, t->key, msg.nonce, aad, aad_len, text, len, t->cipher, tag);
    for (size_t i = 0; i < t->impls.n; i++) {
        for (int in_place = 0; in_place < 2; in_place++) {
            msg.aad = place(t, &bufs[AAD], aad, aad_len);
            guard_readonly(&bufs[AAD]);
            memset(msg.tag, 0, sizeof msg.tag);
            run(t, bufs, i, &msg, text, t->cipher, in_place != 0, false);
            check_bytes(msg.tag, tag, sizeof tag, t->impls.name[i].text, __FILE__, __LINE__);
            run(t, bufs, i, &msg, t->cipher, text, in_place != 0, true);
        }
    }
}

static bool is_tried(size_t len)
{
    return run_emulated() ? run_length(len) : len % repeat_step(3) == 0;
}

/* Sizes of a block, of a vector, of a chunk, of what a GPU's threads take at a time, and where
 * short messages end. */
static void check_lengths(bench *t)
{
    static const size_t sizes[] = {2048, 4064, 4096, 8192, 16384, 65536};
    for (size_t len = 0; len <= 2000; len++)
        if (is_tried(len))
            check(t, len, len % 5 == 0 ? 0 : rng_below(&t->r, AAD_MAX + 1));
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (size_t len = sizes[i] - AROUND; len <= sizes[i] + AROUND; len++)
            if (is_tried(len))
                check(t, len, rng_below(&t->r, AAD_MAX + 1));
}

static void aes128gcm(void **state)
{
    (void)state;
    static bench t;
    bench_open(&t, PARSEAL_AES128GCM);
    check_lengths(&t);
    bench_close(&t);
}

static void aes256gcm(void **state)
{
    (void)state;
    static bench t;
    bench_open(&t, PARSEAL_AES256GCM);
    check_lengths(&t);
    bench_close(&t);
}

static void every_length_of_aad(void **state)
{
    (void)state;
    static bench t;
    bench_open(&t, PARSEAL_AES256GCM);
    for (size_t aad_len = 0; aad_len <= AAD_MAX; aad_len++)
        for (int i = 0; i < 3 && run_length(aad_len); i++)
            check(&t, i == 0 ? 0 : rng_below(&t.r, 700), aad_len);
    bench_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes128gcm),
        cmocka_unit_test(aes256gcm),
        cmocka_unit_test(every_length_of_aad),
    };
    return RUN_SUITE("lengths and alignments", tests);
}
