/* Plans that count: what a graph seals again and again, each time under the next nonces, against
 * the same messages on the CPU; what is refused; and what happens when no nonce is left. */
#include <string.h>

#include "counting_sides.h"
#include "run.h"

enum { MESSAGES = 5, KEYS = 2, STRIDE = 700, REPLAYS = 3, NONCE = 12, PREFIX = 4, PAIRS = 64 };
static const uint64_t lengths[MESSAGES] = {0, 1, 16, 333, STRIDE};
static const uint64_t offsets[MESSAGES] = {0, STRIDE, 2 * STRIDE, 3 * STRIDE, 4 * STRIDE};
static const uint32_t key_of[MESSAGES] = {0, 1, 0, 1, 0};
static const uint8_t key_bytes[KEYS * PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3, [32] = 4, 5, 6};

/* Three messages have key 0, so that steps of 3 are the least; the carry goes through six bytes. */
static const uint64_t numbers[MESSAGES] = {0xfffffffffffd, 0xfffffffffffd, 0xfffffffffffe,
                                           0xfffffffffffe, 0xffffffffffff};
enum { STEP = 3 };

typedef struct {
    uint8_t in[MESSAGES * STRIDE], out[MESSAGES * STRIDE];
    uint8_t nonce[MESSAGES][NONCE], tag[MESSAGES][PARSEAL_TAGBYTES];
    int32_t verdict[MESSAGES];
    _Alignas(256) uint8_t workspace[4096];
} data;

typedef struct {
    uint32_t key;
    uint8_t nonce[NONCE];
} pair;

typedef struct {
    parseal_keys *keys, *cpu_keys;
    parseal_plan *plan;
    data host, back;
    pair used[PAIRS];
    size_t n_used;
} bench;

static bench b;

/* ------------------------------------------------------------------------------------- bench -- */

static void nonce_of(size_t message, uint64_t number, uint8_t nonce[NONCE])
{
    memset(nonce, 0, NONCE);
    nonce[0] = 0x77;
    nonce[PREFIX - 1] = (uint8_t)(0x10 * (message % 2));
    for (int i = 0; i < 8; i++)
        nonce[PREFIX + i] = (uint8_t)(number >> (56 - 8 * i));
}

static parseal_aead_shape plain_shape(void)
{
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = MESSAGES;
    shape.len = lengths;
    shape.in_offset = offsets;
    shape.key = key_of;
    return shape;
}

static parseal_status plan_counting(parseal_plan **plan, const uint64_t first[MESSAGES],
                                    uint64_t step)
{
    uint8_t nonces[MESSAGES][NONCE];
    parseal_aead_shape shape = plain_shape();
    for (size_t i = 0; i < MESSAGES; i++)
        nonce_of(i, first[i], nonces[i]);
    shape.nonce = nonces[0];
    shape.nonce_step = step;
    return parseal_plan_create(plan, b.keys, &shape);
}

static int bench_open(void **state)
{
    (void)state;
    sides_open(&b.host, &b.back, sizeof b.host, "nonces");
    assert_ok(parseal_keys_create(&b.keys, sides.ctx, PARSEAL_AES256GCM, key_bytes, KEYS, NULL));
    assert_ok(
        parseal_keys_create(&b.cpu_keys, sides.cpu, PARSEAL_AES256GCM, key_bytes, KEYS, NULL));
    b.n_used = 0;
    return 0;
}

static int bench_close(void **state)
{
    (void)state;
    parseal_plan_destroy(b.plan);
    parseal_keys_destroy(b.keys);
    parseal_keys_destroy(b.cpu_keys);
    b.plan = NULL;
    return 0;
}

#define PART(kind, memory, field) \
    ((parseal_buf){(kind), 0, (memory), offsetof(data, field), sizeof(((data *)NULL)->field)})

static parseal_aead_io io_at(uint32_t kind, uint64_t memory)
{
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    io.in = PART(kind, memory, in);
    io.out = PART(kind, memory, out);
    io.nonce = PART(kind, memory, nonce);
    io.tag = PART(kind, memory, tag);
    io.verdict = PART(kind, memory, verdict);
    io.workspace = PART(kind, memory, workspace);
    return io;
}

static parseal_aead_io io_on_device(void)
{
    return io_at(on.buf_kind, sides.memory);
}

/* Notes the pair, which nobody has used before. */
static void use(uint32_t key, const uint8_t nonce[NONCE])
{
    assert_true(b.n_used < PAIRS);
    for (size_t i = 0; i < b.n_used; i++)
        if (b.used[i].key == key && memcmp(b.used[i].nonce, nonce, NONCE) == 0)
            fail_msg("a nonce comes twice under key %u", key);
    b.used[b.n_used].key = key;
    memcpy(b.used[b.n_used++].nonce, nonce, NONCE);
}

/* Messages that lie in `text` are sealed in `got`, under nonces that nobody has used before. */
static void check_sealed(const uint8_t *text, const data *got)
{
    static uint8_t want[MESSAGES * STRIDE];
    parseal_msg msgs[MESSAGES];
    for (size_t i = 0; i < MESSAGES; i++) {
        msgs[i] = (parseal_msg){.in = text + offsets[i],
                                .out = want + offsets[i],
                                .len = (size_t)lengths[i],
                                .key = key_of[i]};
        memcpy(msgs[i].nonce, got->nonce[i], NONCE);
        use(key_of[i], got->nonce[i]);
    }
    assert_ok(parseal_seal(b.cpu_keys, msgs, MESSAGES));
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(got->verdict[i], PARSEAL_ITEM_OK);
        assert_bytes(got->out + offsets[i], want + offsets[i], (size_t)lengths[i]);
        assert_bytes(got->tag[i], msgs[i].tag, PARSEAL_TAGBYTES);
    }
}

/* The nonces are those of run number `run`. */
static void check_numbers(const data *got, const uint64_t first[MESSAGES], uint64_t step,
                          uint64_t run)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        uint8_t want[NONCE];
        nonce_of(i, first[i] + run * step, want);
        assert_bytes(got->nonce[i], want, NONCE);
    }
}

static graph_exec capture_seal(const parseal_plan *plan, const parseal_aead_io *io)
{
    assert_int_equal(cu.begin(sides.stream, CAPTURE_GLOBAL), OK);
    assert_ok(parseal_plan_seal(plan, io, sides.stream));
    return graph_captured(sides.stream);
}

/* -------------------------------------------------------------------------------------- runs -- */

static void replays(void **state)
{
    const parseal_aead_io io = io_on_device();
    (void)state;
    assert_ok(plan_counting(&b.plan, numbers, STEP));
    assert_in_range(parseal_plan_workspace_size(b.plan), 0, sizeof b.host.workspace);
    const graph_exec exec = capture_seal(b.plan, &io);
    for (uint64_t run = 0; run < REPLAYS; run++) {
        sides_renew();
        assert_int_equal(cu.launch(exec, sides.stream), OK);
        sides_fetch();
        check_sealed(b.host.in, &b.back);
        check_numbers(&b.back, numbers, STEP, run);
    }
    assert_int_equal(b.n_used, REPLAYS * MESSAGES);
    assert_int_equal(cu.exec_destroy(exec), OK);
}

/* Replays, calls on the stream, on none, and on host memory all take the next nonces. What one has
 * sealed the plan opens, from the nonces that it was told. */
static void any_run_counts(void **state)
{
    parseal_aead_io io = io_on_device();
    static data text;
    (void)state;
    assert_ok(plan_counting(&b.plan, numbers, STEP));
    const graph_exec exec = capture_seal(b.plan, &io);
    sides_renew();
    assert_ok(parseal_plan_seal(b.plan, &io, sides.stream));
    sides_fetch();
    check_sealed(b.host.in, &b.back);
    assert_int_equal(cu.launch(exec, sides.stream), OK);
    sides_fetch();
    check_sealed(b.host.in, &b.back);
    assert_ok(parseal_plan_seal(b.plan, &io, NULL));
    sides_fetch();
    check_sealed(b.host.in, &b.back);
    check_numbers(&b.back, numbers, STEP, 2);

    io.in = io.out;
    assert_ok(parseal_plan_open(b.plan, &io, sides.stream));
    sides_fetch();
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(b.back.verdict[i], PARSEAL_ITEM_OK);
        assert_bytes(b.back.out + offsets[i], b.host.in + offsets[i], (size_t)lengths[i]);
    }
    memcpy(&text, &b.host, sizeof text);
    const parseal_aead_io on_host = io_at(PARSEAL_BUF_HOST, (uintptr_t)&b.host);
    assert_ok(parseal_plan_seal(b.plan, &on_host, NULL));
    check_sealed(text.in, &b.host);
    check_numbers(&b.host, numbers, STEP, 3);
    assert_int_equal(cu.exec_destroy(exec), OK);
}

/* Seals that overlap on two streams, each with buffers of its own. */
static void runs_that_overlap(void **state)
{
    enum { EACH = 3 };
    static data text;
    uint64_t memory[2 * EACH];
    (void)state;
    assert_ok(plan_counting(&b.plan, numbers, STEP));
    sides_renew();
    memcpy(&text, &b.host, sizeof text);
    for (size_t i = 0; i < 2 * EACH; i++) {
        memory[i] = on.alloc(sizeof text);
        on.write(memory[i], 0, &text, sizeof text);
    }
    for (size_t i = 0; i < 2 * EACH; i++) {
        const parseal_aead_io io = io_at(on.buf_kind, memory[i]);
        assert_ok(parseal_plan_seal(b.plan, &io, i % 2 == 0 ? sides.stream : PER_THREAD));
    }
    /* Without a stream a call waits for the default stream's earlier work, and for the thread's. */
    const parseal_aead_io io = io_on_device();
    assert_ok(parseal_plan_seal(b.plan, &io, NULL));
    for (size_t i = 0; i < 2 * EACH; i++) {
        on.finish();
        on.read(memory[i], 0, &b.back, sizeof b.back);
        check_sealed(text.in, &b.back);
        on.free(memory[i]);
    }
    sides_fetch();
    check_sealed(text.in, &b.back);
}

/* The graph's first node writes nonces that the host has made new before each launch. */
static void nonces_that_the_graph_writes(void **state)
{
    const parseal_aead_io io = io_on_device();
    parseal_aead_shape shape = plain_shape();
    (void)state;
    shape.graph_writes = 1;
    assert_ok(parseal_plan_create(&b.plan, b.keys, &shape));
    const graph_exec exec = capture_seal(b.plan, &io);
    for (int i = 0; i < REPLAYS; i++) {
        sides_renew();
        assert_int_equal(cu.launch(exec, sides.stream), OK);
        sides_fetch();
        assert_bytes(b.back.nonce, b.host.nonce, sizeof b.host.nonce);
        check_sealed(b.host.in, &b.back);
    }
    assert_int_equal(cu.exec_destroy(exec), OK);
}

/* ----------------------------------------------------------------------------------- the end -- */

static void check_nothing(const data *got)
{
    static const uint8_t zeros[STRIDE];
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(got->verdict[i], PARSEAL_ITEM_NO_NONCE);
        assert_bytes(got->out + offsets[i], zeros, (size_t)lengths[i]);
        assert_bytes(got->tag[i], zeros, PARSEAL_TAGBYTES);
        assert_bytes(got->nonce[i], zeros, NONCE);
    }
}

/* In steps of 2^62 there are four runs. Later ones seal nothing, in place neither: the plaintext is
 * gone, but no nonce comes again. */
static void no_nonce_is_left(void **state)
{
    enum { RUNS = 4, MORE = 5 };
    const uint64_t step = UINT64_C(1) << 62;
    const uint64_t first[MESSAGES] = {step - 4, 0, step - 3, 1, step - 2};
    parseal_aead_io io = io_on_device();
    (void)state;
    assert_ok(plan_counting(&b.plan, first, step));
    const graph_exec exec = capture_seal(b.plan, &io);
    for (uint64_t run = 0; run < RUNS + MORE; run++) {
        sides_renew();
        assert_int_equal(cu.launch(exec, sides.stream), OK);
        sides_fetch();
        if (run >= RUNS) {
            check_nothing(&b.back);
            assert_bytes(b.back.in, b.host.in, sizeof b.host.in);
            continue;
        }
        check_sealed(b.host.in, &b.back);
        check_numbers(&b.back, first, step, run);
    }
    io.in = io.out;
    sides_renew();
    assert_ok(parseal_plan_seal(b.plan, &io, sides.stream));
    sides_fetch();
    check_nothing(&b.back);
    assert_int_equal(cu.exec_destroy(exec), OK);
}

/* Where two messages have numbers left and a third has not, none of them is sealed. */
static void the_largest_number_decides(void **state)
{
    const uint64_t first[MESSAGES] = {5, 5, UINT64_MAX - 2 - STEP, 6, 9};
    const parseal_aead_io io = io_on_device();
    (void)state;
    assert_ok(plan_counting(&b.plan, first, STEP));
    for (int run = 0; run < 3; run++) {
        sides_renew();
        assert_ok(parseal_plan_seal(b.plan, &io, sides.stream));
        sides_fetch();
        if (run < 2)
            check_sealed(b.host.in, &b.back);
        else
            check_nothing(&b.back);
    }
}

/* ---------------------------------------------------------------------------------- refusals -- */

/* A seal without counting is refused by name, and the capture goes on. Opening may be captured. */
static void captures_without_counting(void **state)
{
    const parseal_aead_io io = io_on_device();
    parseal_aead_io sealed = io;
    const parseal_aead_shape shape = plain_shape();
    (void)state;
    assert_ok(parseal_plan_create(&b.plan, b.keys, &shape));
    sides_renew();
    assert_int_equal(cu.begin(sides.stream, CAPTURE_GLOBAL), OK);
    assert_error(parseal_plan_seal(b.plan, &io, sides.stream), PARSEAL_ERR_ARG, "stream");
    assert_non_null(strstr(parseal_last_error_text(), "shape.nonce_step"));
    sealed.in = sealed.out;
    assert_ok(parseal_plan_open(b.plan, &sealed, sides.stream));
    assert_error(parseal_plan_seal(b.plan, &io, sides.stream), PARSEAL_ERR_ARG, "stream");
    const graph_exec exec = graph_captured(sides.stream);
    sides_fetch();
    assert_bytes(&b.back, &b.host, sizeof b.host); /* nothing has run */

    assert_ok(parseal_plan_seal(b.plan, &io, sides.stream));
    assert_int_equal(cu.launch(exec, sides.stream), OK);
    sides_fetch();
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_int_equal(b.back.verdict[i], PARSEAL_ITEM_OK);
        assert_bytes(b.back.out + offsets[i], b.host.in + offsets[i], (size_t)lengths[i]);
    }
    assert_int_equal(cu.exec_destroy(exec), OK);
}

static void refuse_plan(const uint64_t first[MESSAGES], uint64_t step, parseal_status want,
                        const char *name)
{
    parseal_plan *plan = NULL;
    assert_error(plan_counting(&plan, first, step), want, name);
    assert_null(plan);
}

static void plans_that_would_repeat(void **state)
{
    static const uint64_t wraps[MESSAGES] = {5, 6, UINT64_MAX - 1 - STEP + 1, 7, 8};
    static const uint64_t last[MESSAGES] = {5, 6, 7, UINT64_MAX, 8};
    static const uint64_t same[MESSAGES] = {5, 5, 6, 9, 5};
    static const uint64_t meet[MESSAGES] = {5, 5, 7, 6, 5 + 10};
    (void)state;
    refuse_plan(numbers, STEP - 1, PARSEAL_ERR_SIZE, "nonce_step");
    refuse_plan(numbers, 1, PARSEAL_ERR_SIZE, "nonce_step");
    refuse_plan(wraps, STEP, PARSEAL_ERR_SIZE, "nonce");
    refuse_plan(last, STEP, PARSEAL_ERR_SIZE, "nonce");
    refuse_plan(numbers, UINT64_MAX, PARSEAL_ERR_SIZE, "nonce");
    refuse_plan(same, STEP, PARSEAL_ERR_ARG, "nonce");
    refuse_plan(meet, 10, PARSEAL_ERR_ARG, "nonce");
    assert_ok(plan_counting(&b.plan, meet, 11)); /* in steps of 11 they do not */
}

static void fields_that_contradict(void **state)
{
    uint8_t nonces[MESSAGES][NONCE];
    parseal_plan *plan = NULL;
    parseal_aead_shape shape = plain_shape();
    (void)state;
    for (size_t i = 0; i < MESSAGES; i++)
        nonce_of(i, numbers[i], nonces[i]);
    shape.nonce = nonces[0];
    assert_error(parseal_plan_create(&plan, b.keys, &shape), PARSEAL_ERR_ARG, "nonce_step");
    shape.nonce_step = STEP;
    shape.graph_writes = 1;
    assert_error(parseal_plan_create(&plan, b.keys, &shape), PARSEAL_ERR_ARG, "graph_writes");
    shape.graph_writes = 0;
    shape.nonce = NULL;
    assert_error(parseal_plan_create(&plan, b.keys, &shape), PARSEAL_ERR_ARG, "nonce");
    shape = plain_shape();
    shape.reserved = 1;
    assert_error(parseal_plan_create(&plan, b.keys, &shape), PARSEAL_ERR_ARG, "reserved");
    shape = plain_shape();
    shape.n = 0;
    shape.nonce_step = STEP;
    assert_ok(parseal_plan_create(&b.plan, b.keys, &shape)); /* nothing to count */
    assert_null(plan);
}

/* A seal writes the nonces, so nothing else may lie there. */
static void nonces_beside_others(void **state)
{
    parseal_aead_io io = io_on_device();
    (void)state;
    assert_ok(plan_counting(&b.plan, numbers, STEP));
    io.nonce.offset = offsetof(data, in) + 1;
    assert_error(parseal_plan_seal(b.plan, &io, sides.stream), PARSEAL_ERR_ALIAS, "io.nonce");
    assert_ok(parseal_plan_open(b.plan, &io, sides.stream));
    on.finish();
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, bench_open, bench_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(replays),
        TEST(any_run_counts),
        TEST(runs_that_overlap),
        TEST(nonces_that_the_graph_writes),
        TEST(no_nonce_is_left),
        TEST(the_largest_number_decides),
        TEST(captures_without_counting),
        TEST(plans_that_would_repeat),
        TEST(fields_that_contradict),
        TEST(nonces_beside_others),
    };
    return sides_suite("nonces of captured seals", tests, COUNT_OF(tests));
}
