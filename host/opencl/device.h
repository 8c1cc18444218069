/* One opened OpenCL device: everything that the files of this folder share. */
#ifndef PARSEAL_HOST_OPENCL_DEVICE_H
#define PARSEAL_HOST_OPENCL_DEVICE_H

#include <pthread.h>
#include <stdint.h>

#include "host/opencl/cl_api.h"

/* One program for each file in kernels/opencl. */
typedef enum { OCL_AEAD, OCL_MASK, OCL_VEC, OCL_QUANT, OCL_PACK, OCL_PROGRAMS } ocl_program;

enum { OCL_RUNS_MAX = 256 };

struct ocl_stage;

/* What changes while a device is used, under one lock. */
typedef struct {
    pthread_mutex_t lock;
    cl_program built[OCL_PROGRAMS]; /* when they are first used */
    struct ocl_stage *spare;        /* memory that no call is using (stage.h), or NULL */
    cl_event runs[OCL_RUNS_MAX];    /* of kernels whose time has not been asked for yet */
    size_t n_runs;
    double kernel_seconds;
} ocl_shared;

typedef struct {
    cl_api api;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue; /* in order */
    ocl_shared *shared;
    char name[128];
    char version[320]; /* of the platform and its driver: what a binary was built for */
    bool has_double, has_subnormals, is_gpu, time_kernels;
    uint64_t buffer_max; /* bytes of one buffer */
    uint64_t budget;     /* bytes that a staged call may take on the device */
} ocl_device;

/* A queue of the library's own, in order; NULL with the error text set. */
cl_command_queue ocl_queue(const ocl_device *d);

/* Of all kernels so far; waits for them. */
double ocl_kernel_seconds(const void *device);

/* The queue that a call uses. Other people's may be out of order. */
typedef struct {
    cl_command_queue queue;
    bool ordered;
} ocl_stream;

/* Fills *d from the request and PARSEAL_OPENCL_DEVICE. On failure *d holds nothing. */
parseal_status ocl_choose(ocl_device *d, const parseal_request *request);

parseal_status ocl_shared_open(ocl_device *d);
void ocl_shared_close(ocl_device *d);

/* The program, built now or taken from the cache where it has not been used yet. */
parseal_status ocl_program_of(const ocl_device *d, ocl_program which, cl_program *program);

/* stream: the caller's cl_command_queue, or NULL for the device's own. */
parseal_status ocl_stream_of(const ocl_device *d, void *stream, ocl_stream *s);

/* ------------------------------------------------------------------------------------ memory -- */

/* NULL, with the error text set, where there is none. Freeing NULL does nothing. */
cl_mem ocl_alloc(const ocl_device *d, uint64_t size, cl_mem_flags flags);
void ocl_free(const ocl_device *d, cl_mem memory);

/* Overwrites size bytes, a multiple of 4, with zeros. */
parseal_status ocl_wipe(const ocl_device *d, const ocl_stream *s, cl_mem memory, uint64_t size);

/* Finishes what the queue has, wipes, frees. For memory that held keys. */
void ocl_wipe_and_free(const ocl_device *d, cl_mem memory, uint64_t size);

/* Returns at once: `from` stays as it is until the stream is finished. */
parseal_status ocl_write(const ocl_device *d, const ocl_stream *s, cl_mem to, uint64_t at,
                         const void *from, uint64_t size);
/* These return when the bytes are there. */
parseal_status ocl_write_now(const ocl_device *d, const ocl_stream *s, cl_mem to, uint64_t at,
                             const void *from, uint64_t size);
parseal_status ocl_read(const ocl_device *d, const ocl_stream *s, cl_mem from, uint64_t at,
                        void *to, uint64_t size);
/* Returns at once. */
parseal_status ocl_read_later(const ocl_device *d, const ocl_stream *s, cl_mem from, uint64_t at,
                              void *to, uint64_t size);
parseal_status ocl_finish(const ocl_device *d, const ocl_stream *s);

/* ------------------------------------------------------------------------------------ launch -- */

/* One run of a kernel: its arguments one after the other, then ocl_launch_run, which always frees
 * it and reports whatever went wrong on the way. */
typedef struct {
    const ocl_device *device;
    const char *name;
    cl_kernel kernel;
    cl_uint args;
    cl_int error;
    parseal_status status; /* of building its program */
} ocl_launch;

ocl_launch ocl_launch_begin(const ocl_device *d, ocl_program program, const char *kernel);
void ocl_arg(ocl_launch *launch, const void *value, size_t size);
void ocl_arg_memory(ocl_launch *launch, cl_mem memory);
void ocl_arg_u32(ocl_launch *launch, uint32_t value);
void ocl_arg_u64(ocl_launch *launch, uint64_t value);

/* At least `items` work-items; none where items is 0. */
parseal_status ocl_launch_run(ocl_launch *launch, const ocl_stream *s, uint64_t items);

#endif
