/* Chooses an OpenCL device: of those that the options or PARSEAL_OPENCL_DEVICE name, or of the GPUs
 * and then the others, the one whose turn it is. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/gpu/wish.h"
#include "host/opencl/device.h"
#include "host/support/process.h"

/* TILES is how many tiles of aead_add keep a compute unit busy: some for each wavefront that it
 * holds. */
enum { PLATFORMS_MAX = 16, DEVICES_MAX = 64, TILES = 8 };

/* A device, and the facts that can be had before it is opened. */
typedef struct {
    cl_platform_id platform;
    cl_device_id id;
    cl_device_type type;
    char name[128];
    char place[32]; /* "0:1": the second device of the first platform */
} found_device;

typedef struct {
    found_device device[DEVICES_MAX];
    size_t n;
    const char *call; /* what has failed with `error`, the last failure */
    cl_int error;
} found_devices;

/* Reads a text. Returns false, with an empty text, where the device has none. */
static bool device_text(const cl_api *api, cl_device_id id, cl_device_info what, char *text,
                        size_t size)
{
    char all[1024] = "";
    const bool there = api->GetDeviceInfo(id, what, sizeof all - 1, all, NULL) == CL_SUCCESS;
    snprintf(text, size, "%.*s", (int)size - 1, there ? all : "");
    return there;
}

static bool platform_text(const cl_api *api, cl_platform_id id, cl_platform_info what, char *text,
                          size_t size)
{
    char all[1024] = "";
    const bool there = api->GetPlatformInfo(id, what, sizeof all - 1, all, NULL) == CL_SUCCESS;
    snprintf(text, size, "%.*s", (int)size - 1, there ? all : "");
    return there;
}

static bool device_number(const ocl_device *d, cl_device_info what, cl_ulong *number)
{
    *number = 0;
    return d->api.GetDeviceInfo(d->id, what, sizeof *number, number, NULL) == CL_SUCCESS;
}

/* Runtimes initialise themselves while they are asked for the first time, and not all of them can
 * do so while another thread asks, too (PoCL 3.1 crashes): one thread at a time may ask. Whoever
 * asked in the parent is not in a child of fork, which begins with a lock of its own. */
static struct {
    pthread_mutex_t lock;
    uint64_t generation;
} asking = {PTHREAD_MUTEX_INITIALIZER, 0};

static void begin_asking(void)
{
    process_lock();
    if (asking.generation != process_generation()) {
        asking.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
        asking.generation = process_generation();
    }
    process_unlock();
    (void)pthread_mutex_lock(&asking.lock);
}

static void end_asking(void)
{
    (void)pthread_mutex_unlock(&asking.lock);
}

/* A platform without devices, or that cannot say which it has, adds none. */
static void find_devices(const cl_api *api, found_devices *found)
{
    cl_platform_id platforms[PLATFORMS_MAX];
    cl_device_id ids[DEVICES_MAX];
    cl_uint n_platforms = 0, n_ids = 0;
    *found = (found_devices){.call = "clGetPlatformIDs"};
    found->error = api->GetPlatformIDs(PLATFORMS_MAX, platforms, &n_platforms);
    if (found->error != CL_SUCCESS)
        return;
    for (cl_uint p = 0; p < n_platforms && p < PLATFORMS_MAX; p++) {
        const cl_int error =
            api->GetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, DEVICES_MAX, ids, &n_ids);
        if (error != CL_SUCCESS) {
            found->call = "clGetDeviceIDs";
            found->error = error;
            continue;
        }
        for (cl_uint i = 0; i < n_ids && i < DEVICES_MAX && found->n < DEVICES_MAX; i++) {
            found_device *f = &found->device[found->n++];
            *f = (found_device){.platform = platforms[p], .id = ids[i]};
            (void)api->GetDeviceInfo(ids[i], CL_DEVICE_TYPE, sizeof f->type, &f->type, NULL);
            (void)device_text(api, ids[i], CL_DEVICE_NAME, f->name, sizeof f->name);
            snprintf(f->place, sizeof f->place, "%u:%u", (unsigned)p, (unsigned)i);
        }
    }
}

static bool is_wished(const found_devices *found, size_t i, const gpu_wish *wish)
{
    const found_device *f = &found->device[i];
    char count[24];
    snprintf(count, sizeof count, "%zu", i);
    const gpu_identity identity = {.place = f->place, .count = count, .name = f->name};
    return gpu_is_wished(wish, &identity);
}

/* Appends the wished devices that are GPUs, that are others, or both, to the candidates. */
static void add_candidates(found_devices *candidates, const found_devices *found,
                           const gpu_wish *wish, bool gpus, bool others)
{
    for (size_t i = 0; i < found->n; i++) {
        const bool is_gpu = (found->device[i].type & CL_DEVICE_TYPE_GPU) != 0;
        if ((is_gpu ? gpus : others) && is_wished(found, i, wish))
            candidates->device[candidates->n++] = found->device[i];
    }
}

/* A wish takes devices in the order of the platforms. */
static void find_candidates(found_devices *candidates, const found_devices *found,
                            const gpu_wish *wish, bool named)
{
    candidates->n = 0;
    if (gpu_wishes(wish)) {
        add_candidates(candidates, found, wish, true, true);
        return;
    }
    add_candidates(candidates, found, wish, true, false);
    if (named)
        add_candidates(candidates, found, wish, false, true);
}

static parseal_status no_devices(const found_devices *found)
{
    if (found->error == CL_SUCCESS)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "opencl: no device on any platform");
    return parseal_fail(PARSEAL_ERR_NO_DEVICE, "opencl: no device on any platform: %s: %s (%d)",
                        found->call, cl_error_name(found->error), (int)found->error);
}

static parseal_status pick(const found_devices *found, const parseal_request *request,
                           found_device *picked)
{
    const gpu_wish wish = gpu_wish_of(request, "PARSEAL_OPENCL_DEVICE");
    found_devices candidates;
    if (found->n == 0)
        return no_devices(found);
    find_candidates(&candidates, found, &wish, request->named);
    if (request->candidate < candidates.n) {
        *picked = candidates.device[request->candidate];
        if (request->more != NULL)
            *request->more = request->candidate + 1 < candidates.n;
        return PARSEAL_OK;
    }
    if (gpu_wishes(&wish))
        return gpu_wish_failed(&wish, found->n);
    return parseal_fail(PARSEAL_ERR_NO_DEVICE,
                        "opencl: no GPU (others, as %s, are used only when named)",
                        found->device[0].name);
}

static parseal_status untold(const char *what)
{
    return parseal_fail(PARSEAL_ERR_DEVICE, "opencl: it does not say %s", what);
}

/* Reads the features that a program depends on. */
static parseal_status read_features(ocl_device *d)
{
    char platform[96], driver[96], version[96], extensions[8192] = "";
    cl_device_type type = 0;
    cl_device_fp_config floats = 0;
    if (!platform_text(&d->api, d->platform, CL_PLATFORM_VERSION, platform, sizeof platform) ||
        !device_text(&d->api, d->id, CL_DRIVER_VERSION, driver, sizeof driver) ||
        !device_text(&d->api, d->id, CL_DEVICE_VERSION, version, sizeof version))
        return untold("which version it is");
    snprintf(d->version, sizeof d->version, "%s, %s, %s", platform, version, driver);
    if (d->api.GetDeviceInfo(d->id, CL_DEVICE_EXTENSIONS, sizeof extensions - 1, extensions,
                             NULL) != CL_SUCCESS ||
        d->api.GetDeviceInfo(d->id, CL_DEVICE_TYPE, sizeof type, &type, NULL) != CL_SUCCESS ||
        d->api.GetDeviceInfo(d->id, CL_DEVICE_SINGLE_FP_CONFIG, sizeof floats, &floats, NULL) !=
            CL_SUCCESS)
        return untold("what it can do");
    d->has_double = strstr(extensions, "cl_khr_fp64") != NULL;
    d->gpu.has_subnormals = (floats & CL_FP_DENORM) != 0;
    d->is_gpu = (type & CL_DEVICE_TYPE_GPU) != 0;
    return PARSEAL_OK;
}

/* Every kernel runs in work groups of GROUP_SIZE work-items. A device may have more dimensions than
 * those that are looked at. */
static parseal_status check_groups(const ocl_device *d)
{
    size_t group = 0, items[16] = {0};
    if (d->api.GetDeviceInfo(d->id, CL_DEVICE_MAX_WORK_GROUP_SIZE, sizeof group, &group, NULL) !=
            CL_SUCCESS ||
        d->api.GetDeviceInfo(d->id, CL_DEVICE_MAX_WORK_ITEM_SIZES, sizeof items, items, NULL) !=
            CL_SUCCESS)
        return untold("how large its work groups are");
    const size_t most = group < items[0] ? group : items[0];
    if (most < GROUP_SIZE)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE,
                            "opencl: its work groups have at most %zu work-items, %d are needed",
                            most, GROUP_SIZE);
    return PARSEAL_OK;
}

static parseal_status describe(ocl_device *d, const parseal_request *request)
{
    cl_bool fine = CL_FALSE;
    const struct {
        cl_device_info what;
        const char *lacks;
    } needs[] = {{CL_DEVICE_AVAILABLE, "is not available"},
                 {CL_DEVICE_COMPILER_AVAILABLE, "has no compiler"},
                 {CL_DEVICE_ENDIAN_LITTLE, "is not little-endian"}};
    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
        if (d->api.GetDeviceInfo(d->id, needs[i].what, sizeof fine, &fine, NULL) != CL_SUCCESS ||
            !fine)
            return parseal_fail(PARSEAL_ERR_NO_DEVICE, "opencl: it %s", needs[i].lacks);
    TRY(check_groups(d));
    TRY(read_features(d));
    cl_ulong memory, units;
    if (!device_number(d, CL_DEVICE_MAX_COMPUTE_UNITS, &units))
        return untold("how many compute units it has");
    d->gpu.add_tiles = TILES * (uint32_t)units;
    if (!device_number(d, CL_DEVICE_GLOBAL_MEM_SIZE, &memory) ||
        !device_number(d, CL_DEVICE_MAX_MEM_ALLOC_SIZE, &d->gpu.buffer_max))
        return untold("how much memory it has");
    return gpu_take_options(&d->gpu, memory, request);
}

static parseal_status make_context(ocl_device *d)
{
    cl_int error;
    const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM,
                                                (cl_context_properties)d->platform, 0};
    d->context = d->api.CreateContext(properties, 1, &d->id, NULL, NULL, &error);
    return d->context != NULL ? PARSEAL_OK : cl_failed("clCreateContext", error);
}

/* Takes the first device of the caller's context. */
static parseal_status adopt_context(ocl_device *d, cl_context context)
{
    cl_device_id ids[DEVICES_MAX];
    size_t size = 0;
    cl_int error = d->api.GetContextInfo(context, CL_CONTEXT_DEVICES, sizeof ids, ids, &size);
    if (error != CL_SUCCESS || size < sizeof ids[0])
        return parseal_fail(PARSEAL_ERR_ARG, "options.opencl_context: not a cl_context (%s)",
                            cl_error_name(error));
    d->id = ids[0];
    error = d->api.GetDeviceInfo(d->id, CL_DEVICE_PLATFORM, sizeof d->platform, &d->platform, NULL);
    if (error == CL_SUCCESS)
        error = d->api.RetainContext(context);
    if (error != CL_SUCCESS)
        return cl_failed("clRetainContext", error);
    d->context = context;
    snprintf(d->gpu.place, sizeof d->gpu.place, "of options.opencl_context");
    (void)device_text(&d->api, d->id, CL_DEVICE_NAME, d->gpu.name, sizeof d->gpu.name);
    return PARSEAL_OK;
}

static parseal_status choose_device(ocl_device *d, const parseal_request *request)
{
    found_devices found;
    found_device picked = {0};
    begin_asking();
    find_devices(&d->api, &found);
    end_asking();
    TRY(pick(&found, request, &picked));
    d->platform = picked.platform;
    d->id = picked.id;
    snprintf(d->gpu.place, sizeof d->gpu.place, "%s", picked.place);
    snprintf(d->gpu.name, sizeof d->gpu.name, "%s", picked.name);
    return PARSEAL_OK;
}

static parseal_status choose_loaded(ocl_device *d, const parseal_request *request)
{
    TRY(request->opencl_context != 0 ? adopt_context(d, (cl_context)request->opencl_context)
                                     : choose_device(d, request));
    TRY(describe(d, request));
    if (d->context == NULL)
        TRY(make_context(d));
    d->time_kernels = request->time_kernels;
    d->gpu.driver = &ocl_driver;
    return ocl_driver.stream_open(&d->gpu, &d->gpu.own);
}

parseal_status ocl_choose(ocl_device *d, const parseal_request *request)
{
    TRY(cl_api_load(&d->api));
    const parseal_status status = choose_loaded(d, request);
    if (status == PARSEAL_OK)
        return PARSEAL_OK;
    if (d->context != NULL)
        (void)d->api.ReleaseContext(d->context);
    cl_api_unload(&d->api);
    return status;
}
