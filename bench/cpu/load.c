/* A server does other things besides. A call with all threads takes turns with the same call on one
 * thread, alone on the machine and beside as many busy processes as it has cores: threads must not
 * cost a busy machine's caller time, and their gain must come back when the machine is idle
 * again. */
#include "bench/cpu/load.h"

#include "bench/cpu/args.h"
#include "bench/cpu/busy.h"
#include "bench/cpu/load_report.h"
#include "bench/cpu/operations.h"
#include "bench/cpu/support.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

/* Every family, by calls that take one thread a millisecond or more: less is one thread's work. */
static const struct {
    const char *op;
    struct bench_case c;
} rows[] = {
    {"aead.seal.aes256gcm", {64 * KIB, 512, false}},
    {"aead.seal.aes256gcm", {32 * MIB, 1, false}},
    {"aead.seal.aes256gcm", {64 * KIB, 4096, false}},
    {"aead.open.aes256gcm", {64 * KIB, 512, false}},
    {"aead.open.aes256gcm", {32 * MIB, 1, false}},
    {"mask.write", {16 * MIB, 1, false}},
    {"mask.add", {4 * MIB, 8, false}},
    {"mask.add", {4 * MIB, 100, false}},
    {"vec.sum.u32.prime", {4 * MIB, 16, false}},
    {"packed.sum.b20", {4 * MIB, 16, false}},
    {"quantize", {16 * MIB, 1, false}},
    {"mask.fcp.b32", {4 * MIB, 10, false}},
};

enum { N_ROWS = sizeof rows / sizeof rows[0], EXIT_USAGE = 2 };

static const char usage[] =
    "usage: parseal-bench load [options]\n"
    "\n"
    "What threads gain on an idle machine, and what they cost on a busy one: each family's calls "
    "with\n"
    "all threads, in turn with the same on one thread, alone and beside as many busy processes as\n"
    "there are cores, which it starts and ends.\n"
    "\n"
    "  --threads N         CPU threads of a call; 0: as many as the library would use (default)\n"
    "  --processes N       busy processes; 0: as many as cores (default)\n"
    "  --ms N              milliseconds for each row alone, and again beside the processes "
    "(default\n"
    "                      3000)\n"
    "  --filter TEXT       only operations whose name contains TEXT\n"
    "  --size-divisor N    all sizes divided by N: to see that it runs\n"
    "  --json FILE         the figures as JSON\n"
    "  --help              this text\n"
    "\n"
    "Times are milliseconds of a call: the median, and the 95th percentile (p95). ratio is the "
    "time\n"
    "with all threads divided by that with one. back is how long after the end of the busy "
    "processes\n"
    "the ratio of the idle machine was there again, the slowest of three times.\n"
    "\n"
    "Exit status: 0 fine, 1 a failure, 2 a wrong command line.\n";

struct options {
    unsigned long threads, processes, ms, divisor;
    const char *filter, *json;
    uint64_t memory; /* bytes that may be taken */
};

enum option_code {
    OPT_THREADS = 1,
    OPT_PROCESSES,
    OPT_MS,
    OPT_FILTER,
    OPT_DIVISOR,
    OPT_JSON,
    OPT_HELP
};

static const struct option option_list[] = {
    {"threads", required_argument, NULL, OPT_THREADS},
    {"processes", required_argument, NULL, OPT_PROCESSES},
    {"ms", required_argument, NULL, OPT_MS},
    {"filter", required_argument, NULL, OPT_FILTER},
    {"size-divisor", required_argument, NULL, OPT_DIVISOR},
    {"json", required_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static bool take(int option, const char *name, struct options *o)
{
    switch (option) {
    case OPT_THREADS:
        return args_number(name, optarg, 0, 4096, &o->threads);
    case OPT_PROCESSES:
        return args_number(name, optarg, 0, BUSY_MAX, &o->processes);
    case OPT_MS:
        return args_number(name, optarg, 1, 600000, &o->ms);
    case OPT_DIVISOR:
        return args_number(name, optarg, 1, 1000000, &o->divisor);
    case OPT_FILTER:
        o->filter = optarg;
        return true;
    default:
        o->json = optarg;
        return true;
    }
}

static bool wanted(const struct options *o, size_t row)
{
    return strstr(rows[row].op, o->filter) != NULL;
}

static enum args_outcome parse(int argc, char **argv, struct options *o)
{
    int option, index = 0;
    size_t n = 0;
    *o = (struct options){.ms = 3000, .divisor = 1, .filter = ""};
    while ((option = getopt_long(argc, argv, "", option_list, &index)) != -1) {
        if (option == OPT_HELP) {
            fputs(usage, stdout);
            return ARGS_HELP;
        }
        if (option == '?' || !take(option, option_list[index].name, o))
            return ARGS_BAD;
    }
    if (optind < argc) {
        complain("\"%s\": no argument like this; see parseal-bench load --help", argv[optind]);
        return ARGS_BAD;
    }
    for (size_t row = 0; row < N_ROWS; row++)
        n += wanted(o, row);
    if (n == 0)
        complain("--filter: no operation's name contains \"%s\"", o->filter);
    return n == 0 ? ARGS_BAD : ARGS_RUN;
}

static const struct operation *operation_named(const char *name)
{
    size_t o = 0;
    while (strcmp(operations[o].name, name) != 0)
        o++;
    return &operations[o];
}

static bool open_context(parseal_ctx **ctx, unsigned threads, parseal_info *info)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_threads = threads;
    parseal_status status = parseal_ctx_create(ctx, &options);
    if (status == PARSEAL_OK)
        status = parseal_ctx_info(*ctx, info);
    if (status != PARSEAL_OK)
        complain_status("parseal_ctx_create", status);
    return status == PARSEAL_OK;
}

/* Both sides read and write as much. */
static bool has_room(const struct work *w, const struct options *o)
{
    enum { COPIES = 2 * SIDES };
    if (w->n <= o->memory / COPIES / w->size)
        return true;
    printf("%-20s left out: size %zu, n %zu needs more memory than is free\n", w->op->name, w->size,
           w->n);
    return false;
}

/* Prepares the row's work once for each side. */
static bool prepare(struct work side[SIDES])
{
    for (size_t s = 0; s < SIDES; s++) {
        if (!work_prepare(&side[s])) {
            if (s > 0)
                work_release(&side[0]);
            return false;
        }
    }
    return true;
}

static bool run_row(parseal_ctx *const ctx[SIDES], size_t row, const struct options *o,
                    const struct load_effort *effort, struct load_report *report)
{
    struct work side[SIDES] = {{.ctx = ctx[ONE_THREAD], .threads = 1},
                               {.ctx = ctx[ALL_THREADS], .threads = report->threads}};
    struct load_result result;
    for (size_t s = 0; s < SIDES; s++)
        settle_case(&side[s], operation_named(rows[row].op), &rows[row].c, 0, o->divisor);
    if (!has_room(side, o))
        return true;
    if (!prepare(side))
        return false;
    const bool fine =
        load_measure(side, effort, &result) && load_report_row(report, &side[ALL_THREADS], &result);
    for (size_t s = 0; s < SIDES; s++)
        work_release(&side[s]);
    return fine;
}

static bool run_rows(parseal_ctx *const ctx[SIDES], const struct options *o,
                     const struct machine *machine, const parseal_info *info)
{
    const struct load_effort effort = {.seconds = 1e-3 * (double)o->ms,
                                       .processes = o->processes != 0 ? (unsigned)o->processes
                                                                      : machine->cores};
    struct load_report report = {
        .path = o->json, .processes = effort.processes, .threads = info->cpu_threads};
    bool fine = load_report_open(&report, machine, info);
    for (size_t row = 0; fine && row < N_ROWS; row++)
        fine = !wanted(o, row) || run_row(ctx, row, o, &effort, &report);
    return load_report_close(&report, machine, info) && fine;
}

int load_main(int argc, char **argv)
{
    struct options o;
    struct machine machine;
    parseal_ctx *ctx[SIDES] = {NULL};
    parseal_info info[SIDES] = {PARSEAL_INFO_INIT, PARSEAL_INFO_INIT};
    const enum args_outcome outcome = parse(argc, argv, &o);
    if (outcome != ARGS_RUN)
        return outcome == ARGS_HELP ? EXIT_SUCCESS : EXIT_USAGE;
    machine_describe(&machine);
    o.memory = machine.memory_available != 0 ? machine.memory_available : UINT64_MAX;
    const bool fine = open_context(&ctx[ONE_THREAD], 1, &info[ONE_THREAD]) &&
                      open_context(&ctx[ALL_THREADS], (unsigned)o.threads, &info[ALL_THREADS]) &&
                      run_rows(ctx, &o, &machine, &info[ALL_THREADS]);
    for (size_t s = 0; s < SIDES; s++)
        parseal_ctx_destroy(ctx[s]);
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
