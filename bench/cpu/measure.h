/* Timing and statistics. */
#ifndef PARSEAL_BENCH_CPU_MEASURE_H
#define PARSEAL_BENCH_CPU_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAX_RUNS = 101, MAX_CONTENDERS = 8 };

/* A run repeats the work until it lasts min_run_seconds or more. A row has min_runs of them, and
 * more while they all together have taken less than row_seconds. */
struct effort {
    size_t min_runs; /* 1 to MAX_RUNS */
    double min_run_seconds;
    double row_seconds;
    double max_row_seconds; /* rows whose min_runs would take longer are left out; 0: none are */
};

/* Subjects take turns at the same work. */
struct subject {
    bool (*run)(void *arg); /* does the work once; false: it failed, and complained */
    void *arg;
};

struct rates {
    double gbps, gbps_min, gbps_max;          /* median, slowest run, fastest run; 0: no bytes */
    double seconds, seconds_min, seconds_max; /* of the work once: median, fastest, slowest run */
    double cycles;                            /* median of the work once; 0: not readable */
    double cpb;                               /* the same per byte; 0: not readable, or no bytes */
    size_t runs;
};

enum measured { MEASURED, MEASURE_FAILED, MEASURE_TOO_LONG };

/* Measures n subjects in turn, run by run, so that other work of the machine hits them alike. A run
 * counts as `bytes` bytes, or has no rate where that is 0. On MEASURE_TOO_LONG *seconds tells how
 * long it would have taken. */
enum measured measure(const struct subject *subjects, size_t n, uint64_t bytes,
                      const struct effort *effort, struct rates *rates, double *seconds);

double seconds_now(void);
/* Sorts the values, and returns their median. */
double median(double *values, size_t n);

#endif
