/* The few calls of the CUDA driver that the bench makes itself, found by dlopen: it is built
 * without CUDA's headers. Types and numbers are those of the driver's documented binary
 * interface. */
#ifndef PARSEAL_BENCH_DEVICE_DRIVER_CALLS_H
#define PARSEAL_BENCH_DEVICE_DRIVER_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t device_pointer; /* CUdeviceptr */

/* CUdevice_attribute */
enum {
    ATTRIBUTE_CLOCK_KHZ = 13,
    ATTRIBUTE_MULTIPROCESSORS = 16,
    ATTRIBUTE_MEMORY_CLOCK_KHZ = 36,
    ATTRIBUTE_MEMORY_BUS_BITS = 37,
    ATTRIBUTE_L2_BYTES = 38,
    ATTRIBUTE_CAPABILITY_MAJOR = 75,
    ATTRIBUTE_CAPABILITY_MINOR = 76
};

/* X(name, exported name, parameters) */
#define DRIVER_CALLS(X)                                                             \
    X(init, cuInit, (unsigned))                                                     \
    X(error_name, cuGetErrorName, (int, const char **))                             \
    X(version, cuDriverGetVersion, (int *))                                         \
    X(device_get, cuDeviceGet, (int *, int))                                        \
    X(device_name, cuDeviceGetName, (char *, int, int))                             \
    X(device_attribute, cuDeviceGetAttribute, (int *, int, int))                    \
    X(context_retain, cuDevicePrimaryCtxRetain, (void **, int))                     \
    X(context_release, cuDevicePrimaryCtxRelease_v2, (int))                         \
    X(context_push, cuCtxPushCurrent_v2, (void *))                                  \
    X(context_pop, cuCtxPopCurrent_v2, (void **))                                   \
    X(mem_info, cuMemGetInfo_v2, (size_t *, size_t *))                              \
    X(mem_alloc, cuMemAlloc_v2, (device_pointer *, size_t))                         \
    X(mem_free, cuMemFree_v2, (device_pointer))                                     \
    X(host_alloc, cuMemHostAlloc, (void **, size_t, unsigned))                      \
    X(host_free, cuMemFreeHost, (void *))                                           \
    X(upload, cuMemcpyHtoDAsync_v2, (device_pointer, const void *, size_t, void *)) \
    X(download, cuMemcpyDtoHAsync_v2, (void *, device_pointer, size_t, void *))     \
    X(copy, cuMemcpyDtoDAsync_v2, (device_pointer, device_pointer, size_t, void *)) \
    X(set, cuMemsetD32Async, (device_pointer, unsigned, size_t, void *))            \
    X(stream_create, cuStreamCreate, (void **, unsigned))                           \
    X(stream_destroy, cuStreamDestroy_v2, (void *))                                 \
    X(stream_wait, cuStreamSynchronize, (void *))                                   \
    X(event_create, cuEventCreate, (void **, unsigned))                             \
    X(event_destroy, cuEventDestroy_v2, (void *))                                   \
    X(event_record, cuEventRecord, (void *, void *))                                \
    X(event_elapsed, cuEventElapsedTime, (float *, void *, void *))

struct driver_calls {
    void *library;
#define DRIVER_CALL_FIELD(name, exported, parameters) int(*name) parameters;
    DRIVER_CALLS(DRIVER_CALL_FIELD)
#undef DRIVER_CALL_FIELD
};

/* Returns false after a complaint. */
bool driver_load(struct driver_calls *calls);
void driver_unload(struct driver_calls *calls);

/* Returns true when `error` is none, and else complains. */
bool driver_fine(const struct driver_calls *calls, const char *what, int error);

#define DRIVER_FINE(calls, name, arguments) driver_fine((calls), #name, (calls)->name arguments)

#endif
