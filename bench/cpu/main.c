/* parseal-bench measures the rates of parseal and of its peers on this machine. */
#include "bench/cpu/args.h"
#include "bench/cpu/contender.h"
#include "bench/cpu/cycles.h"
#include "bench/cpu/load.h"
#include "bench/cpu/operations.h"
#include "bench/cpu/report.h"
#include "bench/cpu/server.h"
#include "bench/cpu/support.h"

#include <stdlib.h>
#include <string.h>

enum { EXIT_USAGE = 2 };

struct bench {
    struct args args;
    parseal_ctx *ctx;
    parseal_info info;
    struct machine machine;
    struct report report;
    size_t large_bytes;
    unsigned threads;
    size_t rows; /* rows reported so far */
};

/* The contenders of one row. parseal is the first. */
struct lineup {
    const struct contender *who[MAX_CONTENDERS];
    void *session[MAX_CONTENDERS];
    size_t n;
};

static bool join(struct lineup *lineup, const struct contender *who, struct work *w)
{
    void *session = who->start(who, w);
    if (session == NULL) {
        complain("%s: %s could not start", w->op->name, who->name);
        return false;
    }
    lineup->who[lineup->n] = who;
    lineup->session[lineup->n++] = session;
    return true;
}

static bool gather(struct lineup *lineup, struct work *w, bool with_peers)
{
    lineup->n = 0;
    if (!join(lineup, &contender_parseal, w))
        return false;
    for (size_t i = 0; with_peers && i < n_peers; i++) {
        const struct contender *peer = peers[i].contender;
        if (peer != NULL && peer->can(peer, w) && !join(lineup, peer, w))
            return false;
    }
    return true;
}

static void dismiss(struct lineup *lineup)
{
    for (size_t i = 0; i < lineup->n; i++)
        lineup->who[i]->stop(lineup->session[i]);
}

static bool run_once(const struct lineup *lineup, size_t i, struct work *w)
{
    work_reset_results(w);
    if (lineup->who[i]->run(lineup->session[i]))
        return true;
    complain("%s, size %zu: %s failed", w->op->name, w->size, lineup->who[i]->name);
    return false;
}

/* Checks that the peers compute the same as parseal: any other is no yardstick. */
static bool peers_agree(const struct lineup *lineup, struct work *w)
{
    if (lineup->n == 1)
        return true;
    if (!run_once(lineup, 0, w))
        return false;
    uint8_t *saved = work_save_results(w);
    bool fine = saved != NULL;
    for (size_t i = 1; fine && i < lineup->n; i++) {
        fine = run_once(lineup, i, w);
        if (fine && !work_same_results(w, saved)) {
            complain("%s, size %zu: %s gives other bytes than parseal", w->op->name, w->size,
                     lineup->who[i]->name);
            fine = false;
        }
    }
    free(saved);
    return fine;
}

/* Returns the rate while the device's kernels run, from one more run of parseal, or 0 without a
 * device. */
static double kernel_rate(const struct bench *b, const struct lineup *lineup, struct work *w)
{
    parseal_info before = PARSEAL_INFO_INIT, after = PARSEAL_INFO_INIT;
    if (b->info.backend == PARSEAL_BACKEND_CPU || parseal_ctx_info(b->ctx, &before) != PARSEAL_OK ||
        !run_once(lineup, 0, w) || parseal_ctx_info(b->ctx, &after) != PARSEAL_OK)
        return 0;
    const double seconds = after.kernel_seconds - before.kernel_seconds;
    return seconds > 0 ? 1e-9 * (double)w->bytes / seconds : 0;
}

/* Writes "parseal/", the backend and, where there is one, the implementation that ran. */
static bool name_own(const struct bench *b, const struct work *w, char *name, size_t size)
{
    const char *backend = parseal_backend_name(b->info.backend);
    parseal_primitive_info picked = PARSEAL_PRIMITIVE_INFO_INIT;
    if (w->op->family->primitive == NO_PRIMITIVE) {
        snprintf(name, size, "parseal/%s", backend);
        return true;
    }
    if (parseal_ctx_primitive(b->ctx, w->op->family->primitive, &picked) != PARSEAL_OK)
        return false;
    snprintf(name, size, "parseal/%s/%s", backend, picked.impl);
    return true;
}

static bool report_lineup(struct bench *b, struct work *w, const struct lineup *lineup,
                          struct rates *rates)
{
    char own_name[64];
    if (!name_own(b, w, own_name, sizeof own_name))
        return false;
    for (size_t i = 0; i < lineup->n; i++) {
        if (w->threads > 1) /* The counter sees only the calling thread. */
            rates[i].cpb = rates[i].cycles = 0;
        struct row row = {.work = w,
                          .impl = i == 0 ? own_name : lineup->who[i]->name,
                          .rates = rates[i],
                          .kernel_gbps = i == 0 ? kernel_rate(b, lineup, w) : 0,
                          .memcpy_share = rates[i].gbps / b->machine.memcpy_gbps,
                          .ratio = i == 0 ? 0 : rates[i].seconds / rates[0].seconds};
        if (!report_row(&b->report, &row))
            return false;
        b->rows++;
    }
    return true;
}

static bool measure_lineup(struct bench *b, struct work *w, const struct lineup *lineup)
{
    struct subject subjects[MAX_CONTENDERS];
    struct rates rates[MAX_CONTENDERS];
    double seconds;
    for (size_t i = 0; i < lineup->n; i++)
        subjects[i] = (struct subject){lineup->who[i]->run, lineup->session[i]};
    switch (measure(subjects, lineup->n, w->bytes, &b->args.effort, rates, &seconds)) {
    case MEASURED:
        return report_lineup(b, w, lineup, rates);
    case MEASURE_TOO_LONG:
        printf("%-27s left out: size %zu, n %zu would take %.0f s (--max-seconds 0 runs it)\n",
               w->op->name, w->size, w->n, seconds);
        return true;
    case MEASURE_FAILED:
        break;
    }
    complain("%s, size %zu: a run failed", w->op->name, w->size);
    return false;
}

/* Returns half of the free memory, as results are saved and compared, too. */
static uint64_t memory_for_row(const struct machine *machine)
{
    return machine->memory_available != 0 ? machine->memory_available / 2 : UINT64_MAX;
}

static bool bench_case(struct bench *b, const struct operation *op, const struct bench_case *c)
{
    struct work w = {.ctx = b->ctx, .threads = b->threads};
    struct lineup lineup;
    settle_case(&w, op, c, b->large_bytes, b->args.divisor);
    if (op->cpu_alone && b->info.backend != PARSEAL_BACKEND_CPU) {
        printf("%-27s left out: only the CPU does it\n", op->name);
        return true;
    }
    if (w.n > memory_for_row(&b->machine) / w.size) {
        printf("%-27s left out: size %zu, n %zu needs more memory than is free\n", op->name, w.size,
               w.n);
        return true;
    }
    if (!work_prepare(&w))
        return false;
    bool fine = gather(&lineup, &w, b->args.peers) && peers_agree(&lineup, &w) &&
                measure_lineup(b, &w, &lineup);
    dismiss(&lineup);
    work_release(&w);
    return fine;
}

static bool bench_all(struct bench *b)
{
    for (size_t o = 0; o < n_operations; o++) {
        const struct operation *op = &operations[o];
        if (strstr(op->name, b->args.filter) == NULL)
            continue;
        for (size_t c = 0; c < op->n_cases; c++) {
            if ((op->cases[c].quick || !b->args.quick) && !bench_case(b, op, &op->cases[c]))
                return false;
        }
    }
    return true;
}

static bool filter_matches(const char *filter)
{
    for (size_t o = 0; o < n_operations; o++) {
        if (strstr(operations[o].name, filter) != NULL)
            return true;
    }
    complain("--filter: no operation's name contains \"%s\"", filter);
    return false;
}

static bool open_context(struct bench *b)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = b->args.backend;
    options.cpu_threads = b->args.threads;
    options.time_kernels = 1;
    const double start = seconds_now();
    parseal_status status = parseal_ctx_create(&b->ctx, &options);
    b->machine.first_context_seconds = seconds_now() - start;
    if (status != PARSEAL_OK) {
        complain_status("parseal_ctx_create", status);
        return false;
    }
    b->info = (parseal_info)PARSEAL_INFO_INIT;
    status = parseal_ctx_info(b->ctx, &b->info);
    if (status != PARSEAL_OK)
        complain_status("parseal_ctx_info", status);
    b->threads = b->info.cpu_threads > 0 ? b->info.cpu_threads : 1;
    return status == PARSEAL_OK;
}

static void name_missing_peers(void)
{
    for (size_t i = 0; i < n_peers; i++) {
        if (peers[i].contender == NULL)
            printf("left out: peer %s (not found when parseal-bench was built)\n", peers[i].name);
    }
}

static bool bench_run(struct bench *b)
{
    b->large_bytes = machine_large_bytes(&b->machine);
    if (!machine_measure_memcpy(&b->machine, b->large_bytes / b->args.divisor + 1, b->threads,
                                &b->args.effort))
        return false;
    if (b->args.peers)
        name_missing_peers();
    if (b->large_bytes < 2 * b->machine.last_level_cache)
        printf("the largest rows have %zu bytes only, for want of memory: caches may hold part of "
               "them\n",
               b->large_bytes);
    b->report.kernels = b->info.backend != PARSEAL_BACKEND_CPU;
    b->report.peers = b->args.peers;
    report_machine(&b->report, &b->machine, &b->info, b->threads);
    return bench_all(b);
}

int main(int argc, char **argv)
{
    static struct bench b;
    if (argc > 1 && strcmp(argv[1], "server") == 0)
        return server_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "load") == 0)
        return load_main(argc - 1, argv + 1);
    switch (args_parse(argc, argv, &b.args)) {
    case ARGS_HELP:
        return EXIT_SUCCESS;
    case ARGS_BAD:
        return EXIT_USAGE;
    case ARGS_RUN:
        break;
    }
    if (!filter_matches(b.args.filter))
        return EXIT_USAGE;
    machine_describe(&b.machine);
    for (size_t i = 0; i < b.args.n_libcrypto; i++) {
        if (!peers_load(b.args.libcrypto[i]))
            return EXIT_FAILURE;
    }
    if (!open_context(&b))
        return EXIT_FAILURE;
    cycles_open();
    bool fine = report_open(&b.report, b.args.json, b.args.csv) && bench_run(&b);
    fine = report_close(&b.report, &b.machine, &b.info) && fine;
    cycles_close();
    parseal_ctx_destroy(b.ctx);
    return fine ? EXIT_SUCCESS : EXIT_FAILURE;
}
