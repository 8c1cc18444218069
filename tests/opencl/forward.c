/* Every call as it is, unless another file of this runtime does it. */
#include "opencl/real.h"

#define FORWARD(result, name, parameters)                                   \
    __attribute__((weak)) result CL_API_CALL cl##name PARAMETERS parameters \
    {                                                                       \
        return real.name ARGUMENTS parameters;                              \
    }
CL_API_FUNCTIONS(FORWARD)
