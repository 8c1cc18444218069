/* CUDA behind host/backend/backend.h: CUDA buffers where they are, HOST buffers through the device.
 * The device's primary context is current for as long as a call runs, and captures do not suffer
 * from what it does: enter and leave, which the API calls around a family's functions, see to
 * that. */
#include <inttypes.h>
#include <stdlib.h>

#include "host/cuda/device.h"
#include "host/gpu/aead.h"
#include "host/gpu/vectors.h"

static const cuda_device *device_of(const parseal_device *device)
{
    return cuda_of(gpu_of(device));
}

static parseal_status enter(const parseal_device *device)
{
    const cuda_device *d = device_of(device);
    TRY(cu_check_lost(&d->api));
    CU_TRY(&d->api, CtxPushCurrent, (d->context));
    cu_relax(&d->api);
    return PARSEAL_OK;
}

static void leave(const parseal_device *device)
{
    const cu_api *api = &device_of(device)->api;
    cu_context other;
    cu_restrict(api);
    (void)api->CtxPopCurrent(&other);
}

/* ------------------------------------------------------------------------------------ device -- */

/* Frees what needs the device's context, which is current before and after. */
static void close_inside(cuda_device *d)
{
    if (d->state != NULL) {
        (void)cuda_kernel_seconds(d); /* This destroys the events of noted runs. */
        gpu_shared_close(&d->gpu);
        free(d->state);
    }
    if (d->gpu.own.handle != NULL)
        cuda_driver.stream_close(&d->gpu, &d->gpu.own);
    cuda_unload(d);
}

static void release(cuda_device *d)
{
    cu_relax(&d->api);
    (void)d->api.DevicePrimaryCtxRelease(d->id);
    cu_restrict(&d->api);
    cu_api_unload(&d->api);
    free(d);
}

/* Frees the device even where its context cannot be made current: the driver then refuses its part
 * by itself. */
static void device_close(parseal_device *device)
{
    cuda_device *d = (cuda_device *)device;
    const bool entered = enter(device) == PARSEAL_OK;
    close_inside(d);
    if (entered)
        leave(device);
    release(d);
}

static parseal_status open_inside(cuda_device *d)
{
    TRY(cuda_load(d));
    TRY(cuda_driver.stream_open(&d->gpu, &d->gpu.own));
    TRY(gpu_shared_open(&d->gpu));
    d->api.is_fresh = false;
    parseal_status status = cuda_order_ghash(d);
    if (status == PARSEAL_OK) {
        d->state = calloc(1, sizeof *d->state);
        if (d->state != NULL)
            return PARSEAL_OK;
        status = parseal_fail(PARSEAL_ERR_NO_MEMORY, "cuda: out of memory");
    }
    gpu_shared_close(&d->gpu);
    return status;
}

static parseal_status device_open(parseal_device **device, const parseal_request *request)
{
    static atomic_uint_fast64_t opened;
    TRY(gpu_runtime_enter("cuda", &opened));
    cuda_device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "cuda: out of memory");
    parseal_status status = cuda_choose(d, request);
    if (status != PARSEAL_OK) {
        status = gpu_not_usable(&d->gpu, "cuda");
        free(d);
        return status;
    }
    status = open_inside(d);
    if (status != PARSEAL_OK)
        close_inside(d);
    leave((parseal_device *)d);
    if (status != PARSEAL_OK) {
        status = gpu_not_usable(&d->gpu, "cuda");
        release(d);
        return status;
    }
    *device = (parseal_device *)d;
    return PARSEAL_OK;
}

static double kernel_seconds(const parseal_device *device)
{
    const bool entered = enter(device) == PARSEAL_OK;
    const double seconds = cuda_kernel_seconds(device_of(device));
    if (entered)
        leave(device);
    return seconds;
}

/* Returns how many bytes lie from `at` to the end of what was allocated or mapped there at once,
 * and 0 where the driver does not know. */
static uint64_t bytes_from(const cu_api *api, cu_pointer at)
{
    cu_pointer begin = 0;
    size_t size = 0;
    if (api->PointerGetAttribute(&begin, CU_POINTER_RANGE_START, at) != CU_OK ||
        api->PointerGetAttribute(&size, CU_POINTER_RANGE_SIZE, at) != CU_OK || begin > at ||
        at - begin >= size)
        return 0;
    return size - (at - begin);
}

/* Memory that is mapped piece by piece, as PyTorch's expandable segments are, is looked at piece by
 * piece. Other memory is one piece, and what follows is not the caller's buffer. */
static parseal_status check_end(const cu_api *api, const char *name, const parseal_buf *buf)
{
    const cu_pointer begin = (cu_pointer)buf->handle + buf->offset;
    unsigned is_whole = 1;
    uint64_t found = bytes_from(api, begin), next = found;
    if (found == 0 || api->PointerGetAttribute(&is_whole, CU_POINTER_IS_WHOLE, begin) != CU_OK)
        return PARSEAL_OK;
    while (found < buf->size && next > 0 && (is_whole & 1) == 0)
        found += next = bytes_from(api, begin + found);
    if (found >= buf->size)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_SIZE,
                        "%s: %" PRIu64 " bytes from offset %" PRIu64
                        " on pass the end of the device's memory, which has %" PRIu64,
                        name, buf->size, buf->offset, found);
}

/* Asks the driver which device a pointer belongs to, and where its memory ends. */
static parseal_status buf_check(const parseal_device *device, const char *name,
                                const parseal_buf *buf)
{
    const cuda_device *d = device_of(device);
    int ordinal = -1;
    unsigned type = 0;
    const cu_pointer at = (cu_pointer)buf->handle + buf->offset;
    TRY(cu_check_lost(&d->api));
    const cu_result error = d->api.PointerGetAttribute(&type, CU_POINTER_MEMORY_TYPE, at);
    if (cu_is_fatal(error))
        return cu_failed(&d->api, "cuPointerGetAttribute", error);
    if (error != CU_OK || type != CU_MEMORY_DEVICE)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.handle: not a CUdeviceptr", name);
    if (d->api.PointerGetAttribute(&ordinal, CU_POINTER_DEVICE_ORDINAL, at) != CU_OK ||
        ordinal != d->ordinal)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.handle: of device %d, not of device %d", name,
                            ordinal, d->ordinal);
    return check_end(&d->api, name, buf);
}

const parseal_backend parseal_cuda_backend = {
    .id = PARSEAL_BACKEND_CUDA,
    .has_streams = true,
    .has_graphs = true,
    .has_long_kernels = true,
    .buf_kind = PARSEAL_BUF_CUDA,
    .open = device_open,
    .close = device_close,
    .is_inherited = gpu_is_inherited,
    .name = gpu_name,
    .place = gpu_place_of,
    .kernel_seconds = kernel_seconds,
    .impl_count = cuda_impl_count,
    .impl_entry = cuda_impl_entry,
    .impl_use = cuda_impl_use,
    .buf_check = buf_check,
    .enter = enter,
    .leave = leave,
    .memory = &gpu_memory_family,
    .aead = &gpu_aead_family,
    .plan = &gpu_plan_family,
    .mask = &gpu_mask_family,
    .vector = &gpu_vector_family,
};
