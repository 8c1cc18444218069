/* What is destroyed while its work has not begun, as is likely on a stream that nobody has waited
 * for yet: the work is done all the same, and with the right keys. */
#include <string.h>

#include "check.h"
#include "host/cuda/cu_api.h"
#include "run.h"

enum { LENGTH = 5000, MESSAGES = 1 };

static cu_api api;

#define CU(name, arguments) assert_int_equal(api.name arguments, CU_OK)

static parseal_buf device_buf(uint64_t size)
{
    cu_pointer p;
    CU(MemAlloc, (&p, (size_t)size));
    return (parseal_buf){.kind = PARSEAL_BUF_CUDA, .handle = (uintptr_t)p, .size = size};
}

static cu_pointer at(const parseal_buf *buf)
{
    return (cu_pointer)buf->handle;
}

static void expected(const uint8_t *key, parseal_msg *msg)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx;
    parseal_keys *keys;
    options.backend = PARSEAL_BACKEND_CPU;
    assert_ok(parseal_ctx_create(&ctx, &options));
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_seal(keys, msg, MESSAGES));
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

/* Enqueues the sealing of io's message, and destroys everything but its buffers. */
static void seal_and_destroy(const uint8_t *key, parseal_aead_io *io, cu_stream stream)
{
    const uint64_t len = LENGTH, offset = 0;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_plan *plan;
    options.backend = PARSEAL_BACKEND_CUDA;
    shape.n = MESSAGES;
    shape.len = &len;
    shape.in_offset = &offset;
    assert_ok(parseal_ctx_create(&ctx, &options));
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_plan_create(&plan, keys, &shape));
    io->workspace = device_buf(parseal_plan_workspace_size(plan));
    assert_ok(parseal_plan_seal(plan, io, stream));
    parseal_plan_destroy(plan);
    parseal_keys_destroy(keys);
    parseal_ctx_destroy(ctx);
}

static void seals_before_keys_are_wiped(void **state)
{
    static uint8_t text[LENGTH], want[LENGTH], got[LENGTH];
    const uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {3, 1, 4, 1, 5};
    uint8_t tag[PARSEAL_TAGBYTES];
    int32_t verdict;
    cu_stream stream;
    parseal_msg msg = {.in = text, .out = want, .len = LENGTH, .nonce = {2, 7}};
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    (void)state;
    memset(text, 0x3a, sizeof text);
    expected(key, &msg);
    CU(StreamCreate, (&stream, CU_STREAM_NON_BLOCKING));
    io.in = io.out = device_buf(LENGTH);
    io.nonce = device_buf(PARSEAL_AES256GCM_NONCEBYTES);
    io.tag = device_buf(PARSEAL_TAGBYTES);
    io.verdict = device_buf(sizeof verdict);
    CU(MemcpyHtoDAsync, (at(&io.in), text, LENGTH, stream));
    CU(MemcpyHtoDAsync, (at(&io.nonce), msg.nonce, PARSEAL_AES256GCM_NONCEBYTES, stream));
    seal_and_destroy(key, &io, stream);
    CU(MemcpyDtoHAsync, (got, at(&io.out), LENGTH, stream));
    CU(MemcpyDtoHAsync, (tag, at(&io.tag), sizeof tag, stream));
    CU(MemcpyDtoHAsync, (&verdict, at(&io.verdict), sizeof verdict, stream));
    CU(StreamSynchronize, (stream));
    assert_bytes(got, want, LENGTH);
    assert_bytes(tag, msg.tag, sizeof tag);
    assert_int_equal(verdict, PARSEAL_ITEM_OK);
    parseal_buf *const bufs[] = {&io.in, &io.nonce, &io.tag, &io.verdict, &io.workspace};
    for (size_t i = 0; i < COUNT_OF(bufs); i++)
        CU(MemFree, (at(bufs[i])));
    CU(StreamDestroy, (stream));
}

/* As who uses the device beside the library: its primary context is current all the time. */
int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(seals_before_keys_are_wiped)};
    cu_device device;
    cu_context context;
    if (cu_api_load(&api) != PARSEAL_OK || api.Init(0) != CU_OK ||
        api.DeviceGet(&device, 0) != CU_OK ||
        api.DevicePrimaryCtxRetain(&context, device) != CU_OK ||
        api.CtxPushCurrent(context) != CU_OK)
        return run_skip("no CUDA device");
    const int failed = cmocka_run_group_tests_name("late", tests, NULL, NULL);
    (void)api.CtxPopCurrent(&context);
    (void)api.DevicePrimaryCtxRelease(device);
    return failed;
}
