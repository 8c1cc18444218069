/* One opened OpenCL device: everything that the files of this folder share. */
#ifndef PARSEAL_HOST_OPENCL_DEVICE_H
#define PARSEAL_HOST_OPENCL_DEVICE_H

#include "host/gpu/driver.h"
#include "host/opencl/cl_api.h"

enum { OCL_RUNS_MAX = 256 };

/* The part of a device that changes while it is used, under its lock. */
typedef struct {
    cl_program built[GPU_PROGRAMS]; /* built when first used */
    cl_event runs[OCL_RUNS_MAX];    /* kernels whose time has not been asked for yet */
    size_t n_runs;
    double kernel_seconds;
} ocl_state;

typedef struct {
    gpu_device gpu;
    cl_api api;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    char version[320]; /* platform and driver versions, for which a binary is built */
    bool has_double, is_gpu, time_kernels;
    ocl_state *state;
} ocl_device;

/* Returns the OpenCL device behind a gpu_device. */
const ocl_device *ocl_of(const gpu_device *d);

extern const gpu_driver ocl_driver;

/* Fills *d from the request and PARSEAL_OPENCL_DEVICE. On failure *d holds nothing. */
parseal_status ocl_choose(ocl_device *d, const parseal_request *request);

/* Returns a new in-order queue, or NULL with the error text set. */
cl_command_queue ocl_queue(const ocl_device *d);

/* Stores the program, which is built or taken from the cache when it is first used. */
parseal_status ocl_program_of(const ocl_device *d, gpu_program which, cl_program *program);

/* Takes over the event of a kernel's run, so that its time can be asked for. */
void ocl_note_run(const ocl_device *d, cl_event run);

/* Returns the seconds of all kernels so far, and waits for them. */
double ocl_kernel_seconds(const ocl_device *d);

#endif
