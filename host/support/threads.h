/* One loop over many threads. OpenMP, because it is the pool that training frameworks use already;
 * a build without it runs everything on the calling thread. */
#ifndef PARSEAL_HOST_SUPPORT_THREADS_H
#define PARSEAL_HOST_SUPPORT_THREADS_H

#include <stddef.h>
#include <stdint.h>

/* Returns how many threads a call may use: `wish` (0: no wish), bounded by OpenMP's own limits. */
uint32_t threads_available(uint32_t wish);

/* Calls task(arg, i) for each i in [0, n), in any order and on up to `threads` threads. */
void threads_for(uint32_t threads, size_t n, void (*task)(void *arg, size_t i), void *arg);

/* Does the same, and then each of these threads calls last() once. */
void threads_for_then(uint32_t threads, size_t n, void (*task)(void *arg, size_t i), void *arg,
                      void (*last)(void));

#endif
