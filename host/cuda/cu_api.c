#include "host/cuda/cu_api.h"

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

parseal_status cu_failed(const cu_api *api, const char *call, cu_result error)
{
    char text[192];
    cu_describe(api, error, text, sizeof text);
    return parseal_fail(error == CU_OUT_OF_MEMORY ? PARSEAL_ERR_NO_MEMORY : PARSEAL_ERR_DEVICE,
                        "cuda: %s: %s", call, text);
}
