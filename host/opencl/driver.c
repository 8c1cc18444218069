/* OpenCL's queues and memory behind host/gpu/driver.h, and the steps of AES-GCM as aead.cl cuts
 * them. */
#include "host/gpu/aead.h"
#include "host/opencl/launch.h"

const ocl_device *ocl_of(const gpu_device *d)
{
    return (const ocl_device *)d; /* The gpu_device is its first member. */
}

/* ------------------------------------------------------------------------------------ queues -- */

cl_command_queue ocl_queue(const ocl_device *d)
{
    cl_int error;
    const cl_command_queue_properties properties = d->time_kernels ? CL_QUEUE_PROFILING_ENABLE : 0;
    cl_command_queue queue = d->api.CreateCommandQueue(d->context, d->id, properties, &error);
    if (queue == NULL)
        (void)cl_failed("clCreateCommandQueue", error);
    return queue;
}

static parseal_status stream_open(const gpu_device *d, gpu_stream *s)
{
    *s = (gpu_stream){ocl_queue(ocl_of(d)), true};
    return s->handle != NULL ? PARSEAL_OK : PARSEAL_ERR_DEVICE;
}

static void stream_close(const gpu_device *d, gpu_stream *s)
{
    (void)ocl_of(d)->api.ReleaseCommandQueue(s->handle);
    s->handle = NULL;
}

static parseal_status stream_of(const gpu_device *d, void *stream, gpu_stream *s)
{
    cl_command_queue_properties properties = 0;
    const cl_int error = ocl_of(d)->api.GetCommandQueueInfo(stream, CL_QUEUE_PROPERTIES,
                                                            sizeof properties, &properties, NULL);
    if (error != CL_SUCCESS)
        return parseal_fail(PARSEAL_ERR_ARG, "stream: not a cl_command_queue (%s)",
                            cl_error_name(error));
    *s = (gpu_stream){stream, (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0};
    return PARSEAL_OK;
}

parseal_status ocl_keep_order(const ocl_device *d, const gpu_stream *s)
{
    if (s->ordered)
        return PARSEAL_OK;
    const cl_int error = d->api.EnqueueBarrierWithWaitList(s->handle, 0, NULL, NULL);
    return error == CL_SUCCESS ? PARSEAL_OK : cl_failed("clEnqueueBarrierWithWaitList", error);
}

static parseal_status finish(const gpu_device *d, const gpu_stream *s)
{
    const cl_int error = ocl_of(d)->api.Finish(s->handle);
    return error == CL_SUCCESS ? PARSEAL_OK : cl_failed("clFinish", error);
}

/* ------------------------------------------------------------------------------------- marks -- */

/* Runtimes keep a queue as long as an event of it is kept, so no other one gets its handle. */
static parseal_status identify(const gpu_device *d, const gpu_stream *s, uint64_t *stream,
                               bool *captured)
{
    (void)d;
    *stream = (uintptr_t)s->handle;
    *captured = false;
    return PARSEAL_OK;
}

/* A marker waits for all that is in its queue, be that in order or not. */
static parseal_status mark(const gpu_device *d, const gpu_stream *s, void **at)
{
    const cl_api *api = &ocl_of(d)->api;
    cl_event event;
    const cl_int error = api->EnqueueMarkerWithWaitList(s->handle, 0, NULL, &event);
    if (error != CL_SUCCESS)
        return cl_failed("clEnqueueMarkerWithWaitList", error);
    if (*at != NULL)
        (void)api->ReleaseEvent(*at);
    *at = event;
    return PARSEAL_OK;
}

/* Of an event that nothing can be learned of there is nothing to wait for. */
static bool is_reached(const gpu_device *d, void *at)
{
    cl_int status = CL_COMPLETE;
    (void)ocl_of(d)->api.GetEventInfo(at, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status,
                                      NULL);
    return status <= CL_COMPLETE;
}

static void await(const gpu_device *d, void *at)
{
    const cl_event event = at;
    (void)ocl_of(d)->api.WaitForEvents(1, &event);
}

static void unmark(const gpu_device *d, void *at)
{
    (void)ocl_of(d)->api.ReleaseEvent(at);
}

/* ------------------------------------------------------------------------------------ memory -- */

static parseal_status make_buffer(const ocl_device *d, uint64_t size, cl_mem_flags flags,
                                  gpu_memory *memory)
{
    cl_int error = CL_INVALID_BUFFER_SIZE;
    cl_mem made = NULL;
    if (size <= SIZE_MAX)
        made = d->api.CreateBuffer(d->context, flags, size > 0 ? (size_t)size : 1, NULL, &error);
    *memory = (gpu_memory)made;
    if (error == CL_INVALID_BUFFER_SIZE)
        error = CL_MEM_OBJECT_ALLOCATION_FAILURE; /* The device has less memory than that. */
    return error == CL_SUCCESS ? PARSEAL_OK : cl_failed("clCreateBuffer", error);
}

static parseal_status alloc(const gpu_device *d, uint64_t size, gpu_memory *memory)
{
    return make_buffer(ocl_of(d), size, CL_MEM_READ_WRITE, memory);
}

static void free_memory(const gpu_device *d, gpu_memory memory)
{
    (void)ocl_of(d)->api.ReleaseMemObject((cl_mem)memory);
}

static parseal_status pin(const gpu_device *gpu, const gpu_stream *s, uint64_t size,
                          gpu_pinned *pinned)
{
    const ocl_device *d = ocl_of(gpu);
    cl_int error;
    TRY(make_buffer(d, size, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR, &pinned->memory));
    pinned->host =
        d->api.EnqueueMapBuffer(s->handle, (cl_mem)pinned->memory, CL_TRUE,
                                CL_MAP_READ | CL_MAP_WRITE, 0, (size_t)size, 0, NULL, NULL, &error);
    if (pinned->host != NULL)
        return PARSEAL_OK;
    free_memory(gpu, pinned->memory);
    return cl_failed("clEnqueueMapBuffer", error);
}

static void unpin(const gpu_device *d, const gpu_stream *s, gpu_pinned *pinned)
{
    (void)ocl_of(d)->api.EnqueueUnmapMemObject(s->handle, (cl_mem)pinned->memory, pinned->host, 0,
                                               NULL, NULL);
    (void)finish(d, s);
    free_memory(d, pinned->memory);
    *pinned = (gpu_pinned){0};
}

static parseal_status write(const gpu_device *gpu, const gpu_stream *s, gpu_memory to, uint64_t at,
                            const void *from, uint64_t size, bool wait)
{
    const ocl_device *d = ocl_of(gpu);
    const cl_int error = d->api.EnqueueWriteBuffer(s->handle, (cl_mem)to, wait ? CL_TRUE : CL_FALSE,
                                                   (size_t)at, (size_t)size, from, 0, NULL, NULL);
    return error == CL_SUCCESS ? ocl_keep_order(d, s) : cl_failed("clEnqueueWriteBuffer", error);
}

static parseal_status read(const gpu_device *gpu, const gpu_stream *s, gpu_memory from, uint64_t at,
                           void *to, uint64_t size, bool wait)
{
    const ocl_device *d = ocl_of(gpu);
    const cl_int error =
        d->api.EnqueueReadBuffer(s->handle, (cl_mem)from, wait ? CL_TRUE : CL_FALSE, (size_t)at,
                                 (size_t)size, to, 0, NULL, NULL);
    return error == CL_SUCCESS ? ocl_keep_order(d, s) : cl_failed("clEnqueueReadBuffer", error);
}

static parseal_status wipe(const gpu_device *d, const gpu_stream *s, gpu_memory memory, uint64_t at,
                           uint64_t size)
{
    const gpu_place place = {memory, at};
    gpu_launch launch;
    gpu_launch_begin(&launch, d, GPU_SUM, "wipe");
    gpu_arg_place(&launch, &place);
    gpu_arg_u64(&launch, size / 4);
    return gpu_launch_run(&launch, s, size / 4);
}

/* -------------------------------------------------------------------------------------- aead -- */

/* One work-item takes CRYPT_GROUP blocks. */
static uint64_t crypt_units(const aead_item *item)
{
    const uint64_t group = (uint64_t)16 * CRYPT_GROUP;
    return item->len / group + (item->len % group != 0);
}

static uint32_t hash_tile(const gpu_device *d, const aead_item *items, size_t n)
{
    (void)d;
    (void)items;
    (void)n;
    return HASH_TILE;
}

static parseal_status crypt(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open)
{
    gpu_launch launch;
    gpu_aead_launch(&launch, t, "aead_crypt");
    gpu_arg_memory(&launch, t->crypt_begin);
    gpu_arg_u64(&launch, t->crypt_total);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_place(&launch, &io->nonces);
    gpu_arg_place(&launch, &io->in);
    gpu_arg_place(&launch, &io->out);
    gpu_arg_place(&launch, &io->verdicts);
    gpu_arg_u32(&launch, open);
    return gpu_launch_run(&launch, s, t->crypt_total);
}

static const char *add_kernel(const gpu_device *d, uint32_t element_size)
{
    (void)d;
    (void)element_size;
    return "aead_add";
}

static parseal_status hash(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                           const gpu_stream *s, bool open)
{
    gpu_launch launch;
    gpu_aead_launch(&launch, t, "aead_hash");
    gpu_arg_memory(&launch, t->hash_begin);
    gpu_arg_u64(&launch, t->hash_total);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_place(&launch, open ? &io->in : &io->out);
    gpu_arg_u32(&launch, !open);
    gpu_arg_place(&launch, &io->aad);
    gpu_arg_place(&launch, &io->work);
    return gpu_launch_run(&launch, s, t->hash_total);
}

static const gpu_aead_tactics aead = {
    .hash_tile_min = HASH_TILE,
    .begin_group = 32,
    .add_blocks = GROUP_SIZE * CRYPT_GROUP,
    .add_items = GROUP_SIZE,
    .crypt_units = crypt_units,
    .hash_tile = hash_tile,
    .crypt = crypt,
    .add_kernel = add_kernel,
    .hash = hash,
};

const gpu_driver ocl_driver = {
    .buf_kind = PARSEAL_BUF_OPENCL,
    .sum_inputs = OCL_SUM_INPUTS,
    .fcp_blocks = 32,
    .alloc = alloc,
    .free = free_memory,
    .pin = pin,
    .unpin = unpin,
    .stream_open = stream_open,
    .stream_close = stream_close,
    .stream_of = stream_of,
    .finish = finish,
    .identify = identify,
    .mark = mark,
    .is_reached = is_reached,
    .await = await,
    .unmark = unmark,
    .write = write,
    .read = read,
    .wipe = wipe,
    .launch = ocl_launch,
    .aead = &aead,
};
