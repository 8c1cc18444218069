/* While a forged message is being opened, a second thread looks at `out` all the time: no byte of
 * it may become anything but what it was before or, once the tag has been found wrong, zero. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "rng.h"
#include "run.h"

enum { LEN_MAX = 1 << 20, BEFORE = 0xee, TIMES = 8 };

/* What the watcher looks at, how often it has done so, and how many bytes of plaintext it saw. */
typedef struct {
    const _Atomic uint8_t *out;
    size_t len;
    atomic_bool stop;
    atomic_size_t rounds, seen;
} watch;

/* Looks at some bytes of each cache line, and at every byte of a short message. */
static void *look(void *arg)
{
    watch *w = arg;
    const size_t step = w->len > 4096 ? 61 : 1;
    while (!atomic_load(&w->stop)) {
        for (size_t i = 0; i < w->len; i += step) {
            const uint8_t byte = atomic_load_explicit(&w->out[i], memory_order_relaxed);
            if (byte != BEFORE && byte != 0)
                atomic_fetch_add(&w->seen, 1);
        }
        atomic_fetch_add(&w->rounds, 1);
    }
    return NULL;
}

/* Waits until the watcher has gone through the whole of `out` once more. */
static void wait_for_round(watch *w)
{
    const size_t now = atomic_load(&w->rounds);
    while (atomic_load(&w->rounds) < now + 2)
        sched_yield();
}

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    uint8_t *text, *sealed, *out;
} bench;

/* Seals the text into *msg, which then opens into b->out, and has a thread look at that. */
static void start_watch(const bench *b, size_t len, parseal_msg *msg, watch *w, pthread_t *thread)
{
    *msg = (parseal_msg){.in = b->text, .out = b->sealed, .len = len};
    w->out = (const _Atomic uint8_t *)b->out;
    w->len = len;
    assert_ok(parseal_seal(b->keys, msg, 1));
    msg->in = b->sealed;
    msg->out = b->out;
    memset(b->out, BEFORE, len);
    assert_int_equal(pthread_create(thread, NULL, look, w), 0);
}

/* Lets the thread look once more, and ends it. */
static size_t end_watch(watch *w, pthread_t thread)
{
    wait_for_round(w);
    atomic_store(&w->stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return atomic_load(&w->seen);
}

/* A text whose bytes are neither zero nor BEFORE would show at once. The last bit is forged: an
 * implementation that writes before it knows has all the time to be seen. */
static size_t seen_in_forged(const bench *b, size_t len)
{
    parseal_msg msg;
    watch w = {.len = 0};
    pthread_t thread;
    start_watch(b, len, &msg, &w, &thread);
    msg.tag[15] ^= 1;
    wait_for_round(&w);
    for (size_t i = 0; i < run_share(TIMES, 2); i++) {
        assert_status(parseal_open(b->keys, &msg, 1, NULL), PARSEAL_ERR_AUTH);
        assert_int_equal(msg.status, PARSEAL_ITEM_BAD_TAG);
    }
    const size_t seen = end_watch(&w, thread);
    assert_filled(b->out, len, 0);
    return seen;
}

/* The watcher sees plaintext where there is some: opening the message itself leaves it there. */
static size_t seen_in_authentic(const bench *b, size_t len)
{
    parseal_msg msg;
    watch w = {.len = 0};
    pthread_t thread;
    start_watch(b, len, &msg, &w, &thread);
    assert_ok(parseal_open(b->keys, &msg, 1, NULL));
    return end_watch(&w, thread);
}

static void bench_open(bench *b, uint32_t threads)
{
    uint8_t key[PARSEAL_AES256GCM_KEYBYTES];
    rng r = rng_for("forged");
    b->ctx = run_ctx(threads);
    rng_fill(&r, key, sizeof key);
    assert_ok(parseal_keys_create(&b->keys, b->ctx, PARSEAL_AES256GCM, key, 1, NULL));
    b->text = malloc(LEN_MAX);
    b->sealed = malloc(LEN_MAX);
    b->out = malloc(LEN_MAX);
    assert_true(b->text != NULL && b->sealed != NULL && b->out != NULL);
    memset(b->text, 0x5a, LEN_MAX);
}

static void bench_close(bench *b)
{
    free(b->text);
    free(b->sealed);
    free(b->out);
    parseal_keys_destroy(b->keys);
    parseal_ctx_destroy(b->ctx);
}

static void nothing_is_seen(void **state)
{
    static const size_t lengths[] = {1,    16,   17,    64,          512,    1000,
                                     4096, 8193, 70001, LEN_MAX / 4, LEN_MAX};
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        bench b;
        bench_open(&b, threads);
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            if (!run_length(lengths[i]) && lengths[i] > 4096)
                continue;
            assert_int_equal(seen_in_forged(&b, lengths[i]), 0);
        }
        assert_true(seen_in_authentic(&b, 1000) > 0);
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_seen)};
    if (RUN_THREAD_SANITIZER)
        return run_skip("looking at what a call may write is a data race");
    return RUN_SUITE_PER_IMPL("forged messages", OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
