/* A stream of NULL is the default stream that frameworks have as handle 0: a call on device buffers
 * sees what was enqueued there before it, and has finished when it returns. The handles 1 (the
 * default stream) and 2 (the thread's own) are streams as others. Against the same calls on the
 * CPU. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/cuda/cu_api.h"
#include "rng.h"
#include "run.h"
#include "shim.h"

static cu_api api;
static bool is_shim;

#define CU(name, arguments) assert_int_equal(api.name arguments, CU_OK)

/* ------------------------------------------------------------------------------------- sides -- */

enum { LARGE = 512 << 20 }; /* bytes */
enum { COUNT = 2003, ITEMS = 3, STRIDE = 2100, BITS = 17, ALIGNED = 256 };

/* All that calls read and write, in one memory. */
typedef struct {
    uint8_t in[ITEMS * STRIDE], out[ITEMS * STRIDE];
    uint8_t nonce[ITEMS][PARSEAL_AES256GCM_NONCEBYTES], tag[ITEMS][PARSEAL_TAGBYTES];
    int32_t verdict[ITEMS];
    uint32_t acc[COUNT], v[COUNT];
    float x[COUNT];
    uint8_t packed[(COUNT * BITS + 7) / 8];
    _Alignas(ALIGNED) uint64_t nonfinite;
    _Alignas(ALIGNED) uint8_t workspace[8192];
} data;

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_plan *plan;
    parseal_seeds *seeds, *seed;
    uint32_t kind;
    uint64_t memory;
    data *host; /* what is in host memory when some is: the buffers whose bit is set */
    unsigned on_host;
    void *stream;
} side;

static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};

static side gpu, cpu;
static data good, poison, want, got;
static cu_stream apart;  /* waits for nobody, and nobody for it */
static data *pinned;     /* the good data, which a real device copies while the host goes on */
static cu_pointer large; /* 0 on an emulated device */

static void side_open(side *s, int32_t backend)
{
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3};
    static const parseal_seed list[2] = {{.key = {1}, .sign = 1}, {.key = {2}, .sign = -1}};
    static const uint64_t len[ITEMS] = {STRIDE, 0, 1999}, offset[ITEMS] = {0, STRIDE, 2 * STRIDE};
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    options.backend = backend;
    shape.n = ITEMS;
    shape.len = len;
    shape.in_offset = offset;
    assert_ok(parseal_ctx_create(&s->ctx, &options));
    assert_ok(parseal_keys_create(&s->keys, s->ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_plan_create(&s->plan, s->keys, &shape));
    assert_in_range(parseal_plan_workspace_size(s->plan), 0, sizeof good.workspace);
    assert_ok(parseal_seeds_create(&s->seeds, s->ctx, list, 2));
    assert_ok(parseal_seeds_create(&s->seed, s->ctx, list, 1));
}

static void side_close(side *s)
{
    parseal_seeds_destroy(s->seed);
    parseal_seeds_destroy(s->seeds);
    parseal_plan_destroy(s->plan);
    parseal_keys_destroy(s->keys);
    parseal_ctx_destroy(s->ctx);
}

enum { ON_HOST_V = 1, ON_HOST_ACC = 2, ON_HOST_NONCE = 4, ON_HOST_NONFINITE = 8, ON_HOST_X = 16 };

static parseal_buf part(const side *s, size_t at, uint64_t size, unsigned bit)
{
    if ((s->on_host & bit) != 0)
        return parseal_host_buf((uint8_t *)s->host + at, size);
    return (parseal_buf){s->kind, 0, s->memory, at, size};
}

#define PART(s, field, bit) part((s), offsetof(data, field), sizeof good.field, (bit))
#define VEC(s, field, bit)  ((parseal_vec){PART((s), field, (bit)), COUNT})

/* ------------------------------------------------------------------------------------- calls -- */

static parseal_status sum(const side *s)
{
    const parseal_vec acc = VEC(s, acc, ON_HOST_ACC), v = VEC(s, v, ON_HOST_V);
    return parseal_vec_sum(s->ctx, &ring, &acc, &v, 1, s->stream);
}

static parseal_status packed_sum(const side *s)
{
    const parseal_vec acc = VEC(s, acc, ON_HOST_ACC);
    const parseal_buf packed = PART(s, packed, 0);
    return parseal_packed_sum(s->ctx, BITS, &ring, &acc, &packed, 1, s->stream);
}

static parseal_status mask(const side *s)
{
    const parseal_vec acc = VEC(s, acc, 0);
    return parseal_mask_apply(s->seeds, &ring, &acc, 77, s->stream);
}

static parseal_status quantize(const side *s)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    const parseal_vec x = VEC(s, x, ON_HOST_X), q = VEC(s, v, ON_HOST_V);
    const parseal_buf nonfinite = PART(s, nonfinite, ON_HOST_NONFINITE);
    quant.clip = 1.5f;
    return parseal_quantize(s->ctx, &quant, &x, &q, s->seed, 3, &nonfinite, s->stream);
}

static parseal_status dequantize(const side *s)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    const parseal_vec v = VEC(s, v, 0), x = VEC(s, x, 0);
    quant.clip = 1.5f;
    return parseal_dequantize(s->ctx, &quant, &v, 3, &x, NULL, s->stream);
}

static parseal_status pack(const side *s)
{
    const parseal_vec v = VEC(s, v, ON_HOST_V);
    const parseal_buf packed = PART(s, packed, 0);
    return parseal_pack(s->ctx, BITS, 4, &v, &packed, s->stream);
}

static parseal_status unpack(const side *s)
{
    const parseal_vec v = VEC(s, v, ON_HOST_V);
    const parseal_buf packed = PART(s, packed, 0);
    return parseal_unpack(s->ctx, BITS, 4, &packed, &v, s->stream);
}

static parseal_aead_io io_of(const side *s)
{
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    io.in = PART(s, in, 0);
    io.out = PART(s, out, 0);
    io.nonce = PART(s, nonce, ON_HOST_NONCE);
    io.tag = PART(s, tag, 0);
    io.verdict = PART(s, verdict, 0);
    io.workspace = PART(s, workspace, 0);
    return io;
}

static parseal_status seal(const side *s)
{
    const parseal_aead_io io = io_of(s);
    return parseal_plan_seal(s->plan, &io, s->stream);
}

/* What has been sealed is in `out`. */
static parseal_status open_sealed(const side *s)
{
    parseal_aead_io io = io_of(s);
    io.in = PART(s, out, 0);
    io.out = PART(s, in, 0);
    return parseal_plan_open(s->plan, &io, s->stream);
}

static const struct {
    const char *name;
    parseal_status (*call)(const side *s);
    unsigned on_host;
} calls[] = {
    {"sum", sum, 0},
    {"sum of a vector in host memory", sum, ON_HOST_V},
    {"sum in host memory", sum, ON_HOST_ACC},
    {"packed sum", packed_sum, 0},
    {"packed sum in host memory", packed_sum, ON_HOST_ACC},
    {"mask", mask, 0},
    {"quantize", quantize, 0},
    {"quantize, counting in host memory", quantize, ON_HOST_NONFINITE},
    {"quantize to host memory", quantize, ON_HOST_V},
    {"quantize in host memory", quantize, ON_HOST_V | ON_HOST_X},
    {"dequantize", dequantize, 0},
    {"pack", pack, 0},
    {"pack from host memory", pack, ON_HOST_V},
    {"unpack", unpack, 0},
    {"unpack to host memory", unpack, ON_HOST_V},
    {"seal", seal, 0},
    {"seal with nonces in host memory", seal, ON_HOST_NONCE},
    {"open", open_sealed, 0},
    {"open with nonces in host memory", open_sealed, ON_HOST_NONCE},
};

/* ------------------------------------------------------------------------------------- bench -- */

static cu_pointer at_device(void)
{
    return (cu_pointer)gpu.memory;
}

static void put_now(const data *from)
{
    CU(MemcpyHtoDAsync, (at_device(), from, sizeof *from, apart));
    CU(StreamSynchronize, (apart));
}

/* Work that keeps a real device busy for milliseconds, so that who does not wait is too early. */
static void dawdle(cu_stream on)
{
    for (int i = 0; i < 32 && large != 0; i++)
        CU(MemsetD32Async, (large, 0, LARGE / 4, on));
}

/* Host memory has the good data from the beginning on. */
static void check_call(size_t i, cu_stream writer, void *stream)
{
    static data host;
    memcpy(&want, &good, sizeof want);
    memcpy(&host, &good, sizeof host);
    gpu.on_host = calls[i].on_host;
    gpu.host = &host;
    gpu.stream = stream;
    put_now(&poison);
    dawdle(writer);
    CU(MemcpyHtoDAsync, (at_device(), pinned, sizeof good, writer));
    assert_ok(calls[i].call(&gpu));
    assert_ok(calls[i].call(&cpu));
    if (stream != NULL)
        CU(StreamSynchronize, (stream));
    CU(MemcpyDtoHAsync, (&got, at_device(), sizeof got, apart));
    CU(StreamSynchronize, (apart));

    /* What the call had in host memory is compared there. */
    const struct {
        unsigned bit;
        size_t at, size;
    } parts[] = {{ON_HOST_V, offsetof(data, v), sizeof good.v},
                 {ON_HOST_ACC, offsetof(data, acc), sizeof good.acc},
                 {ON_HOST_NONFINITE, offsetof(data, nonfinite), sizeof good.nonfinite}};
    for (size_t p = 0; p < COUNT_OF(parts); p++)
        if ((gpu.on_host & parts[p].bit) != 0)
            memcpy((uint8_t *)&got + parts[p].at, (uint8_t *)&host + parts[p].at, parts[p].size);
    if (memcmp(&got, &want, offsetof(data, workspace)) != 0)
        fail_msg("%s: wrong after work on stream %p", calls[i].name, (void *)writer);
}

static int open_both(void **state)
{
    cu_pointer memory;
    (void)state;
    rng r = rng_for("default stream");
    rng_fill(&r, &poison, sizeof poison);
    rng_fill(&r, &good, sizeof good);
    for (size_t i = 0; i < COUNT; i++)
        good.x[i] = (float)i / COUNT - 0.5f;
    CU(StreamCreate, (&apart, CU_STREAM_NON_BLOCKING));
    CU(MemAlloc, (&memory, sizeof(data)));
    CU(MemHostAlloc, ((void **)&pinned, sizeof *pinned, 0));
    if (!is_shim)
        CU(MemAlloc, (&large, LARGE));
    side_open(&gpu, PARSEAL_BACKEND_CUDA);
    side_open(&cpu, PARSEAL_BACKEND_CPU);
    gpu.kind = PARSEAL_BUF_CUDA;
    gpu.memory = (uint64_t)memory;
    cpu.kind = PARSEAL_BUF_HOST;
    cpu.memory = (uintptr_t)&good;
    assert_ok(seal(&cpu)); /* so that there is something to open */
    cpu.memory = (uintptr_t)&want;
    memcpy(pinned, &good, sizeof good);
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    side_close(&gpu);
    side_close(&cpu);
    CU(MemFree, (at_device()));
    CU(MemFreeHost, (pinned));
    if (large != 0)
        CU(MemFree, (large));
    CU(StreamDestroy, (apart));
    return 0;
}

/* ------------------------------------------------------------------------------------- tests -- */

/* Of an emulated device: it does nothing but what is waited for, or goes on in random orders. */
static const char *const seeds[] = {NULL, "1", "2", "3"};

static size_t n_seeds(void)
{
    return is_shim ? COUNT_OF(seeds) : 1;
}

static void seed(size_t i)
{
    assert_int_equal(seeds[i] != NULL ? setenv("PARSEAL_EMU_SEED", seeds[i], 1)
                                      : unsetenv("PARSEAL_EMU_SEED"),
                     0);
}

static cu_stream handle(uintptr_t number)
{
    return (cu_stream)number;
}

static void null_waits_for_the_default_stream(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_seeds(); k++) {
        seed(k);
        for (size_t i = 0; i < COUNT_OF(calls); i++)
            for (uintptr_t number = 0; number < 2; number++)
                check_call(i, handle(number), NULL);
    }
    seed(0);
}

/* What the default stream waits for is waited for, too. */
static void null_waits_for_blocking_streams(void **state)
{
    cu_stream blocking;
    (void)state;
    CU(StreamCreate, (&blocking, 0));
    for (size_t k = 0; k < n_seeds(); k++) {
        seed(k);
        for (size_t i = 0; i < COUNT_OF(calls); i++) {
            check_call(i, blocking, NULL);
            check_call(i, handle(2), NULL);
        }
    }
    seed(0);
    CU(StreamDestroy, (blocking));
}

static void handles_that_are_no_pointers(void **state)
{
    static const uintptr_t writers[] = {0, 1, 2};
    (void)state;
    for (size_t k = 0; k < n_seeds(); k++) {
        seed(k);
        for (size_t i = 0; i < COUNT_OF(calls); i++)
            for (size_t w = 0; w < COUNT_OF(writers); w++)
                for (uintptr_t number = 1; number <= 2; number++)
                    check_call(i, handle(writers[w]), handle(number));
    }
    seed(0);
}

/* As who uses the device beside the library: its primary context is current all the time. */
int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_waits_for_the_default_stream),
        cmocka_unit_test(null_waits_for_blocking_streams),
        cmocka_unit_test(handles_that_are_no_pointers),
    };
    shim_functions shim;
    cu_device device;
    cu_context context;
    if (cu_api_load(&api) != PARSEAL_OK || api.Init(0) != CU_OK ||
        api.DeviceGet(&device, 0) != CU_OK ||
        api.DevicePrimaryCtxRetain(&context, device) != CU_OK ||
        api.CtxPushCurrent(context) != CU_OK)
        return run_skip("no CUDA device");
    is_shim = shim_find("libcuda.so.1", &shim);
    const int failed =
        cmocka_run_group_tests_name("the default stream", tests, open_both, close_both);
    (void)api.CtxPopCurrent(&context);
    (void)api.DevicePrimaryCtxRelease(device);
    return failed;
}
