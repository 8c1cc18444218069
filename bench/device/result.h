/* The result of a row. */
#ifndef PARSEAL_BENCH_DEVICE_RESULT_H
#define PARSEAL_BENCH_DEVICE_RESULT_H

#include "bench/cpu/measure.h"
#include "bench/device/kernel_times.h"
#include "bench/device/operation.h"

enum outcome { OUTCOME_FINE, OUTCOME_LEFT_OUT, OUTCOME_FAILED };

struct result {
    const struct device_operation *op;
    enum outcome outcome;
    char why[512]; /* the reason where it is not fine */
    char shape[64];
    uint64_t size, n, bytes;
    struct rates rates;
    struct bound bound;
    double cpu_gbps; /* 0: not known */
    uint64_t cpu_bytes;
    struct kernel_time kernels[KERNELS_MAX]; /* median seconds of a run */
    size_t n_kernels;
};

struct patience {
    struct effort gpu, cpu;
    double warm_up_seconds;
    size_t kernel_runs;
};

/* Measures and checks one row. `measured` is read for its bound, and set by rows of copies. */
void measure_operation(const struct device_operation *op, const struct bench_side *side,
                       const struct patience *patience, struct measured_rates *measured,
                       struct result *result);

#endif
