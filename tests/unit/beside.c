/* The CPU beside a device: what it does instead of the device, and after it has failed. The device
 * is the CPU backend itself, with a batch_run that fails when it is told to. */
#include <string.h>

#include "check.h"
#include "host/backend/objects.h"
#include "parseal/fcp.h"
#include "run.h"

enum { N = 7, LEN = 100, BYTES = N * LEN };

static size_t runs, fail_after, spoil;
static parseal_status failure;

/* The first fail_after messages are done; `spoil`, if it is one of the others, is lost. */
static parseal_status failing_run(const parseal_device *device, const backend_keys *keys,
                                  parseal_msg *msgs, size_t n, bool open)
{
    const size_t done = failure == PARSEAL_OK || fail_after > n ? n : fail_after;
    runs++;
    assert_ok(parseal_cpu_backend.aead->run(device, keys, msgs, done, open));
    if (failure == PARSEAL_OK)
        return PARSEAL_OK;
    if (spoil < n)
        msgs[spoil].status = PARSEAL_ITEM_SPOILED;
    return parseal_fail(failure, "the device of this test failed");
}

typedef struct {
    parseal_backend backend;
    aead_family aead;
    mask_family mask;
    parseal_ctx *ctx;
    parseal_keys *keys, *plain_keys;
    uint8_t in[BYTES], out[BYTES], want[BYTES];
    parseal_msg msgs[N], want_msgs[N];
} bench;

static void prepare(bench *b, parseal_msg *msgs, uint8_t *out)
{
    for (size_t i = 0; i < N; i++) {
        msgs[i] = (parseal_msg){.in = b->in + i * LEN, .out = out + i * LEN, .len = LEN};
        msgs[i].nonce[0] = (uint8_t)i;
    }
}

/* A context of this test's device, with or without the CPU beside it. */
static void bench_open(bench *b, bool beside)
{
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {9};
    parseal_ctx *plain = run_ctx(1), *other = run_ctx(1);
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < BYTES; i++)
        b->in[i] = (uint8_t)(i * 7);
    assert_ok(parseal_keys_create(&b->plain_keys, plain, PARSEAL_AES256GCM, key, 1, NULL));
    prepare(b, b->want_msgs, b->want);
    assert_ok(parseal_seal(b->plain_keys, b->want_msgs, N));

    b->ctx = run_ctx(1);
    b->backend = *b->ctx->backend;
    b->aead = *b->backend.aead;
    b->aead.run = failing_run;
    b->backend.aead = &b->aead;
    b->ctx->backend = &b->backend;
    if (beside) {
        b->ctx->cpu = (parseal_side){other->backend, other->device};
        other->backend = NULL; /* The device is the context's own from now on. */
    }
    assert_ok(parseal_keys_create(&b->keys, b->ctx, PARSEAL_AES256GCM, key, 1, NULL));
    prepare(b, b->msgs, b->out);
    parseal_ctx_destroy(other);
    parseal_ctx_destroy(plain);
    runs = 0;
    failure = PARSEAL_OK;
    spoil = SIZE_MAX;
}

static void bench_close(bench *b)
{
    parseal_keys_destroy(b->keys);
    parseal_keys_destroy(b->plain_keys);
    parseal_ctx_destroy(b->ctx);
}

static uint64_t finished(const bench *b)
{
    parseal_info info = PARSEAL_INFO_INIT;
    assert_ok(parseal_ctx_info(b->ctx, &info));
    return info.cpu_finished;
}

static void assert_sealed(const bench *b, size_t i)
{
    assert_int_equal(b->msgs[i].status, PARSEAL_ITEM_OK);
    assert_bytes(b->out + i * LEN, b->want + i * LEN, LEN);
    assert_bytes(b->msgs[i].tag, b->want_msgs[i].tag, sizeof b->msgs[i].tag);
}

static void the_cpu_finishes(void **state)
{
    (void)state;
    static const parseal_status failures[] = {PARSEAL_ERR_DEVICE, PARSEAL_ERR_NO_MEMORY};
    for (size_t f = 0; f < COUNT_OF(failures); f++)
        for (size_t after = 0; after <= N; after++) {
            bench b;
            bench_open(&b, true);
            failure = failures[f];
            fail_after = after;
            assert_ok(parseal_seal(b.keys, b.msgs, N));
            assert_int_equal(runs, 1);
            assert_int_equal(finished(&b), 1);
            for (size_t i = 0; i < N; i++)
                assert_sealed(&b, i);
            bench_close(&b);
        }
}

static void nothing_finishes_without_it(void **state)
{
    (void)state;
    bench b;
    bench_open(&b, false);
    failure = PARSEAL_ERR_DEVICE;
    fail_after = 3;
    assert_error(parseal_seal(b.keys, b.msgs, N), PARSEAL_ERR_DEVICE, "device");
    for (size_t i = 0; i < N; i++)
        assert_int_equal(b.msgs[i].status, i < 3 ? PARSEAL_ITEM_OK : PARSEAL_ITEM_UNSET);
    assert_int_equal(finished(&b), 0);
    bench_close(&b);
}

/* What the device has lost cannot be done again. */
static void what_is_spoiled_is_an_error(void **state)
{
    (void)state;
    for (int beside = 0; beside < 2; beside++) {
        bench b;
        bench_open(&b, beside != 0);
        failure = PARSEAL_ERR_DEVICE;
        fail_after = 2;
        spoil = 4;
        assert_error(parseal_seal(b.keys, b.msgs, N), PARSEAL_ERR_DEVICE, "device");
        assert_int_equal(b.msgs[4].status, PARSEAL_ITEM_UNSET);
        assert_int_equal(finished(&b), 0);
        bench_close(&b);
    }
}

static void small_batches_stay_on_the_cpu(void **state)
{
    (void)state;
    static const uint64_t crossovers[] = {0, BYTES, BYTES + 1, UINT64_MAX};
    for (size_t c = 0; c < COUNT_OF(crossovers); c++) {
        bench b;
        bench_open(&b, true);
        b.ctx->crossover[PARSEAL_PRIMITIVE_AEAD] = crossovers[c];
        assert_ok(parseal_seal(b.keys, b.msgs, N));
        assert_int_equal(runs, BYTES < crossovers[c] ? 0 : 1);
        for (size_t i = 0; i < N; i++)
            assert_sealed(&b, i);
        bench_close(&b);
    }
}

/* A device that has no masks mod such R: host memory is done by the CPU beside it, other buffers,
 * streams, and a device without the CPU are told so. */
static parseal_status no_fcp(const parseal_device *device, backend_fcp **fcp, uint64_t modulus,
                             const uint8_t *keys, const int32_t *signs, size_t n)
{
    (void)device, (void)fcp, (void)modulus, (void)keys, (void)signs, (void)n;
    return parseal_fail(PARSEAL_ERR_UNSUPPORTED, "modulus: not on the device of this test");
}

static void masks_that_only_the_cpu_has(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    static const uint8_t bytes[PARSEAL_FCP_KEYBYTES] = {5};
    const parseal_fcp_key key = {bytes, sizeof bytes, -1};
    const parseal_ring ring = {532021, 4, 0};
    uint32_t got[COUNT] = {0}, want[COUNT] = {0};
    parseal_vec out = parseal_host_vec(got, COUNT, 4), wanted = parseal_host_vec(want, COUNT, 4);
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    parseal_seeds *set = NULL, *plain = NULL;
    mask.modulus = ring.modulus;
    mask.n = COUNT;
    for (int beside = 0; beside < 2; beside++) {
        bench b;
        bench_open(&b, beside != 0);
        b.mask = *b.backend.mask;
        b.mask.fcp_create = no_fcp;
        b.backend.mask = &b.mask;
        b.backend.has_streams = true;
        b.backend.buf_kind = PARSEAL_BUF_CUDA;
        if (beside == 0) {
            assert_error(parseal_fcp_seeds_create(&set, b.ctx, &mask, &key, 1),
                         PARSEAL_ERR_UNSUPPORTED, "modulus");
            bench_close(&b);
            continue;
        }
        parseal_ctx *cpu = run_ctx(1);
        assert_ok(parseal_fcp_seeds_create(&plain, cpu, &mask, &key, 1));
        assert_ok(parseal_mask_write(plain, &ring, &wanted, 0, NULL));
        error_text_spoil();
        const char before = parseal_last_error_text()[0];
        assert_ok(parseal_fcp_seeds_create(&set, b.ctx, &mask, &key, 1));
        assert_int_equal(parseal_last_error_text()[0], before);
        assert_ok(parseal_mask_write(set, &ring, &out, 0, NULL));
        assert_bytes(got, want, sizeof got);
        assert_error(parseal_mask_write(set, &ring, &out, 0, &b), PARSEAL_ERR_UNSUPPORTED, "out");
        out.buf.kind = PARSEAL_BUF_CUDA;
        assert_error(parseal_mask_apply(set, &ring, &out, 0, NULL), PARSEAL_ERR_UNSUPPORTED, "acc");
        assert_bytes(got, want, sizeof got);
        parseal_seeds_destroy(set);
        parseal_seeds_destroy(plain);
        parseal_ctx_destroy(cpu);
        bench_close(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cpu_finishes),
        cmocka_unit_test(nothing_finishes_without_it),
        cmocka_unit_test(what_is_spoiled_is_an_error),
        cmocka_unit_test(small_batches_stay_on_the_cpu),
        cmocka_unit_test(masks_that_only_the_cpu_has),
    };
    return RUN_SUITE("the CPU beside a device", tests);
}
