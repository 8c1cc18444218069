#include "host/cuda/cu_api.h"

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

parseal_status cu_failed(const cu_api *api, const char *call, cu_result error)
{
    const char *name = NULL;
    if (api->GetErrorName(error, &name) != CU_OK || name == NULL)
        name = "CUDA error";
    return parseal_fail(error == CU_OUT_OF_MEMORY ? PARSEAL_ERR_NO_MEMORY : PARSEAL_ERR_DEVICE,
                        "cuda: %s: %s (%d)", call, name, error);
}
