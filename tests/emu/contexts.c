/* Several contexts in one process, on one device and on two: objects of one are refused by the
 * other, which is named, and neither takes the other's memory, streams, captures or place in a
 * thread. */
#include <parseal/aggregator.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "host/cuda/cu_api.h"
#include "host/support/dynlib.h"
#include "machines.h"
#include "run.h"

enum { DEVICES = 2, COUNT = 3000, MIB = 1 << 20 };

static cu_api api;
static cu_context primary[DEVICES];
static parseal_ctx *on[DEVICES], *beside; /* `beside` is on the first device, too */

#define CU(name, arguments) assert_int_equal(api.name arguments, CU_OK)

static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {7};
static const parseal_seed seed = {.key = {9}, .sign = 1};

static parseal_status open_with(parseal_ctx **ctx, const char *device, uint64_t memory)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CUDA;
    options.device = device;
    options.device_memory = memory;
    *ctx = NULL;
    return parseal_ctx_create(ctx, &options);
}

static void enter(int device)
{
    CU(CtxPushCurrent, (primary[device]));
}

static void leave(void)
{
    cu_context other;
    CU(CtxPopCurrent, (&other));
}

/* ----------------------------------------------------------------------------------- refused -- */

#define FIRST  "cuda device 0, Emulated GPU 0"
#define SECOND "cuda device 1, Emulated GPU 1"

static void ensure_text(const char *text)
{
    if (strstr(parseal_last_error_text(), text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, parseal_last_error_text());
}

static parseal_aggregator *aggregator_on(parseal_ctx *ctx)
{
    parseal_aggregator *a;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = ring;
    options.dim = COUNT;
    assert_ok(parseal_aggregator_create(&a, ctx, &options));
    return a;
}

/* Nothing of the refused calls is left: the same with the context's own objects is right. */
static void check_aggregator(parseal_ctx *ctx, parseal_ctx *other, const char *refusal)
{
    static uint32_t zeros[COUNT], sealed[COUNT], sum[COUNT];
    parseal_aggregator *a = aggregator_on(ctx);
    parseal_keys *keys[2];
    parseal_seeds *seeds[2];
    for (int i = 0; i < 2; i++) {
        parseal_ctx *of = i == 0 ? other : ctx;
        assert_ok(parseal_keys_create(&keys[i], of, PARSEAL_AES256GCM, key, 1, NULL));
        assert_ok(parseal_seeds_create(&seeds[i], of, &seed, 1));
    }
    parseal_msg m = {.in = zeros, .out = sealed, .len = sizeof sealed};
    assert_ok(parseal_seal(keys[0], &m, 1));
    parseal_update u = {.in = sealed, .len = sizeof sealed};
    memcpy(u.tag, m.tag, sizeof u.tag);
    const parseal_vec to = parseal_host_vec(sum, COUNT, 4);
    assert_error(parseal_aggregator_add_sealed(a, keys[0], &u, 1, NULL), PARSEAL_ERR_ARG, "keys");
    ensure_text(refusal);
    assert_error(parseal_aggregator_unmask(a, seeds[0]), PARSEAL_ERR_ARG, "seeds");
    ensure_text(refusal);
    assert_ok(parseal_aggregator_add_sealed(a, keys[1], &u, 1, NULL));
    assert_ok(parseal_aggregator_sum(a, &to));
    assert_bytes(sum, zeros, sizeof sum);
    parseal_aggregator_destroy(a);
    for (int i = 0; i < 2; i++) {
        parseal_seeds_destroy(seeds[i]);
        parseal_keys_destroy(keys[i]);
    }
}

static void objects_of_another_context(void **state)
{
    (void)state;
    parseal_ctx *cpu;
    assert_ok(open_ctx(&cpu, PARSEAL_BACKEND_CPU));
    check_aggregator(on[1], on[0], "the aggregator: of " FIRST ", not of " SECOND);
    check_aggregator(on[0], on[1], "the aggregator: of " SECOND ", not of " FIRST);
    check_aggregator(on[0], beside, "another context than the aggregator, both of " FIRST);
    check_aggregator(on[0], cpu, "the aggregator: of cpu, not of " FIRST);
    parseal_ctx_destroy(cpu);
}

static void a_seed_of_another_context(void **state)
{
    static float x[COUNT];
    static uint32_t q[COUNT], zeros[COUNT];
    parseal_seeds *seeds;
    parseal_quant quant = PARSEAL_QUANT_INIT;
    const parseal_vec from = parseal_host_vec(x, COUNT, 4), to = parseal_host_vec(q, COUNT, 4);
    (void)state;
    quant.clip = 1.0f;
    assert_ok(parseal_seeds_create(&seeds, on[0], &seed, 1));
    assert_error(parseal_quantize(on[1], &quant, &from, &to, seeds, 0, NULL, NULL), PARSEAL_ERR_ARG,
                 "seed");
    ensure_text("ctx: of " FIRST ", not of " SECOND);
    assert_bytes(q, zeros, sizeof q);
    parseal_seeds_destroy(seeds);
}

/* A plan's and a mask's buffers, of the device that the objects are not of. */
static void memory_and_streams_of_the_other_device(void **state)
{
    const uint64_t len = COUNT, offset = 0;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    parseal_keys *keys;
    parseal_plan *plan;
    parseal_seeds *seeds;
    cu_pointer memory[DEVICES];
    cu_stream stream[DEVICES];
    (void)state;
    for (int i = 0; i < DEVICES; i++) {
        enter(i);
        CU(MemAlloc, (&memory[i], 4 * COUNT));
        CU(StreamCreate, (&stream[i], CU_STREAM_NON_BLOCKING));
        leave();
    }
    shape.n = 1;
    shape.len = &len;
    shape.in_offset = &offset;
    assert_ok(parseal_keys_create(&keys, on[0], PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_plan_create(&plan, keys, &shape));
    assert_ok(parseal_seeds_create(&seeds, on[0], &seed, 1));
    io.in = io.out = (parseal_buf){PARSEAL_BUF_CUDA, 0, memory[1], 0, COUNT};
    assert_error(parseal_plan_seal(plan, &io, stream[0]), PARSEAL_ERR_ARG, "io.in.handle");
    ensure_text("of device 1, not of device 0");
    const parseal_vec theirs = {{PARSEAL_BUF_CUDA, 0, memory[1], 0, 4 * COUNT}, COUNT},
                      ours = {{PARSEAL_BUF_CUDA, 0, memory[0], 0, 4 * COUNT}, COUNT};
    assert_error(parseal_mask_apply(seeds, &ring, &theirs, 0, stream[0]), PARSEAL_ERR_ARG,
                 "acc.handle");
    ensure_text("of device 1, not of device 0");
    assert_status(parseal_mask_apply(seeds, &ring, &ours, 0, stream[1]), PARSEAL_ERR_DEVICE);
    ensure_text("is the stream one of the context's device?");
    assert_ok(parseal_mask_apply(seeds, &ring, &ours, 0, stream[0]));
    parseal_seeds_destroy(seeds);
    parseal_plan_destroy(plan);
    parseal_keys_destroy(keys);
    for (int i = 0; i < DEVICES; i++) {
        enter(i);
        CU(MemFree, (memory[i]));
        CU(StreamDestroy, (stream[i]));
        leave();
    }
}

/* ------------------------------------------------------------------------------------ memory -- */

static size_t left_on(int device)
{
    size_t bytes, all;
    enter(device);
    CU(MemGetInfo, (&bytes, &all));
    leave();
    return bytes;
}

static void check_sum(parseal_ctx *ctx)
{
    enum { LONG = 4 * MIB };
    uint32_t *acc = calloc(LONG, 4), *v = calloc(LONG, 4);
    assert_non_null(acc);
    assert_non_null(v);
    for (uint32_t i = 0; i < LONG; i++)
        v[i] = 3 * i;
    const parseal_vec to = parseal_host_vec(acc, LONG, 4), from = parseal_host_vec(v, LONG, 4);
    assert_ok(parseal_vec_sum(ctx, &ring, &to, &from, 1, NULL));
    assert_bytes(acc, v, 4 * (size_t)LONG);
    free(acc);
    free(v);
}

/* Each context keeps to its own options.device_memory, and to its own device. What a call has used
 * is kept for the next one. */
static void each_has_its_own_budget(void **state)
{
    static const struct {
        const char *device;
        uint64_t memory;
    } rows[] = {{"0", MIB}, {"0", 9 * MIB}, {"1", 3 * MIB}};
    parseal_ctx *ctx[COUNT_OF(rows)];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_ok(open_with(&ctx[i], rows[i].device, rows[i].memory));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const int device = rows[i].device[0] - '0';
        const size_t before = left_on(device), others = left_on(1 - device);
        check_sum(ctx[i]);
        const size_t held = before - left_on(device);
        assert_in_range(held, rows[i].memory / 2, rows[i].memory);
        assert_int_equal(left_on(1 - device), others);
    }
    /* A context that goes takes nothing from another one of its device. */
    const size_t before = left_on(0);
    parseal_ctx_destroy(ctx[1]);
    assert_in_range(left_on(0), before + rows[1].memory / 2, SIZE_MAX);
    check_sum(ctx[0]);
    parseal_ctx_destroy(ctx[0]);
    parseal_ctx_destroy(ctx[2]);
}

/* ----------------------------------------------------------------------------------- threads -- */

/* What is current on a thread stays so, be it the other device's context or none. */
static void the_current_context_stays(void **state)
{
    static uint32_t acc[COUNT];
    const parseal_vec vec = parseal_host_vec(acc, COUNT, 4);
    (void)state;
    for (int current = -1; current < DEVICES; current++)
        for (int i = 0; i < DEVICES; i++) {
            cu_context now = NULL;
            if (current >= 0)
                enter(current);
            assert_ok(parseal_vec_sum(on[i], &ring, &vec, NULL, 0, NULL));
            parseal_aggregator_destroy(aggregator_on(on[i]));
            if (current >= 0)
                CU(CtxPopCurrent, (&now));
            if (current >= 0)
                assert_ptr_equal(now, primary[current]);
            assert_int_not_equal(api.CtxPopCurrent(&now), CU_OK);
        }
}

typedef struct {
    parseal_ctx *ctx;
    uint8_t out[COUNT], tag[PARSEAL_TAGBYTES];
    uint32_t acc[COUNT];
    bool fine;
} worker;

/* Small calls, one after the other, with objects that come and go. */
static void *work(void *arg)
{
    worker *w = arg;
    static const uint8_t in[COUNT];
    const parseal_vec acc = parseal_host_vec(w->acc, COUNT, 4);
    w->fine = true;
    for (uint8_t i = 0; i < 5 && w->fine; i++) {
        parseal_keys *keys = NULL;
        parseal_seeds *seeds = NULL;
        parseal_msg m = {.in = in, .out = w->out, .len = COUNT, .nonce = {i}};
        w->fine =
            parseal_keys_create(&keys, w->ctx, PARSEAL_AES256GCM, key, 1, NULL) == PARSEAL_OK &&
            parseal_seeds_create(&seeds, w->ctx, &seed, 1) == PARSEAL_OK &&
            parseal_seal(keys, &m, 1) == PARSEAL_OK &&
            parseal_mask_apply(seeds, &ring, &acc, i, NULL) == PARSEAL_OK;
        memcpy(w->tag, m.tag, sizeof w->tag);
        parseal_seeds_destroy(seeds);
        parseal_keys_destroy(keys);
    }
    return NULL;
}

static void all_at_once(void **state)
{
    static worker workers[4];
    pthread_t threads[COUNT_OF(workers)];
    parseal_ctx *cpu;
    (void)state;
    assert_ok(open_ctx(&cpu, PARSEAL_BACKEND_CPU));
    parseal_ctx *const ctxs[] = {on[0], beside, on[1], cpu};
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        workers[i].ctx = ctxs[i];
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(workers); i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (size_t i = 0; i < COUNT_OF(workers); i++) {
        assert_true(workers[i].fine);
        assert_bytes(workers[i].out, workers[3].out, COUNT);
        assert_bytes(workers[i].tag, workers[3].tag, PARSEAL_TAGBYTES);
        assert_bytes(workers[i].acc, workers[3].acc, sizeof workers[i].acc);
    }
    parseal_ctx_destroy(cpu);
}

/* A capture of mode global forbids on all devices what it forbids on one. */
static void a_capture_on_the_other_device(void **state)
{
    static const char *const names[] = {"libcuda.so.1", NULL};
    static worker w;
    cu_result (*begin)(cu_stream stream, int mode), (*end)(cu_stream stream, void **graph),
        (*destroy)(void *graph);
    void *library = dynlib_open(names), *graph = NULL;
    cu_stream stream;
    (void)state;
    dynlib_function(library, "cuStreamBeginCapture_v2", &begin, sizeof begin);
    dynlib_function(library, "cuStreamEndCapture", &end, sizeof end);
    dynlib_function(library, "cuGraphDestroy", &destroy, sizeof destroy);
    enter(1);
    CU(StreamCreate, (&stream, 0));
    assert_int_equal(begin(stream, 0), CU_OK);
    leave();
    for (size_t i = 0; i < DEVICES; i++) {
        w.ctx = on[i];
        (void)work(&w);
        assert_true(w.fine);
        parseal_aggregator_destroy(aggregator_on(on[i]));
    }
    enter(1);
    assert_int_equal(end(stream, &graph), CU_OK);
    assert_int_equal(destroy(graph), CU_OK);
    CU(StreamDestroy, (stream));
    leave();
}

static int open_all(void **state)
{
    (void)state;
    assert_ok(open_with(&on[0], "0", 0));
    assert_ok(open_with(&on[1], "1", 0));
    assert_ok(open_with(&beside, "0", 0));
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    parseal_ctx_destroy(on[0]);
    parseal_ctx_destroy(on[1]);
    parseal_ctx_destroy(beside);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(objects_of_another_context, machine_reset),
        cmocka_unit_test_setup(a_seed_of_another_context, machine_reset),
        cmocka_unit_test_setup(memory_and_streams_of_the_other_device, machine_reset),
        cmocka_unit_test_setup(each_has_its_own_budget, machine_reset),
        cmocka_unit_test_setup(the_current_context_stays, machine_reset),
        cmocka_unit_test_setup(all_at_once, machine_reset),
        cmocka_unit_test_setup(a_capture_on_the_other_device, machine_reset),
    };
    if (!machine_find()) {
        print_error("libcuda.so.1 is not this test's own: see LD_LIBRARY_PATH\n");
        return 1;
    }
    if (cu_api_load(&api) != PARSEAL_OK || api.Init(0) != CU_OK)
        return run_skip("no CUDA device");
    for (int i = 0; i < DEVICES; i++) {
        cu_device device;
        if (api.DeviceGet(&device, i) != CU_OK ||
            api.DevicePrimaryCtxRetain(&primary[i], device) != CU_OK)
            return run_skip("no second CUDA device");
    }
    const int failed = cmocka_run_group_tests_name("contexts", tests, open_all, close_all);
    for (int i = 0; i < DEVICES; i++)
        (void)api.DevicePrimaryCtxRelease(i);
    return failed;
}
