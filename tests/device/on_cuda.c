#include "device_kind.h"

#include "host/cuda/cu_api.h"

/* The stream that waits for the default stream, and the one that does not. */
enum { STREAMS = 2 };

static cu_api api; /* loaded as long as the program runs */
static cu_device device;
static cu_context context;
static cu_stream queue;

static bool find(void)
{
    int n = 0;
    return cu_api_load(&api) == PARSEAL_OK && api.Init(0) == CU_OK &&
           api.DeviceGetCount(&n) == CU_OK && n > 0 && api.DeviceGet(&device, 0) == CU_OK;
}

/* The context stays current, as CUDA's runtime would have it. */
static void open(int stream_kind, parseal_options *options)
{
    (void)options;
    assert_int_equal(api.DevicePrimaryCtxRetain(&context, device), CU_OK);
    assert_int_equal(api.CtxPushCurrent(context), CU_OK);
    assert_int_equal(api.StreamCreate(&queue, stream_kind == 0 ? 0 : CU_STREAM_NON_BLOCKING),
                     CU_OK);
}

static void close(void)
{
    assert_int_equal(api.StreamDestroy(queue), CU_OK);
    assert_int_equal(api.CtxPopCurrent(&context), CU_OK);
    assert_int_equal(api.DevicePrimaryCtxRelease(device), CU_OK);
}

static void *stream(void)
{
    return queue;
}

static void finish(void)
{
    assert_int_equal(api.StreamSynchronize(queue), CU_OK);
}

static uint64_t alloc(uint64_t size)
{
    cu_pointer memory;
    assert_int_equal(api.MemAlloc(&memory, size), CU_OK);
    return memory;
}

static void free_memory(uint64_t memory)
{
    assert_int_equal(api.MemFree(memory), CU_OK);
}

static void write(uint64_t memory, uint64_t at, const void *from, uint64_t size)
{
    assert_int_equal(api.MemcpyHtoDAsync(memory + at, from, size, queue), CU_OK);
    finish();
}

static void read(uint64_t memory, uint64_t at, void *to, uint64_t size)
{
    assert_int_equal(api.MemcpyDtoHAsync(to, memory + at, size, queue), CU_OK);
    finish();
}

/* The host's. */
static uint64_t foreign(uint64_t size)
{
    static uint64_t bytes[1024];
    assert_in_range(size, 0, sizeof bytes);
    return (uintptr_t)bytes;
}

const device_kind on = {
    .name = "CUDA",
    .library = "libcuda.so.1",
    .backend = PARSEAL_BACKEND_CUDA,
    .buf_kind = PARSEAL_BUF_CUDA,
    .other_buf_kind = PARSEAL_BUF_OPENCL,
    .streams = STREAMS,
    .never_waits = true,
    .knows_sizes = true,
    .find = find,
    .open = open,
    .close = close,
    .stream = stream,
    .finish = finish,
    .alloc = alloc,
    .free = free_memory,
    .write = write,
    .read = read,
    .foreign = foreign,
};
