/* Stands for the kernels in a build without nvcc: no driver takes it. */
#include "kernels/kernels.h"

#define NO_KERNELS(upper, name, X)                     \
    extern const unsigned char cuda_##name##_fatbin[]; \
    const unsigned char cuda_##name##_fatbin[] = "built without nvcc";
KERNEL_FILES(NO_KERNELS, NO_KERNELS, )
