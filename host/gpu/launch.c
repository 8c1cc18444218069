#include "host/gpu/launch.h"

#include <string.h>

#include "host/gpu/driver.h"

void gpu_launch_begin(gpu_launch *launch, const gpu_device *d, gpu_program program,
                      const char *kernel)
{
    memset(launch, 0, sizeof *launch);
    launch->device = d;
    launch->program = program;
    launch->kernel = kernel;
}

/* There is no check, since the number of a kernel's arguments never depends on the caller's input:
 * GPU_ARGS_MAX is enough for every kernel. */
static gpu_arg *next_arg(gpu_launch *launch, gpu_arg_kind kind)
{
    gpu_arg *arg = &launch->arg[launch->n_args++];
    arg->kind = kind;
    return arg;
}

/* Stores the value aligned to 8 bytes where its size is a multiple of 8, else to 4. */
void gpu_arg_value(gpu_launch *launch, const void *value, size_t size)
{
    gpu_arg *arg = next_arg(launch, GPU_VALUE);
    const uint32_t alignment = size % 8 == 0 ? 8 : 4;
    arg->at = (launch->n_values + alignment - 1) / alignment * alignment;
    arg->size = (uint32_t)size;
    memcpy(launch->value + arg->at, value, size);
    launch->n_values = arg->at + arg->size;
}

void gpu_arg_u32(gpu_launch *launch, uint32_t value)
{
    gpu_arg_value(launch, &value, sizeof value);
}

void gpu_arg_u64(gpu_launch *launch, uint64_t value)
{
    gpu_arg_value(launch, &value, sizeof value);
}

void gpu_arg_double(gpu_launch *launch, double value)
{
    gpu_arg_value(launch, &value, sizeof value);
}

void gpu_arg_memory(gpu_launch *launch, gpu_memory memory)
{
    next_arg(launch, GPU_MEMORY)->place = (gpu_place){memory, 0};
}

void gpu_arg_place(gpu_launch *launch, const gpu_place *place)
{
    next_arg(launch, GPU_PLACE)->place = *place;
}

void gpu_arg_inputs(gpu_launch *launch, const gpu_place *inputs, size_t n, const gpu_place *other)
{
    gpu_arg *arg = next_arg(launch, GPU_INPUTS);
    arg->inputs = inputs;
    arg->n_inputs = n;
    arg->place = *other;
}

parseal_status gpu_launch_run(const gpu_launch *launch, const gpu_stream *s, uint64_t items)
{
    return items == 0 ? PARSEAL_OK : launch->device->driver->launch(launch, s, items);
}
