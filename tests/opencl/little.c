/* The real runtime, whose devices have PARSEAL_TEST_MEMORY bytes: more is refused, as by a device
 * that other processes have filled. What is pinned is the host's. */
#include <stdatomic.h>
#include <stdlib.h>

#include "opencl/real.h"

static atomic_size_t used;

static size_t limit(void)
{
    const char *bytes = getenv("PARSEAL_TEST_MEMORY");
    return bytes != NULL ? (size_t)strtoull(bytes, NULL, 10) : SIZE_MAX;
}

cl_mem CL_API_CALL clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *host,
                                  cl_int *error)
{
    const size_t taken = (flags & CL_MEM_ALLOC_HOST_PTR) != 0 ? 0 : size;
    if (taken > 0 && (atomic_load(&used) > limit() || taken > limit() - atomic_load(&used))) {
        if (error != NULL)
            *error = CL_MEM_OBJECT_ALLOCATION_FAILURE;
        return NULL;
    }
    cl_mem made = real.CreateBuffer(context, flags, size, host, error);
    if (made != NULL)
        atomic_fetch_add(&used, taken);
    return made;
}

cl_int CL_API_CALL clReleaseMemObject(cl_mem memory)
{
    cl_mem_flags flags = 0;
    size_t size = 0;
    (void)real.GetMemObjectInfo(memory, CL_MEM_FLAGS, sizeof flags, &flags, NULL);
    (void)real.GetMemObjectInfo(memory, CL_MEM_SIZE, sizeof size, &size, NULL);
    const cl_int error = real.ReleaseMemObject(memory);
    if (error == CL_SUCCESS && (flags & CL_MEM_ALLOC_HOST_PTR) == 0)
        atomic_fetch_sub(&used, size);
    return error;
}
