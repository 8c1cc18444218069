/* Launches, and the order of commands that driver.c and launch.c both keep. */
#ifndef PARSEAL_HOST_OPENCL_LAUNCH_H
#define PARSEAL_HOST_OPENCL_LAUNCH_H

#include "host/opencl/device.h"

/* The most inputs of one run of sum32 and its like. */
enum { OCL_SUM_INPUTS = 8 };

parseal_status ocl_launch(const gpu_launch *launch, const gpu_stream *s, uint64_t items);

/* Enqueues a barrier where the queue may run commands out of order: later commands then wait for
 * all earlier ones. */
parseal_status ocl_keep_order(const ocl_device *d, const gpu_stream *s);

#endif
