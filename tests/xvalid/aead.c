/* AES-GCM against the library named on the command line (libsodium or openssl). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "check.h"
#include "run.h"

enum { BATCHES = 10000, THREAD_COUNTS = 4 };

static const uint32_t thread_counts[THREAD_COUNTS] = {1, 2, 3, 7};

static const ref_aead *reference;

static int32_t any_alg(rng *r)
{
    int32_t alg = rng_below(r, 2) != 0 ? PARSEAL_AES128GCM : PARSEAL_AES256GCM;
    return reference->has(alg) ? alg : PARSEAL_AES256GCM;
}

static void assert_verdicts(const parseal_msg *msgs, size_t n, int32_t verdict)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(msgs[i].status, verdict);
}

/* Prepares an arena to write to. For work in place it holds what is read, else a pattern. */
static void prepare_output(const batch *b, uint8_t *out, const uint8_t *in, bool in_place)
{
    if (in_place)
        memcpy(out, in, b->bytes);
    else
        memset(out, UNTOUCHED, b->bytes);
}

static void check_messages(const batch *b, const parseal_keys *keys, bool in_place, uint8_t *out)
{
    parseal_msg msgs[BATCH_ITEMS];
    prepare_output(b, out, b->plain, in_place);
    batch_messages(b, msgs, in_place ? out : b->plain, out);
    for (size_t i = 0; i < b->n; i++)
        memset(msgs[i].tag, UNTOUCHED, PARSEAL_TAGBYTES);
    assert_ok(parseal_seal(keys, msgs, b->n));
    assert_bytes(out, b->cipher, b->bytes);
    assert_verdicts(msgs, b->n, PARSEAL_ITEM_OK);
    for (size_t i = 0; i < b->n; i++)
        assert_bytes(msgs[i].tag, b->tag + i * PARSEAL_TAGBYTES, PARSEAL_TAGBYTES);

    size_t failed = 99;
    prepare_output(b, out, b->cipher, in_place);
    batch_messages(b, msgs, in_place ? out : b->cipher, out);
    assert_ok(parseal_open(keys, msgs, b->n, &failed));
    assert_bytes(out, b->plain, b->bytes);
    assert_verdicts(msgs, b->n, PARSEAL_ITEM_OK);
    assert_int_equal(failed, 0);
}

static void assert_plan_verdicts(const batch_plan *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(p->verdict[i], PARSEAL_ITEM_OK);
}

static void check_plan(const batch *b, const parseal_keys *keys, bool in_place, uint8_t *out)
{
    batch_plan p;
    batch_plan_open(&p, b, keys);
    prepare_output(b, out, b->plain, in_place);
    batch_plan_bind(&p, b, in_place ? out : b->plain, out);
    memset(p.tag, UNTOUCHED, sizeof p.tag);
    assert_ok(parseal_plan_seal(p.plan, &p.io, NULL));
    assert_bytes(out, b->cipher, b->bytes);
    assert_bytes(p.tag, b->tag, b->n * PARSEAL_TAGBYTES);
    assert_plan_verdicts(&p, b->n);

    prepare_output(b, out, b->cipher, in_place);
    batch_plan_bind(&p, b, in_place ? out : b->cipher, out);
    assert_ok(parseal_plan_open(p.plan, &p.io, NULL));
    assert_bytes(out, b->plain, b->bytes);
    assert_plan_verdicts(&p, b->n);
    batch_plan_close(&p);
}

static uint8_t *arena(size_t size)
{
    uint8_t *p = malloc(size);
    assert_non_null(p);
    return p;
}

static void random_batches(void **state)
{
    (void)state;
    rng r = rng_for("random batches");
    batch b;
    batch_open(&b, BATCH_BYTES);
    uint8_t *out = arena(BATCH_BYTES);
    parseal_ctx *ctx[THREAD_COUNTS];
    for (size_t t = 0; t < THREAD_COUNTS; t++)
        ctx[t] = run_ctx(thread_counts[t]);
    for (size_t i = 0; i < run_share(BATCHES, 200); i++) {
        batch_random(&b, &r, reference, any_alg(&r));
        parseal_keys *keys = batch_keys(&b, ctx[i % 8 == 7 ? i / 8 % THREAD_COUNTS : 0]);
        bool in_place = rng_below(&r, 2) != 0;
        check_messages(&b, keys, in_place, out);
        check_plan(&b, keys, !in_place, out);
        parseal_keys_destroy(keys);
    }
    for (size_t t = 0; t < THREAD_COUNTS; t++)
        parseal_ctx_destroy(ctx[t]);
    free(out);
    batch_close(&b);
}

/* Checks that each number of threads gives the reference's bytes. b->n and b->len are set. */
static void check_large_batch(batch *b, rng *r, const uint32_t *threads, size_t n_threads)
{
    uint8_t *out = arena(b->capacity);
    b->alg = any_alg(r);
    b->n_keys = 2;
    for (size_t i = 0; i < b->n; i++)
        b->aad_len[i] = 17 * (i % 3);
    batch_fill(b, r, reference);
    for (size_t t = 0; t < n_threads; t++) {
        parseal_ctx *ctx = run_ctx(threads[t]);
        parseal_keys *keys = batch_keys(b, ctx);
        check_messages(b, keys, t % 2 != 0, out);
        check_plan(b, keys, t % 2 == 0, out);
        parseal_keys_destroy(keys);
        parseal_ctx_destroy(ctx);
    }
    free(out);
}

/* Some messages are far longer than what one thread takes at a time; others are short. */
static void large_messages(void **state)
{
    (void)state;
    const uint64_t lens[] = {
        run_share(8 << 20, 32) + 13, 5, (1 << 20) + 1, 0, 65536, 65537, 262144};
    rng r = rng_for("large messages");
    batch b;
    batch_open(&b, 12 << 20);
    b.n = COUNT_OF(lens);
    memcpy(b.len, lens, sizeof lens);
    check_large_batch(&b, &r, thread_counts, run_share(THREAD_COUNTS, 2));
    batch_close(&b);
}

/* Messages are together larger than the caches, so that output may take another way to memory, to
 * addresses of any alignment. */
static void larger_than_the_caches(void **state)
{
    (void)state;
    enum { ITEMS = 77 };
    static const uint32_t threads[] = {1, 3};
    const size_t size = past_the_caches();
    rng r = rng_for("larger than the caches");
    batch b;
    batch_open(&b, size + 64 * ITEMS);
    b.n = ITEMS;
    for (size_t i = 0; i < ITEMS; i++)
        b.len[i] = size / ITEMS + i % 32;
    check_large_batch(&b, &r, threads, COUNT_OF(threads));
    batch_close(&b);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s libsodium|openssl\n", argv[0]);
        return 2;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_batches),
        cmocka_unit_test(large_messages),
        cmocka_unit_test(larger_than_the_caches),
    };
    reference = ref_aead_named(argv[1]);
    if (reference == NULL)
        return run_skip("this build of the tests has no OpenSSL");
    if (!reference->has(PARSEAL_AES256GCM))
        return run_skip("libsodium has no AES-256-GCM on this machine");
    return RUN_SUITE_PER_IMPL(argv[1], OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
