/* Very many sets and streams at a time, as clients come one by one, each with its own: every one of
 * them can be made and is itself; they may go in any order, on any thread, and after their
 * context. And a set that asks for pages of its own. */
#include <parseal/fcp.h>
#include <parseal/sealed.h>
#include <pthread.h>
#include <string.h>

#include "check.h"
#include "run.h"

enum { MANY = 100000, LOOKED_AT = 97, LEN = 40 };

static parseal_ctx *ctx;
static void *made[MANY];
static size_t n_made;

static void key_of(size_t i, uint8_t key[32])
{
    memset(key, 0, 32);
    for (size_t k = 0; k < 4; k++)
        key[k] = (uint8_t)(i >> (8 * k));
}

/* What one object of a kind is, and what it says when it is asked. */
typedef struct {
    parseal_status (*create)(void **object, parseal_ctx *from, size_t i);
    void (*destroy)(void *object);
    void (*ask)(void *object, uint8_t answer[LEN]);
} kind;

static parseal_status create_keys(void **object, parseal_ctx *from, size_t i)
{
    parseal_keys *set = NULL;
    uint8_t key[32];
    key_of(i, key);
    const parseal_status status = parseal_keys_create(&set, from, PARSEAL_AES256GCM, key, 1, NULL);
    *object = set;
    return status;
}

static void destroy_keys(void *object)
{
    parseal_keys_destroy(object);
}

static void ask_keys(void *object, uint8_t answer[LEN])
{
    parseal_msg m;
    memset(&m, 0, sizeof m);
    memset(answer, 0, LEN);
    m.in = m.out = answer;
    m.len = LEN - PARSEAL_TAGBYTES;
    assert_ok(parseal_seal(object, &m, 1));
    memcpy(answer + m.len, m.tag, PARSEAL_TAGBYTES);
}

static parseal_status create_seeds(void **object, parseal_ctx *from, size_t i)
{
    parseal_seeds *set = NULL;
    parseal_seed seed = {.sign = 1};
    key_of(i, seed.key);
    const parseal_status status = parseal_seeds_create(&set, from, &seed, 1);
    *object = set;
    return status;
}

static parseal_status create_fcp(void **object, parseal_ctx *from, size_t i)
{
    parseal_seeds *set = NULL;
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    uint8_t key[32];
    const parseal_fcp_key list = {key, sizeof key, 1};
    mask.modulus = UINT64_C(1) << 32;
    mask.n = LEN / 4;
    key_of(i, key);
    const parseal_status status = parseal_fcp_seeds_create(&set, from, &mask, &list, 1);
    *object = set;
    return status;
}

static void destroy_seeds(void *object)
{
    parseal_seeds_destroy(object);
}

static void ask_seeds(void *object, uint8_t answer[LEN])
{
    const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
    uint32_t elements[LEN / 4];
    const parseal_vec v = parseal_host_vec(elements, LEN / 4, 4);
    assert_ok(parseal_mask_write(object, &ring, &v, 0, NULL));
    memcpy(answer, elements, LEN);
}

static parseal_sealed_params small_segments(void)
{
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    params.segment_size = 80;
    return params;
}

static parseal_status create_sealing(void **object, parseal_ctx *from, size_t i)
{
    const parseal_sealed_params params = small_segments();
    parseal_sealed *stream = NULL;
    uint8_t key[32];
    key_of(i, key);
    const parseal_status status =
        parseal_sealed_seal_create(&stream, from, &params, key, sizeof key);
    *object = stream;
    return status;
}

static parseal_status create_opening(void **object, parseal_ctx *from, size_t i)
{
    const parseal_sealed_params params = small_segments();
    parseal_sealed *stream = NULL;
    uint8_t key[32];
    key_of(i, key);
    const parseal_status status =
        parseal_sealed_open_create(&stream, from, &params, key, sizeof key);
    *object = stream;
    return status;
}

static void destroy_stream(void *object)
{
    parseal_sealed_destroy(object);
}

/* One half of its objects, on a thread of its own. */
typedef struct {
    const kind *of;
    size_t first;
} half;

static void *destroy_half(void *arg)
{
    const half *h = arg;
    for (size_t i = h->first; i < n_made; i += 2)
        h->of->destroy(made[i]);
    return NULL;
}

static void make_many(const kind *of, parseal_ctx *from)
{
    n_made = run_share(MANY, 20);
    for (size_t i = 0; i < n_made; i++)
        if (of->create(&made[i], from, i) != PARSEAL_OK)
            fail_msg("stopped at %zu: %s", i, parseal_last_error_text());
}

static void destroy_many(const kind *of)
{
    half halves[] = {{of, 0}, {of, 1}};
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, destroy_half, &halves[1]), 0);
    (void)destroy_half(&halves[0]);
    assert_int_equal(pthread_join(other, NULL), 0);
}

/* Answers are those of a set that is alone in a context. */
static void check_many(const kind *of)
{
    parseal_ctx *from = run_ctx(1), *alone = run_ctx(1);
    make_many(of, from);
    for (size_t i = 0; i < n_made; i += LOOKED_AT) {
        uint8_t got[LEN], want[LEN];
        void *object;
        assert_ok(of->create(&object, alone, i));
        of->ask(object, want);
        of->destroy(object);
        of->ask(made[i], got);
        assert_bytes(got, want, LEN);
    }
    /* Every third goes and comes again, among the others. */
    for (size_t i = 0; i < n_made; i += 3) {
        of->destroy(made[i]);
        assert_ok(of->create(&made[i], from, i + 1));
    }
    for (size_t i = 0; i < n_made; i += 3 * LOOKED_AT) {
        uint8_t got[LEN], want[LEN];
        void *object;
        assert_ok(of->create(&object, alone, i + 1));
        of->ask(object, want);
        of->destroy(object);
        of->ask(made[i], got);
        assert_bytes(got, want, LEN);
    }
    parseal_ctx_destroy(alone);
    parseal_ctx_destroy(from);
    destroy_many(of);
}

static void many_key_sets(void **state)
{
    static const kind of = {create_keys, destroy_keys, ask_keys};
    (void)state;
    check_many(&of);
}

static void many_seed_sets(void **state)
{
    static const kind of = {create_seeds, destroy_seeds, ask_seeds};
    (void)state;
    check_many(&of);
}

static void many_fcp_sets(void **state)
{
    static const kind of = {create_fcp, destroy_seeds, ask_seeds};
    (void)state;
    check_many(&of);
}

/* A stream that seals draws a salt, so it is asked whether its opposite understands it. */
static void many_streams(void **state)
{
    static const kind sealing = {create_sealing, destroy_stream, NULL};
    static const kind opening = {create_opening, destroy_stream, NULL};
    static uint8_t sealed[MANY / LOOKED_AT + 1][4 * LEN];
    static size_t len[MANY / LOOKED_AT + 1];
    static const uint8_t text[LEN] = "as many as there are clients";
    (void)state;
    ctx = run_ctx(1);
    make_many(&sealing, ctx);
    for (size_t i = 0, k = 0; i < n_made; i += LOOKED_AT, k++) {
        size_t rest;
        assert_ok(parseal_sealed_update(made[i], text, LEN, sealed[k], sizeof sealed[k], &len[k]));
        assert_ok(
            parseal_sealed_final(made[i], sealed[k] + len[k], sizeof sealed[k] - len[k], &rest));
        len[k] += rest;
    }
    destroy_many(&sealing);
    make_many(&opening, ctx);
    parseal_ctx_destroy(ctx);
    for (size_t i = 0, k = 0; i < n_made; i += LOOKED_AT, k++) {
        uint8_t opened[LEN];
        size_t n, rest;
        assert_ok(parseal_sealed_update(made[i], sealed[k], len[k], opened, LEN, &n));
        assert_ok(parseal_sealed_final(made[i], opened + n, LEN - n, &rest));
        assert_int_equal(n + rest, LEN);
        assert_bytes(opened, text, LEN);
    }
    destroy_many(&opening);
}

/* The set is the same, whatever it is kept in. */
static void sets_with_own_pages(void **state)
{
    static const size_t counts[] = {1, 3, 1000};
    static uint8_t keys[32 * 1000];
    (void)state;
    ctx = run_ctx(1);
    for (size_t i = 0; i < sizeof keys; i++)
        keys[i] = (uint8_t)(i * 7 + i / 256);
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        for (int again = 0; again < 2; again++) {
            parseal_keys_options options = PARSEAL_KEYS_OPTIONS_INIT;
            parseal_keys *own = NULL, *shared = NULL;
            uint8_t got[LEN], want[LEN];
            options.own_pages = again == 0 ? 1 : -7;
            assert_ok(parseal_keys_create(&own, ctx, PARSEAL_AES256GCM, keys, counts[i], &options));
            assert_ok(parseal_keys_create(&shared, ctx, PARSEAL_AES256GCM, keys, counts[i], NULL));
            ask_keys(own, got);
            ask_keys(shared, want);
            assert_bytes(got, want, LEN);
            parseal_keys_destroy(own);
            parseal_keys_destroy(shared);
        }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_key_sets),       cmocka_unit_test(many_seed_sets),
        cmocka_unit_test(many_fcp_sets),       cmocka_unit_test(many_streams),
        cmocka_unit_test(sets_with_own_pages),
    };
    return RUN_SUITE("sets", tests);
}
