/* The OpenCL runtime behind one that stands for it in a test, and what it takes to hand calls on.
 */
#ifndef PARSEAL_TESTS_REAL_H
#define PARSEAL_TESTS_REAL_H

#include "host/opencl/cl_api.h"

/* From the library that PARSEAL_TEST_LIBOPENCL names; no function is there without it. */
extern cl_api real;

/* a3, a2, a1 for three parameters: the last is always a1. */
#define COUNT(...) COUNT_(__VA_ARGS__, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)

#define COUNT_(a, b, c, d, e, f, g, h, i, j, n, ...) n
#define JOIN(a, b)                                   JOIN_(a, b)
#define JOIN_(a, b)                                  a##b

#define PARAMETERS_1(T)       __typeof__(T) a1
#define PARAMETERS_2(T, ...)  __typeof__(T) a2, PARAMETERS_1(__VA_ARGS__)
#define PARAMETERS_3(T, ...)  __typeof__(T) a3, PARAMETERS_2(__VA_ARGS__)
#define PARAMETERS_4(T, ...)  __typeof__(T) a4, PARAMETERS_3(__VA_ARGS__)
#define PARAMETERS_5(T, ...)  __typeof__(T) a5, PARAMETERS_4(__VA_ARGS__)
#define PARAMETERS_6(T, ...)  __typeof__(T) a6, PARAMETERS_5(__VA_ARGS__)
#define PARAMETERS_7(T, ...)  __typeof__(T) a7, PARAMETERS_6(__VA_ARGS__)
#define PARAMETERS_8(T, ...)  __typeof__(T) a8, PARAMETERS_7(__VA_ARGS__)
#define PARAMETERS_9(T, ...)  __typeof__(T) a9, PARAMETERS_8(__VA_ARGS__)
#define PARAMETERS_10(T, ...) __typeof__(T) a10, PARAMETERS_9(__VA_ARGS__)
#define PARAMETERS(...)       (JOIN(PARAMETERS_, COUNT(__VA_ARGS__))(__VA_ARGS__))

#define ARGUMENTS_1    a1
#define ARGUMENTS_2    a2, a1
#define ARGUMENTS_3    a3, a2, a1
#define ARGUMENTS_4    a4, a3, a2, a1
#define ARGUMENTS_5    a5, a4, a3, a2, a1
#define ARGUMENTS_6    a6, a5, a4, a3, a2, a1
#define ARGUMENTS_7    a7, a6, a5, a4, a3, a2, a1
#define ARGUMENTS_8    a8, a7, a6, a5, a4, a3, a2, a1
#define ARGUMENTS_9    a9, a8, a7, a6, a5, a4, a3, a2, a1
#define ARGUMENTS_10   a10, a9, a8, a7, a6, a5, a4, a3, a2, a1
#define ARGUMENTS(...) (JOIN(ARGUMENTS_, COUNT(__VA_ARGS__)))

#endif
