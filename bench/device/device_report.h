/* The report: JSON and a table in Markdown, written anew after every row, so that a run that is cut
 * short leaves what it had, marked as incomplete. */
#ifndef PARSEAL_BENCH_DEVICE_DEVICE_REPORT_H
#define PARSEAL_BENCH_DEVICE_DEVICE_REPORT_H

#include "bench/cpu/machine.h"
#include "bench/device/result.h"

struct device_report {
    const char *folder;      /* NULL: nothing is written */
    const char *commit;      /* of the library's sources; NULL: not known */
    const char *tests_file;  /* lines "passed|failed|skipped NAME [reason]"; NULL: none were run */
    const char *clocks_file; /* what nvidia-smi said, line by line; NULL: nothing */
    const char *host_file;   /* JSON of parseal-bench; NULL: it did not run */
    const struct device *device;
    struct machine machine;
    unsigned cpu_threads;
    const parseal_ctx *cpu; /* the one beside the device */
    uint64_t divisor;
    bool complete;
    size_t n;
    struct result *results;
};

/* FOLDER/name-of-device-date, without its ending. */
const char *device_report_base(const struct device_report *report, char *text, size_t size);

/* false after a complaint. */
bool device_report_write(const struct device_report *report);

/* Tests that failed, of tests_file. */
size_t device_report_failed_tests(const struct device_report *report);

#endif
