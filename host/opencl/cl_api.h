/* OpenCL 1.2 as a table of functions, filled from libOpenCL when a device is opened: the library
 * starts without it. */
#ifndef PARSEAL_HOST_OPENCL_CL_API_H
#define PARSEAL_HOST_OPENCL_CL_API_H

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

#include "host/backend/backend.h"

/* X(result, name without cl, parameters) */
#define CL_API_FUNCTIONS(X)                                                                        \
    X(cl_int, GetPlatformIDs, (cl_uint, cl_platform_id *, cl_uint *))                              \
    X(cl_int, GetPlatformInfo, (cl_platform_id, cl_platform_info, size_t, void *, size_t *))       \
    X(cl_int, GetDeviceIDs, (cl_platform_id, cl_device_type, cl_uint, cl_device_id *, cl_uint *))  \
    X(cl_int, GetDeviceInfo, (cl_device_id, cl_device_info, size_t, void *, size_t *))             \
    X(cl_context, CreateContext,                                                                   \
      (const cl_context_properties *, cl_uint, const cl_device_id *,                               \
       void(CL_CALLBACK *)(const char *, const void *, size_t, void *), void *, cl_int *))         \
    X(cl_int, RetainContext, (cl_context))                                                         \
    X(cl_int, ReleaseContext, (cl_context))                                                        \
    X(cl_int, GetContextInfo, (cl_context, cl_context_info, size_t, void *, size_t *))             \
    X(cl_command_queue, CreateCommandQueue,                                                        \
      (cl_context, cl_device_id, cl_command_queue_properties, cl_int *))                           \
    X(cl_int, ReleaseCommandQueue, (cl_command_queue))                                             \
    X(cl_int, GetCommandQueueInfo,                                                                 \
      (cl_command_queue, cl_command_queue_info, size_t, void *, size_t *))                         \
    X(cl_mem, CreateBuffer, (cl_context, cl_mem_flags, size_t, void *, cl_int *))                  \
    X(cl_int, GetMemObjectInfo, (cl_mem, cl_mem_info, size_t, void *, size_t *))                   \
    X(cl_int, ReleaseMemObject, (cl_mem))                                                          \
    X(cl_int, EnqueueReadBuffer,                                                                   \
      (cl_command_queue, cl_mem, cl_bool, size_t, size_t, void *, cl_uint, const cl_event *,       \
       cl_event *))                                                                                \
    X(cl_int, EnqueueWriteBuffer,                                                                  \
      (cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void *, cl_uint, const cl_event *, \
       cl_event *))                                                                                \
    X(void *, EnqueueMapBuffer,                                                                    \
      (cl_command_queue, cl_mem, cl_bool, cl_map_flags, size_t, size_t, cl_uint, const cl_event *, \
       cl_event *, cl_int *))                                                                      \
    X(cl_int, EnqueueUnmapMemObject,                                                               \
      (cl_command_queue, cl_mem, void *, cl_uint, const cl_event *, cl_event *))                   \
    X(cl_program, CreateProgramWithSource,                                                         \
      (cl_context, cl_uint, const char **, const size_t *, cl_int *))                              \
    X(cl_program, CreateProgramWithBinary,                                                         \
      (cl_context, cl_uint, const cl_device_id *, const size_t *, const unsigned char **,          \
       cl_int *, cl_int *))                                                                        \
    X(cl_int, BuildProgram,                                                                        \
      (cl_program, cl_uint, const cl_device_id *, const char *,                                    \
       void(CL_CALLBACK *)(cl_program, void *), void *))                                           \
    X(cl_int, GetProgramInfo, (cl_program, cl_program_info, size_t, void *, size_t *))             \
    X(cl_int, GetProgramBuildInfo,                                                                 \
      (cl_program, cl_device_id, cl_program_build_info, size_t, void *, size_t *))                 \
    X(cl_int, ReleaseProgram, (cl_program))                                                        \
    X(cl_kernel, CreateKernel, (cl_program, const char *, cl_int *))                               \
    X(cl_int, ReleaseKernel, (cl_kernel))                                                          \
    X(cl_int, SetKernelArg, (cl_kernel, cl_uint, size_t, const void *))                            \
    X(cl_int, EnqueueNDRangeKernel,                                                                \
      (cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *,       \
       cl_uint, const cl_event *, cl_event *))                                                     \
    X(cl_int, WaitForEvents, (cl_uint, const cl_event *))                                          \
    X(cl_int, ReleaseEvent, (cl_event))                                                            \
    X(cl_int, GetEventInfo, (cl_event, cl_event_info, size_t, void *, size_t *))                   \
    X(cl_int, GetEventProfilingInfo, (cl_event, cl_profiling_info, size_t, void *, size_t *))      \
    X(cl_int, EnqueueMarkerWithWaitList,                                                           \
      (cl_command_queue, cl_uint, const cl_event *, cl_event *))                                   \
    X(cl_int, EnqueueBarrierWithWaitList,                                                          \
      (cl_command_queue, cl_uint, const cl_event *, cl_event *))                                   \
    X(cl_int, Flush, (cl_command_queue))                                                           \
    X(cl_int, Finish, (cl_command_queue))

typedef struct {
    void *library;
#define CL_API_FIELD(result, name, parameters) result(CL_API_CALL *name) parameters;
    CL_API_FUNCTIONS(CL_API_FIELD)
#undef CL_API_FIELD
} cl_api;

/* Fills the table. PARSEAL_ERR_NO_DEVICE: there is no libOpenCL, or none of version 1.2. */
parseal_status cl_api_load(cl_api *api);
void cl_api_unload(cl_api *api);

/* Returns a name such as "CL_OUT_OF_RESOURCES", or "OpenCL error" for an unknown number. */
const char *cl_error_name(cl_int error);

/* Returns a failed call's status, PARSEAL_ERR_NO_MEMORY where memory was short and else
 * PARSEAL_ERR_DEVICE, with a text that names the call. */
parseal_status cl_failed(const char *call, cl_int error);

#endif
