/* Chooses a CUDA device: the first, or the one that the options or PARSEAL_CUDA_DEVICE name. */
#include <stdio.h>
#include <string.h>

#include "host/cuda/device.h"
#include "host/gpu/wish.h"

/* TILES is how many tiles of aead_add keep a multiprocessor busy: two for each warp. */
enum { CAPABILITY_MIN = 75, TILES = 32 };

/* Returns whether the driver tells the UUID. */
static bool get_uuid(cu_result(CU_API_CALL *get)(cu_uuid *, cu_device), cu_device id, cu_uuid *uuid)
{
    return get != NULL && get(uuid, id) == CU_OK;
}

static bool is_wished(const cuda_device *d, const gpu_wish *wish)
{
    char index[16];
    cu_uuid gpu, mig;
    snprintf(index, sizeof index, "%d", d->ordinal);
    const bool has_mig = get_uuid(d->api.DeviceGetUuidOfPart, d->id, &mig);
    const bool has_gpu = get_uuid(d->api.DeviceGetUuid, d->id, &gpu);
    const bool is_part =
        has_mig && (!has_gpu || memcmp(gpu.bytes, mig.bytes, sizeof gpu.bytes) != 0);
    const gpu_identity identity = {.place = index,
                                   .name = d->gpu.name,
                                   .has_uuids = true,
                                   .gpu = has_gpu ? gpu.bytes : NULL,
                                   .mig = is_part ? mig.bytes : NULL};
    return gpu_is_wished(wish, &identity);
}

static parseal_status find(cuda_device *d, const parseal_request *request)
{
    const gpu_wish wish = gpu_wish_of(request, "PARSEAL_CUDA_DEVICE");
    int n = 0;
    const cu_result error = d->api.Init(0);
    if (error == CU_OK)
        CU_TRY(&d->api, DeviceGetCount, (&n));
    if (n == 0 || error == CU_NO_DEVICE)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "cuda: no device");
    for (d->ordinal = 0; d->ordinal < n; d->ordinal++) {
        CU_TRY(&d->api, DeviceGet, (&d->id, d->ordinal));
        CU_TRY(&d->api, DeviceGetName, (d->gpu.name, sizeof d->gpu.name, d->id));
        if (is_wished(d, &wish))
            return PARSEAL_OK;
    }
    return gpu_wish_failed(&wish, (size_t)n);
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
