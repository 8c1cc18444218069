/* Queues, memory and kernels of one device. */
#include "host/opencl/device.h"

enum { GROUP = 64 /* work-items: every kernel's reqd_work_group_size */ };

cl_command_queue ocl_queue(const ocl_device *d)
{
    cl_int error;
    const cl_command_queue_properties properties = d->time_kernels ? CL_QUEUE_PROFILING_ENABLE : 0;
    cl_command_queue queue = d->api.CreateCommandQueue(d->context, d->id, properties, &error);
    if (queue == NULL)
        (void)cl_failed("clCreateCommandQueue", error);
    return queue;
}

parseal_status ocl_stream_of(const ocl_device *d, void *stream, ocl_stream *s)
{
    cl_command_queue_properties properties = 0;
    *s = (ocl_stream){d->queue, true};
    if (stream == NULL)
        return PARSEAL_OK;
    const cl_int error = d->api.GetCommandQueueInfo(stream, CL_QUEUE_PROPERTIES, sizeof properties,
                                                    &properties, NULL);
    if (error != CL_SUCCESS)
        return parseal_fail(PARSEAL_ERR_ARG, "stream: not a cl_command_queue (%s)",
                            cl_error_name(error));
    *s = (ocl_stream){stream, (properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) == 0};
    return PARSEAL_OK;
}

/* What comes after waits for what came before. */
static parseal_status keep_order(const ocl_device *d, const ocl_stream *s)
{
    if (s->ordered)
        return PARSEAL_OK;
    const cl_int error = d->api.EnqueueBarrierWithWaitList(s->queue, 0, NULL, NULL);
    return error == CL_SUCCESS ? PARSEAL_OK : cl_failed("clEnqueueBarrierWithWaitList", error);
}

/* ------------------------------------------------------------------------------------ memory -- */

cl_mem ocl_alloc(const ocl_device *d, uint64_t size, cl_mem_flags flags)
{
    cl_int error = CL_INVALID_BUFFER_SIZE;
    cl_mem memory = NULL;
    if (size <= SIZE_MAX)
        memory = d->api.CreateBuffer(d->context, flags, size > 0 ? (size_t)size : 1, NULL, &error);
    if (error == CL_INVALID_BUFFER_SIZE)
        error = CL_MEM_OBJECT_ALLOCATION_FAILURE; /* more than the device can give */
    if (error != CL_SUCCESS) {
        (void)cl_failed("clCreateBuffer", error);
        return NULL;
    }
    return memory;
}

void ocl_free(const ocl_device *d, cl_mem memory)
{
    if (memory != NULL)
        (void)d->api.ReleaseMemObject(memory);
}

parseal_status ocl_wipe(const ocl_device *d, const ocl_stream *s, cl_mem memory, uint64_t size)
{
    ocl_launch launch = ocl_launch_begin(d, OCL_VEC, "wipe");
    ocl_arg_memory(&launch, memory);
    ocl_arg_u64(&launch, size / 4);
    return ocl_launch_run(&launch, s, size / 4);
}

void ocl_wipe_and_free(const ocl_device *d, cl_mem memory, uint64_t size)
{
    const ocl_stream own = {d->queue, true};
    if (memory == NULL)
        return;
    /* A device that cannot be asked to wipe any more cannot be asked to do anything else. */
    (void)ocl_wipe(d, &own, memory, size);
    (void)ocl_finish(d, &own);
    ocl_free(d, memory);
}

static parseal_status enqueue_write(const ocl_device *d, const ocl_stream *s, cl_mem to,
                                    uint64_t at, const void *from, uint64_t size, cl_bool wait)
{
    if (size == 0)
        return PARSEAL_OK;
    const cl_int error = d->api.EnqueueWriteBuffer(s->queue, to, wait, (size_t)at, (size_t)size,
                                                   from, 0, NULL, NULL);
    return error == CL_SUCCESS ? keep_order(d, s) : cl_failed("clEnqueueWriteBuffer", error);
}

parseal_status ocl_write(const ocl_device *d, const ocl_stream *s, cl_mem to, uint64_t at,
                         const void *from, uint64_t size)
{
    return enqueue_write(d, s, to, at, from, size, CL_FALSE);
}

parseal_status ocl_write_now(const ocl_device *d, const ocl_stream *s, cl_mem to, uint64_t at,
                             const void *from, uint64_t size)
{
    return enqueue_write(d, s, to, at, from, size, CL_TRUE);
}

static parseal_status enqueue_read(const ocl_device *d, const ocl_stream *s, cl_mem from,
                                   uint64_t at, void *to, uint64_t size, cl_bool wait)
{
    if (size == 0)
        return PARSEAL_OK;
    const cl_int error =
        d->api.EnqueueReadBuffer(s->queue, from, wait, (size_t)at, (size_t)size, to, 0, NULL, NULL);
    return error == CL_SUCCESS ? keep_order(d, s) : cl_failed("clEnqueueReadBuffer", error);
}

parseal_status ocl_read(const ocl_device *d, const ocl_stream *s, cl_mem from, uint64_t at,
                        void *to, uint64_t size)
{
    return enqueue_read(d, s, from, at, to, size, CL_TRUE);
}

parseal_status ocl_read_later(const ocl_device *d, const ocl_stream *s, cl_mem from, uint64_t at,
                              void *to, uint64_t size)
{
    return enqueue_read(d, s, from, at, to, size, CL_FALSE);
}

parseal_status ocl_finish(const ocl_device *d, const ocl_stream *s)
{
    const cl_int error = d->api.Finish(s->queue);
    return error == CL_SUCCESS ? PARSEAL_OK : cl_failed("clFinish", error);
}

/* ------------------------------------------------------------------------------------ launch -- */

ocl_launch ocl_launch_begin(const ocl_device *d, ocl_program program, const char *kernel)
{
    ocl_launch launch = {.device = d, .name = kernel};
    cl_program built;
    launch.status = ocl_program_of(d, program, &built);
    if (launch.status == PARSEAL_OK)
        launch.kernel = d->api.CreateKernel(built, kernel, &launch.error);
    return launch;
}

void ocl_arg(ocl_launch *launch, const void *value, size_t size)
{
    if (launch->status == PARSEAL_OK && launch->error == CL_SUCCESS)
        launch->error = launch->device->api.SetKernelArg(launch->kernel, launch->args, size, value);
    launch->args++;
}

void ocl_arg_memory(ocl_launch *launch, cl_mem memory)
{
    ocl_arg(launch, &memory, sizeof memory);
}

void ocl_arg_u32(ocl_launch *launch, uint32_t value)
{
    ocl_arg(launch, &value, sizeof value);
}

void ocl_arg_u64(ocl_launch *launch, uint64_t value)
{
    ocl_arg(launch, &value, sizeof value);
}

/* -------------------------------------------------------------------------------------- time -- */

/* Adds up what the runs that are noted took. Queues without profiling do not tell. */
static void add_up_runs(const ocl_device *d, ocl_shared *shared)
{
    for (size_t i = 0; i < shared->n_runs; i++) {
        cl_ulong begin, end;
        cl_event run = shared->runs[i];
        if (d->api.WaitForEvents(1, &run) == CL_SUCCESS &&
            d->api.GetEventProfilingInfo(run, CL_PROFILING_COMMAND_START, sizeof begin, &begin,
                                         NULL) == CL_SUCCESS &&
            d->api.GetEventProfilingInfo(run, CL_PROFILING_COMMAND_END, sizeof end, &end, NULL) ==
                CL_SUCCESS)
            shared->kernel_seconds += 1e-9 * (double)(end - begin);
        (void)d->api.ReleaseEvent(run);
    }
    shared->n_runs = 0;
}

static void note_run(const ocl_device *d, cl_event run)
{
    ocl_shared *shared = d->shared;
    (void)pthread_mutex_lock(&shared->lock);
    if (shared->n_runs == OCL_RUNS_MAX)
        add_up_runs(d, shared);
    shared->runs[shared->n_runs++] = run;
    (void)pthread_mutex_unlock(&shared->lock);
}

double ocl_kernel_seconds(const void *device)
{
    const ocl_device *d = device;
    (void)pthread_mutex_lock(&d->shared->lock);
    add_up_runs(d, d->shared);
    const double seconds = d->shared->kernel_seconds;
    (void)pthread_mutex_unlock(&d->shared->lock);
    return seconds;
}

/* --------------------------------------------------------------------------------------- run -- */

parseal_status ocl_launch_run(ocl_launch *launch, const ocl_stream *s, uint64_t items)
{
    const ocl_device *d = launch->device;
    if (launch->status != PARSEAL_OK)
        return launch->status;
    const size_t local = GROUP, global = (size_t)(items + GROUP - 1) / GROUP * GROUP;
    cl_event run = NULL;
    if (launch->error == CL_SUCCESS && items > 0)
        launch->error = d->api.EnqueueNDRangeKernel(s->queue, launch->kernel, 1, NULL, &global,
                                                    &local, 0, NULL, d->time_kernels ? &run : NULL);
    if (run != NULL && launch->error == CL_SUCCESS)
        note_run(d, run);
    if (launch->kernel != NULL)
        (void)d->api.ReleaseKernel(launch->kernel);
    launch->kernel = NULL;
    if (launch->error != CL_SUCCESS)
        return cl_failed(launch->name, launch->error);
    return items > 0 ? keep_order(d, s) : PARSEAL_OK;
}
