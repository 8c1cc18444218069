/* What is measured of a device and the CPU beside it is kept, and taken again only where all that
 * it depends on is the same. Both are the CPU backend, whose families do nothing but count: what
 * they would take is no matter here, and much under an emulator. */
#include "host/choose/crossover.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/support/error.h"
#include "run.h"
#include "scratch.h"

static size_t runs;

static parseal_status count_run(void)
{
    runs++;
    return PARSEAL_OK;
}

static parseal_status run(const parseal_device *device, const backend_keys *keys, parseal_msg *msgs,
                          size_t n, bool open)
{
    (void)device, (void)keys, (void)msgs, (void)n, (void)open;
    return count_run();
}

static parseal_status apply(const parseal_device *device, const backend_seeds *seeds,
                            const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                            bool write, void *stream)
{
    (void)device, (void)seeds, (void)ring, (void)acc, (void)first, (void)write, (void)stream;
    return count_run();
}

static parseal_status fcp_apply(const parseal_device *device, const backend_fcp *fcp,
                                const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                                bool write, void *stream)
{
    (void)device, (void)fcp, (void)ring, (void)acc, (void)first, (void)write, (void)stream;
    return count_run();
}

static parseal_status sum(const parseal_device *device, const parseal_ring *ring,
                          const parseal_vec *acc, const parseal_vec *v, size_t n, void *stream)
{
    (void)device, (void)ring, (void)acc, (void)v, (void)n, (void)stream;
    return count_run();
}

static parseal_status quantize(const parseal_device *device, const parseal_quant *quant,
                               float scale, const parseal_vec *x, const parseal_vec *q,
                               const backend_seeds *seeds, uint64_t first,
                               const parseal_buf *nonfinite, void *stream)
{
    (void)device, (void)quant, (void)scale, (void)x, (void)q, (void)seeds, (void)first;
    (void)nonfinite, (void)stream;
    return count_run();
}

static parseal_status pack(const parseal_device *device, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream)
{
    (void)device, (void)bits, (void)element_size, (void)elements, (void)packed, (void)unpack;
    (void)stream;
    return count_run();
}

typedef struct {
    parseal_backend backend;
    aead_family aead;
    mask_family mask;
    vector_family vector;
    parseal_ctx *ctx;
    parseal_choice beside;
    parseal_options options;
} bench;

/* A context of this test's backend, with the same beside it, which shares its device. */
static void bench_open(bench *b)
{
    memset(b, 0, sizeof *b);
    b->ctx = run_ctx(1);
    b->backend = *b->ctx->backend;
    b->aead = *b->backend.aead;
    b->aead.run = run;
    b->mask = *b->backend.mask;
    b->mask.apply = apply;
    b->mask.fcp_apply = fcp_apply;
    b->vector = *b->backend.vector;
    b->vector.sum = sum;
    b->vector.quantize = quantize;
    b->vector.pack = pack;
    b->backend.aead = &b->aead;
    b->backend.mask = &b->mask;
    b->backend.vector = &b->vector;
    b->ctx->backend = &b->backend;
    b->ctx->cpu = (parseal_side){&b->backend, b->ctx->device};
    b->beside = b->ctx->choice;
    b->options = (parseal_options)PARSEAL_OPTIONS_INIT;
}

static void bench_close(bench *b)
{
    b->ctx->cpu.backend = NULL; /* its device is the context's own */
    parseal_ctx_destroy(b->ctx);
}

/* Returns whether anything was measured for it: each primitive, or none. */
static bool is_measured(bench *b)
{
    runs = 0;
    assert_ok(crossover_find(b->ctx, &b->beside, &b->options));
    assert_true(runs == 0 || runs % PARSEAL_PRIMITIVES == 0);
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
