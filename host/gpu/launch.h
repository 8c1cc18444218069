/* Launches of kernels, the same for every driver. */
#ifndef PARSEAL_HOST_GPU_LAUNCH_H
#define PARSEAL_HOST_GPU_LAUNCH_H

#include "host/gpu/device.h"

enum { GPU_ARGS_MAX = 20, GPU_VALUES_MAX = 128 };

typedef enum {
    GPU_VALUE,  /* bytes */
    GPU_MEMORY, /* a whole memory */
    GPU_PLACE,  /* a memory from a byte on */
    GPU_INPUTS, /* driver->sum_inputs places */
} gpu_arg_kind;

typedef struct {
    gpu_arg_kind kind;
    uint32_t at, size; /* GPU_VALUE: its bytes in the launch's `value` */
    gpu_place place;   /* GPU_INPUTS: it stands in for missing inputs */
    const gpu_place *inputs;
    size_t n_inputs;
} gpu_arg;

/* One run of a kernel: its arguments one after the other, then gpu_launch_run. */
typedef struct {
    const gpu_device *device;
    gpu_program program;
    const char *kernel;
    uint32_t n_args, n_values;
    gpu_arg arg[GPU_ARGS_MAX];
    uint8_t value[GPU_VALUES_MAX];
} gpu_launch;

void gpu_launch_begin(gpu_launch *launch, const gpu_device *d, gpu_program program,
                      const char *kernel);
void gpu_arg_value(gpu_launch *launch, const void *value, size_t size);
void gpu_arg_u32(gpu_launch *launch, uint32_t value);
void gpu_arg_u64(gpu_launch *launch, uint64_t value);
void gpu_arg_double(gpu_launch *launch, double value); /* passes its bits as a u64 */
void gpu_arg_memory(gpu_launch *launch, gpu_memory memory);
void gpu_arg_place(gpu_launch *launch, const gpu_place *place);

/* `inputs` must not change until the launch has run. `other` stands in for missing inputs. */
void gpu_arg_inputs(gpu_launch *launch, const gpu_place *inputs, size_t n, const gpu_place *other);

/* Runs the kernel for at least `items` of its units, or does nothing where that is 0. */
parseal_status gpu_launch_run(const gpu_launch *launch, const gpu_stream *s, uint64_t items);

#endif
