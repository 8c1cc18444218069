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
    void *results;    /* the JSON array so far */
    bool kernels;     /* the table has a column for kernel_gbps */
    bool peers;       /* their versions are told */
    const char *unit; /* of the columns that have been named last; NULL: none have been */
};

/* Opens the files (NULL: not wanted). Returns false after a complaint. */
bool report_open(struct report *report, const char *json, const char *csv);
void report_machine(const struct report *report, const struct machine *machine,
                    const parseal_info *info, unsigned threads);
bool report_row(struct report *report, const struct row *row);
/* Writes the rest and closes the files. Returns false after a complaint. */
bool report_close(struct report *report, const struct machine *machine, const parseal_info *info);

/* The parts of it that other reports need.
 *
 * report_open_file opens a file to write, unless path is NULL. report_close_file closes one that is
 * not NULL, and complains about an error that it has had or has in closing. report_write_json
 * writes root, a json_t * that it gives up, and complains where root is NULL. All return false
 * after a complaint. */
bool report_open_file(FILE **file, const char *path);
bool report_close_file(FILE *file, const char *path);
bool report_write_json(FILE *file, void *root);

/* Returns the machine as the JSON has it (a json_t *), or NULL. */
void *report_json_machine(const struct machine *machine, const parseal_info *info, bool peers);

/* Writes "16 KiB" or "4 MiB": binary units where they come out even, else bytes. */
const char *format_size(char *text, size_t text_size, uint64_t bytes);

#endif
