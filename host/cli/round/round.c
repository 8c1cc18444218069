/* parseal round: one whole round of federated learning with real cryptography. */
#include <sodium.h>
#include <string.h>
#include <sys/resource.h>

#include "host/cli/json_file.h"
#include "host/cli/output.h"
#include "host/cli/round/checker.h"
#include "host/cli/round/client.h"
#include "host/cli/round/report.h"
#include "host/cli/round/server.h"

/* The memory that the simulation needs beside the round itself. */
typedef struct {
    client client;
    shares shares;
    server server;
    checker checker;
    cli_buffer sum, mean;
} simulation;

static int run_client(simulation *s, fl_round *r, uint64_t index, cli_failure *failure)
{
    bool drops = cohort_drops(&r->cohort, index);
    int code = shares_deal(&s->shares, r, index, failure);
    if (code == CLI_OK)
        code = client_train(&s->client, r, index, failure);
    if (code == CLI_OK)
        code = client_quantise(&s->client, r, failure);
    if (code == CLI_OK && !drops)
        checker_add(&s->checker, s->client.update.p, s->client.vector.p);
    if (code == CLI_OK)
        code = client_mask(&s->client, r, failure);
    progress_add(&r->progress, "clients", r->cohort.degree + 1);
    if (code != CLI_OK || drops)
        return code;
    code = client_send(&s->client, r, server_next_envelope(&s->server), failure);
    return code == CLI_OK ? server_receive(&s->server, r, failure) : code;
}

static int run_all(simulation *s, fl_round *r, cli_failure *failure)
{
    int code = CLI_OK;
    for (uint64_t i = 0; code == CLI_OK && i < r->cohort.n; i++)
        code = run_client(s, r, i, failure);
    if (code == CLI_OK)
        code = server_take(&s->server, r, failure);
    if (code == CLI_OK)
        code = shares_reconstruct(&s->shares, r, failure);
    if (code == CLI_OK)
        code = server_unmask(&s->server, r, &s->shares, failure);
    if (code == CLI_OK)
        code = server_mean(&s->server, r, &s->mean, failure);
    if (code == CLI_OK)
        code = server_sum(&s->server, r, &s->sum, failure);
    return code;
}

static int simulate(fl_round *r, verdict *v, cli_failure *failure)
{
    const cohort *all = &r->cohort;
    simulation s;
    size_t masks = 0; /* masks that the server takes off */
    memset(&s, 0, sizeof s);
    int code = client_create(&s.client, r, failure);
    if (code == CLI_OK)
        code = shares_create(&s.shares, r, failure);
    if (code == CLI_OK)
        code = server_create(&s.server, r, failure);
    if (code == CLI_OK)
        code = checker_create(&s.checker, &r->ring, r->params.n, failure);
    if (code == CLI_OK)
        code = cohort_needs(all, NULL, 0, &masks, failure);
    if (code == CLI_OK) {
        progress_begin(&r->progress, all->n * (all->degree + 1) + masks);
        code = run_all(&s, r, failure);
        progress_end(&r->progress);
    }
    if (code == CLI_OK)
        checker_compare(&s.checker, s.sum.p, s.mean.p, v);
    cli_buffer_destroy(&s.mean);
    cli_buffer_destroy(&s.sum);
    checker_destroy(&s.checker);
    server_destroy(&s.server);
    shares_destroy(&s.shares);
    client_destroy(&s.client);
    return code;
}

static uint64_t peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
#if defined(__APPLE__)
    return (uint64_t)usage.ru_maxrss;
#else
    return (uint64_t)usage.ru_maxrss * 1024;
#endif
}

static int publish(const round_report *report, cli_failure *failure)
{
    const char *path = report->options->json;
    if (path == NULL || !json_file_is_stdout(path))
        report_print(report);
    if (path == NULL)
        return CLI_OK;
    json_t *json = report_json(report);
    if (json == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for the JSON report");
    int code = json_file_write(path, json, failure);
    json_decref(json);
    return code;
}

static int run_round(const round_options *options, cli_failure *failure)
{
    fl_round r;
    round_report report = {options, &r, {0, 0, {0}}, cli_now(), 0};
    int code = output_check_stdout("report", failure);
    if (code == CLI_OK && options->json != NULL)
        code = json_file_check(options->json, failure);
    if (code != CLI_OK)
        return code;
    code = fl_round_create(&r, options, failure);
    if (code != CLI_OK)
        return code;
    code = simulate(&r, &report.verdict, failure);
    if (code == CLI_OK) {
        report.wall_seconds = cli_now() - report.wall_seconds;
        report.peak_bytes = peak_bytes();
        code = publish(&report, failure);
    }
    if (code == CLI_OK && report.verdict.differing != 0)
        code =
            cli_fail(failure, CLI_FAILED,
                     "the unmasked sum is not the plain sum: %llu of %llu elements differ",
                     (unsigned long long)report.verdict.differing, (unsigned long long)r.params.n);
    fl_round_destroy(&r);
    return code;
}

int round_main(int argc, char **argv, cli_failure *failure)
{
    round_options options;
    int code = round_options_parse(&options, argc, argv, failure);
    if (code != CLI_OK)
        return code;
    if (options.help) {
        round_options_usage();
        return CLI_OK;
    }
    code = run_round(&options, failure);
    sodium_memzero(options.seed, sizeof options.seed);
    return code;
}
