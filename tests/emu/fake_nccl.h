/* An NCCL whose ranks are threads of one process, on emulated devices: libnccl.so.2 for emu.nccl.
 * It waits for a stream where NCCL would enqueue, which nobody can tell who only reads results. */
#ifndef PARSEAL_TESTS_FAKE_NCCL_H
#define PARSEAL_TESTS_FAKE_NCCL_H

#include <stdint.h>

enum { FAKE_NCCL_RANKS_MAX = 4 };

/* n communicators that belong together, for n threads; destroyed together. */
typedef void fake_nccl_open(int n, void **comms);
typedef void fake_nccl_close(int n, void **comms);

/* Calls of AllReduce and of AllGather by all ranks since the last question, and the words that one
 * rank has given to them. */
typedef struct {
    int reduces, gathers;
    uint64_t words;
} fake_nccl_counts;

typedef fake_nccl_counts fake_nccl_asked(void *comm);

/* The next call of a rank fails, before it does anything. */
typedef void fake_nccl_fail(void *comm);

#endif
