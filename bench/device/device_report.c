#include "bench/device/device_report.h"

#include "bench/cpu/support.h"
#include "bench/device/device_markdown.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

const char *device_report_base(const struct device_report *report, char *text, size_t size)
{
    char slug[128];
    size_t n = 0;
    for (const char *c = report->device->name; *c != '\0' && n + 1 < sizeof slug; c++) {
        if (isalnum((unsigned char)*c))
            slug[n++] = (char)tolower((unsigned char)*c);
        else if (n > 0 && slug[n - 1] != '-')
            slug[n++] = '-';
    }
    slug[n] = '\0';
    snprintf(text, size, "%s/%s-%.10s", report->folder, slug, report->machine.date);
    return text;
}

static json_t *number_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

static json_t *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

/* Returns the file's lines as strings, or an empty array where there is no file. */
static json_t *lines_of(const char *path)
{
    json_t *lines = json_array();
    char line[512];
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        (void)json_array_append_new(lines, json_string(line));
    }
    if (file != NULL)
        (void)fclose(file);
    return lines;
}

/* Returns {"passed": n, "skipped": [...], "failed": [...]}, or null. */
static json_t *json_tests(const struct device_report *report)
{
    size_t i, passed = 0;
    json_t *line;
    if (report->tests_file == NULL)
        return json_null();
    json_t *lines = lines_of(report->tests_file), *failed = json_array(), *skipped = json_array();
    json_array_foreach(lines, i, line)
    {
        const char *text = json_string_value(line);
        if (text == NULL)
            continue;
        if (strncmp(text, "failed ", 7) == 0)
            (void)json_array_append_new(failed, json_string(text + 7));
        else if (strncmp(text, "skipped ", 8) == 0)
            (void)json_array_append_new(skipped, json_string(text + 8));
        else if (strncmp(text, "passed ", 7) == 0)
            passed++;
    }
    json_decref(lines);
    return json_pack("{s:I, s:o, s:o}", "passed", (json_int_t)passed, "failed", failed, "skipped",
                     skipped);
}

size_t device_report_failed_tests(const struct device_report *report)
{
    json_t *tests = json_tests(report);
    const size_t failed = json_array_size(json_object_get(tests, "failed"));
    json_decref(tests);
    return failed;
}

static json_t *json_device(const struct device_report *report)
{
    const struct device *d = report->device;
    char capability[16], driver[16], release[160] = "";
    snprintf(capability, sizeof capability, "%d.%d", d->capability / 10, d->capability % 10);
    snprintf(driver, sizeof driver, "%d.%d", d->driver_version / 1000,
             d->driver_version % 1000 / 10);
    FILE *file = fopen("/proc/driver/nvidia/version", "r");
    if (file != NULL && fgets(release, sizeof release, file) != NULL)
        release[strcspn(release, "\n")] = '\0';
    if (file != NULL)
        (void)fclose(file);
    return json_pack("{s:s, s:i, s:s, s:i, s:o, s:o, s:o, s:I, s:I, s:s, s:o, s:o}", "name",
                     d->name, "ordinal", d->ordinal, "capability", capability, "multiprocessors",
                     d->multiprocessors, "clock_ghz", number_or_null(1e-9 * d->clock),
                     "memory_clock_ghz", number_or_null(1e-9 * d->memory_clock), "memory_bus_bits",
                     number_or_null(d->memory_bus_bits), "l2_bytes", (json_int_t)d->l2_bytes,
                     "memory_bytes", (json_int_t)d->memory, "cuda", driver, "driver",
                     text_or_null(release), "clocks", lines_of(report->clocks_file));
}

static json_t *json_host(const struct device_report *report)
{
    const struct machine *m = &report->machine;
    json_t *impl = json_object();
    for (int32_t p = 0; p < parseal_primitive_count(); p++) {
        parseal_primitive_info picked = PARSEAL_PRIMITIVE_INFO_INIT;
        if (parseal_ctx_primitive(report->cpu, p, &picked) == PARSEAL_OK)
            (void)json_object_set_new(impl, parseal_primitive_name(p), json_string(picked.impl));
    }
    return json_pack("{s:s, s:I, s:I, s:o, s:I, s:s, s:s}", "cpu", m->cpu, "cores",
                     (json_int_t)m->cores, "threads", (json_int_t)report->cpu_threads, "impl", impl,
                     "memory", (json_int_t)m->memory, "os", m->os, "compiler", m->compiler);
}

static json_t *json_kernels(const struct result *r)
{
    json_t *kernels = json_object();
    for (size_t k = 0; k < r->n_kernels; k++)
        (void)json_object_set_new(kernels, r->kernels[k].name, json_real(r->kernels[k].seconds));
    return kernels;
}

static json_t *json_row(const struct result *r)
{
    static const char *const outcomes[] = {
        [OUTCOME_FINE] = "fine", [OUTCOME_LEFT_OUT] = "left out", [OUTCOME_FAILED] = "failed"};
    if (r->outcome != OUTCOME_FINE)
        return json_pack("{s:s, s:s, s:s}", "name", r->op->name, "outcome", outcomes[r->outcome],
                         "why", r->why);
    const double share = r->bound.gbps > 0 ? r->rates.gbps / r->bound.gbps : 0;
    return json_pack(
        "{s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:s, s:f, s:f, s:f, s:I, s:o, s:o, s:o, s:o, s:o, "
        "s:o}",
        "name", r->op->name, "outcome", outcomes[r->outcome], "verified", 1, "counts",
        r->op->counts, "size", (json_int_t)r->size, "n", (json_int_t)r->n, "bytes",
        (json_int_t)r->bytes, "shape", r->shape, "gbps", r->rates.gbps, "gbps_min",
        r->rates.gbps_min, "gbps_max", r->rates.gbps_max, "runs", (json_int_t)r->rates.runs,
        "bound_gbps", number_or_null(r->bound.gbps), "bound", text_or_null(r->bound.why), "share",
        number_or_null(share), "cpu_gbps", number_or_null(r->cpu_gbps), "cpu_sample_bytes",
        number_or_null((double)r->cpu_bytes), "kernel_seconds", json_kernels(r));
}

/* Returns the rows of parseal-bench, as it wrote them. */
static json_t *json_host_rows(const struct device_report *report)
{
    if (report->host_file == NULL)
        return json_null();
    json_error_t error;
    json_t *root = json_load_file(report->host_file, 0, &error);
    if (root == NULL) {
        complain("%s: %s", report->host_file, error.text);
        return json_null();
    }
    json_t *rows = json_incref(json_object_get(root, "results"));
    json_decref(root);
    return rows != NULL ? rows : json_null();
}

static json_t *json_report(const struct device_report *report)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < report->n; i++)
        (void)json_array_append_new(rows, json_row(&report->results[i]));
    return json_pack("{s:s, s:b, s:I, s:o, s:o, s:{s:s, s:o}, s:o, s:o, s:o}", "date",
                     report->machine.date, "complete", report->complete, "size_divisor",
                     (json_int_t)report->divisor, "device", json_device(report), "host",
                     json_host(report), "parseal", "version", parseal_version(), "commit",
                     text_or_null(report->commit), "tests", json_tests(report), "rows", rows,
                     "host_to_host", json_host_rows(report));
}

static bool close_written(FILE *file, const char *path)
{
    const bool fine = ferror(file) == 0;
    if (fclose(file) == 0 && fine)
        return true;
    complain("%s: could not be written to the end", path);
    return false;
}

static FILE *open_ending(const struct device_report *report, const char *ending, char *path,
                         size_t size)
{
    char base[1024];
    snprintf(path, size, "%s%s", device_report_base(report, base, sizeof base), ending);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        complain("%s: cannot be written", path);
    return file;
}

bool device_report_write(const struct device_report *report)
{
    char path[1100];
    if (report->folder == NULL)
        return true;
    json_t *root = json_report(report);
    FILE *file = open_ending(report, ".json", path, sizeof path);
    bool fine = root != NULL && file != NULL &&
                json_dumpf(root, file, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) == 0;
    if (root == NULL)
        complain("the JSON could not be made");
    if (file != NULL) {
        (void)fputc('\n', file);
        fine = close_written(file, path) && fine;
    }
    file = open_ending(report, ".md", path, sizeof path);
    if (file != NULL && root != NULL)
        device_markdown(file, root);
    fine = file != NULL && close_written(file, path) && fine;
    json_decref(root);
    return fine;
}
