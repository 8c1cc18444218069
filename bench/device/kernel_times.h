/* How long each kernel of a call runs. The public API tells the sum for a context only, and has no
 * call that is AES-CTR by itself: so this one file of the bench looks into the library. */
#ifndef PARSEAL_BENCH_DEVICE_KERNEL_TIMES_H
#define PARSEAL_BENCH_DEVICE_KERNEL_TIMES_H

#include <parseal/parseal.h>
#include <stdbool.h>
#include <stddef.h>

enum { KERNELS_MAX = 8 };

struct kernel_time {
    const char *name; /* static */
    double seconds;
};

/* The CUDA device that the context works on. */
int kernel_times_ordinal(const parseal_ctx *ctx);

/* From now on, until _end, kernels are timed: two events around each cost it a little. */
void kernel_times_begin(parseal_ctx *ctx);

/* Waits for the kernels since _begin, and gives the time of each that ran: how many, at most
 * KERNELS_MAX. */
size_t kernel_times_end(parseal_ctx *ctx, struct kernel_time *list);

#endif
