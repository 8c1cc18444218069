/* The time of each kernel of a call. The public API tells only the sum for a context, and has no
 * call that is AES-CTR by itself, so this one file of the bench looks into the library's structs,
 * which are those of the same build. */
#ifndef PARSEAL_BENCH_DEVICE_KERNEL_TIMES_H
#define PARSEAL_BENCH_DEVICE_KERNEL_TIMES_H

#include <parseal/parseal.h>
#include <stdbool.h>
#include <stddef.h>

enum { KERNELS_MAX = 8 };

struct kernel_time {
    const char *name; /* it lives as long as the program */
    double seconds;
};

/* Returns the number of the CUDA device that the context works on. */
int kernel_times_ordinal(const parseal_ctx *ctx);

/* Starts timing kernels, until _end. Two events around each kernel cost a little time. */
void kernel_times_begin(parseal_ctx *ctx);

/* Waits for the kernels since _begin, and lists the time of each that ran. Returns how many there
 * are, at most KERNELS_MAX. */
size_t kernel_times_end(parseal_ctx *ctx, struct kernel_time *list);

/* Makes the keys that are created next hash in the way of this name, where the device has it.
 * Returns the way before. */
const char *kernel_times_use_ghash(parseal_ctx *ctx, const char *name);

#endif
