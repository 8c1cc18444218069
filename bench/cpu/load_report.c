#include "bench/cpu/load_report.h"

#include "bench/cpu/support.h"

#include <jansson.h>

bool load_report_open(struct load_report *report, const struct machine *machine,
                      const parseal_info *info)
{
    const struct report plain = {.peers = false};
    char all[32], beside[48];
    report->results = json_array();
    if (report->results == NULL) {
        complain("no memory for the results");
        return false;
    }
    if (!report_open_file(&report->file, report->path))
        return false;
    report_machine(&plain, machine, info, report->threads);
    snprintf(all, sizeof all, "%u thread%s", report->threads, report->threads == 1 ? "" : "s");
    snprintf(beside, sizeof beside, "beside %u busy process%s", report->processes,
             report->processes == 1 ? "" : "es");
    printf("\n%-20s %9s %5s  %-29s  %-51s %9s\n", "", "", "", "alone", beside, "");
    printf("%-20s %9s %5s  %9s %11s %7s  %9s %9s %11s %9s %7s %7s %7s\n", "operation", "size", "n",
           "1 thread", all, "ratio", "1 thread", "p95", all, "p95", "ratio", "p95", "back ms");
    return true;
}

/* Returns how much longer, or shorter, calls with all threads take. */
static double ratio_of(const struct call_times of[SIDES])
{
    return of[ALL_THREADS].median / of[ONE_THREAD].median;
}

static double ratio_p95_of(const struct call_times of[SIDES])
{
    return of[ALL_THREADS].p95 / of[ONE_THREAD].p95;
}

static const char *format_back(char *text, size_t size, const struct load_result *r)
{
    double slowest = 0;
    snprintf(text, size, "-");
    for (size_t i = 0; i < r->n_back; i++) {
        const double back = r->back[i] < 0 ? 2 * LOAD_PATIENCE : r->back[i];
        slowest = back > slowest ? back : slowest;
    }
    if (slowest > LOAD_PATIENCE)
        snprintf(text, size, ">%.0f", 1e3 * LOAD_PATIENCE);
    else if (slowest > 0)
        snprintf(text, size, "%.1f", 1e3 * slowest);
    return text;
}

static void print_row(const struct work *w, const struct load_result *r)
{
    char size[32], back[32];
    printf("%-20s %9s %5zu  %9.3f %11.3f %7.3f  %9.3f %9.3f %11.3f %9.3f %7.3f %7.3f %7s\n",
           w->op->name, format_size(size, sizeof size, w->size), w->n,
           1e3 * r->idle[ONE_THREAD].median, 1e3 * r->idle[ALL_THREADS].median, ratio_of(r->idle),
           1e3 * r->load[ONE_THREAD].median, 1e3 * r->load[ONE_THREAD].p95,
           1e3 * r->load[ALL_THREADS].median, 1e3 * r->load[ALL_THREADS].p95, ratio_of(r->load),
           ratio_p95_of(r->load), format_back(back, sizeof back, r));
    fflush(stdout);
}

static json_t *json_calls(const struct call_times *t)
{
    return json_pack("{s:f, s:f, s:I}", "median_ms", 1e3 * t->median, "p95_ms", 1e3 * t->p95,
                     "calls", (json_int_t)t->calls);
}

static json_t *json_sides(const struct call_times of[SIDES])
{
    return json_pack("{s:o, s:o, s:f, s:f}", "one", json_calls(&of[ONE_THREAD]), "all",
                     json_calls(&of[ALL_THREADS]), "ratio", ratio_of(of), "ratio_p95",
                     ratio_p95_of(of));
}

static json_t *json_back(const struct load_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n_back; i++)
        json_array_append_new(list, r->back[i] < 0 ? json_null() : json_real(1e3 * r->back[i]));
    return list;
}

bool load_report_row(struct load_report *report, const struct work *w, const struct load_result *r)
{
    json_t *row = json_pack("{s:s, s:I, s:I, s:o, s:o, s:o}", "op", w->op->name, "size",
                            (json_int_t)w->size, "n", (json_int_t)w->n, "idle", json_sides(r->idle),
                            "load", json_sides(r->load), "back_ms", json_back(r));
    print_row(w, r);
    if (json_array_append_new(report->results, row) == 0)
        return true;
    complain("no memory for the results");
    return false;
}

bool load_report_close(struct load_report *report, const struct machine *machine,
                       const parseal_info *info)
{
    bool fine = true;
    if (report->file != NULL)
        fine = report_write_json(report->file, json_pack("{s:o, s:I, s:I, s:O}", "machine",
                                                         report_json_machine(machine, info, false),
                                                         "processes", (json_int_t)report->processes,
                                                         "threads", (json_int_t)report->threads,
                                                         "results", report->results));
    json_decref(report->results);
    return report_close_file(report->file, report->path) && fine;
}
