#include "device_kind.h"

#include "host/opencl/cl_api.h"

static cl_api api; /* loaded as long as the program runs */
static cl_device_id device;
static cl_context context, other;
static cl_command_queue queue;
static cl_mem foreign_memory;

static bool find(void)
{
    cl_platform_id platforms[8];
    cl_uint n = 0;
    if (cl_api_load(&api) != PARSEAL_OK || api.GetPlatformIDs(8, platforms, &n) != CL_SUCCESS)
        return false;
    for (cl_uint i = 0; i < n && i < 8; i++)
        if (api.GetDeviceIDs(platforms[i], CL_DEVICE_TYPE_ALL, 1, &device, NULL) == CL_SUCCESS)
            return true;
    return false;
}

static void open(int stream_kind, parseal_options *options)
{
    context = api.CreateContext(NULL, 1, &device, NULL, NULL, NULL);
    other = api.CreateContext(NULL, 1, &device, NULL, NULL, NULL);
    assert_non_null(context);
    assert_non_null(other);
    queue = api.CreateCommandQueue(
        context, device, stream_kind == 0 ? 0 : CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE, NULL);
    assert_non_null(queue);
    foreign_memory = NULL;
    options->opencl_context = (uintptr_t)context;
}

static void close(void)
{
    if (foreign_memory != NULL)
        assert_int_equal(api.ReleaseMemObject(foreign_memory), CL_SUCCESS);
    assert_int_equal(api.ReleaseCommandQueue(queue), CL_SUCCESS);
    assert_int_equal(api.ReleaseContext(other), CL_SUCCESS);
    assert_int_equal(api.ReleaseContext(context), CL_SUCCESS);
}

static void *stream(void)
{
    return queue;
}

static void finish(void)
{
    assert_int_equal(api.Finish(queue), CL_SUCCESS);
}

static uint64_t alloc_in(cl_context where, uint64_t size)
{
    cl_mem memory = api.CreateBuffer(where, CL_MEM_READ_WRITE, size, NULL, NULL);
    assert_non_null(memory);
    return (uintptr_t)memory;
}

static uint64_t alloc(uint64_t size)
{
    return alloc_in(context, size);
}

static cl_mem memory_of(uint64_t handle)
{
    return (cl_mem)(uintptr_t)handle;
}

static void free_memory(uint64_t memory)
{
    assert_int_equal(api.ReleaseMemObject(memory_of(memory)), CL_SUCCESS);
}

static void write(uint64_t memory, uint64_t at, const void *from, uint64_t size)
{
    assert_int_equal(
        api.EnqueueWriteBuffer(queue, memory_of(memory), CL_TRUE, at, size, from, 0, NULL, NULL),
        CL_SUCCESS);
}

static void read(uint64_t memory, uint64_t at, void *to, uint64_t size)
{
    assert_int_equal(
        api.EnqueueReadBuffer(queue, memory_of(memory), CL_TRUE, at, size, to, 0, NULL, NULL),
        CL_SUCCESS);
}

static uint64_t foreign(uint64_t size)
{
    foreign_memory = memory_of(alloc_in(other, size));
    return (uintptr_t)foreign_memory;
}

const device_kind on = {
    .name = "OpenCL",
    .library = "libOpenCL.so.1",
    .backend = PARSEAL_BACKEND_OPENCL,
    .buf_kind = PARSEAL_BUF_OPENCL,
    .other_buf_kind = PARSEAL_BUF_CUDA,
    .streams = 2,
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
