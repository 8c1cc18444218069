/* Calls that are captured in a CUDA graph, which then runs as often as it is launched, on whatever
 * its buffers hold by then; against the same calls on the CPU. */
#include <stdio.h>
#include <string.h>

#include "device_kind.h"
#include "graphs.h"
#include "rng.h"
#include "run.h"

/* ------------------------------------------------------------------------------------- bench -- */

enum { ITEMS = 7, STRIDE = 3000, COUNT = 3001, INPUTS = 3, ALIGNED = 256 };

/* Everything that the calls read and write, in one memory. */
typedef struct {
    uint8_t in[ITEMS * STRIDE], out[ITEMS * STRIDE];
    uint8_t nonce[ITEMS][PARSEAL_AES256GCM_NONCEBYTES], tag[ITEMS][PARSEAL_TAGBYTES];
    int32_t verdict[ITEMS];
    uint32_t acc[COUNT], v[INPUTS][COUNT];
    float x[COUNT]; /* random bits, some of them no numbers */
    _Alignas(ALIGNED) uint64_t nonfinite;
    uint64_t number; /* of the masks' stream */
    _Alignas(ALIGNED) uint8_t workspace[8192];
} data;

static const parseal_ring ring = {UINT64_C(4294967291), 4, 0};

/* One backend's objects, and where its data is. */
typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_plan *plan;
    parseal_seeds *seeds;
    uint32_t buf_kind;
    uint64_t memory;
    void *stream;
} side;

typedef struct {
    side device, cpu;
    data host, back;
    rng r;
} bench;

static const parseal_seed seeds[2] = {{.key = {1}, .sign = 1}, {.key = {2}, .sign = -1}};

/* The graph takes its nonces, and the number of its masks' stream, from the memory that `renew`
 * writes. */
static void side_fill(side *s)
{
    static const uint8_t key[2 * PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3};
    uint64_t len[ITEMS], offset[ITEMS];
    uint32_t of[ITEMS];
    for (size_t i = 0; i < ITEMS; i++) {
        len[i] = i * i * 83 % STRIDE;
        offset[i] = i * STRIDE;
        of[i] = (uint32_t)(i % 2);
    }
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = ITEMS;
    shape.len = len;
    shape.in_offset = offset;
    shape.key = of;
    shape.graph_writes = 1;
    assert_ok(parseal_keys_create(&s->keys, s->ctx, PARSEAL_AES256GCM, key, 2, NULL));
    assert_ok(parseal_plan_create(&s->plan, s->keys, &shape));
    assert_in_range(parseal_plan_workspace_size(s->plan), 0, sizeof(((data *)NULL)->workspace));
}

static void side_close(side *s)
{
    parseal_seeds_destroy(s->seeds);
    parseal_plan_destroy(s->plan);
    parseal_keys_destroy(s->keys);
    parseal_ctx_destroy(s->ctx);
}

enum { BLOCKING = 0, NON_BLOCKING = 1 }; /* on_cuda.c */

#define PART(s, field)                                                   \
    ((parseal_buf){(s)->buf_kind, 0, (s)->memory, offsetof(data, field), \
                   sizeof(((data *)NULL)->field)})

static void bench_open_on(bench *b, int stream_kind, bool time_kernels)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    memset(b, 0, sizeof *b);
    b->r = rng_for("graph");
    on.open(stream_kind, &options);
    options.backend = on.backend;
    options.time_kernels = time_kernels;
    assert_ok(parseal_ctx_create(&b->device.ctx, &options));
    options = (parseal_options)PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    assert_ok(parseal_ctx_create(&b->cpu.ctx, &options));
    side_fill(&b->device);
    side_fill(&b->cpu);
    b->device.buf_kind = on.buf_kind;
    b->device.memory = on.alloc(sizeof b->host);
    b->device.stream = on.stream();
    parseal_counting counting = PARSEAL_COUNTING_INIT;
    counting.graph_writes = 1;
    counting.number = PART(&b->device, number);
    assert_ok(parseal_seeds_create_counting(&b->device.seeds, b->device.ctx, seeds, 2, &counting));
    b->cpu.buf_kind = PARSEAL_BUF_HOST;
    b->cpu.memory = (uintptr_t)&b->host;
}

static void bench_open(bench *b, bool time_kernels)
{
    bench_open_on(b, NON_BLOCKING, time_kernels);
}

static void bench_close(bench *b)
{
    side_close(&b->device);
    side_close(&b->cpu);
    on.free(b->device.memory);
    on.close();
}

static parseal_status run_calls(const side *s)
{
    const parseal_vec acc = {PART(s, acc), COUNT};
    const parseal_vec v[INPUTS] = {
        {PART(s, v[0]), COUNT}, {PART(s, v[1]), COUNT}, {PART(s, v[2]), COUNT}};
    const parseal_vec x = {PART(s, x), COUNT};
    const parseal_buf nonfinite = PART(s, nonfinite);
    parseal_quant quant = PARSEAL_QUANT_INIT;
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    quant.clip = 1.0f;
    quant.rounding = PARSEAL_ROUND_NEAREST;
    io.in = PART(s, in);
    io.out = PART(s, out);
    io.nonce = PART(s, nonce);
    io.tag = PART(s, tag);
    io.verdict = PART(s, verdict);
    io.workspace = PART(s, workspace);
    parseal_status status = parseal_plan_seal(s->plan, &io, s->stream);
    if (status == PARSEAL_OK)
        status = parseal_mask_apply(s->seeds, &ring, &acc, 77, s->stream);
    if (status == PARSEAL_OK)
        status = parseal_vec_sum(s->ctx, &ring, &acc, v, INPUTS, s->stream);
    if (status == PARSEAL_OK)
        status = parseal_quantize(s->ctx, &quant, &x, &v[0], NULL, 0, &nonfinite, s->stream);
    return status;
}

/* New data, the same on both sides. */
static void renew(bench *b)
{
    rng_fill(&b->r, &b->host, sizeof b->host);
    on.write(b->device.memory, 0, &b->host, sizeof b->host);
}

static parseal_status run_on_cpu(bench *b)
{
    parseal_seed list[2] = {seeds[0], seeds[1]};
    for (size_t i = 0; i < 2; i++)
        memcpy(list[i].stream_id, &b->host.number, sizeof list[i].stream_id);
    assert_ok(parseal_seeds_create(&b->cpu.seeds, b->cpu.ctx, list, 2));
    const parseal_status status = run_calls(&b->cpu);
    parseal_seeds_destroy(b->cpu.seeds);
    b->cpu.seeds = NULL;
    return status;
}

/* The data that calls on the device have left is what they leave on the CPU. */
static void compare(bench *b)
{
    on.finish();
    on.read(b->device.memory, 0, &b->back, sizeof b->back);
    assert_ok(run_on_cpu(b));
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(b->host.verdict[i], PARSEAL_ITEM_OK);
    assert_bytes(&b->back, &b->host, offsetof(data, workspace));
}

/* -------------------------------------------------------------------------------------- tests --
 */

static void check_launches(bool time_kernels)
{
    static bench b;
    graph captured;
    graph_exec exec;
    bench_open(&b, time_kernels);
    renew(&b);
    assert_int_equal(cu.begin(b.device.stream, CAPTURE_GLOBAL), OK);
    assert_ok(run_calls(&b.device));
    assert_int_equal(cu.end(b.device.stream, &captured), OK);
    assert_int_equal(cu.instantiate(&exec, captured, 0), OK);

    /* Capturing has run nothing. */
    on.finish();
    on.read(b.device.memory, 0, &b.back, sizeof b.back);
    assert_bytes(&b.back, &b.host, sizeof b.host);
    for (int i = 0; i < 3; i++) {
        renew(&b);
        assert_int_equal(cu.launch(exec, b.device.stream), OK);
        compare(&b);
    }
    assert_int_equal(cu.exec_destroy(exec), OK);
    assert_int_equal(cu.destroy(captured), OK);
    bench_close(&b);
}

static void launched_again_and_again(void **state)
{
    (void)state;
    check_launches(false);
}

/* Nobody can ask when a captured kernel ran: such runs have no time, and that is all. */
static void with_times(void **state)
{
    (void)state;
    check_launches(true);
}

/* Host memory cannot be waited for here: the call fails, and so does the capture; afterwards all is
 * as before. */
static void what_waits_is_refused(void **state)
{
    (void)state;
    static bench b;
    graph captured = NULL;
    bench_open(&b, false);
    renew(&b);
    side on_host = b.device;
    on_host.buf_kind = PARSEAL_BUF_HOST;
    on_host.memory = b.cpu.memory;
    assert_int_equal(cu.begin(b.device.stream, CAPTURE_GLOBAL), OK);
    const parseal_status status = run_calls(&on_host);
    assert_true(status == PARSEAL_ERR_DEVICE || status == PARSEAL_ERR_NO_MEMORY);
    assert_int_not_equal(cu.end(b.device.stream, &captured), OK);
    assert_null(captured);
    renew(&b);
    assert_ok(run_calls(&b.device));
    compare(&b);
    bench_close(&b);
}

/* Captures calls of the device's, and one on its buffers with a stream of NULL (or the default
 * stream's own handle), which is not to be captured. */
static void check_default_while_captured(int stream_kind, void *stream, parseal_status want)
{
    static bench b;
    graph captured = NULL;
    graph_exec exec;
    bench_open_on(&b, stream_kind, false);
    renew(&b);
    side at_once = b.device;
    at_once.stream = stream;
    assert_int_equal(cu.begin(b.device.stream, CAPTURE_GLOBAL), OK);
    if (want == PARSEAL_OK)
        assert_ok(run_calls(&at_once));
    else
        assert_error(run_calls(&at_once), want, "stream");
    assert_ok(run_calls(&b.device));
    assert_int_equal(cu.end(b.device.stream, &captured), OK);
    if (want == PARSEAL_OK)
        compare(&b); /* the calls that were not captured */
    assert_int_equal(cu.instantiate(&exec, captured, 0), OK);
    renew(&b);
    assert_int_equal(cu.launch(exec, b.device.stream), OK);
    compare(&b);
    assert_int_equal(cu.exec_destroy(exec), OK);
    assert_int_equal(cu.destroy(captured), OK);
    bench_close(&b);
}

/* The default stream may not be used while a stream is captured that waits for it: NULL is refused,
 * and so is its handle, and the capture goes on. A stream that does not wait is captured beside
 * it. */
static void the_default_stream_while_captured(void **state)
{
    (void)state;
    check_default_while_captured(BLOCKING, NULL, PARSEAL_ERR_ARG);
    check_default_while_captured(BLOCKING, (void *)(uintptr_t)1, PARSEAL_ERR_ARG);
    check_default_while_captured(NON_BLOCKING, NULL, PARSEAL_OK);
}

/* A call on host memory alone has nothing to do with the default stream, though what it counts in
 * is on the device meanwhile. */
static void host_memory_while_captured(void **state)
{
    (void)state;
    static bench b;
    static float zeros[COUNT];
    static uint32_t q[COUNT];
    graph captured = NULL;
    uint64_t nonfinite = 1;
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 1.0f;
    quant.rounding = PARSEAL_ROUND_NEAREST;
    const parseal_vec x = parseal_host_vec(zeros, COUNT, sizeof(float));
    const parseal_vec to = parseal_host_vec(q, COUNT, 4);
    const parseal_buf count = {PARSEAL_BUF_HOST, 0, (uintptr_t)&nonfinite, 0, sizeof nonfinite};
    bench_open_on(&b, BLOCKING, false);
    renew(&b);
    assert_int_equal(cu.begin(b.device.stream, CAPTURE_RELAXED), OK);
    assert_ok(parseal_quantize(b.device.ctx, &quant, &x, &to, NULL, 0, &count, NULL));
    assert_int_equal(nonfinite, 0);
    assert_ok(run_calls(&b.device));
    assert_int_equal(cu.end(b.device.stream, &captured), OK);
    assert_int_equal(cu.destroy(captured), OK);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(launched_again_and_again),
        cmocka_unit_test(with_times),
        cmocka_unit_test(what_waits_is_refused),
        cmocka_unit_test(the_default_stream_while_captured),
        cmocka_unit_test(host_memory_while_captured),
    };
    if (!on.find())
        return run_skip("no device");
    if (!find_graphs())
        return run_skip("a driver without cuGraphInstantiateWithFlags (CUDA 12.0)");
    return RUN_SUITE("captured calls", tests);
}
