/* One opened OpenCL device: everything that the files of this folder share. */
#ifndef PARSEAL_HOST_OPENCL_DEVICE_H
#define PARSEAL_HOST_OPENCL_DEVICE_H

#include "host/gpu/driver.h"
#include "host/opencl/cl_api.h"

enum { OCL_RUNS_MAX = 256 };

/* What changes while a device is used, under its lock. */
typedef struct {
    cl_program built[GPU_PROGRAMS]; /* when they are first used */
    cl_event runs[OCL_RUNS_MAX];    /* of kernels whose time has not been asked for yet */
    size_t n_runs;
    double kernel_seconds;
} ocl_state;

typedef struct {
    gpu_device gpu;
    cl_api api;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    char version[320]; /* of the platform and its driver: what a binary was built for */
    bool has_double, is_gpu, time_kernels;
    ocl_state *state;
} ocl_device;

/* The OpenCL device that the shared code knows as a GPU. */
const ocl_device *ocl_of(const gpu_device *d);

extern const gpu_driver ocl_driver;

/* Fills *d from the request and PARSEAL_OPENCL_DEVICE. On failure *d holds nothing. */
parseal_status ocl_choose(ocl_device *d, const parseal_request *request);

/* A queue of the library's own, in order; NULL with the error text set. */
cl_command_queue ocl_queue(const ocl_device *d);

/* The program, built now or taken from the cache where it has not been used yet. */
parseal_status ocl_program_of(const ocl_device *d, gpu_program which, cl_program *program);

/* Takes over the event of a kernel's run, whose time will be asked for. */
void ocl_note_run(const ocl_device *d, cl_event run);

/* Of all kernels so far; waits for them. */
double ocl_kernel_seconds(const ocl_device *d);

#endif
