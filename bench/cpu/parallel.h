/* Work of the bench's own that runs on as many threads as the library's. */
#ifndef PARSEAL_BENCH_CPU_PARALLEL_H
#define PARSEAL_BENCH_CPU_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

/* Does items first to end - 1 as thread number `thread`. */
typedef bool slice_fn(void *arg, unsigned thread, size_t first, size_t end);

/* Cuts [0, n) evenly over the threads. Returns false when any slice does. */
bool parallel_slices(unsigned threads, size_t n, slice_fn *slice, void *arg);

#endif
