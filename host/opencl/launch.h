/* What driver.c and launch.c share. */
#ifndef PARSEAL_HOST_OPENCL_LAUNCH_H
#define PARSEAL_HOST_OPENCL_LAUNCH_H

#include "host/opencl/device.h"

/* Inputs of one run of vec_sum. */
enum { OCL_SUM_INPUTS = 8 };

parseal_status ocl_launch(const gpu_launch *launch, const gpu_stream *s, uint64_t items);

/* What comes after waits for what came before. */
parseal_status ocl_keep_order(const ocl_device *d, const gpu_stream *s);

#endif
