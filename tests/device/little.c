/* A device that has little memory left, as other processes have filled it: calls on host memory go
 * through in smaller pieces, what is kept for later calls makes way, and where even the smallest
 * pieces have no room the call says so and has changed nothing. Calls that go through leave the
 * text of an older error. The runtimes of opencl/ and emu/ have as many bytes as
 * PARSEAL_TEST_MEMORY says. */
#include <parseal/aggregator.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "rng.h"
#include "run.h"

enum { MESSAGES = 21, EACH = 90001, LONG = 1500007, ALL = MESSAGES * EACH + LONG, COUNT = 300007 };

/* Three slots of 256 KiB have room in so many bytes, beside keys and tables, but not three of 512
 * KiB; and not even three of the smallest. */
static const char little[] = "1200000", least[] = "100000";

static parseal_ctx *ctx, *cpu;
static parseal_keys *keys, *cpu_keys;
static parseal_seeds *seeds, *cpu_seeds;
static uint8_t in[ALL], out[ALL], want[ALL];
static size_t n, length_max; /* messages, and the bytes of the longest */
static uint32_t v[COUNT], acc[COUNT], want_acc[COUNT];

static void set_memory(const char *bytes)
{
    assert_int_equal(bytes != NULL ? setenv("PARSEAL_TEST_MEMORY", bytes, 1)
                                   : unsetenv("PARSEAL_TEST_MEMORY"),
                     0);
}

static void open_side(parseal_ctx **c, parseal_keys **k, parseal_seeds **s, int32_t backend)
{
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {3};
    static const parseal_seed seed = {.key = {4}, .sign = 1};
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = backend;
    options.device_memory = 256 << 20; /* Whatever is free, a call may ask for so much. */
    assert_ok(parseal_ctx_create(c, &options));
    assert_ok(parseal_keys_create(k, *c, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_seeds_create(s, *c, &seed, 1));
}

static int open_both(void **state)
{
    rng r = rng_for("little");
    (void)state;
    n = run_share(MESSAGES, 4);
    length_max = run_share(LONG, 2);
    set_memory(NULL);
    open_side(&ctx, &keys, &seeds, run_backend());
    open_side(&cpu, &cpu_keys, &cpu_seeds, PARSEAL_BACKEND_CPU);
    rng_fill(&r, in, sizeof in);
    rng_fill(&r, v, sizeof v);
    rng_fill(&r, acc, sizeof acc);
    memcpy(want_acc, acc, sizeof acc);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    set_memory(NULL);
    parseal_seeds_destroy(seeds);
    parseal_seeds_destroy(cpu_seeds);
    parseal_keys_destroy(keys);
    parseal_keys_destroy(cpu_keys);
    parseal_ctx_destroy(ctx);
    parseal_ctx_destroy(cpu);
    return 0;
}

/* Short messages, and a long one between them. */
static void describe(parseal_msg msgs[MESSAGES], const uint8_t *from, uint8_t *to)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t len = i == n / 2 ? length_max : EACH;
        msgs[i] = (parseal_msg){
            .in = from + at, .out = to + at, .len = len, .nonce = {(uint8_t)i}, .aad_len = 0};
        at += len;
    }
}

static void same_messages(const parseal_msg *a, const parseal_msg *b)
{
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(a[i].status, PARSEAL_ITEM_OK);
        assert_bytes(a[i].out, b[i].out, a[i].len);
        assert_bytes(a[i].tag, b[i].tag, sizeof a[i].tag);
    }
}

/* In place: a message that is done must not be sealed again. */
static void batches(void **state)
{
    (void)state;
    parseal_msg msgs[MESSAGES], want_msgs[MESSAGES];
    size_t failed;
    describe(want_msgs, in, want);
    assert_ok(parseal_seal(cpu_keys, want_msgs, n));
    set_memory(little);
    memcpy(out, in, sizeof in);
    describe(msgs, out, out);
    assert_ok_silently(parseal_seal(keys, msgs, n));
    same_messages(msgs, want_msgs);
    assert_ok_silently(parseal_open(keys, msgs, n, &failed));
    assert_int_equal(failed, 0);
    assert_bytes(out, in, sizeof in);
}

static void vectors(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_C(4294967291), 4, 0};
    const parseal_vec a = parseal_host_vec(acc, COUNT, 4), x = parseal_host_vec(v, COUNT, 4);
    const parseal_vec want_a = parseal_host_vec(want_acc, COUNT, 4);
    assert_ok(parseal_vec_sum(cpu, &ring, &want_a, &x, 1, NULL));
    assert_ok(parseal_mask_apply(cpu_seeds, &ring, &want_a, 7, NULL));
    set_memory(little);
    assert_ok_silently(parseal_vec_sum(ctx, &ring, &a, &x, 1, NULL));
    assert_ok_silently(parseal_mask_apply(seeds, &ring, &a, 7, NULL));
    assert_bytes(acc, want_acc, sizeof acc);
}

/* As many as do not fit side by side, not even in the smallest pieces. */
static void many_inputs(void **state)
{
    (void)state;
    enum { INPUTS = 61, EACH_COUNT = 10007 };
    static const parseal_ring ring = {UINT64_C(4294967291), 4, 0};
    const parseal_vec a = parseal_host_vec(acc, EACH_COUNT, 4);
    const parseal_vec want_a = parseal_host_vec(want_acc, EACH_COUNT, 4);
    parseal_vec inputs[INPUTS];
    for (size_t i = 0; i < INPUTS; i++)
        inputs[i] = parseal_host_vec(v + 4001 * i, EACH_COUNT, 4);
    assert_ok(parseal_vec_sum(cpu, &ring, &want_a, inputs, INPUTS, NULL));
    set_memory(little);
    assert_ok_silently(parseal_vec_sum(ctx, &ring, &a, inputs, INPUTS, NULL));
    assert_bytes(acc, want_acc, sizeof acc);
}

/* The first calls leave memory for later ones, which then has to make way. */
static void what_is_kept_makes_way(void **state)
{
    parseal_aggregator *a;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_msg msgs[MESSAGES];
    describe(msgs, in, out);
    assert_ok_silently(parseal_seal(keys, msgs, n));
    set_memory("1300000");
    options.ring = (parseal_ring){UINT64_C(1) << 32, 4, 0};
    options.dim = 200000;
    assert_ok_silently(parseal_aggregator_create(&a, ctx, &options));
    parseal_aggregator_destroy(a);
    if (!run_emulated())
        batches(state);
}

static void too_little(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_C(4294967291), 4, 0};
    const parseal_vec a = parseal_host_vec(acc, COUNT, 4), x = parseal_host_vec(v, COUNT, 4);
    parseal_msg msgs[MESSAGES];
    describe(msgs, in, out);
    memset(out, 0x5a, sizeof out);
    set_memory(least);
    assert_status(parseal_seal(keys, msgs, n), PARSEAL_ERR_NO_MEMORY);
    assert_filled(out, sizeof out, 0x5a);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(msgs[i].status, PARSEAL_ITEM_UNSET);
    assert_status(parseal_vec_sum(ctx, &ring, &a, &x, 1, NULL), PARSEAL_ERR_NO_MEMORY);
    assert_bytes(acc, want_acc, sizeof acc);
    if (!run_emulated())
        batches(state);
}

/* Wherever in the call memory runs out, in place: each message is either done, and right, or is
 * UNSET and as it was. */
static void any_memory(void **state)
{
    (void)state;
    const size_t from = 300000, to = 1300000, step = run_emulated() ? 450000 : 41000;
    parseal_msg msgs[MESSAGES], want_msgs[MESSAGES];
    size_t whole = 0, none = 0;
    describe(want_msgs, in, want);
    assert_ok(parseal_seal(cpu_keys, want_msgs, n));
    for (size_t bytes = from; bytes < to; bytes += step) {
        char text[32];
        snprintf(text, sizeof text, "%zu", bytes);
        set_memory(text);
        memcpy(out, in, sizeof in);
        describe(msgs, out, out);
        const parseal_status status = parseal_seal(keys, msgs, n);
        assert_true(status == PARSEAL_OK || status == PARSEAL_ERR_NO_MEMORY);
        for (size_t i = 0; i < n; i++) {
            const bool done = msgs[i].status == PARSEAL_ITEM_OK;
            assert_true(done || (status != PARSEAL_OK && msgs[i].status == PARSEAL_ITEM_UNSET));
            assert_bytes(msgs[i].out, done ? want_msgs[i].out : want_msgs[i].in, msgs[i].len);
        }
        whole += status == PARSEAL_OK;
        none += status != PARSEAL_OK;
    }
    assert_true(whole > 0 && none > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(batches, open_both, close_both),
        cmocka_unit_test_setup_teardown(vectors, open_both, close_both),
        cmocka_unit_test_setup_teardown(many_inputs, open_both, close_both),
        cmocka_unit_test_setup_teardown(what_is_kept_makes_way, open_both, close_both),
        cmocka_unit_test_setup_teardown(too_little, open_both, close_both),
        cmocka_unit_test_setup_teardown(any_memory, open_both, close_both),
    };
    return RUN_SUITE("a device with little memory left", tests);
}
