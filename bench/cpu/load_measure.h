/* Calls of one operation with one thread and with all of them in turn, alone on the machine and
 * beside busy processes. */
#ifndef PARSEAL_BENCH_CPU_LOAD_MEASURE_H
#define PARSEAL_BENCH_CPU_LOAD_MEASURE_H

#include "bench/cpu/work.h"

/* The two sides have contexts and data of their own. */
enum { ONE_THREAD, ALL_THREADS, SIDES };

/* So often the busy processes are started and ended for a row. */
enum { LOAD_ROUNDS = 3 };

struct load_effort {
    double seconds;     /* for the calls alone on the machine, and again beside busy processes */
    unsigned processes; /* that are busy */
};

/* Calls of one side, in seconds. */
struct call_times {
    double median, p95; /* the 95th percentile: the time that 95% of the calls keep within */
    size_t calls;
};

struct load_result {
    struct call_times idle[SIDES], load[SIDES];
    /* What each round's recovery took, in seconds from before the busy processes were ended to the
     * end of the first window of calls whose ratio was that of the idle machine again, give or take
     * a tenth; negative where that was not within LOAD_PATIENCE seconds. There are 0 or LOAD_ROUNDS
     * of them: none where windows would be too long for it, or threads gain nothing anyway. */
    double back[LOAD_ROUNDS];
    size_t n_back;
};

#define LOAD_PATIENCE 2.0

/* Returns false after a complaint. No busy process is left in any case. */
bool load_measure(struct work side[SIDES], const struct load_effort *effort,
                  struct load_result *result);

#endif
