#include "opencl/real.h"

#include <stdlib.h>

#include "host/support/dynlib.h"

cl_api real;

__attribute__((constructor)) static void load(void)
{
    const char *const names[] = {getenv("PARSEAL_TEST_LIBOPENCL"), NULL};
    real.library = dynlib_open(names);
#define FIND(result, name, parameters) \
    dynlib_function(real.library, "cl" #name, &real.name, sizeof real.name);
    if (real.library != NULL) {
        CL_API_FUNCTIONS(FIND)
    }
#undef FIND
}
