/* parseal-bench-device: the rates of parseal where its data is on a CUDA device already, against
 * the bounds of the hardware. */
#include "bench/cpu/support.h"
#include "bench/device/device_report.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2, EXIT_NO_DEVICE = 77 };
enum { SAMPLE_BYTES = 256000000 };

static const char help_text[] =
    "usage: parseal-bench-device [options]\n"
    "\n"
    "Measures parseal on a CUDA device (PARSEAL_CUDA_DEVICE: which), on data that is in its "
    "memory\n"
    "already, kernel by kernel where that says more, and with copies. Each row's bytes are "
    "compared\n"
    "with the CPU's on a sample, and its rate is set beside the hardware's bound and the CPU's "
    "rate.\n"
    "bench/gpu.sh runs this after the tests.\n"
    "\n"
    "  --filter TEXT      only rows whose name contains TEXT\n"
    "  --list             the rows' names, and nothing else\n"
    "  --probe            the device's name, and nothing else\n"
    "  --quick            the fewest runs\n"
    "  --size-divisor N   all sizes divided by N\n"
    "  --folder FOLDER    writes name-of-device-date.json and .md there\n"
    "  --commit TEXT      of the sources, for the report\n"
    "  --tests FILE       for the report: lines \"passed|failed|skipped NAME [reason]\"\n"
    "  --clocks FILE      for the report: lines of nvidia-smi\n"
    "  --host-rows FILE   for the report: JSON of parseal-bench\n"
    "  --help             this text\n"
    "\n"
    "Exit status: 0 fine; 1 a row failed or gave wrong bytes, or --tests has a failure; 2 a wrong\n"
    "command line; 77 there is no CUDA device or no driver.\n";

enum option_code {
    OPT_FILTER = 1,
    OPT_LIST,
    OPT_PROBE,
    OPT_QUICK,
    OPT_DIVISOR,
    OPT_FOLDER,
    OPT_COMMIT,
    OPT_TESTS,
    OPT_CLOCKS,
    OPT_HOST_ROWS,
    OPT_HELP
};

static const struct option options[] = {
    {"filter", required_argument, NULL, OPT_FILTER},
    {"list", no_argument, NULL, OPT_LIST},
    {"probe", no_argument, NULL, OPT_PROBE},
    {"quick", no_argument, NULL, OPT_QUICK},
    {"size-divisor", required_argument, NULL, OPT_DIVISOR},
    {"folder", required_argument, NULL, OPT_FOLDER},
    {"commit", required_argument, NULL, OPT_COMMIT},
    {"tests", required_argument, NULL, OPT_TESTS},
    {"clocks", required_argument, NULL, OPT_CLOCKS},
    {"host-rows", required_argument, NULL, OPT_HOST_ROWS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

struct request {
    const char *filter;
    bool list, probe, quick;
    uint64_t divisor;
    struct device_report report;
};

static bool parse_divisor(const char *text, uint64_t *divisor)
{
    char *end;
    errno = 0;
    *divisor = strtoull(text, &end, 10);
    if (errno == 0 && *end == '\0' && text[0] >= '0' && text[0] <= '9' && *divisor >= 1 &&
        *divisor <= 1000000)
        return true;
    complain("--size-divisor: \"%s\" is not a whole number from 1 to 1000000", text);
    return false;
}

static bool take_option(int option, struct request *request)
{
    struct device_report *report = &request->report;
    switch (option) {
    case OPT_FILTER:
        request->filter = optarg;
        return true;
    case OPT_LIST:
        return request->list = true;
    case OPT_PROBE:
        return request->probe = true;
    case OPT_QUICK:
        return request->quick = true;
    case OPT_DIVISOR:
        return parse_divisor(optarg, &request->divisor);
    case OPT_FOLDER:
        report->folder = optarg;
        return true;
    case OPT_COMMIT:
        report->commit = optarg;
        return true;
    case OPT_TESTS:
        report->tests_file = optarg;
        return true;
    case OPT_CLOCKS:
        report->clocks_file = optarg;
        return true;
    case OPT_HOST_ROWS:
        report->host_file = optarg;
        return true;
    default:
        return false;
    }
}

static bool parse(int argc, char **argv, struct request *request)
{
    int option;
    *request = (struct request){.filter = "", .divisor = 1};
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == OPT_HELP) {
            fputs(help_text, stdout);
            exit(EXIT_SUCCESS);
        }
        if (!take_option(option, request))
            return false;
    }
    if (optind < argc)
        complain("\"%s\": no argument like this; see --help", argv[optind]);
    return optind == argc;
}

/* ---------------------------------------------------------------------------------- the rows -- */

static void print_row(const struct result *r)
{
    if (r->outcome != OUTCOME_FINE) {
        printf("%-26s %s\n", r->op->name, r->why);
        return;
    }
    printf("%-26s %14s %10.2f", r->op->name, r->shape, r->rates.gbps);
    if (r->bound.gbps > 0)
        printf(" %10.2f %6.1f%%", r->bound.gbps, 100 * r->rates.gbps / r->bound.gbps);
    else
        printf(" %10s %7s", "-", "-");
    if (r->cpu_gbps > 0)
        printf(" %10.2f", r->cpu_gbps);
    else
        printf(" %10s", "-");
    for (size_t k = 0; k < r->n_kernels; k++)
        printf("  %s %.4g ms", r->kernels[k].name, 1e3 * r->kernels[k].seconds);
    printf("\n");
}

/* Returns false when a row failed or the report could not be written. */
static bool run_rows(const struct request *request, const struct bench_side *side,
                     const struct patience *patience, struct device_report *report)
{
    struct measured_rates measured = {0};
    bool fine = true;
    printf("%-26s %14s %10s %10s %7s %10s  %s\n", "operation", "size", "GB/s", "bound", "share",
           "CPU GB/s", "kernels");
    for (size_t i = 0; i < n_device_operations; i++) {
        if (strstr(device_operations[i].name, request->filter) == NULL)
            continue;
        struct result *result = &report->results[report->n++];
        measure_operation(&device_operations[i], side, patience, &measured, result);
        fine = result->outcome != OUTCOME_FAILED && fine;
        print_row(result);
        fflush(stdout);
        fine = device_report_write(report) && fine;
    }
    report->complete = true;
    return device_report_write(report) && fine;
}

static struct patience patience_of(const struct request *request)
{
    struct patience patience = {
        .gpu = {.min_runs = 11, .min_run_seconds = 0.005, .row_seconds = 0.4},
        .cpu = {.min_runs = 3, .row_seconds = 0.3},
        .warm_up_seconds = 0.05,
        .kernel_runs = 5};
    if (request->quick) {
        patience.gpu = patience.cpu = (struct effort){.min_runs = 1};
        patience.warm_up_seconds = 0;
        patience.kernel_runs = 1;
    }
    return patience;
}

/* Returns true where there is a GPU. It is then a failure when the library cannot use it (built
 * without kernels, too old, not the one asked for); without a GPU there is none. */
static bool has_gpu(void)
{
    struct device device;
    const bool any = device_open(&device, 0);
    if (any)
        device_close(&device);
    return any;
}

static bool open_contexts(struct bench_side *side, parseal_info *gpu, parseal_info *cpu)
{
    parseal_options wish = PARSEAL_OPTIONS_INIT;
    wish.backend = PARSEAL_BACKEND_CUDA;
    parseal_status status = parseal_ctx_create(&side->gpu, &wish);
    if (status == PARSEAL_ERR_NO_DEVICE) {
        complain("%s", parseal_last_error_text());
        if (!has_gpu())
            exit(EXIT_NO_DEVICE);
        return false;
    }
    wish.backend = PARSEAL_BACKEND_CPU;
    if (status == PARSEAL_OK)
        status = parseal_ctx_create(&side->cpu, &wish);
    if (status == PARSEAL_OK)
        status = parseal_ctx_info(side->gpu, gpu);
    if (status == PARSEAL_OK)
        status = parseal_ctx_info(side->cpu, cpu);
    if (status != PARSEAL_OK)
        complain_status("parseal_ctx_create", status);
    return status == PARSEAL_OK;
}

static bool bench(struct request *request)
{
    struct bench_side side = {.divisor = request->divisor,
                              .sample_bytes = SAMPLE_BYTES / request->divisor};
    struct device device;
    struct device_report *report = &request->report;
    const struct patience patience = patience_of(request);
    parseal_info gpu = PARSEAL_INFO_INIT, cpu = PARSEAL_INFO_INIT;
    bool fine = open_contexts(&side, &gpu, &cpu);
    if (fine && request->probe) {
        printf("%s\n", gpu.device);
    } else if (fine && device_open(&device, kernel_times_ordinal(side.gpu))) {
        side.device = &device;
        report->device = &device;
        report->divisor = request->divisor;
        report->cpu_threads = cpu.cpu_threads;
        report->cpu = side.cpu;
        machine_describe(&report->machine);
        report->results = calloc(n_device_operations, sizeof *report->results);
        printf("%s, CUDA driver %d, parseal %s, %u CPU threads\n", device.name,
               device.driver_version, parseal_version(), report->cpu_threads);
        fine = report->results != NULL && run_rows(request, &side, &patience, report);
        free(report->results);
        device_close(&device);
    } else {
        fine = false;
    }
    parseal_ctx_destroy(side.gpu);
    parseal_ctx_destroy(side.cpu);
    return fine && device_report_failed_tests(report) == 0;
}

static bool any_row(const char *filter)
{
    for (size_t i = 0; i < n_device_operations; i++) {
        if (strstr(device_operations[i].name, filter) != NULL)
            return true;
    }
    return false;
}

static void list_rows(const char *filter)
{
    for (size_t i = 0; i < n_device_operations; i++) {
        if (strstr(device_operations[i].name, filter) != NULL)
            printf("%s\n", device_operations[i].name);
    }
}

int main(int argc, char **argv)
{
    struct request request;
    if (!parse(argc, argv, &request))
        return EXIT_USAGE;
    if (!any_row(request.filter)) {
        complain("--filter: no row's name contains \"%s\"", request.filter);
        return EXIT_USAGE;
    }
    if (request.list) {
        list_rows(request.filter);
        return EXIT_SUCCESS;
    }
    return bench(&request) ? EXIT_SUCCESS : EXIT_FAILURE;
}
