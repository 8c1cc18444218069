#include "bench/cpu/report.h"

#include "bench/cpu/support.h"

#include <jansson.h>

const char *format_size(char *text, size_t text_size, uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB"};
    size_t unit = 0;
    while (unit + 1 < sizeof units / sizeof units[0] && bytes >= 1024 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, text_size, "%llu %s", (unsigned long long)bytes, units[unit]);
    return text;
}

static bool open_file(FILE **file, const char *path)
{
    if (path == NULL)
        return true;
    *file = fopen(path, "w");
    if (*file == NULL)
        complain("%s: cannot be written", path);
    return *file != NULL;
}

/* Closes the file, and complains about an error that it has had or has in closing. */
static bool close_file(FILE *file, const char *path)
{
    if (file == NULL)
        return true;
    bool fine = ferror(file) == 0;
    if (fclose(file) == 0 && fine)
        return true;
    complain("%s: could not be written to the end", path);
    return false;
}

bool report_open(struct report *report, const char *json, const char *csv)
{
    *report = (struct report){.json_path = json, .csv_path = csv};
    report->results = json_array();
    if (report->results == NULL) {
        complain("no memory for the results");
        return false;
    }
    if (!open_file(&report->json_file, json) || !open_file(&report->csv_file, csv))
        return false;
    if (report->csv_file != NULL)
        fputs("op,size,n,threads,impl,gbps,gbps_min,gbps_max,cpb,memcpy_share,runs,kernel_gbps\n",
              report->csv_file);
    return true;
}

static void print_cache(const char *name, uint64_t bytes)
{
    char text[32];
    if (bytes != 0)
        printf(", %s %s", name, format_size(text, sizeof text, bytes));
}

void report_machine(const struct machine *machine, const parseal_info *info, unsigned threads,
                    bool kernels)
{
    char text[32];
    printf("machine  %s, %u cores, %.1f GiB", machine->cpu, machine->cores,
           (double)machine->memory / (1 << 30));
    print_cache("L1d", machine->l1d);
    print_cache("L2", machine->l2);
    print_cache("L3", machine->l3);
    printf("\nsystem   %s, %s, parseal %s, %s\n", machine->os, machine->compiler, parseal_version(),
           machine->date);
    printf("backend  %s on %s, %u thread%s\n", parseal_backend_name(info->backend), info->device,
           threads, threads == 1 ? "" : "s");
    printf("memcpy   %.2f GB/s of bytes copied, buffers of %s\n", machine->memcpy_gbps,
           format_size(text, sizeof text, machine->memcpy_bytes));
    printf("\n%-27s %9s %5s  %-22s %9s %9s %9s %7s %7s %7s%s\n", "operation", "size", "n", "impl",
           "GB/s", "min", "max", "c/B", "memcpy", "ratio", kernels ? "    kernel" : "");
}

static void print_row(const struct row *row, bool kernels)
{
    char size[32], cpb[32] = "-", ratio[32] = "";
    const struct work *w = row->work;
    const struct rates *r = &row->rates;
    if (r->cpb > 0)
        snprintf(cpb, sizeof cpb, "%.2f", r->cpb);
    if (row->ratio > 0)
        snprintf(ratio, sizeof ratio, "%.3f", row->ratio);
    printf("%-27s %9s %5zu  %-22s %9.3f %9.3f %9.3f %7s %6.1f%% %7s", w->op->name,
           format_size(size, sizeof size, w->size), w->n, row->impl, r->gbps, r->gbps_min,
           r->gbps_max, cpb, 100 * row->memcpy_share, ratio);
    if (kernels && row->kernel_gbps > 0)
        printf(" %9.3f", row->kernel_gbps);
    putchar('\n');
    fflush(stdout);
}

static void write_csv_row(FILE *file, const struct row *row)
{
    const struct work *w = row->work;
    const struct rates *r = &row->rates;
    fprintf(file, "%s,%zu,%zu,%u,%s,%.6g,%.6g,%.6g,", w->op->name, w->size, w->n, w->threads,
            row->impl, r->gbps, r->gbps_min, r->gbps_max);
    if (r->cpb > 0)
        fprintf(file, "%.6g", r->cpb);
    fprintf(file, ",%.6g,%zu,", row->memcpy_share, r->runs);
    if (row->kernel_gbps > 0)
        fprintf(file, "%.6g", row->kernel_gbps);
    fputc('\n', file);
}

static json_t *json_row(const struct row *row)
{
    const struct work *w = row->work;
    const struct rates *r = &row->rates;
    json_t *cpb = r->cpb > 0 ? json_real(r->cpb) : json_null();
    json_t *kernel = row->kernel_gbps > 0 ? json_real(row->kernel_gbps) : json_null();
    return json_pack("{s:s, s:I, s:I, s:I, s:s, s:f, s:f, s:f, s:o, s:o, s:f, s:I}", "op",
                     w->op->name, "size", (json_int_t)w->size, "n", (json_int_t)w->n, "threads",
                     (json_int_t)w->threads, "impl", row->impl, "gbps", r->gbps, "gbps_min",
                     r->gbps_min, "gbps_max", r->gbps_max, "kernel_gbps", kernel, "cpb", cpb,
                     "memcpy_share", row->memcpy_share, "runs", (json_int_t)r->runs);
}

bool report_row(struct report *report, const struct row *row)
{
    print_row(row, report->kernels);
    if (report->csv_file != NULL)
        write_csv_row(report->csv_file, row);
    if (json_array_append_new(report->results, json_row(row)) == 0)
        return true;
    complain("no memory for the results");
    return false;
}

static json_t *json_machine(const struct machine *m, const parseal_info *info)
{
    return json_pack("{s:s, s:I, s:I, s:{s:I, s:I, s:I}, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:I}",
                     "cpu", m->cpu, "cores", (json_int_t)m->cores, "memory", (json_int_t)m->memory,
                     "caches", "l1d", (json_int_t)m->l1d, "l2", (json_int_t)m->l2, "l3",
                     (json_int_t)m->l3, "os", m->os, "compiler", m->compiler, "parseal",
                     parseal_version(), "backend", parseal_backend_name(info->backend), "device",
                     info->device, "date", m->date, "memcpy_gbps", m->memcpy_gbps, "memcpy_bytes",
                     (json_int_t)m->memcpy_bytes);
}

static bool write_json(FILE *file, json_t *results, const struct machine *machine,
                       const parseal_info *info)
{
    json_t *root =
        json_pack("{s:o, s:O}", "machine", json_machine(machine, info), "results", results);
    bool fine =
        root != NULL && json_dumpf(root, file, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0;
    if (!fine)
        complain("the JSON could not be made or written");
    fputc('\n', file);
    json_decref(root);
    return fine;
}

bool report_close(struct report *report, const struct machine *machine, const parseal_info *info)
{
    bool fine = true;
    if (report->json_file != NULL)
        fine = write_json(report->json_file, report->results, machine, info);
    json_decref(report->results);
    fine = close_file(report->json_file, report->json_path) && fine;
    return close_file(report->csv_file, report->csv_path) && fine;
}
