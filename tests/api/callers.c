/* Sixty-four threads of an application call at once, on a context that has as many threads as there
 * are cores: every result is right, and the process has no more threads than these and the pool's.
 * Under the sanitizers this finds what loops of different callers share wrongly. */
#include <parseal/parseal.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "process.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { CALLERS = 64, ROUNDS = 6, ELEMENTS = 40009, POOL = 6 };

static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};

typedef struct {
    parseal_ctx *ctx;
    const parseal_keys *keys;
    const parseal_seeds *plus, *minus;
    size_t number;
    parseal_status status;
} caller;

static uint32_t text[ELEMENTS];

/* Masks cancel, what is sealed is opened, and the sum with what is there doubles it. */
static parseal_status round_trip(const caller *c, uint32_t *a, uint32_t *b)
{
    const parseal_vec va = parseal_host_vec(a, ELEMENTS, 4), vb = parseal_host_vec(b, ELEMENTS, 4);
    parseal_msg m = {.in = a, .out = b, .len = 4 * ELEMENTS, .nonce = {(uint8_t)c->number}};
    parseal_status status = parseal_mask_apply(c->plus, &ring, &va, c->number, NULL);
    if (status == PARSEAL_OK)
        status = parseal_seal(c->keys, &m, 1);
    m.in = b;
    if (status == PARSEAL_OK)
        status = parseal_open(c->keys, &m, 1, NULL);
    if (status == PARSEAL_OK)
        status = parseal_mask_apply(c->minus, &ring, &vb, c->number, NULL);
    memcpy(a, text, sizeof text);
    if (status == PARSEAL_OK)
        status = parseal_vec_sum(c->ctx, &ring, &va, &vb, 1, NULL);
    for (size_t i = 0; i < ELEMENTS && status == PARSEAL_OK; i++)
        if (elem_load(a, i, 4) != (uint32_t)(2 * elem_load(text, i, 4)))
            status = PARSEAL_ERR_SELFTEST;
    return status;
}

static void *call(void *arg)
{
    caller *c = arg;
    uint32_t *a = malloc(sizeof text), *b = malloc(sizeof text);
    c->status = a != NULL && b != NULL ? PARSEAL_OK : PARSEAL_ERR_NO_MEMORY;
    for (size_t i = 0; i < run_share(ROUNDS, 3) && c->status == PARSEAL_OK; i++) {
        memcpy(a, text, sizeof text);
        c->status = round_trip(c, a, b);
    }
    free(a);
    free(b);
    return NULL;
}

static void sixty_four(void **state)
{
    (void)state;
    static caller callers[CALLERS];
    pthread_t threads[CALLERS];
    const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {9};
    parseal_seed seed = {.key = {5}, .sign = 1};
    parseal_keys *keys = NULL;
    parseal_seeds *plus = NULL, *minus = NULL;
    rng r = rng_for("callers");
    rng_fill(&r, text, sizeof text);
    parseal_ctx *ctx = run_ctx(0);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_seeds_create(&plus, ctx, &seed, 1));
    seed.sign = -1;
    assert_ok(parseal_seeds_create(&minus, ctx, &seed, 1));
    const size_t before = threads_listed();
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (caller){ctx, keys, plus, minus, i, PARSEAL_OK};
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    assert_in_range(threads_listed(), 1, before + CALLERS + POOL);
    for (size_t i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(callers[i].status);
    }
    parseal_seeds_destroy(minus);
    parseal_seeds_destroy(plus);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(sixty_four)};
    return RUN_SUITE("callers", tests);
}
