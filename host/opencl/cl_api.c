#include "host/opencl/cl_api.h"

#include "host/support/dynlib.h"

parseal_status cl_api_load(cl_api *api)
{
    static const char *const names[] = {"libOpenCL.so.1", "libOpenCL.so", NULL};
    *api = (cl_api){.library = dynlib_open(names)};
    if (api->library == NULL)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "opencl: no OpenCL runtime (libOpenCL.so.1)%s",
                            dynlib_why_none());
    const char *missing = NULL;
#define CL_API_FIND(result, name, parameters)                                \
    dynlib_function(api->library, "cl" #name, &api->name, sizeof api->name); \
    if (api->name == NULL)                                                   \
        missing = "cl" #name;
    CL_API_FUNCTIONS(CL_API_FIND)
#undef CL_API_FIND
    if (missing == NULL)
        return PARSEAL_OK;
    cl_api_unload(api);
    return parseal_fail(PARSEAL_ERR_NO_DEVICE, "opencl: libOpenCL has no %s: OpenCL 1.2 is needed",
                        missing);
}

void cl_api_unload(cl_api *api)
{
    dynlib_close(api->library);
    *api = (cl_api){0};
}

const char *cl_error_name(cl_int error)
{
#define NAME(code) \
    case code:     \
        return #code;
    switch (error) {
        NAME(CL_DEVICE_NOT_FOUND)
        NAME(CL_DEVICE_NOT_AVAILABLE)
        NAME(CL_COMPILER_NOT_AVAILABLE)
        NAME(CL_MEM_OBJECT_ALLOCATION_FAILURE)
        NAME(CL_OUT_OF_RESOURCES)
        NAME(CL_OUT_OF_HOST_MEMORY)
        NAME(CL_BUILD_PROGRAM_FAILURE)
        NAME(CL_INVALID_VALUE)
        NAME(CL_INVALID_DEVICE)
        NAME(CL_INVALID_CONTEXT)
        NAME(CL_INVALID_COMMAND_QUEUE)
        NAME(CL_INVALID_MEM_OBJECT)
        NAME(CL_INVALID_BINARY)
        NAME(CL_INVALID_BUILD_OPTIONS)
        NAME(CL_INVALID_PROGRAM)
        NAME(CL_INVALID_PROGRAM_EXECUTABLE)
        NAME(CL_INVALID_KERNEL_NAME)
        NAME(CL_INVALID_KERNEL)
        NAME(CL_INVALID_ARG_INDEX)
        NAME(CL_INVALID_ARG_VALUE)
        NAME(CL_INVALID_ARG_SIZE)
        NAME(CL_INVALID_KERNEL_ARGS)
        NAME(CL_INVALID_WORK_GROUP_SIZE)
        NAME(CL_INVALID_WORK_ITEM_SIZE)
        NAME(CL_INVALID_GLOBAL_WORK_SIZE)
        NAME(CL_INVALID_BUFFER_SIZE)
        NAME(CL_INVALID_OPERATION)
    case -1001: /* cl_khr_icd */
        return "CL_PLATFORM_NOT_FOUND_KHR";
    default:
        return "OpenCL error";
    }
#undef NAME
}

parseal_status cl_failed(const char *call, cl_int error)
{
    const bool memory = error == CL_MEM_OBJECT_ALLOCATION_FAILURE ||
                        error == CL_OUT_OF_HOST_MEMORY || error == CL_OUT_OF_RESOURCES;
    return parseal_fail(memory ? PARSEAL_ERR_NO_MEMORY : PARSEAL_ERR_DEVICE, "opencl: %s: %s (%d)",
                        call, cl_error_name(error), (int)error);
}
