#include "host/cuda/cu_api.h"

#include <stdatomic.h>
#include <stdio.h>

#include "host/support/dynlib.h"

parseal_status cu_api_load(cu_api *api)
{
    static const char *const names[] = {"libcuda.so.1", "libcuda.so", NULL};
    *api = (cu_api){.library = dynlib_open(names)};
    if (api->library == NULL)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "cuda: no driver (libcuda.so.1)%s",
                            dynlib_why_none());
    const char *missing = NULL;
#define CU_API_FIND(name, exported, parameters)                             \
    dynlib_function(api->library, #exported, &api->name, sizeof api->name); \
    if (api->name == NULL)                                                  \
        missing = #exported;
    CU_API_FUNCTIONS(CU_API_FIND)
#undef CU_API_FIND
#define CU_API_FIND(name, exported, parameters) \
    dynlib_function(api->library, #exported, &api->name, sizeof api->name);
    CU_API_NEWER_FUNCTIONS(CU_API_FIND)
#undef CU_API_FIND
    if (missing == NULL)
        return PARSEAL_OK;
    cu_api_unload(api);
    return parseal_fail(PARSEAL_ERR_NO_DEVICE, "cuda: the driver has no %s: it is too old",
                        missing);
}

void cu_api_unload(cu_api *api)
{
    dynlib_close(api->library);
    *api = (cu_api){0};
}

/* --------------------------------------------------------------------------------- captures -- */

/* What cuThreadExchangeStreamCaptureMode gave for the thread's mode, and has to be given back. */
static _Thread_local struct {
    unsigned depth;
    bool exchanged;
    int mode;
} relaxed;

void cu_relax(const cu_api *api)
{
    if (relaxed.depth++ > 0)
        return;
    relaxed.mode = CU_CAPTURE_MODE_RELAXED;
    relaxed.exchanged = api->ThreadExchangeStreamCaptureMode(&relaxed.mode) == CU_OK;
}

void cu_restrict(const cu_api *api)
{
    if (--relaxed.depth == 0 && relaxed.exchanged)
        (void)api->ThreadExchangeStreamCaptureMode(&relaxed.mode);
}

/* --------------------------------------------------------------------------------- failures -- */

enum { WATCHED_MAX = 64 }; /* devices */

struct cu_watched {
    atomic_int error; /* by which the device's context was lost, or CU_OK */
};

parseal_status cu_watch(cu_api *api, int ordinal)
{
    static struct cu_watched all[WATCHED_MAX];
    api->watched = ordinal >= 0 && ordinal < WATCHED_MAX ? &all[ordinal] : NULL;
    api->is_fresh = true;
    return cu_check_lost(api);
}

parseal_status cu_check_lost(const cu_api *api)
{
    const int error = api->watched != NULL ? atomic_load(&api->watched->error) : CU_OK;
    if (error == CU_OK)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_DEVICE,
                        "cuda: the device's context is lost since error %d: this process must be "
                        "restarted",
                        error);
}

bool cu_is_fatal(cu_result error)
{
    return error == CU_ILLEGAL_ADDRESS ||
           (error >= CU_HARDWARE_STACK_ERROR && error <= CU_LAUNCH_FAILED);
}

/* Errors that come before any work, as cuda.h explains them. The names are for a driver that tells
 * none, as the stub does. */
static const struct {
    cu_result error;
    const char *name, *meaning;
} explained[] = {
    {34, "CUDA_ERROR_STUB_LIBRARY", "this libcuda is a stub to link with, not a driver"},
    {46, "CUDA_ERROR_DEVICE_UNAVAILABLE", "in exclusive use, or its compute mode forbids it"},
    {802, "CUDA_ERROR_SYSTEM_NOT_READY",
     "the system is not ready; do the driver's daemons, such as the fabric manager, run?"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
     "libcuda and the kernel's driver are of different versions"},
    {804, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
     "this libcuda is one for forward compatibility, which this GPU does not support"},
};

void cu_describe(const cu_api *api, cu_result error, char *text, size_t size)
{
    const char *name = NULL, *own_name = "CUDA error", *meaning = "";
    for (size_t i = 0; i < sizeof explained / sizeof explained[0]; i++)
        if (explained[i].error == error) {
            own_name = explained[i].name;
            meaning = explained[i].meaning;
        }
    if (api->GetErrorName(error, &name) != CU_OK || name == NULL)
        name = own_name;
    snprintf(text, size, "%s (%d)%s%s", name, error, meaning[0] != '\0' ? ": " : "", meaning);
}

/* Returns what the error asks of the user, where the state of the process has a part in that. */
static const char *advice(const cu_api *api, cu_result error)
{
    if (error == CU_NOT_INITIALIZED)
        return ": CUDA does not survive fork(): use spawn";
    if (error == CU_INVALID_HANDLE)
        return ": is the stream one of the context's device?";
    if (!cu_is_fatal(error))
        return "";
    return api->is_fresh ? ": the device's context had failed before parseal used it: this process "
                           "must be restarted"
                         : ": the device's context is lost: this process must be restarted";
}

parseal_status cu_failed(const cu_api *api, const char *call, cu_result error)
{
    char text[192];
    cu_describe(api, error, text, sizeof text);
    if (cu_is_fatal(error) && api->watched != NULL)
        atomic_store(&api->watched->error, error);
    return parseal_fail(error == CU_OUT_OF_MEMORY ? PARSEAL_ERR_NO_MEMORY : PARSEAL_ERR_DEVICE,
                        "cuda: %s: %s%s", call, text, advice(api, error));
}
