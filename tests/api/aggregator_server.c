/* An aggregator as a server uses it: killed between exports, and with many clients. */
#include <parseal/aggregator.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "rng.h"
#include "run.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_WATCHED 1
#endif
#endif
#ifndef IS_WATCHED
#define IS_WATCHED 0
#endif

enum { DIM = 500, CLIENTS = 60, KILLS = 12 };

static const parseal_ring ring = {1000003, 4, 0};

static parseal_ctx *cpu(void)
{
    parseal_ctx *ctx;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_threads = 1; /* threads do not outlive a fork */
    assert_ok(parseal_ctx_create(&ctx, &options));
    return ctx;
}

static parseal_aggregator *begin(parseal_ctx *ctx, uint64_t dim)
{
    parseal_aggregator *a;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = ring;
    options.dim = dim;
    assert_ok(parseal_aggregator_create(&a, ctx, &options));
    return a;
}

/* Client i's update is the same each time. */
static parseal_status add(parseal_aggregator *a, uint64_t i)
{
    static uint8_t elements[4 * DIM];
    rng r = {i};
    rng_fill(&r, elements, sizeof elements);
    parseal_update u = {.client = i, .in = elements, .len = sizeof elements};
    return parseal_aggregator_add_plain(a, &u, 1, NULL);
}

static uint8_t *export_of(const parseal_aggregator *a, uint64_t *size)
{
    assert_ok(parseal_aggregator_export_size(a, size));
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_ok(parseal_aggregator_export(a, bytes, *size));
    return bytes;
}

/* The last export there is, or an aggregator that has counted nobody. */
static parseal_aggregator *resume(parseal_ctx *ctx, const char *path)
{
    parseal_aggregator *a;
    static uint8_t bytes[1 << 16];
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return begin(ctx, DIM);
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    assert_int_equal(fclose(f), 0);
    assert_ok(parseal_aggregator_import(&a, ctx, bytes, size));
    return a;
}

/* Adds everybody who is missing, with an export after each, under its name once it is whole. */
_Noreturn static void serve(parseal_ctx *ctx, const char *path, const char *new_path)
{
    parseal_aggregator *a = resume(ctx, path);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        uint64_t size;
        (void)add(a, i);
        uint8_t *bytes = export_of(a, &size);
        FILE *f = fopen(new_path, "wb");
        if (f == NULL || fwrite(bytes, 1, size, f) != size || fclose(f) != 0 ||
            rename(new_path, path) != 0)
            _exit(1);
        free(bytes);
        (void)usleep(200);
    }
    _exit(0);
}

static void killed_and_resumed(void **state)
{
    (void)state;
    char path[] = "/tmp/parseal-aggregator-XXXXXX", new_path[sizeof path + 4];
    rng r = rng_for("killed");
    parseal_ctx *ctx = cpu();
    parseal_aggregator *whole = begin(ctx, DIM);
    const int fd = mkstemp(path);
    uint64_t size, resumed_size;
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink(path), 0);
    snprintf(new_path, sizeof new_path, "%s.new", path);
    for (int k = 0; k <= KILLS; k++) {
        int status;
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            serve(ctx, path, new_path);
        if (k < KILLS) {
            (void)usleep((useconds_t)rng_below(&r, 4000));
            assert_int_equal(kill(child, SIGKILL), 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(k < KILLS || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    }
    parseal_aggregator *resumed = resume(ctx, path);
    for (uint64_t i = 0; i < CLIENTS; i++)
        assert_ok(add(whole, i));
    uint8_t *want = export_of(whole, &size), *got = export_of(resumed, &resumed_size);
    assert_int_equal(resumed_size, size);
    assert_bytes(got, want, size);
    free(want);
    free(got);
    (void)unlink(path);
    (void)unlink(new_path);
    parseal_aggregator_destroy(whole);
    parseal_aggregator_destroy(resumed);
    parseal_ctx_destroy(ctx);
}

/* KiB */
static long peak(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* A thousand sealed updates of ten million elements, one in memory at a time: what an aggregator
 * takes does not grow with them. */
static void memory_of_a_thousand_clients(void **state)
{
    (void)state;
    enum { N = 1000, D = 10000000, KEY = PARSEAL_AES256GCM_KEYBYTES };
    static const uint8_t key[KEY] = {3};
    if (IS_WATCHED || sizeof(void *) < 8) {
        print_message("skipped: the memory of a sanitizer is not ours\n");
        skip();
    }
    parseal_ctx *ctx = cpu();
    parseal_keys *keys;
    parseal_aggregator *a = begin(ctx, D);
    uint8_t *update = calloc(D, 4);
    assert_non_null(update);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    parseal_msg m = {.in = update, .out = update, .len = (size_t)4 * D};
    assert_ok(parseal_seal(keys, &m, 1));
    for (uint64_t i = 0; i < N; i++) {
        parseal_update u = {.client = i, .in = update, .len = m.len};
        memcpy(u.tag, m.tag, sizeof u.tag);
        assert_ok(parseal_aggregator_add_sealed(a, keys, &u, 1, NULL));
    }
    assert_true(peak() < (3L * 4 * D + (256L << 20)) / 1024);
    free(update);
    parseal_aggregator_destroy(a);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_and_resumed),
        cmocka_unit_test(memory_of_a_thousand_clients),
    };
    return RUN_SUITE("aggregator as a server uses it", tests);
}
