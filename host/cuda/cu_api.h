/* The CUDA driver's interface as a table of functions, filled from libcuda when a device is opened:
 * the library is built without CUDA's headers, and starts without its driver. Types and numbers are
 * those of the driver's documented binary interface. */
#ifndef PARSEAL_HOST_CUDA_CU_API_H
#define PARSEAL_HOST_CUDA_CU_API_H

#include <stddef.h>

#include "host/backend/backend.h"

#if defined(_WIN32)
#define CU_API_CALL __stdcall
#else
#define CU_API_CALL
#endif

typedef int cu_result;       /* CUresult */
typedef int cu_device;       /* CUdevice */
typedef uint64_t cu_pointer; /* CUdeviceptr */
typedef struct CUctx_st *cu_context;
typedef struct CUmod_st *cu_module;
typedef struct CUfunc_st *cu_function;
typedef struct CUstream_st *cu_stream;
typedef struct CUevent_st *cu_event;

/* The stream that others call 0, the default stream, whatever a thread's own 0 is. */
#define CU_STREAM_LEGACY ((cu_stream)(uintptr_t)1)

enum {
    CU_OK = 0,
    CU_OUT_OF_MEMORY = 2,
    CU_NOT_INITIALIZED = 3,
    CU_NO_DEVICE = 100,
    CU_INVALID_IMAGE = 200,
    CU_NO_BINARY_FOR_GPU = 209,
    CU_INVALID_PTX = 218,
    CU_UNSUPPORTED_PTX_VERSION = 222,
    CU_INVALID_HANDLE = 400,
    CU_NOT_FOUND = 500,
    CU_NOT_READY = 600,
    CU_ILLEGAL_ADDRESS = 700,
    CU_HARDWARE_STACK_ERROR = 715,
    CU_LAUNCH_FAILED = 719,
    CU_CAPTURE_IMPLICIT = 906
};

/* CUdevice_attribute */
enum {
    CU_MULTIPROCESSORS = 16,
    CU_CAPABILITY_MAJOR = 75,
    CU_CAPABILITY_MINOR = 76,
    CU_SHARED_MEMORY_MAX = 97 /* bytes of a block that asks for more than usual */
};

/* CUfunction_attribute; of what was loaded, which is PTX for a lesser capability than the device's
 * where the driver has compiled it. Versions are as capabilities: 90 for 9.0. */
enum {
    CU_FUNCTION_PTX_VERSION = 5,
    CU_FUNCTION_BINARY_VERSION = 6,
    CU_FUNCTION_DYNAMIC_SHARED_MAX = 8
};
enum { CU_STREAM_NON_BLOCKING = 1 };
enum { CU_EVENT_DISABLE_TIMING = 2 };
enum { CU_CAPTURE_MODE_RELAXED = 2 };
enum { CU_HOST_ALLOC_PORTABLE = 1 };
enum { CU_MEMORY_HOST = 1, CU_MEMORY_DEVICE = 2 };

/* CUpointer_attribute */
enum {
    CU_POINTER_MEMORY_TYPE = 2,
    CU_POINTER_DEVICE_ORDINAL = 9,
    CU_POINTER_IS_WHOLE = 10, /* IS_LEGACY_CUDA_IPC_CAPABLE: it is cuMemAlloc's */
    CU_POINTER_RANGE_START = 11,
    CU_POINTER_RANGE_SIZE = 12
};

typedef struct {
    uint8_t bytes[16];
} cu_uuid; /* CUuuid */

/* X(name without cu, exported name, parameters) */
#define CU_API_FUNCTIONS(X)                                                                 \
    X(Init, cuInit, (unsigned))                                                             \
    X(GetErrorName, cuGetErrorName, (cu_result, const char **))                             \
    X(DriverGetVersion, cuDriverGetVersion, (int *))                                        \
    X(DeviceGetCount, cuDeviceGetCount, (int *))                                            \
    X(DeviceGet, cuDeviceGet, (cu_device *, int))                                           \
    X(DeviceGetName, cuDeviceGetName, (char *, int, cu_device))                             \
    X(DeviceGetAttribute, cuDeviceGetAttribute, (int *, int, cu_device))                    \
    X(DeviceTotalMem, cuDeviceTotalMem_v2, (size_t *, cu_device))                           \
    X(DevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain, (cu_context *, cu_device))          \
    X(DevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (cu_device))                   \
    X(CtxPushCurrent, cuCtxPushCurrent_v2, (cu_context))                                    \
    X(CtxPopCurrent, cuCtxPopCurrent_v2, (cu_context *))                                    \
    X(ModuleLoadData, cuModuleLoadData, (cu_module *, const void *))                        \
    X(ModuleUnload, cuModuleUnload, (cu_module))                                            \
    X(ModuleGetFunction, cuModuleGetFunction, (cu_function *, cu_module, const char *))     \
    X(FuncGetAttribute, cuFuncGetAttribute, (int *, int, cu_function))                      \
    X(FuncSetAttribute, cuFuncSetAttribute, (cu_function, int, int))                        \
    X(OccupancyMaxActiveBlocks, cuOccupancyMaxActiveBlocksPerMultiprocessor,                \
      (int *, cu_function, int, size_t))                                                    \
    X(LaunchKernel, cuLaunchKernel,                                                         \
      (cu_function, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,   \
       cu_stream, void **, void **))                                                        \
    X(MemAlloc, cuMemAlloc_v2, (cu_pointer *, size_t))                                      \
    X(MemFree, cuMemFree_v2, (cu_pointer))                                                  \
    X(MemFreeAsync, cuMemFreeAsync, (cu_pointer, cu_stream))                                \
    X(MemGetInfo, cuMemGetInfo_v2, (size_t *, size_t *))                                    \
    X(MemHostAlloc, cuMemHostAlloc, (void **, size_t, unsigned))                            \
    X(MemFreeHost, cuMemFreeHost, (void *))                                                 \
    X(MemcpyHtoDAsync, cuMemcpyHtoDAsync_v2, (cu_pointer, const void *, size_t, cu_stream)) \
    X(MemcpyDtoHAsync, cuMemcpyDtoHAsync_v2, (void *, cu_pointer, size_t, cu_stream))       \
    X(MemsetD32Async, cuMemsetD32Async, (cu_pointer, unsigned, size_t, cu_stream))          \
    X(PointerGetAttribute, cuPointerGetAttribute, (void *, int, cu_pointer))                \
    X(StreamCreate, cuStreamCreate, (cu_stream *, unsigned))                                \
    X(StreamDestroy, cuStreamDestroy_v2, (cu_stream))                                       \
    X(StreamSynchronize, cuStreamSynchronize, (cu_stream))                                  \
    X(StreamWaitEvent, cuStreamWaitEvent, (cu_stream, cu_event, unsigned))                  \
    X(StreamIsCapturing, cuStreamIsCapturing, (cu_stream, int *))                           \
    X(StreamGetId, cuStreamGetId, (cu_stream, unsigned long long *))                        \
    X(ThreadExchangeStreamCaptureMode, cuThreadExchangeStreamCaptureMode, (int *))          \
    X(EventCreate, cuEventCreate, (cu_event *, unsigned))                                   \
    X(EventDestroy, cuEventDestroy_v2, (cu_event))                                          \
    X(EventRecord, cuEventRecord, (cu_event, cu_stream))                                    \
    X(EventQuery, cuEventQuery, (cu_event))                                                 \
    X(EventSynchronize, cuEventSynchronize, (cu_event))                                     \
    X(EventElapsedTime, cuEventElapsedTime, (float *, cu_event, cu_event))

/* NULL where the driver is older than they are. The second gives the UUID of the part of a
 * GPU (MIG) that is used. */
#define CU_API_NEWER_FUNCTIONS(X)                             \
    X(DeviceGetUuid, cuDeviceGetUuid, (cu_uuid *, cu_device)) \
    X(DeviceGetUuidOfPart, cuDeviceGetUuid_v2, (cu_uuid *, cu_device))

typedef struct {
    void *library;
    struct cu_watched *watched; /* cu_watch; NULL: nobody has called it */
    bool is_fresh;              /* nothing has been run in the context yet */
#define CU_API_FIELD(name, exported, parameters) cu_result(CU_API_CALL *name) parameters;
    CU_API_FUNCTIONS(CU_API_FIELD)
    CU_API_NEWER_FUNCTIONS(CU_API_FIELD)
#undef CU_API_FIELD
} cu_api;

/* Fills the table. PARSEAL_ERR_NO_DEVICE: there is no driver, or it is too old. */
parseal_status cu_api_load(cu_api *api);
void cu_api_unload(cu_api *api);

/* Until cu_restrict the calling thread may do what CUDA else forbids, in threads that capture and,
 * where a capture is of mode global, in all: allocate, free, load, and wait for what is not
 * captured. Done without this it spoils the capture. Calls may be nested. */
void cu_relax(const cu_api *api);
void cu_restrict(const cu_api *api);

/* Lets failures of this device's context be noted, in the process and for good: some of them leave
 * a context that answers every later call with the same error, and the process, which shares the
 * context, cannot have another one. PARSEAL_ERR_DEVICE: it is lost already. */
parseal_status cu_watch(cu_api *api, int ordinal);

/* PARSEAL_ERR_DEVICE where the watched context is lost. It calls nothing of the driver's. */
parseal_status cu_check_lost(const cu_api *api);

/* Whether the error is one of those that a context does not survive. */
bool cu_is_fatal(cu_result error);

/* Writes the error's name and number and, where users can do something about it, what it means. */
void cu_describe(const cu_api *api, cu_result error, char *text, size_t size);

/* Returns a failed call's status, PARSEAL_ERR_NO_MEMORY where memory was short and else
 * PARSEAL_ERR_DEVICE, with a text that names the call, and what to do where that is known. */
parseal_status cu_failed(const cu_api *api, const char *call, cu_result error);

/* Calls a function of the driver. On failure the function that uses it returns cu_failed's
 * status. */
#define CU_TRY(api, name, arguments)                       \
    do {                                                   \
        const cu_result cu_error = (api)->name arguments;  \
        if (cu_error != CU_OK)                             \
            return cu_failed((api), "cu" #name, cu_error); \
    } while (0)

#endif
