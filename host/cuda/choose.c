/* Chooses a CUDA device: of those that the options or PARSEAL_CUDA_DEVICE name, or of all, the one
 * whose turn it is. */
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

/* A device that the driver has. */
typedef struct {
    int ordinal;
    cu_device id;
    char name[sizeof((gpu_device *)0)->name];
    const char *call; /* what has failed with `error`, where the driver cannot describe it */
    cu_result error;
} found_device;

static bool is_wished(const cu_api *api, const found_device *f, const gpu_wish *wish)
{
    char index[16];
    cu_uuid gpu, mig;
    if (!gpu_wishes(wish))
        return true;
    snprintf(index, sizeof index, "%d", f->ordinal);
    const bool has_mig = get_uuid(api->DeviceGetUuidOfPart, f->id, &mig);
    const bool has_gpu = get_uuid(api->DeviceGetUuid, f->id, &gpu);
    const bool is_part =
        has_mig && (!has_gpu || memcmp(gpu.bytes, mig.bytes, sizeof gpu.bytes) != 0);
    const gpu_identity identity = {.place = index,
                                   .name = f->name,
                                   .has_uuids = true,
                                   .gpu = has_gpu ? gpu.bytes : NULL,
                                   .mig = is_part ? mig.bytes : NULL};
    return gpu_is_wished(wish, &identity);
}

/* A device that the driver cannot describe counts as wished: its failure is reported when it is
 * tried. */
static bool look(const cu_api *api, int ordinal, const gpu_wish *wish, found_device *f)
{
    *f = (found_device){.ordinal = ordinal, .call = "cuDeviceGet"};
    f->error = api->DeviceGet(&f->id, ordinal);
    if (f->error != CU_OK)
        return true;
    f->call = "cuDeviceGetName";
    f->error = api->DeviceGetName(f->name, sizeof f->name, f->id);
    return f->error != CU_OK || is_wished(api, f, wish);
}

/* Returns whether there is a device from *ordinal on that is wished, and stores the first. */
static bool next(const cu_api *api, int n, const gpu_wish *wish, int *ordinal, found_device *f)
{
    while (*ordinal < n)
        if (look(api, (*ordinal)++, wish, f))
            return true;
    return false;
}

static parseal_status take(cuda_device *d, const found_device *f)
{
    d->ordinal = f->ordinal;
    d->id = f->id;
    snprintf(d->gpu.place, sizeof d->gpu.place, "%d", f->ordinal);
    snprintf(d->gpu.name, sizeof d->gpu.name, "%s", f->name);
    TRY(cu_watch(&d->api, f->ordinal));
    return f->error == CU_OK ? PARSEAL_OK : cu_failed(&d->api, f->call, f->error);
}

/* Stores how many devices there are, at least one. */
static parseal_status init(const cu_api *api, int *n)
{
    char text[192];
    const cu_result error = api->Init(0);
    if (error == CU_NOT_INITIALIZED)
        return cu_failed(api, "cuInit", error);
    if (error != CU_OK) {
        cu_describe(api, error, text, sizeof text);
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "cuda: no device: cuInit: %s", text);
    }
    CU_TRY(api, DeviceGetCount, (n));
    return *n > 0 ? PARSEAL_OK : parseal_fail(PARSEAL_ERR_NO_DEVICE, "cuda: no device");
}

static parseal_status find(cuda_device *d, const parseal_request *request)
{
    const gpu_wish wish = gpu_wish_of(request, "PARSEAL_CUDA_DEVICE");
    found_device found, other;
    int n = 0, ordinal = 0;
    TRY(init(&d->api, &n));
    for (size_t i = 0; i <= request->candidate; i++)
        if (!next(&d->api, n, &wish, &ordinal, &found))
            return gpu_wish_failed(&wish, (size_t)n);
    if (request->more != NULL)
        *request->more = next(&d->api, n, &wish, &ordinal, &other);
    return take(d, &found);
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
                            "cuda: it has compute capability %d.%d, at least 7.5 is needed", major,
                            minor);
    return gpu_take_options(&d->gpu, memory, request);
}

static parseal_status make_current(cuda_device *d)
{
    CU_TRY(&d->api, DevicePrimaryCtxRetain, (&d->context, d->id));
    const cu_result error = d->api.CtxPushCurrent(d->context);
    if (error == CU_OK)
        return PARSEAL_OK;
    (void)d->api.DevicePrimaryCtxRelease(d->id);
    return cu_failed(&d->api, "cuCtxPushCurrent", error);
}

static parseal_status set_up(cuda_device *d, const parseal_request *request)
{
    TRY(find(d, request));
    TRY(describe(d, request));
    d->time_kernels = request->time_kernels;
    d->gpu.driver = &cuda_driver;
    cu_relax(&d->api);
    const parseal_status status = make_current(d);
    if (status != PARSEAL_OK)
        cu_restrict(&d->api);
    return status;
}

parseal_status cuda_choose(cuda_device *d, const parseal_request *request)
{
    TRY(cu_api_load(&d->api));
    const parseal_status status = set_up(d, request);
    if (status != PARSEAL_OK)
        cu_api_unload(&d->api);
    return status;
}
