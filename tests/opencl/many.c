/* The real runtime's first device, with a platform before it whose GPUs will not do, each in a way
 * of its own. What they are not asked to fail in they answer as the real device does. */
#include <stdlib.h>
#include <string.h>

#include "opencl/real.h"

typedef struct {
    const char *name;
    cl_bool available;
    size_t group, items; /* the most work-items of a work group, and along its first dimension; 0:
                            as the real device says */
} fake_gpu;

static const fake_gpu gpus[] = {
    {"Unfit 1 that is away", CL_FALSE, 0, 0},
    {"Unfit 0 of small groups", CL_TRUE, 63, 0},
    {"Unfit of flat groups", CL_TRUE, 1024, 32},
    {"Unfit without a context", CL_TRUE, 64, 64},
};
enum { GPUS = sizeof gpus / sizeof gpus[0] };

static char platform; /* its address is the platform of the GPUs */

static const fake_gpu *fake(cl_device_id id)
{
    for (size_t i = 0; i < GPUS; i++)
        if ((const void *)id == &gpus[i])
            return &gpus[i];
    return NULL;
}

static cl_platform_id real_platform(void)
{
    cl_platform_id first = NULL;
    (void)real.GetPlatformIDs(1, &first, NULL);
    return first;
}

static cl_device_id real_device(void)
{
    cl_device_id id = NULL;
    (void)real.GetDeviceIDs(real_platform(), CL_DEVICE_TYPE_ALL, 1, &id, NULL);
    return id;
}

cl_int CL_API_CALL clGetPlatformIDs(cl_uint room, cl_platform_id *ids, cl_uint *n)
{
    if (room < 2)
        return CL_INVALID_VALUE;
    ids[0] = (cl_platform_id)(void *)&platform;
    ids[1] = real_platform();
    *n = 2;
    return ids[1] != NULL ? CL_SUCCESS : CL_INVALID_VALUE;
}

cl_int CL_API_CALL clGetPlatformInfo(cl_platform_id of, cl_platform_info what, size_t room,
                                     void *value, size_t *needed)
{
    return real.GetPlatformInfo((void *)of == &platform ? real_platform() : of, what, room, value,
                                needed);
}

cl_int CL_API_CALL clGetDeviceIDs(cl_platform_id of, cl_device_type type, cl_uint room,
                                  cl_device_id *ids, cl_uint *n)
{
    if ((void *)of != &platform)
        *n = 1;
    if ((void *)of != &platform)
        return real.GetDeviceIDs(of, type, 1, ids, NULL);
    for (cl_uint i = 0; i < GPUS && i < room; i++)
        ids[i] = (cl_device_id)(uintptr_t)&gpus[i];
    *n = GPUS;
    return CL_SUCCESS;
}

static cl_int put(const void *from, size_t size, size_t room, void *to)
{
    if (room < size)
        return CL_INVALID_VALUE;
    memcpy(to, from, size);
    return CL_SUCCESS;
}

cl_int CL_API_CALL clGetDeviceInfo(cl_device_id id, cl_device_info what, size_t room, void *value,
                                   size_t *needed)
{
    static const cl_device_type gpu = CL_DEVICE_TYPE_GPU;
    const fake_gpu *f = fake(id);
    if (f == NULL)
        return real.GetDeviceInfo(id, what, room, value, needed);
    if (what == CL_DEVICE_NAME)
        return put(f->name, strlen(f->name) + 1, room, value);
    if (what == CL_DEVICE_TYPE)
        return put(&gpu, sizeof gpu, room, value);
    if (what == CL_DEVICE_AVAILABLE)
        return put(&f->available, sizeof f->available, room, value);
    if (what == CL_DEVICE_MAX_WORK_GROUP_SIZE && f->group > 0)
        return put(&f->group, sizeof f->group, room, value);
    if (what == CL_DEVICE_MAX_WORK_ITEM_SIZES && f->items > 0) {
        const size_t items[3] = {f->items, 1024, 1024};
        return put(items, sizeof items, room, value);
    }
    return real.GetDeviceInfo(real_device(), what, room, value, needed);
}

cl_context CL_API_CALL clCreateContext(const cl_context_properties *properties, cl_uint n,
                                       const cl_device_id *ids,
                                       void(CL_CALLBACK *notify)(const char *, const void *, size_t,
                                                                 void *),
                                       void *data, cl_int *error)
{
    if (fake(ids[0]) == NULL)
        return real.CreateContext(properties, n, ids, notify, data, error);
    *error = CL_DEVICE_NOT_AVAILABLE;
    return NULL;
}
