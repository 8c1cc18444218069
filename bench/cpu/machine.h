/* The machine that the figures were measured on. */
#ifndef PARSEAL_BENCH_CPU_MACHINE_H
#define PARSEAL_BENCH_CPU_MACHINE_H

#include "bench/cpu/measure.h"

struct machine {
    char cpu[128];
    char os[160];
    char compiler[64];
    char date[32]; /* UTC, ISO 8601 */
    unsigned cores;
    /* bytes; 0: not known */
    uint64_t memory, memory_available;
    uint64_t l1d, l2, l3;
    uint64_t last_level_cache;
    double memcpy_gbps; /* bytes copied, each read once and written once; 0: not measured */
    uint64_t memcpy_bytes;
    double first_context_seconds; /* what the process's first context took; 0: not measured */
};

void machine_describe(struct machine *machine);

/* Returns the bytes that a row needs so that no cache holds them: twice the last-level cache and
 * at least 256 MiB, but no more than an eighth of the memory that is free now. */
size_t machine_large_bytes(const struct machine *machine);

/* Measures memcpy on `bytes` bytes. Returns false after a complaint. */
bool machine_measure_memcpy(struct machine *machine, size_t bytes, unsigned threads,
                            const struct effort *effort);

#endif
