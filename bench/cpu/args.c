#include "bench/cpu/args.h"

#include "bench/cpu/support.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_text[] =
    "usage: parseal-bench [options]\n"
    "       parseal-bench server [options]   a server's part of secure aggregation: see its "
    "--help\n"
    "       parseal-bench load [options]     beside other busy processes: see its --help\n"
    "\n"
    "Measures parseal, and with --peers other libraries on the same data in turn.\n"
    "\n"
    "  --backend NAME     auto, cpu, opencl or cuda (default auto)\n"
    "  --threads N        CPU threads, 1 to 4096; 0: as many as the library would use (default 1,\n"
    "                     so that cores are compared with cores)\n"
    "  --filter TEXT      only operations whose name contains TEXT\n"
    "  --quick            fewer sizes and the fewest runs\n"
    "  --size-divisor N   all sizes divided by N: to see that it runs\n"
    "  --peers            also libsodium and, where found when building, OpenSSL and ipsec-mb; "
    "for\n"
    "                     sums a naive loop over inputs that are known to be reduced\n"
    "  --libcrypto FILE   with --peers: also the libcrypto in FILE, OpenSSL's, AWS-LC's or "
    "BoringSSL's;\n"
    "                     may be given twice\n"
    "  --json FILE        the figures as JSON\n"
    "  --csv FILE         the figures as CSV\n"
    "  --min-runs N       runs of each row at least, 1 to 101 (default 7)\n"
    "  --min-ms N         milliseconds that a run lasts at least (default 20)\n"
    "  --max-seconds N    leave out rows that would take longer; 0: none (default 180)\n"
    "  --help             this text\n"
    "\n"
    "A row gives the median of its runs, the slowest and the fastest. GB/s are 10^9 bytes a "
    "second:\n"
    "plaintext for aead, keystream (seeds times vector) for mask, all inputs for vec.sum, "
    "elements\n"
    "read or packed for the rest. c/B is CPU cycles a byte of one thread, where the system lets "
    "them\n"
    "be read. memcpy is the share of the rate at which memcpy copies what no cache holds. ratio "
    "is\n"
    "parseal's rate divided by the peer's. kernel, on a GPU: the rate while its kernels run,\n"
    "without copies to and from it. Rows of call.* have the nanoseconds of a call instead. Data "
    "that is in a CUDA device's memory already:\n"
    "parseal-bench-device --help.\n"
    "\n"
    "Exit status: 0 fine, 1 a failure or a peer that gives other bytes, 2 a wrong command line.\n";

enum option_code {
    OPT_BACKEND = 1,
    OPT_THREADS,
    OPT_FILTER,
    OPT_QUICK,
    OPT_DIVISOR,
    OPT_PEERS,
    OPT_LIBCRYPTO,
    OPT_JSON,
    OPT_CSV,
    OPT_MIN_RUNS,
    OPT_MIN_MS,
    OPT_MAX_SECONDS,
    OPT_HELP
};

static const struct option options[] = {
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"threads", required_argument, NULL, OPT_THREADS},
    {"filter", required_argument, NULL, OPT_FILTER},
    {"quick", no_argument, NULL, OPT_QUICK},
    {"size-divisor", required_argument, NULL, OPT_DIVISOR},
    {"peers", no_argument, NULL, OPT_PEERS},
    {"libcrypto", required_argument, NULL, OPT_LIBCRYPTO},
    {"json", required_argument, NULL, OPT_JSON},
    {"csv", required_argument, NULL, OPT_CSV},
    {"min-runs", required_argument, NULL, OPT_MIN_RUNS},
    {"min-ms", required_argument, NULL, OPT_MIN_MS},
    {"max-seconds", required_argument, NULL, OPT_MAX_SECONDS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

bool args_number(const char *name, const char *text, unsigned long low, unsigned long high,
                 unsigned long *number)
{
    char *end;
    errno = 0;
    *number = strtoul(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && text[0] >= '0' && text[0] <= '9' &&
        *number >= low && *number <= high)
        return true;
    complain("--%s: \"%s\" is not a whole number from %lu to %lu", name, text, low, high);
    return false;
}

bool backend_named(const char *text, int32_t *backend)
{
    for (int32_t b = PARSEAL_BACKEND_AUTO; strcmp(parseal_backend_name(b), "unknown") != 0; b++) {
        if (strcmp(text, parseal_backend_name(b)) == 0) {
            *backend = b;
            return true;
        }
    }
    complain("--backend: \"%s\" is not auto, cpu, opencl or cuda", text);
    return false;
}

static bool take_number(int option, const char *name, struct args *args)
{
    static const struct {
        unsigned long low, high;
    } limits[] = {
        [OPT_THREADS] = {0, 4096}, [OPT_DIVISOR] = {1, 1000000},     [OPT_MIN_RUNS] = {1, MAX_RUNS},
        [OPT_MIN_MS] = {0, 60000}, [OPT_MAX_SECONDS] = {0, 1000000},
    };
    unsigned long number;
    if (!args_number(name, optarg, limits[option].low, limits[option].high, &number))
        return false;
    if (option == OPT_THREADS)
        args->threads = (unsigned)number;
    else if (option == OPT_DIVISOR)
        args->divisor = number;
    else if (option == OPT_MIN_RUNS)
        args->effort.min_runs = number;
    else if (option == OPT_MIN_MS)
        args->effort.min_run_seconds = (double)number / 1e3;
    else
        args->effort.max_row_seconds = (double)number;
    return true;
}

static bool take_libcrypto(struct args *args)
{
    if (args->n_libcrypto == PEERS_LOADED_MAX) {
        complain("--libcrypto: at most %d files", PEERS_LOADED_MAX);
        return false;
    }
    args->libcrypto[args->n_libcrypto++] = optarg;
    return true;
}

static bool take_option(int option, const char *name, struct args *args)
{
    switch (option) {
    case OPT_BACKEND:
        return backend_named(optarg, &args->backend);
    case OPT_FILTER:
        args->filter = optarg;
        return true;
    case OPT_QUICK:
        args->quick = true;
        return true;
    case OPT_PEERS:
        args->peers = true;
        return true;
    case OPT_LIBCRYPTO:
        return take_libcrypto(args);
    case OPT_JSON:
        args->json = optarg;
        return true;
    case OPT_CSV:
        args->csv = optarg;
        return true;
    default:
        return take_number(option, name, args);
    }
}

enum args_outcome args_parse(int argc, char **argv, struct args *args)
{
    int option, index = 0;
    *args =
        (struct args){.backend = PARSEAL_BACKEND_AUTO, .threads = 1, .filter = "", .divisor = 1};
    args->effort = (struct effort){
        .min_runs = 7, .min_run_seconds = 0.02, .row_seconds = 0.5, .max_row_seconds = 180};
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option == OPT_HELP) {
            fputs(help_text, stdout);
            return ARGS_HELP;
        }
        if (option == '?' || !take_option(option, options[index].name, args))
            return ARGS_BAD;
    }
    if (optind < argc) {
        complain("\"%s\": no argument like this; see --help", argv[optind]);
        return ARGS_BAD;
    }
    if (args->n_libcrypto > 0 && !args->peers) {
        complain("--libcrypto: only with --peers");
        return ARGS_BAD;
    }
    if (args->quick)
        args->effort.row_seconds = 0;
    return ARGS_RUN;
}
