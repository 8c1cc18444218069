/* What is measured of a device and the CPU beside it is kept, and taken again only where all that
 * it depends on is the same. The device is the CPU backend itself, with a batch_run that counts. */
#include "host/choose/crossover.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/support/error.h"
#include "run.h"
#include "scratch.h"

static size_t runs;

static parseal_status counted_run(const parseal_device *device, const backend_keys *keys,
                                  parseal_msg *msgs, size_t n, bool open)
{
    runs++;
    return parseal_cpu_backend.aead->run(device, keys, msgs, n, open);
}

typedef struct {
    parseal_backend backend;
    aead_family aead;
    parseal_ctx *ctx;
    parseal_choice beside;
    parseal_options options;
} bench;

/* A context of this test's device with the CPU beside it, which shares the CPU's device. */
static void bench_open(bench *b)
{
    memset(b, 0, sizeof *b);
    b->ctx = run_ctx(1);
    b->aead = *b->ctx->backend->aead;
    b->aead.run = counted_run;
    b->backend = *b->ctx->backend;
    b->backend.aead = &b->aead;
    b->ctx->cpu = (parseal_side){b->ctx->backend, b->ctx->device};
    b->ctx->backend = &b->backend;
    b->beside = b->ctx->choice;
    b->options = (parseal_options)PARSEAL_OPTIONS_INIT;
}

static void bench_close(bench *b)
{
    b->ctx->cpu.backend = NULL; /* its device is the context's own */
    parseal_ctx_destroy(b->ctx);
}

/* Returns whether the device was measured for it. */
static bool is_measured(bench *b)
{
    runs = 0;
    assert_ok(crossover_find(b->ctx, &b->beside, &b->options));
    return runs > 0;
}

static void nothing_else(bench *b)
{
    (void)b;
}

static void another_hash(bench *b)
{
    strcpy(b->ctx->choice.impl[PARSEAL_PRIMITIVE_AEAD], "mma");
}

static void another_cpu(bench *b)
{
    strcpy(b->beside.impl[PARSEAL_PRIMITIVE_MASK], "other");
}

static void little_memory(bench *b)
{
    b->options.device_memory = 1 << 20;
}

static void less_memory(bench *b)
{
    b->options.device_memory = (1 << 20) - 1;
}

/* The same as more, or as no limit. */
static void nearly_as_little_memory(bench *b)
{
    b->options.device_memory = (1 << 21) - 1;
}

static void much_memory(bench *b)
{
    b->options.device_memory = UINT64_C(12345678901);
}

static void timed_kernels(bench *b)
{
    b->options.time_kernels = 1;
}

/* Each is measured when it comes first, and then known, and none takes the numbers of another. The
 * last two make no difference. */
static void each_choice_is_measured_once(void **state)
{
    static void (*const changes[])(bench *) = {nothing_else,
                                               another_hash,
                                               another_cpu,
                                               little_memory,
                                               less_memory,
                                               timed_kernels,
                                               nearly_as_little_memory,
                                               much_memory};
    static const size_t same_as[COUNT_OF(changes)] = {0, 1, 2, 3, 4, 5, 3, 0};
    uint64_t found[COUNT_OF(changes)][PARSEAL_PRIMITIVES];
    char folder[256];
    (void)state;
    assert_true(scratch_make(folder, sizeof folder));
    assert_int_equal(setenv("XDG_CACHE_HOME", folder, 1), 0);
    for (int again = 0; again < 2; again++)
        for (size_t i = 0; i < COUNT_OF(changes); i++) {
            bench b;
            bench_open(&b);
            changes[i](&b);
            const bool is_first = again == 0 && same_as[i] == i;
            assert_int_equal(is_measured(&b), is_first);
            if (is_first)
                memcpy(found[i], b.ctx->crossover, sizeof found[i]);
            assert_bytes(b.ctx->crossover, found[same_as[i]], sizeof found[i]);
            bench_close(&b);
        }
    assert_true(scratch_remove(folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_choice_is_measured_once)};
    return RUN_SUITE("crossovers that are kept", tests);
}
