/* fork() in a process that has used threads, and while another thread is inside a call: the child
 * computes on the parent's CPU context and on one of its own, and destroys both. On a GPU the
 * parent's context says what is wrong, and nothing of it is touched. */
#include <parseal/parseal.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { ELEMENTS = 200003, FORKS = 12, LIMIT = 120 }; /* seconds, after which a child is hung */

static uint32_t inputs[2][ELEMENTS];

static const parseal_ring ring = {1000003, 4, 0};

/* One sum, and one message sealed and opened, against plain arithmetic. */
static parseal_status compute(parseal_ctx *ctx, const parseal_keys *keys)
{
    static _Thread_local uint32_t acc[ELEMENTS], text[ELEMENTS];
    parseal_msg m = {.in = inputs[0], .out = text, .len = sizeof text, .nonce = {7}};
    memcpy(acc, inputs[0], sizeof acc);
    const parseal_vec sum = parseal_host_vec(acc, ELEMENTS, 4);
    const parseal_vec v = parseal_host_vec(inputs[1], ELEMENTS, 4);
    parseal_status status = parseal_vec_sum(ctx, &ring, &sum, &v, 1, NULL);
    for (size_t i = 0; i < ELEMENTS && status == PARSEAL_OK; i++)
        if (elem_load(acc, i, 4) !=
            (elem_load(inputs[0], i, 4) + elem_load(inputs[1], i, 4)) % 1000003)
            status = PARSEAL_ERR_SELFTEST;
    if (status == PARSEAL_OK)
        status = parseal_seal(keys, &m, 1);
    m.in = text;
    if (status == PARSEAL_OK)
        status = parseal_open(keys, &m, 1, NULL);
    return status == PARSEAL_OK && memcmp(text, inputs[0], sizeof text) != 0 ? PARSEAL_ERR_SELFTEST
                                                                             : status;
}

static parseal_status make_keys(parseal_keys **keys, parseal_ctx *ctx)
{
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {3};
    return parseal_keys_create(keys, ctx, PARSEAL_AES256GCM, key, 1, NULL);
}

/* Returns what the child exits with. */
static int in_child(parseal_ctx *ctx, parseal_keys *keys)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *own = NULL;
    parseal_keys *own_keys = NULL;
    parseal_info info = PARSEAL_INFO_INIT;
    const bool gpu = run_backend() != PARSEAL_BACKEND_CPU;
    (void)alarm(LIMIT);
    if (compute(ctx, keys) != (gpu ? PARSEAL_ERR_DEVICE : PARSEAL_OK))
        return 1;
    if (gpu && strstr(parseal_last_error_text(), "fork()") == NULL)
        return 2;
    if (parseal_ctx_info(ctx, &info) != PARSEAL_OK)
        return 3;
    options.backend = run_backend();
    if (gpu && parseal_ctx_create(&own, &options) == PARSEAL_OK)
        return 4;
    if (gpu && strstr(parseal_last_error_text(), "fork()") == NULL)
        return 5;
    options.backend = PARSEAL_BACKEND_CPU;
    if (parseal_ctx_create(&own, &options) != PARSEAL_OK || make_keys(&own_keys, own) != PARSEAL_OK)
        return 6;
    for (int i = 0; i < 3; i++)
        if (compute(own, own_keys) != PARSEAL_OK)
            return 7;
    parseal_keys_destroy(own_keys);
    parseal_ctx_destroy(own);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
    return 0;
}

static void child_computes(parseal_ctx *ctx, parseal_keys *keys)
{
    int status = -1;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(in_child(ctx, keys));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    atomic_bool stop;
    atomic_uint rounds;
    parseal_status status;
} caller;

static void *call_again(void *arg)
{
    caller *c = arg;
    while (!atomic_load(&c->stop) && c->status == PARSEAL_OK) {
        parseal_keys *keys = NULL;
        c->status = compute(c->ctx, c->keys);
        if (c->status == PARSEAL_OK)
            c->status = make_keys(&keys, c->ctx);
        parseal_keys_destroy(keys);
        atomic_fetch_add(&c->rounds, 1);
    }
    return NULL;
}

static void *make_contexts(void *arg)
{
    caller *c = arg;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    while (!atomic_load(&c->stop) && c->status == PARSEAL_OK) {
        parseal_ctx *ctx = NULL;
        c->status = parseal_ctx_create(&ctx, &options);
        parseal_ctx_destroy(ctx);
    }
    return NULL;
}

static void forks(void **state)
{
    (void)state;
    parseal_ctx *ctx = run_ctx(0);
    parseal_keys *keys = NULL;
    assert_ok(make_keys(&keys, ctx));
    assert_ok(compute(ctx, keys));
    child_computes(ctx, keys);
    assert_ok(compute(ctx, keys));
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

/* Other threads are inside calls, and make and destroy contexts, whenever the process forks. A
 * child of a program with AddressSanitizer has hung where they were inside an OpenCL runtime, in
 * two of a dozen runs, and none has without it: that pair is left out. */
static void forks_in_the_midst(void **state)
{
    (void)state;
    if (RUN_ADDRESS_SANITIZER && run_backend() != PARSEAL_BACKEND_CPU)
        skip();
    void *(*const work[])(void *) = {call_again, call_again, make_contexts};
    caller callers[COUNT_OF(work)];
    pthread_t threads[COUNT_OF(work)];
    parseal_ctx *ctx = run_ctx(0);
    parseal_keys *keys = NULL;
    assert_ok(make_keys(&keys, ctx));
    for (size_t i = 0; i < COUNT_OF(work); i++) {
        callers[i] = (caller){.ctx = ctx, .keys = keys};
        assert_int_equal(pthread_create(&threads[i], NULL, work[i], &callers[i]), 0);
    }
    for (size_t i = 0; i < run_share(FORKS, 4); i++) {
        const unsigned before = atomic_load(&callers[0].rounds);
        child_computes(ctx, keys);
        while (atomic_load(&callers[0].rounds) == before && callers[0].status == PARSEAL_OK)
            (void)usleep(100);
    }
    for (size_t i = 0; i < COUNT_OF(work); i++) {
        atomic_store(&callers[i].stop, true);
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_ok(callers[i].status);
    }
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

static void fill(void)
{
    rng r = rng_for("fork");
    for (size_t i = 0; i < ELEMENTS; i++) {
        elem_store(inputs[0], i, 4, rng_below(&r, 1000003));
        elem_store(inputs[1], i, 4, rng_below(&r, 1000003));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(forks),
        cmocka_unit_test(forks_in_the_midst),
    };
    if (RUN_THREAD_SANITIZER)
        return run_skip("ThreadSanitizer ends children that start threads");
    fill();
    return RUN_SUITE("fork", tests);
}
