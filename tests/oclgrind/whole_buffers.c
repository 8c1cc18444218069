/* A runtime around Oclgrind's, for its check of uninitialised memory.
 *
 * Oclgrind (21.10 to 26.03) learns of a buffer when a kernel is first given it, all of which is
 * then uninitialised; but each time the host writes to a part, it forgets the rest, and a new
 * buffer may begin with what was known of one that is gone. So here each buffer is shown to a
 * kernel when it is made, and kept; and what the host writes goes to a buffer of its own, whole,
 * from which a kernel copies it.
 */
#include <stdlib.h>

#include "opencl/real.h"

static const char source[] =
    "typedef struct { uchar byte[256]; } chunk;\n"
    "typedef struct { uchar byte[1]; } one;\n"
    "__kernel void show(__global uchar *p) { (void)p; }\n"
    "__kernel void copy(__global uchar *to, ulong to_at, __global const uchar *from, ulong size) "
    "{\n"
    "    const ulong at = 256 * get_global_id(0);\n"
    "    if (size - at >= 256)\n"
    "        *(__global chunk *)(to + to_at + at) = *(__global const chunk *)(from + at);\n"
    "    else\n"
    "        for (ulong i = at; i < size; i++)\n"
    "            ((__global one *)(to + to_at))[i] = ((__global const one *)from)[i];\n"
    "}\n";

/* Whatever fails here fails the test. */
static void demand(cl_int error)
{
    if (error != CL_SUCCESS)
        abort();
}

/* The kernels above, built once: the tests use one context at a time. */
static cl_program program_for(cl_context context, cl_device_id device)
{
    static cl_context built_for;
    static cl_program program;
    cl_int error;
    const char *text = source;
    const size_t length = sizeof source - 1;
    if (context == built_for)
        return program;
    program = real.CreateProgramWithSource(context, 1, &text, &length, &error);
    demand(error);
    demand(real.BuildProgram(program, 1, &device, "", NULL, NULL));
    built_for = context;
    return program;
}

/* Runs a kernel over `size` bytes, after which nothing is under way. */
static void run(cl_command_queue queue, const char *name, size_t size, cl_uint n,
                const void *const *values, const size_t *sizes)
{
    cl_context context;
    cl_device_id device;
    cl_int error;
    const size_t items = (size + 255) / 256;
    demand(real.GetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof context, &context, NULL));
    demand(real.GetCommandQueueInfo(queue, CL_QUEUE_DEVICE, sizeof device, &device, NULL));
    cl_kernel kernel = real.CreateKernel(program_for(context, device), name, &error);
    demand(error);
    for (cl_uint i = 0; i < n; i++)
        demand(real.SetKernelArg(kernel, i, sizes[i], values[i]));
    demand(real.EnqueueNDRangeKernel(queue, kernel, 1, NULL, &items, NULL, 0, NULL, NULL));
    demand(real.Finish(queue));
    demand(real.ReleaseKernel(kernel));
}

cl_mem CL_API_CALL clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host,
                                  cl_int *error)
{
    cl_device_id device;
    cl_int queue_error;
    cl_mem memory = real.CreateBuffer(context, flags, size, host, error);
    if (memory == NULL || host != NULL || (flags & CL_MEM_ALLOC_HOST_PTR) != 0)
        return memory;
    demand(real.GetContextInfo(context, CL_CONTEXT_DEVICES, sizeof device, &device, NULL));
    cl_command_queue queue = real.CreateCommandQueue(context, device, 0, &queue_error);
    demand(queue_error);
    const void *const values[] = {&memory};
    const size_t sizes[] = {sizeof memory};
    run(queue, "show", 1, 1, values, sizes);
    demand(real.ReleaseCommandQueue(queue));
    return memory;
}

cl_int CL_API_CALL clEnqueueWriteBuffer(cl_command_queue queue, cl_mem memory, cl_bool blocking,
                                        size_t offset, size_t size, const void *from, cl_uint n,
                                        const cl_event *events, cl_event *event)
{
    cl_context context;
    cl_int error;
    const cl_ulong at = offset, bytes = size;
    (void)blocking;
    if (n != 0 || events != NULL || event != NULL) /* not asked for by the library */
        abort();
    demand(real.GetCommandQueueInfo(queue, CL_QUEUE_CONTEXT, sizeof context, &context, NULL));
    cl_mem part = real.CreateBuffer(context, CL_MEM_READ_WRITE, size, NULL, &error);
    demand(error);
    demand(real.EnqueueWriteBuffer(queue, part, CL_TRUE, 0, size, from, 0, NULL, NULL));
    const void *const values[] = {&memory, &at, &part, &bytes};
    const size_t sizes[] = {sizeof memory, sizeof at, sizeof part, sizeof bytes};
    run(queue, "copy", size, 4, values, sizes);
    return CL_SUCCESS;
}

cl_int CL_API_CALL clReleaseMemObject(cl_mem memory)
{
    (void)memory;
    return CL_SUCCESS;
}
