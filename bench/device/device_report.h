/* The report: JSON and a table in Markdown. It is written anew after every row, so that a run that
 * is cut short leaves the rows until then, marked as incomplete. */
#ifndef PARSEAL_BENCH_DEVICE_DEVICE_REPORT_H
#define PARSEAL_BENCH_DEVICE_DEVICE_REPORT_H

#include "bench/cpu/machine.h"
#include "bench/device/result.h"

struct device_report {
    const char *folder;      /* NULL: nothing is written */
    const char *commit;      /* the commit of the library's sources; NULL: not known */
    const char *tests_file;  /* lines "passed|failed|skipped NAME [reason]"; NULL: none were run */
    const char *clocks_file; /* the lines of nvidia-smi; NULL: none */
    const char *host_file;   /* JSON of parseal-bench; NULL: it did not run */
    const struct device *device;
    struct machine machine;
    unsigned cpu_threads;
    const parseal_ctx *cpu; /* the CPU's context beside the device's */
    uint64_t divisor;
    bool complete;
    size_t n;
    struct result *results;
};

/* Writes FOLDER/name-of-device-date, without an ending. */
const char *device_report_base(const struct device_report *report, char *text, size_t size);

/* Returns false after a complaint. */
bool device_report_write(const struct device_report *report);

/* Returns how many tests of tests_file failed. */
size_t device_report_failed_tests(const struct device_report *report);

#endif
