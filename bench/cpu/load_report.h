/* The table of parseal-bench load, and the same figures as JSON. */
#ifndef PARSEAL_BENCH_CPU_LOAD_REPORT_H
#define PARSEAL_BENCH_CPU_LOAD_REPORT_H

#include "bench/cpu/load_measure.h"
#include "bench/cpu/report.h"

struct load_report {
    const char *path; /* NULL: no JSON */
    unsigned processes, threads;
    FILE *file;
    void *results; /* the JSON array so far */
};

/* Each returns false after a complaint. load_report_close is for reports that were not opened to
 * the end, too. */
bool load_report_open(struct load_report *report, const struct machine *machine,
                      const parseal_info *info);
bool load_report_row(struct load_report *report, const struct work *w,
                     const struct load_result *result);
bool load_report_close(struct load_report *report, const struct machine *machine,
                       const parseal_info *info);

#endif
