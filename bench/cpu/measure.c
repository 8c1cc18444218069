#include "bench/cpu/measure.h"

#include "bench/cpu/cycles.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

struct run_record {
    uint64_t repeats;
    double seconds[MAX_RUNS]; /* seconds for one repeat */
    double cycles[MAX_RUNS];
};

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* Returns the seconds for this many repeats, or a negative number when one failed. */
static double time_repeats(const struct subject *s, uint64_t repeats, uint64_t *cycles)
{
    uint64_t cycles_before = cycles_read();
    double start = seconds_now();
    for (uint64_t i = 0; i < repeats; i++) {
        if (!s->run(s->arg))
            return -1;
    }
    double seconds = seconds_now() - start;
    *cycles = cycles_read() - cycles_before;
    return seconds;
}

/* Finds how many repeats last min_seconds, and warms up on the way. Returns their seconds, or a
 * negative number on failure. */
static double calibrate(const struct subject *s, double min_seconds, uint64_t *repeats)
{
    uint64_t cycles;
    *repeats = 1;
    for (;;) {
        double seconds = time_repeats(s, *repeats, &cycles);
        if (seconds < 0 || seconds >= min_seconds)
            return seconds;
        double factor = 1.2 * min_seconds / fmax(seconds, 1e-9);
        *repeats = (uint64_t)ceil((double)*repeats * fmin(fmax(factor, 1.2), 100));
    }
}

static bool record_run(const struct subject *s, struct run_record *record, size_t run)
{
    uint64_t cycles = 0;
    double seconds = time_repeats(s, record->repeats, &cycles);
    record->seconds[run] = fmax(seconds, 1e-9) / (double)record->repeats;
    record->cycles[run] = (double)cycles / (double)record->repeats;
    return seconds >= 0;
}

static struct rates summarise(struct run_record *record, size_t runs, uint64_t bytes)
{
    double gigabytes = (double)bytes / 1e9;
    struct rates rates = {.runs = runs};
    rates.seconds = median(record->seconds, runs); /* This sorts the seconds. */
    rates.seconds_min = record->seconds[0];
    rates.seconds_max = record->seconds[runs - 1];
    rates.gbps = gigabytes / rates.seconds;
    rates.gbps_min = gigabytes / rates.seconds_max;
    rates.gbps_max = gigabytes / rates.seconds_min;
    rates.cycles = median(record->cycles, runs);
    rates.cpb = bytes > 0 ? rates.cycles / (double)bytes : 0;
    return rates;
}

enum measured measure(const struct subject *subjects, size_t n, uint64_t bytes,
                      const struct effort *effort, struct rates *rates, double *seconds)
{
    struct run_record records[MAX_CONTENDERS];
    double round = 0; /* seconds for all subjects once */
    for (size_t i = 0; i < n; i++) {
        double one = calibrate(&subjects[i], effort->min_run_seconds, &records[i].repeats);
        if (one < 0)
            return MEASURE_FAILED;
        round += one;
        *seconds = round * (double)effort->min_runs;
        if (effort->max_row_seconds > 0 && *seconds > effort->max_row_seconds)
            return MEASURE_TOO_LONG;
    }
    double start = seconds_now();
    size_t runs = 0;
    while (runs < effort->min_runs ||
           (runs < MAX_RUNS && seconds_now() - start < effort->row_seconds)) {
        for (size_t i = 0; i < n; i++) {
            if (!record_run(&subjects[i], &records[i], runs))
                return MEASURE_FAILED;
        }
        runs++;
    }
    for (size_t i = 0; i < n; i++)
        rates[i] = summarise(&records[i], runs, bytes);
    return MEASURED;
}
