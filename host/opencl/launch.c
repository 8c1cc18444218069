/* Runs of kernels, and the time that they take. */
#include "host/opencl/launch.h"

#include "host/support/float_state.h"

/* Arguments as clSetKernelArg counts them: a place is two arguments. */
typedef struct {
    const ocl_device *device;
    cl_kernel kernel;
    cl_uint n;
    cl_int error;
} kernel_args;

static void set_arg(kernel_args *args, const void *value, size_t size)
{
    if (args->error == CL_SUCCESS)
        args->error = args->device->api.SetKernelArg(args->kernel, args->n, size, value);
    args->n++;
}

static void set_memory(kernel_args *args, gpu_memory memory)
{
    const cl_mem m = (cl_mem)memory;
    set_arg(args, &m, sizeof m);
}

static void set_place(kernel_args *args, const gpu_place *place)
{
    set_memory(args, place->memory);
    set_arg(args, &place->at, sizeof place->at);
}

static void set_args(kernel_args *args, const gpu_launch *launch)
{
    for (uint32_t i = 0; i < launch->n_args; i++) {
        const gpu_arg *arg = &launch->arg[i];
        if (arg->kind == GPU_VALUE)
            set_arg(args, launch->value + arg->at, arg->size);
        else if (arg->kind == GPU_MEMORY)
            set_memory(args, arg->place.memory);
        else if (arg->kind == GPU_PLACE)
            set_place(args, &arg->place);
        else
            for (size_t j = 0; j < OCL_SUM_INPUTS; j++)
                set_place(args, j < arg->n_inputs ? &arg->inputs[j] : &arg->place);
    }
}

static cl_int enqueue(const ocl_device *d, cl_kernel kernel, cl_command_queue queue, uint64_t items)
{
    const size_t local = GROUP_SIZE, groups = (size_t)((items + GROUP_SIZE - 1) / GROUP_SIZE);
    const size_t global = groups * GROUP_SIZE;
    cl_event run = NULL;
    const cl_int error = d->api.EnqueueNDRangeKernel(queue, kernel, 1, NULL, &global, &local, 0,
                                                     NULL, d->time_kernels ? &run : NULL);
    if (run != NULL && error == CL_SUCCESS)
        ocl_note_run(d, run);
    return error;
}

parseal_status ocl_launch(const gpu_launch *launch, const gpu_stream *s, uint64_t items)
{
    const ocl_device *d = ocl_of(launch->device);
    cl_program program;
    kernel_args args = {.device = d};
    TRY(ocl_program_of(d, launch->program, &program));
    args.kernel = d->api.CreateKernel(program, launch->kernel, &args.error);
    set_args(&args, launch);
    if (args.error == CL_SUCCESS)
        args.error = enqueue(d, args.kernel, s->handle, items);
    if (args.kernel != NULL)
        (void)d->api.ReleaseKernel(args.kernel);
    return args.error == CL_SUCCESS ? ocl_keep_order(d, s) : cl_failed(launch->kernel, args.error);
}

/* -------------------------------------------------------------------------------------- time -- */

static void add_up_run(ocl_state *state, cl_ulong nanoseconds)
{
    const float_state before = float_state_set();
    state->kernel_seconds += 1e-9 * (double)nanoseconds;
    float_state_restore(&before);
}

/* Adds up the times of the noted runs. Runs in queues without profiling have no time and count as
 * 0. */
static void add_up_runs(const ocl_device *d)
{
    ocl_state *state = d->state;
    for (size_t i = 0; i < state->n_runs; i++) {
        cl_ulong begin, end;
        cl_event run = state->runs[i];
        if (d->api.WaitForEvents(1, &run) == CL_SUCCESS &&
            d->api.GetEventProfilingInfo(run, CL_PROFILING_COMMAND_START, sizeof begin, &begin,
                                         NULL) == CL_SUCCESS &&
            d->api.GetEventProfilingInfo(run, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL) ==
                CL_SUCCESS)
            add_up_run(state, end - begin);
        (void)d->api.ReleaseEvent(run);
    }
    state->n_runs = 0;
}

void ocl_note_run(const ocl_device *d, cl_event run)
{
    (void)pthread_mutex_lock(&d->gpu.shared->lock);
    if (d->state->n_runs == OCL_RUNS_MAX)
        add_up_runs(d);
    d->state->runs[d->state->n_runs++] = run;
    (void)pthread_mutex_unlock(&d->gpu.shared->lock);
}

double ocl_kernel_seconds(const ocl_device *d)
{
    (void)pthread_mutex_lock(&d->gpu.shared->lock);
    add_up_runs(d);
    const double seconds = d->state->kernel_seconds;
    (void)pthread_mutex_unlock(&d->gpu.shared->lock);
    return seconds;
}
