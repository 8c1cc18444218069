/* A device and its memory, as the backends for GPUs share them. Each backend (host/opencl,
 * host/cuda) puts a driver behind it (driver.h). */
#ifndef PARSEAL_HOST_GPU_DEVICE_H
#define PARSEAL_HOST_GPU_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "host/backend/backend.h"
#include "kernels/common/launch.h"
#include "kernels/kernels.h"

/* A cl_mem or a CUdeviceptr; 0: none. */
typedef uintptr_t gpu_memory;

/* The memory from byte `at` on. */
typedef struct {
    gpu_memory memory;
    uint64_t at;
} gpu_place;

/* A cl_command_queue or a CUstream. A caller's queue may run commands out of order. */
typedef struct {
    void *handle;
    bool ordered;
} gpu_stream;

/* Host memory that the device copies from and to at its full speed. */
typedef struct {
    uint8_t *host;
    gpu_memory memory; /* the object that it belongs to, where the driver has one */
} gpu_pinned;

/* One for each file of kernels that every backend has: GPU_AEAD and so on. */
typedef enum {
#define GPU_PROGRAM(upper, name, X) GPU_##upper,
    KERNEL_FILES(GPU_PROGRAM, KERNEL_FILE_NONE, ) GPU_PROGRAMS
#undef GPU_PROGRAM
} gpu_program;

struct gpu_stage;
typedef struct gpu_driver gpu_driver;

/* The part of a device that changes while it is used, under one lock. */
typedef struct {
    pthread_mutex_t lock;
    struct gpu_stage *spare; /* memory that no call is using (stage.h), or NULL */
    struct gpu_uses *uses;   /* work that uses no object but the context (uses.h) */
    gpu_memory *made;        /* what gpu_memory_family has made */
    size_t n_made;
} gpu_shared;

/* The first member of each backend's own device. */
typedef struct {
    const gpu_driver *driver;
    gpu_shared *shared;
    gpu_stream own;            /* an ordered stream, for calls without one */
    char name[128], place[32]; /* "1" or, with platforms, "0:1"; "": not known yet */
    bool has_subnormals;
    uint64_t buffer_max; /* the most bytes of one buffer */
    uint64_t budget;     /* bytes that a staged call may take on the device; 0: gpu_budget */
    uint64_t memory;     /* the device's whole memory in bytes */
    uint32_t copy_threads;
    uint64_t generation; /* of the process that opened it (host/support/process.h) */
    uint32_t add_tiles;  /* how many tiles keep the whole device busy with aead_add */
} gpu_device;

/* Returns the device behind the API's handle. */
static inline const gpu_device *gpu_of(const parseal_device *device)
{
    return (const gpu_device *)device; /* It is the first member of the backend's struct. */
}

const char *gpu_name(const parseal_device *device);
const char *gpu_place_of(const parseal_device *device);

/* Puts the device's place and name before the text of the failure to open it, and returns its
 * status. */
parseal_status gpu_not_usable(const gpu_device *d, const char *backend);

/* Takes the caller's other options; `memory` is the device's whole memory in bytes. */
parseal_status gpu_take_options(gpu_device *d, uint64_t memory, const parseal_request *request);

/* -------------------------------------------------------------------------------------- fork -- */

/* Drivers keep threads and mappings that a child of fork does not have, so that what they opened
 * cannot be used in it, nor closed. Returns whether an ancestor of this process opened the
 * device. */
bool gpu_is_inherited(const parseal_device *device);

/* Is called before a runtime is loaded. *opened, the backend's own, remembers by which generation
 * of processes that was done first. Fails in a child of a process that has done it. */
parseal_status gpu_runtime_enter(const char *name, atomic_uint_fast64_t *opened);

/* ------------------------------------------------------------------------------------ memory -- */

/* Stores the caller's stream or, where that is NULL, the device's own. */
parseal_status gpu_stream_of(const gpu_device *d, void *stream, gpu_stream *s);

/* Where the caller's stream is NULL, lets s wait for what the caller has enqueued before on the
 * runtime's default stream. It is called before anything touches the caller's device buffers. */
parseal_status gpu_after_default(const gpu_device *d, const void *stream, const gpu_stream *s);
parseal_status gpu_finish(const gpu_device *d, const gpu_stream *s);

/* Returns how many bytes of the device's memory a call may take now: what the options say or, where
 * they say nothing, a quarter of what is free. */
uint64_t gpu_budget(const gpu_device *d);

/* *memory is 0 after a failure. Where memory is short, what is kept for later calls is freed first.
 * Freeing 0 does nothing; other streams than the device's own have no work left that uses the
 * memory. */
parseal_status gpu_alloc(const gpu_device *d, uint64_t size, gpu_memory *memory);
void gpu_free(const gpu_device *d, gpu_memory memory);

/* Finishes the device's own stream, wipes the memory and frees it. It is for memory that held
 * keys. */
void gpu_wipe_and_free(const gpu_device *d, gpu_memory memory, uint64_t size);

/* host/backend/backend.h */
extern const memory_family gpu_memory_family;

/* Whether the buffer is the family's, so that nobody else has enqueued work that uses it. */
bool gpu_is_own(const gpu_device *d, const parseal_buf *buf);

/* These return at once, so host memory must stay unchanged until the stream is finished. */
parseal_status gpu_write(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                         const void *from, uint64_t size);
parseal_status gpu_read_later(const gpu_device *d, const gpu_stream *s, gpu_memory from,
                              uint64_t at, void *to, uint64_t size);
/* These return when the bytes are there. */
parseal_status gpu_write_now(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                             const void *from, uint64_t size);
parseal_status gpu_read(const gpu_device *d, const gpu_stream *s, gpu_memory from, uint64_t at,
                        void *to, uint64_t size);

#endif
