/* One loop over many threads, and the pool of helpers that it takes them from.
 *
 * A call's tasks are claimed one chunk at a time, by the calling thread and by helpers that come to
 * it. The call returns when its tasks are done: it waits for chunks that helpers have begun, and
 * for no helper that has none, whether the system runs it or not. Helpers sleep when there is
 * nothing to do, after a short look around. They are the process's, not a context's: however many
 * threads of the application call at once, they share them.
 *
 * Why a pool of our own: see the head of pool.c. */
#ifndef PARSEAL_HOST_SUPPORT_THREADS_H
#define PARSEAL_HOST_SUPPORT_THREADS_H

#include <stddef.h>
#include <stdint.h>

#include "host/support/error.h"

/* Stores in *threads how many threads a call may use: `wish` (0: no wish), bounded by
 * PARSEAL_THREADS or else OMP_NUM_THREADS or else the cores that the process may use
 * (host/support/cores.h). Keeps the pool until threads_close, which ends its helpers when nobody
 * keeps it any more. After an error (PARSEAL_THREADS is no number) nothing is kept. */
parseal_status threads_open(uint32_t wish, uint32_t *threads);
void threads_close(void);

/* Calls task(arg, i) for each i in [0, n), in any order and on up to `threads` threads. `bytes` is
 * about how many bytes a task reads or writes: helpers are called only for work that is worth it,
 * THREADS_WORTH bytes each. */
enum { THREADS_WORTH = 32 * 1024 };
void threads_for(uint32_t threads, size_t n, size_t bytes, void (*task)(void *arg, size_t i),
                 void *arg);

/* Does the same, and each thread that has done tasks then calls last() once. */
void threads_for_then(uint32_t threads, size_t n, size_t bytes, void (*task)(void *arg, size_t i),
                      void *arg, void (*last)(void));

#endif
