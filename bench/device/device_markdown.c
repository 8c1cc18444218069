#include "bench/device/device_markdown.h"

#include <string.h>

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "–";
}

static double number_at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

/* Writes a cell of the table: three digits or more, or "–" for 0. */
static const char *cell(char *text, size_t size, double value)
{
    if (value <= 0)
        snprintf(text, size, "–");
    else
        snprintf(text, size, value < 100 ? "%.3g" : "%.0f", value);
    return text;
}

static const char *percent(char *text, size_t size, double share)
{
    if (share <= 0)
        snprintf(text, size, "–");
    else
        snprintf(text, size, "%.1f%%", 100 * share);
    return text;
}

static void write_head(FILE *file, const json_t *report)
{
    const json_t *device = json_object_get(report, "device"),
                 *host = json_object_get(report, "host");
    const json_t *parseal = json_object_get(report, "parseal");
    const double divisor = number_at(report, "size_divisor");
    char clock[32], memory[32];
    fprintf(file, "# %s\n\n", text_at(device, "name"));
    if (!json_is_true(json_object_get(report, "complete")))
        fputs("**Incomplete: the run was cut short.**\n\n", file);
    fprintf(file, "parseal %s, commit %s, %s.\n\n", text_at(parseal, "version"),
            text_at(parseal, "commit"), text_at(report, "date"));
    fprintf(file,
            "- GPU: %s, compute capability %s, %.0f multiprocessors at %s GHz, memory at %s GHz x "
            "%.0f bits, %.1f GB\n",
            text_at(device, "name"), text_at(device, "capability"),
            number_at(device, "multiprocessors"),
            cell(clock, sizeof clock, number_at(device, "clock_ghz")),
            cell(memory, sizeof memory, number_at(device, "memory_clock_ghz")),
            number_at(device, "memory_bus_bits"), 1e-9 * number_at(device, "memory_bytes"));
    fprintf(file, "- driver: CUDA %s, %s\n", text_at(device, "cuda"), text_at(device, "driver"));
    fprintf(file, "- CPU: %s, %.0f threads, %.0f GB, %s\n", text_at(host, "cpu"),
            number_at(host, "threads"), 1e-9 * number_at(host, "memory"), text_at(host, "os"));
    if (divisor > 1)
        fprintf(file, "- all sizes divided by %.0f: no figures to compare with\n", divisor);
}

static void write_list(FILE *file, const char *what, const json_t *list)
{
    size_t i;
    const json_t *line;
    json_array_foreach(list, i, line) fprintf(file, "- %s %s\n", what, json_string_value(line));
}

static void write_tests(FILE *file, const json_t *report)
{
    const json_t *tests = json_object_get(report, "tests");
    const json_t *failed = json_object_get(tests, "failed");
    const json_t *skipped = json_object_get(tests, "skipped");
    if (!json_is_object(tests)) {
        fputs("\nTests on this GPU: not run.\n", file);
        return;
    }
    fprintf(file, "\nTests on this GPU: %.0f passed, %zu failed, %zu skipped.\n\n",
            number_at(tests, "passed"), json_array_size(failed), json_array_size(skipped));
    write_list(file, "**failed**", failed);
    write_list(file, "skipped", skipped);
}

static void write_kernels(FILE *file, const json_t *row)
{
    const char *name, *separator = "";
    const json_t *seconds;
    const json_t *kernels = json_object_get(row, "kernel_seconds");
    json_object_foreach((json_t *)kernels, name, seconds)
    {
        fprintf(file, "%s%s %.4g ms", separator, name, 1e3 * json_number_value(seconds));
        separator = ", ";
    }
}

static void write_row(FILE *file, const json_t *row)
{
    char cells[6][32];
    if (strcmp(text_at(row, "outcome"), "fine") != 0) {
        fprintf(file, "| %s | | | **%s**: %s | | | | | | |\n", text_at(row, "name"),
                text_at(row, "outcome"), text_at(row, "why"));
        return;
    }
    const double gbps = number_at(row, "gbps"), cpu = number_at(row, "cpu_gbps");
    fprintf(file, "| %s | %s | %s | %s | %s–%s | %s | %s | ", text_at(row, "name"),
            text_at(row, "shape"), text_at(row, "counts"), cell(cells[0], sizeof cells[0], gbps),
            cell(cells[1], sizeof cells[1], number_at(row, "gbps_min")),
            cell(cells[2], sizeof cells[2], number_at(row, "gbps_max")),
            cell(cells[3], sizeof cells[3], number_at(row, "bound_gbps")),
            percent(cells[4], sizeof cells[4], number_at(row, "share")));
    fprintf(file, "%s | %s | ", cell(cells[0], sizeof cells[0], cpu),
            cell(cells[1], sizeof cells[1], cpu > 0 ? gbps / cpu : 0));
    write_kernels(file, row);
    fputs(" |\n", file);
}

static void write_rows(FILE *file, const json_t *report)
{
    size_t i;
    const json_t *row;
    fputs("\n| operation | size | bytes counted | GB/s | slowest–fastest | bound | share | CPU "
          "GB/s | "
          "x CPU | kernels, a run |\n|---|---|---|---|---|---|---|---|---|---|\n",
          file);
    json_array_foreach(json_object_get(report, "rows"), i, row) write_row(file, row);
    fputs("\nMedians; device-resident, output stored, timed by events on the caller's stream, but "
          "for `copy.*-to-*`, `copy.both-ways` and `host.*`, which go from host memory to host "
          "memory or the device by "
          "the host's clock. Every row's bytes were compared with the CPU's on a sample (beginning "
          "and "
          "end), on which the CPU's column was measured too, with all its threads. "
          "Bounds: bench/device/bound.c.\n",
          file);
}

static void write_host_rows(FILE *file, const json_t *report)
{
    const json_t *rows = json_object_get(report, "host_to_host"), *row;
    size_t i;
    char cells[2][32];
    if (!json_is_array(rows))
        return;
    fputs("\n## Host to host (`parseal-bench`)\n\n| operation | size | n | implementation | GB/s | "
          "kernels alone |\n|---|---|---|---|---|---|\n",
          file);
    json_array_foreach(rows, i, row)
        fprintf(file, "| %s | %.0f | %.0f | %s | %s | %s |\n", text_at(row, "op"),
                number_at(row, "size"), number_at(row, "n"), text_at(row, "impl"),
                cell(cells[0], sizeof cells[0], number_at(row, "gbps")),
                cell(cells[1], sizeof cells[1], number_at(row, "kernel_gbps")));
}

static void write_clocks(FILE *file, const json_t *report)
{
    const json_t *clocks = json_object_get(json_object_get(report, "device"), "clocks"), *line;
    size_t i;
    if (json_array_size(clocks) == 0)
        return;
    fputs("\n## Clocks while it ran (nvidia-smi)\n\n```\n", file);
    json_array_foreach(clocks, i, line) fprintf(file, "%s\n", json_string_value(line));
    fputs("```\n", file);
}

void device_markdown(FILE *file, const json_t *report)
{
    write_head(file, report);
    write_tests(file, report);
    write_rows(file, report);
    write_host_rows(file, report);
    write_clocks(file, report);
}
