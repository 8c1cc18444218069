/* OpenCL behind host/backend/backend.h: OPENCL buffers where they are, HOST buffers through the device. */
#include "host/backend/backend.h"

#include <inttypes.h>
#include <stdlib.h>

#include "host/gpu/aead.h"
#include "host/gpu/vectors.h"
#include "host/opencl/device.h"

static void device_close(void *device)
{
    ocl_device *d = device;
    if (d == NULL)
        return;
    if (d->state != NULL) {
        (void)ocl_kernel_seconds(d); /* lets go of what is noted */
        gpu_shared_close(&d->gpu);
        for (size_t i = 0; i < GPU_PROGRAMS; i++)
            if (d->state->built[i] != NULL)
                (void)d->api.ReleaseProgram(d->state->built[i]);
        free(d->state);
    }
    ocl_driver.stream_close(&d->gpu, &d->gpu.own);
    (void)d->api.ReleaseContext(d->context);
    cl_api_unload(&d->api);
    free(d);
}

static parseal_status open_state(ocl_device *d)
{
    TRY(gpu_shared_open(&d->gpu));
    d->state = calloc(1, sizeof *d->state);
    if (d->state != NULL)
        return PARSEAL_OK;
    gpu_shared_close(&d->gpu);
    return parseal_fail(PARSEAL_ERR_NO_MEMORY, "opencl: out of memory");
}

static parseal_status device_open(void **device, const parseal_request *request)
{
    ocl_device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "opencl: out of memory");
    parseal_status status = ocl_choose(d, request);
    if (status != PARSEAL_OK) {
        free(d);
        return status;
    }
    status = open_state(d);
    if (status != PARSEAL_OK) {
        device_close(d);
        return status;
    }
    *device = d;
    return PARSEAL_OK;
}

static const char *device_name(const void *device)
{
    return ((const ocl_device *)device)->gpu.name;
}

/* The device has its own. */
static uint32_t device_threads(const void *device)
{
    (void)device;
    return 0;
}

static size_t impl_count(const void *device, int32_t primitive)
{
    (void)device;
    (void)primitive;
    return 1;
}

static parseal_impl_entry impl_entry(const void *device, int32_t primitive, size_t index)
{
    (void)device;
    (void)primitive;
    (void)index;
    return (parseal_impl_entry){"opencl", NULL, PARSEAL_USABLE};
}

static void impl_use(void *device, int32_t primitive, size_t index)
{
    (void)device;
    (void)primitive;
    (void)index;
}

static bool accepts(uint32_t buf_kind)
{
    return buf_kind == PARSEAL_BUF_HOST || buf_kind == PARSEAL_BUF_OPENCL;
}

/* A cl_mem says itself whose it is, and how long. */
static parseal_status buf_check(const void *device, const char *name, const parseal_buf *buf)
{
    const ocl_device *d = device;
    const cl_mem memory = (cl_mem)buf->handle;
    cl_context context = NULL;
    size_t size = 0;
    if (d->api.GetMemObjectInfo(memory, CL_MEM_CONTEXT, sizeof context, &context, NULL) !=
            CL_SUCCESS ||
        d->api.GetMemObjectInfo(memory, CL_MEM_SIZE, sizeof size, &size, NULL) != CL_SUCCESS)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.handle: not a cl_mem", name);
    if (context != d->context)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "%s.handle: of another cl_context (see options.opencl_context)", name);
    if (buf->offset > size || buf->size > size - buf->offset)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "%s: offset %" PRIu64 " + size %" PRIu64
                            " pass the end of the cl_mem, which has %zu bytes",
                            name, buf->offset, buf->size, size);
    return PARSEAL_OK;
}

const parseal_backend parseal_opencl_backend = {
    .id = PARSEAL_BACKEND_OPENCL,
    .has_streams = true,
    .device_open = device_open,
    .device_close = device_close,
    .device_name = device_name,
    .device_threads = device_threads,
    .kernel_seconds = ocl_kernel_seconds,
    .impl_count = impl_count,
    .impl_entry = impl_entry,
    .impl_use = impl_use,
    .accepts = accepts,
    .buf_check = buf_check,
    .keys_create = gpu_keys_create,
    .keys_destroy = gpu_keys_destroy,
    .seeds_create = gpu_seeds_create,
    .seeds_destroy = gpu_seeds_destroy,
    .fcp_create = gpu_fcp_create,
    .fcp_destroy = gpu_fcp_destroy,
    .batch_run = gpu_batch_run,
    .memory_create = gpu_memory_create,
    .memory_destroy = gpu_memory_destroy,
    .memory_read = gpu_memory_read,
    .memory_write = gpu_memory_write,
    .accumulate = gpu_accumulate,
    .plan_create = gpu_plan_create,
    .plan_destroy = gpu_plan_destroy,
    .plan_workspace_size = gpu_plan_workspace_size,
    .plan_run = gpu_plan_run,
    .mask = gpu_mask,
    .fcp_mask = gpu_fcp_mask,
    .vec_sum = gpu_vec_sum,
    .quantize = gpu_quantize,
    .dequantize = gpu_dequantize,
    .pack = gpu_pack,
    .packed_sum = gpu_packed_sum,
};
