/* OpenCL behind host/backend/backend.h: OPENCL buffers where they are, HOST buffers through the
 * device. */
#include "host/backend/backend.h"

#include <inttypes.h>
#include <stdlib.h>

#include "host/gpu/aead.h"
#include "host/gpu/vectors.h"
#include "host/opencl/device.h"

static void close_device(ocl_device *d)
{
    if (d->state != NULL) {
        (void)ocl_kernel_seconds(d); /* This releases the events of noted runs. */
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

static parseal_status device_open(parseal_device **device, const parseal_request *request)
{
    static atomic_uint_fast64_t opened;
    TRY(gpu_runtime_enter("opencl", &opened));
    ocl_device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "opencl: out of memory");
    parseal_status status = ocl_choose(d, request);
    if (status != PARSEAL_OK) {
        status = gpu_not_usable(&d->gpu, "opencl");
        free(d);
        return status;
    }
    status = open_state(d);
    if (status != PARSEAL_OK) {
        status = gpu_not_usable(&d->gpu, "opencl");
        close_device(d);
        return status;
    }
    *device = (parseal_device *)d;
    return PARSEAL_OK;
}

static void device_close(parseal_device *device)
{
    close_device((ocl_device *)device);
}

static double kernel_seconds(const parseal_device *device)
{
    return ocl_kernel_seconds(ocl_of(gpu_of(device)));
}

/* Asks the cl_mem for its context and its size. */
static parseal_status buf_check(const parseal_device *device, const char *name,
                                const parseal_buf *buf)
{
    const ocl_device *d = ocl_of(gpu_of(device));
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
    .buf_kind = PARSEAL_BUF_OPENCL,
    .open = device_open,
    .close = device_close,
    .is_inherited = gpu_is_inherited,
    .name = gpu_name,
    .place = gpu_place_of,
    .kernel_seconds = kernel_seconds,
    .buf_check = buf_check,
    .memory = &gpu_memory_family,
    .aead = &gpu_aead_family,
    .plan = &gpu_plan_family,
    .mask = &gpu_mask_family,
    .vector = &gpu_vector_family,
};
