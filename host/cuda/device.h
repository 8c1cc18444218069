/* One opened CUDA device: everything that the files of this folder share. Its primary context is
 * current on the calling thread wherever a function here is called but those of cuda_backend.c. */
#ifndef PARSEAL_HOST_CUDA_DEVICE_H
#define PARSEAL_HOST_CUDA_DEVICE_H

#include "host/cuda/cu_api.h"
#include "host/gpu/driver.h"
#include "kernels/kernels.h"

enum {
#define CUDA_ROW(file, name, threads, shared, items) CUDA_KERNEL_##name,
    CUDA_KERNELS(CUDA_ROW)
#undef CUDA_ROW
        CUDA_KERNEL_COUNT
};

/* The number of files of kernels, each of which is a module, and the room for noted runs. */
enum {
#define CUDA_COUNTED(upper, name, X) +1
    CUDA_FILES = 0 KERNEL_FILES(CUDA_COUNTED, CUDA_COUNTED, ),
#undef CUDA_COUNTED
    CUDA_RUNS_MAX = 128
};

typedef struct {
    cu_function function;
    uint32_t blocks_max; /* blocks that run at once; 0: the kernel is not for this device */
} cuda_kernel;

/* A run of a kernel, between two events of its stream. */
typedef struct {
    size_t kernel;
    cu_event begin, end;
} cuda_run;

/* The part of a device that changes while it is used, under its lock. */
typedef struct {
    cuda_run run[CUDA_RUNS_MAX]; /* runs whose time has not been asked for yet */
    size_t n_runs;
    double kernel_seconds, seconds[CUDA_KERNEL_COUNT]; /* all kernels, and each */
} cuda_state;

/* The ways to compute GHASH (ghash.c). */
typedef enum { CUDA_GHASH_CLMAD, CUDA_GHASH_MMA, CUDA_GHASH_INTEGER, CUDA_GHASH_WAYS } cuda_ghash;

typedef struct {
    gpu_device gpu;
    cu_api api;
    cu_device id;
    int ordinal;
    cu_context context;
    int capability; /* 90 for 9.0 */
    uint32_t multiprocessors, shared_max;
    bool time_kernels;
    cu_module module[CUDA_FILES];
    cuda_kernel kernel[CUDA_KERNEL_COUNT];
    cuda_ghash ghash, ghash_order[CUDA_GHASH_WAYS]; /* the one that is used; all, best first */
    cuda_state *state;
} cuda_device;

/* Returns the CUDA device behind a gpu_device. */
const cuda_device *cuda_of(const gpu_device *d);

extern const gpu_driver cuda_driver;

/* Finds the device and retains its context, which is then current, and the thread relaxed
 * (cu_api.h). On failure *d holds nothing. */
parseal_status cuda_choose(cuda_device *d, const parseal_request *request);

/* Loads all kernels. After a failure, too, cuda_unload must be called. */
parseal_status cuda_load(cuda_device *d);
void cuda_unload(cuda_device *d);

/* Puts the ways to compute GHASH in order: first what PARSEAL_CUDA_GHASH names, or else by a
 * measurement, or what is remembered of one. */
parseal_status cuda_order_ghash(cuda_device *d);

/* host/backend/backend.h */
size_t cuda_impl_count(const parseal_device *device, int32_t primitive);
parseal_impl_entry cuda_impl_entry(const parseal_device *device, int32_t primitive, size_t index);
void cuda_impl_use(parseal_device *device, int32_t primitive, size_t index);

parseal_status cuda_launch(const gpu_launch *launch, const gpu_stream *s, uint64_t items);

/* Returns the seconds of all kernels so far, and waits for them. */
double cuda_kernel_seconds(const cuda_device *d);

#endif
