/* One run of a kernel. */
#ifndef PARSEAL_HOST_GPU_LAUNCH_H
#define PARSEAL_HOST_GPU_LAUNCH_H

#include "host/gpu/device.h"

enum { GPU_ARGS_MAX = 20, GPU_VALUES_MAX = 128 };

typedef enum {
    GPU_VALUE,  /* bytes */
    GPU_MEMORY, /* a whole memory */
    GPU_PLACE,  /* a memory from a byte on */
    GPU_INPUTS, /* places of as many inputs as the driver's kernels take at once */
} gpu_arg_kind;

typedef struct {
    gpu_arg_kind kind;
    uint32_t at, size; /* of a value, in the launch's values */
    gpu_place place;   /* for inputs that there are not, too */
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
void gpu_arg_double(gpu_launch *launch, double value); /* its bits */
void gpu_arg_memory(gpu_launch *launch, gpu_memory memory);
void gpu_arg_place(gpu_launch *launch, const gpu_place *place);

/* `inputs` stays where it is until the launch has run; `other` stands in for those that are
 * missing. */
void gpu_arg_inputs(gpu_launch *launch, const gpu_place *inputs, size_t n, const gpu_place *other);

/* At least `items` of whatever the kernel counts; nothing happens where that is 0. */
parseal_status gpu_launch_run(const gpu_launch *launch, const gpu_stream *s, uint64_t items);

#endif
