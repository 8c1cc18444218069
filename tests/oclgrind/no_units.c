/* A device that says it has no compute units: no vector is too short to keep it busy, so that the
 * library runs on small ones what it runs on large ones elsewhere. */
#include <string.h>

#include "opencl/real.h"

cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size,
                                   void *value, size_t *size_needed)
{
    const cl_int error = real.GetDeviceInfo(device, what, size, value, size_needed);
    if (error == CL_SUCCESS && what == CL_DEVICE_MAX_COMPUTE_UNITS && value != NULL)
        memset(value, 0, sizeof(cl_uint));
    return error;
}
