/* Chooses a CUDA device: the first, or the one that the options or PARSEAL_CUDA_DEVICE name. */
#include <stdio.h>

#include "host/cuda/device.h"

/* TILES is how many tiles of aead_add keep a multiprocessor busy: two for each warp. */
enum { CAPABILITY_MIN = 75, TILES = 32 };

static parseal_status find(cuda_device *d, const parseal_request *request)
{
    const gpu_wish wish = gpu_wish_of(request, "PARSEAL_CUDA_DEVICE");
    char number[16];
    int n = 0;
    const cu_result error = d->api.Init(0);
    if (error == CU_OK)
        CU_TRY(&d->api, DeviceGetCount, (&n));
    if (error == CU_NOT_INITIALIZED)
        return cu_failed(&d->api, "cuInit", error);
    if (n == 0 || error == CU_NO_DEVICE)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "cuda: no device");
    for (d->ordinal = 0; d->ordinal < n; d->ordinal++) {
        CU_TRY(&d->api, DeviceGet, (&d->id, d->ordinal));
        CU_TRY(&d->api, DeviceGetName, (d->gpu.name, sizeof d->gpu.name, d->id));
        snprintf(number, sizeof number, "%d", d->ordinal);
        if (gpu_is_wished(&wish, number, d->gpu.name))
            return PARSEAL_OK;
    }
    return gpu_wish_failed(&wish);
}

static parseal_status describe(cuda_device *d, const parseal_request *request)
{
    int major, minor, multiprocessors, shared;
    size_t memory;
    CU_TRY(&d->api, DeviceGetAttribute, (&major, CU_CAPABILITY_MAJOR, d->id));
    CU_TRY(&d->api, DeviceGetAttribute, (&minor, CU_CAPABILITY_MINOR, d->id));
    CU_TRY(&d->api, DeviceGetAttribute, (&multiprocessors, CU_MULTIPROCESSORS, d->id));
    CU_TRY(&d->api, DeviceGetAttribute, (&shared, CU_SHARED_MEMORY_MAX, d->id));
    CU_TRY(&d->api, DeviceTotalMem, (&memory, d->id));
    d->capability = 10 * major + minor;
    d->multiprocessors = (uint32_t)multiprocessors;
    d->shared_max = (uint32_t)shared;
    d->gpu.has_subnormals = true;
    d->gpu.add_tiles = TILES * d->multiprocessors;
    d->gpu.buffer_max = memory;
    if (d->capability < CAPABILITY_MIN)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE,
                            "cuda: %s has compute capability %d.%d, at least 7.5 is needed",
                            d->gpu.name, major, minor);
    return gpu_take_options(&d->gpu, memory, request);
}

static parseal_status set_up(cuda_device *d, const parseal_request *request)
{
    TRY(find(d, request));
    TRY(cu_watch(&d->api, d->ordinal));
    TRY(describe(d, request));
    d->time_kernels = request->time_kernels;
    d->gpu.driver = &cuda_driver;
    CU_TRY(&d->api, DevicePrimaryCtxRetain, (&d->context, d->id));
    const cu_result error = d->api.CtxPushCurrent(d->context);
    if (error == CU_OK)
        return PARSEAL_OK;
    (void)d->api.DevicePrimaryCtxRelease(d->id);
    return cu_failed(&d->api, "cuCtxPushCurrent", error);
}

parseal_status cuda_choose(cuda_device *d, const parseal_request *request)
{
    TRY(cu_api_load(&d->api));
    const parseal_status status = set_up(d, request);
    if (status != PARSEAL_OK)
        cu_api_unload(&d->api);
    return status;
}
