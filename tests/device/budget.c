/* Data that does not fit the memory that a device may use: batches in many loads, messages and aad
 * in parts, vectors in pieces, against the CPU. With the argument "pinned" all of it is in memory
 * that the caller has pinned for a CUDA device. */
#include <parseal/aggregator.h>
#include <string.h>

#include "check.h"
#include "host_memory.h"
#include "rng.h"
#include "run.h"

enum { BUDGET = 1 << 20, MESSAGES = 90, LONG = 3 * BUDGET + 12345, AAD = BUDGET + 77 };
enum { LARGE = 270000 }; /* a message that a slot holds, worth a copy of its own */
enum { ELEMENTS = 1500007, INPUTS = 9 };

typedef struct {
    parseal_ctx *ctx, *cpu;
    parseal_keys *keys, *cpu_keys;
    rng r;
} bench;

static void bench_open(bench *b)
{
    static const uint8_t key[2 * PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3};
    parseal_options options = PARSEAL_OPTIONS_INIT;
    b->r = rng_for("budget");
    options.backend = run_backend();
    options.device_memory = BUDGET;
    assert_ok(parseal_ctx_create(&b->ctx, &options));
    options = (parseal_options)PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    assert_ok(parseal_ctx_create(&b->cpu, &options));
    assert_ok(parseal_keys_create(&b->keys, b->ctx, PARSEAL_AES256GCM, key, 2, NULL));
    assert_ok(parseal_keys_create(&b->cpu_keys, b->cpu, PARSEAL_AES256GCM, key, 2, NULL));
}

static void bench_close(bench *b)
{
    parseal_keys_destroy(b->keys);
    parseal_keys_destroy(b->cpu_keys);
    parseal_ctx_destroy(b->ctx);
    parseal_ctx_destroy(b->cpu);
}

static uint8_t *random_bytes(bench *b, size_t size)
{
    uint8_t *p = host_memory(size + 1);
    rng_fill(&b->r, p, size);
    return p;
}

static size_t length_of(size_t i)
{
    return i % 30 == 7 ? LONG + i : i % 40 == 9 ? LARGE + i : i % 11 == 3 ? 0 : i * i * 7 % 40000;
}

typedef struct {
    size_t bytes;
    uint8_t *in, *out, *aad;
    parseal_msg msgs[MESSAGES];
} batch;

/* The messages lie one after another; some have much aad, some little, most none. */
static void batch_open(batch *x, bench *b, const uint8_t *in, bool in_place)
{
    x->bytes = 0;
    for (size_t i = 0; i < MESSAGES; i++)
        x->bytes += length_of(i);
    x->in = host_memory(x->bytes);
    memcpy(x->in, in, x->bytes);
    x->out = in_place ? x->in : random_bytes(b, x->bytes);
    size_t at = 0;
    for (size_t i = 0; i < MESSAGES; i++) {
        x->msgs[i] = (parseal_msg){.in = x->in + at,
                                   .out = x->out + at,
                                   .len = length_of(i),
                                   .aad = x->aad,
                                   .aad_len = i % 20 == 2  ? AAD
                                              : i % 3 == 0 ? i
                                                           : 0,
                                   .key = i % 2};
        x->msgs[i].nonce[3] = (uint8_t)i;
        at += length_of(i);
    }
}

static void batch_close(batch *x)
{
    if (x->out != x->in)
        host_memory_free(x->out);
    host_memory_free(x->in);
}

static void same_batches(const batch *a, const batch *b)
{
    assert_bytes(a->out, b->out, a->bytes);
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_bytes(a->msgs[i].tag, b->msgs[i].tag, sizeof a->msgs[i].tag);
        assert_int_equal(a->msgs[i].status, b->msgs[i].status);
    }
}

/* The results become the input of open; every 13th tag is spoiled. */
static void turn_round(batch *x)
{
    memcpy(x->in, x->out, x->out != x->in ? x->bytes : 0);
    for (size_t i = 0; i < MESSAGES; i += 13)
        x->msgs[i].tag[i % 16] ^= 0x40;
}

static void batches(void **state)
{
    (void)state;
    bench b;
    bench_open(&b);
    for (int in_place = 0; in_place < 2; in_place++) {
        batch x = {.aad = random_bytes(&b, AAD)}, y = {.aad = x.aad};
        size_t bytes = 0, failed, cpu_failed;
        for (size_t i = 0; i < MESSAGES; i++)
            bytes += length_of(i);
        uint8_t *text = random_bytes(&b, bytes);
        batch_open(&x, &b, text, in_place != 0);
        batch_open(&y, &b, text, in_place != 0);
        assert_ok(parseal_seal(b.keys, x.msgs, MESSAGES));
        assert_ok(parseal_seal(b.cpu_keys, y.msgs, MESSAGES));
        same_batches(&x, &y);
        turn_round(&x);
        turn_round(&y);
        assert_status(parseal_open(b.keys, x.msgs, MESSAGES, &failed), PARSEAL_ERR_AUTH);
        assert_status(parseal_open(b.cpu_keys, y.msgs, MESSAGES, &cpu_failed), PARSEAL_ERR_AUTH);
        assert_int_equal(failed, (MESSAGES + 12) / 13);
        assert_int_equal(cpu_failed, failed);
        same_batches(&x, &y);
        batch_close(&x);
        batch_close(&y);
        host_memory_free(text);
        host_memory_free(x.aad);
    }
    bench_close(&b);
}

static void vectors(void **state)
{
    (void)state;
    const parseal_ring ring = {UINT64_MAX - 58, 8, 0};
    const parseal_seed list = {.key = {5}, .sign = -1};
    parseal_seeds *seeds, *cpu_seeds;
    parseal_vec v[INPUTS];
    bench b;
    bench_open(&b);
    uint8_t *in = random_bytes(&b, 8 * (ELEMENTS + INPUTS));
    uint8_t *got = random_bytes(&b, 8 * ELEMENTS), *want = host_memory(8 * ELEMENTS);
    memcpy(want, got, 8 * ELEMENTS);
    for (size_t j = 0; j < INPUTS; j++)
        v[j] = parseal_host_vec(in + 8 * j, ELEMENTS, 8);
    const parseal_vec acc = parseal_host_vec(got, ELEMENTS, 8);
    const parseal_vec cpu_acc = parseal_host_vec(want, ELEMENTS, 8);
    assert_ok(parseal_seeds_create(&seeds, b.ctx, &list, 1));
    assert_ok(parseal_seeds_create(&cpu_seeds, b.cpu, &list, 1));
    assert_ok(parseal_vec_sum(b.ctx, &ring, &acc, v, INPUTS, NULL));
    assert_ok(parseal_vec_sum(b.cpu, &ring, &cpu_acc, v, INPUTS, NULL));
    assert_ok(parseal_mask_apply(seeds, &ring, &acc, 3, NULL));
    assert_ok(parseal_mask_apply(cpu_seeds, &ring, &cpu_acc, 3, NULL));
    assert_bytes(got, want, 8 * ELEMENTS);
    const parseal_buf packed = parseal_host_buf(in, (ELEMENTS * 61ull + 7) / 8);
    assert_ok(parseal_pack(b.ctx, 61, 8, &acc, &packed, NULL));
    assert_ok(parseal_unpack(b.ctx, 61, 8, &packed, &acc, NULL));
    assert_ok(parseal_pack(b.cpu, 61, 8, &cpu_acc, &packed, NULL));
    assert_ok(parseal_unpack(b.cpu, 61, 8, &packed, &cpu_acc, NULL));
    assert_bytes(got, want, 8 * ELEMENTS);
    parseal_seeds_destroy(seeds);
    parseal_seeds_destroy(cpu_seeds);
    host_memory_free(in);
    host_memory_free(got);
    host_memory_free(want);
    bench_close(&b);
}

static void too_small(void **state)
{
    (void)state;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = run_backend();
    options.device_memory = BUDGET - 1;
    assert_error(parseal_ctx_create(&ctx, &options), PARSEAL_ERR_ARG, "device_memory");
    assert_null(ctx);
}

/* An update that no slot holds is refused, and nothing is lost. */
static void update_too_large(void **state)
{
    (void)state;
    enum { DIM = 150000 };
    static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
    bench b;
    parseal_aggregator *a;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    bench_open(&b);
    options.ring = ring;
    options.dim = DIM;
    assert_ok(parseal_aggregator_create(&a, b.ctx, &options));
    uint8_t *plain = random_bytes(&b, 4 * DIM), *sealed = host_memory(4 * DIM);
    parseal_msg m = {.in = plain, .out = sealed, .len = 4 * DIM};
    assert_ok(parseal_seal(b.cpu_keys, &m, 1));
    parseal_update updates[2] = {{.client = 1, .in = plain, .len = 4 * DIM},
                                 {.client = 2, .in = sealed, .len = 4 * DIM}};
    memcpy(updates[1].tag, m.tag, sizeof m.tag);
    assert_ok(parseal_aggregator_add_plain(a, updates, 1, NULL));
    assert_error(parseal_aggregator_add_sealed(a, b.keys, updates + 1, 1, NULL),
                 PARSEAL_ERR_NO_MEMORY, "device_memory");
    const parseal_vec sum = parseal_host_vec(sealed, DIM, 4);
    assert_ok(parseal_aggregator_sum(a, &sum));
    assert_bytes(sealed, plain, 4 * DIM);
    parseal_aggregator_destroy(a);
    host_memory_free(plain);
    host_memory_free(sealed);
    bench_close(&b);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches),
        cmocka_unit_test(vectors),
        cmocka_unit_test(too_small),
        cmocka_unit_test(update_too_large),
    };
    const bool pinned = argc == 2 && strcmp(argv[1], "pinned") == 0;
    if (pinned && !host_memory_pin())
        return run_skip("no CUDA device to pin memory for");
    const int failed = RUN_SUITE("more than the device may hold", tests);
    if (pinned)
        host_memory_unpin();
    return failed;
}
