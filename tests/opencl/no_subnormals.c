/* The real runtime, whose devices say that they have no subnormal numbers. */
#include "opencl/real.h"

cl_int CL_API_CALL clGetDeviceInfo(cl_device_id device, cl_device_info what, size_t size,
                                   void *value, size_t *needed)
{
    const cl_int error = real.GetDeviceInfo(device, what, size, value, needed);
    if (error == CL_SUCCESS && what == CL_DEVICE_SINGLE_FP_CONFIG && value != NULL)
        *(cl_device_fp_config *)value &= ~(cl_device_fp_config)CL_FP_DENORM;
    return error;
}
