/* The table on stdout, and the same figures as JSON and CSV. */
#ifndef PARSEAL_BENCH_CPU_REPORT_H
#define PARSEAL_BENCH_CPU_REPORT_H

#include "bench/cpu/machine.h"
#include "bench/cpu/work.h"

#include <stdio.h>

struct row {
    const struct work *work;
    const char *impl;
    struct rates rates;
    double memcpy_share;
    double kernel_gbps; /* rate while the device's kernels ran; 0: not known, or no kernels */
    double ratio;       /* parseal's rate divided by this one; 0: the row is parseal's own */
};

struct report {
    const char *json_path, *csv_path; /* NULL: not wanted */
    FILE *json_file, *csv_file;
    void *results; /* the JSON array so far */
    bool kernels;  /* the table has a column for kernel_gbps */
};

/* Opens the files (NULL: not wanted). Returns false after a complaint. */
bool report_open(struct report *report, const char *json, const char *csv);
void report_machine(const struct machine *machine, const parseal_info *info, unsigned threads,
                    bool kernels);
bool report_row(struct report *report, const struct row *row);
/* Writes the rest and closes the files. Returns false after a complaint. */
bool report_close(struct report *report, const struct machine *machine, const parseal_info *info);

/* Writes "16 KiB" or "4 MiB": binary units where they come out even, else bytes. */
const char *format_size(char *text, size_t text_size, uint64_t bytes);

#endif
