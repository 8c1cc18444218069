#include "bench/cpu/report.h"

#include "bench/cpu/contender.h"
#include "bench/cpu/support.h"

#include <jansson.h>
#include <string.h>

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

bool report_open_file(FILE **file, const char *path)
{
    if (path == NULL)
        return true;
    *file = fopen(path, "w");
    if (*file == NULL)
        complain("%s: cannot be written", path);
    return *file != NULL;
}

bool report_close_file(FILE *file, const char *path)
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
    if (!report_open_file(&report->json_file, json) || !report_open_file(&report->csv_file, csv))
        return false;
    if (report->csv_file != NULL)
        fputs("op,size,n,threads,impl,gbps,gbps_min,gbps_max,cpb,memcpy_share,runs,kernel_gbps,"
              "ns,ns_min,ns_max,cycles\n",
              report->csv_file);
    return true;
}

static void print_cache(const char *name, uint64_t bytes)
{
    char text[32];
    if (bytes != 0)
        printf(", %s %s", name, format_size(text, sizeof text, bytes));
}

static void print_peers(void)
{
    for (size_t i = 0; i < n_peers; i++) {
        const struct contender *peer = peers[i].contender;
        if (peer != NULL && peer->version != NULL)
            printf("peer     %s: %s\n", peer->name, peer->version(peer));
    }
}

void report_machine(const struct report *report, const struct machine *machine,
                    const parseal_info *info, unsigned threads)
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
    if (machine->memcpy_gbps > 0)
        printf("memcpy   %.2f GB/s of bytes copied, buffers of %s\n", machine->memcpy_gbps,
               format_size(text, sizeof text, machine->memcpy_bytes));
    if (machine->first_context_seconds > 0)
        printf("context  %.2f ms for the first one of the process\n",
               1e3 * machine->first_context_seconds);
    if (report->peers)
        print_peers();
}

/* Names the columns, where those of the row before are others. */
static void print_heading(struct report *report, const struct work *w)
{
    const char *unit = w->op->timed ? "ns" : "GB/s";
    if (report->unit != NULL && strcmp(unit, report->unit) == 0)
        return;
    report->unit = unit;
    printf("\n%-27s %9s %5s  %-22s %9s %9s %9s %7s %7s %7s%s\n", "operation", "size", "n", "impl",
           unit, "min", "max", w->op->timed ? "cycles" : "c/B", w->op->timed ? "GB/s" : "memcpy",
           "ratio", report->kernels ? "    kernel" : "");
}

static double ns_of(const struct work *w, double seconds)
{
    return 1e9 * seconds / (double)w->calls;
}

static void print_rate(const struct row *row, bool kernels)
{
    char cpb[32] = "-", ratio[32] = "";
    const struct rates *r = &row->rates;
    if (r->cpb > 0)
        snprintf(cpb, sizeof cpb, "%.2f", r->cpb);
    if (row->ratio > 0)
        snprintf(ratio, sizeof ratio, "%.3f", row->ratio);
    printf("%9.3f %9.3f %9.3f %7s %6.1f%% %7s", r->gbps, r->gbps_min, r->gbps_max, cpb,
           100 * row->memcpy_share, ratio);
    if (kernels && row->kernel_gbps > 0)
        printf(" %9.3f", row->kernel_gbps);
}

/* Prints how long one call takes. */
static void print_time(const struct row *row)
{
    char cycles[32] = "-", gbps[32] = "", ratio[32] = "";
    const struct work *w = row->work;
    const struct rates *r = &row->rates;
    if (r->cycles > 0)
        snprintf(cycles, sizeof cycles, "%.0f", r->cycles / (double)w->calls);
    if (r->gbps > 0)
        snprintf(gbps, sizeof gbps, "%.3f", r->gbps);
    if (row->ratio > 0)
        snprintf(ratio, sizeof ratio, "%.3f", row->ratio);
    printf("%9.1f %9.1f %9.1f %7s %7s %7s", ns_of(w, r->seconds), ns_of(w, r->seconds_min),
           ns_of(w, r->seconds_max), cycles, gbps, ratio);
}

static void print_row(struct report *report, const struct row *row)
{
    char size[32];
    const struct work *w = row->work;
    print_heading(report, w);
    printf("%-27s %9s %5zu  %-22s ", w->op->name, format_size(size, sizeof size, w->size),
           w->n / w->calls, row->impl);
    if (w->op->timed)
        print_time(row);
    else
        print_rate(row, report->kernels);
    putchar('\n');
    fflush(stdout);
}

static void write_csv_row(FILE *file, const struct row *row)
{
    const struct work *w = row->work;
    const struct rates *r = &row->rates;
    fprintf(file, "%s,%zu,%zu,%u,%s,", w->op->name, w->size, w->n / w->calls, w->threads,
            row->impl);
    if (r->gbps > 0)
        fprintf(file, "%.6g,%.6g,%.6g,", r->gbps, r->gbps_min, r->gbps_max);
    else
        fputs(",,,", file);
    if (r->cpb > 0)
        fprintf(file, "%.6g", r->cpb);
    fputc(',', file);
    if (row->memcpy_share > 0)
        fprintf(file, "%.6g", row->memcpy_share);
    fprintf(file, ",%zu,", r->runs);
    if (row->kernel_gbps > 0)
        fprintf(file, "%.6g", row->kernel_gbps);
    fprintf(file, ",%.6g,%.6g,%.6g,", ns_of(w, r->seconds), ns_of(w, r->seconds_min),
            ns_of(w, r->seconds_max));
    if (r->cycles > 0)
        fprintf(file, "%.6g", r->cycles / (double)w->calls);
    fputc('\n', file);
}

/* Returns the number, or null where there is none. */
static json_t *known(double number)
{
    return number > 0 ? json_real(number) : json_null();
}

static json_t *json_row(const struct row *row)
{
    const struct work *w = row->work;
    const struct rates *r = &row->rates;
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:f, s:f, s:f, s:o}", "op",
        w->op->name, "size", (json_int_t)w->size, "n", (json_int_t)(w->n / w->calls), "threads",
        (json_int_t)w->threads, "impl", row->impl, "gbps", known(r->gbps), "gbps_min",
        known(r->gbps_min), "gbps_max", known(r->gbps_max), "kernel_gbps", known(row->kernel_gbps),
        "cpb", known(r->cpb), "memcpy_share", known(row->memcpy_share), "runs", (json_int_t)r->runs,
        "ns", ns_of(w, r->seconds), "ns_min", ns_of(w, r->seconds_min), "ns_max",
        ns_of(w, r->seconds_max), "cycles", known(r->cycles / (double)w->calls));
}

bool report_row(struct report *report, const struct row *row)
{
    print_row(report, row);
    if (report->csv_file != NULL)
        write_csv_row(report->csv_file, row);
    if (json_array_append_new(report->results, json_row(row)) == 0)
        return true;
    complain("no memory for the results");
    return false;
}

/* Returns each peer's version by its name. */
static json_t *json_peers(void)
{
    json_t *versions = json_object();
    for (size_t i = 0; i < n_peers; i++) {
        const struct contender *peer = peers[i].contender;
        if (peer != NULL && peer->version != NULL)
            json_object_set_new(versions, peer->name, json_string(peer->version(peer)));
    }
    return versions;
}

void *report_json_machine(const struct machine *m, const parseal_info *info, bool with_peers)
{
    return json_pack(
        "{s:s, s:I, s:I, s:{s:I, s:I, s:I}, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:o, s:o}",
        "cpu", m->cpu, "cores", (json_int_t)m->cores, "memory", (json_int_t)m->memory, "caches",
        "l1d", (json_int_t)m->l1d, "l2", (json_int_t)m->l2, "l3", (json_int_t)m->l3, "os", m->os,
        "compiler", m->compiler, "parseal", parseal_version(), "backend",
        parseal_backend_name(info->backend), "device", info->device, "date", m->date, "memcpy_gbps",
        known(m->memcpy_gbps), "memcpy_bytes", (json_int_t)m->memcpy_bytes, "first_context_ns",
        known(1e9 * m->first_context_seconds), "peers", with_peers ? json_peers() : json_object());
}

bool report_write_json(FILE *file, void *root)
{
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
        fine = report_write_json(report->json_file,
                                 json_pack("{s:o, s:O}", "machine",
                                           report_json_machine(machine, info, report->peers),
                                           "results", report->results));
    json_decref(report->results);
    fine = report_close_file(report->json_file, report->json_path) && fine;
    return report_close_file(report->csv_file, report->csv_path) && fine;
}
