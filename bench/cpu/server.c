/* The server's part of secure aggregation, by the counts of the papers: Bonawitz et al. (CCS 2017),
 * where a client that drops out costs an expansion for each survivor, and SecAgg+ (Bell et al., CCS
 * 2020), where it costs one for each neighbour that survives.
 *
 * Expanding masks is timed on a hundred seeds at a time for some seconds; the time of a whole round
 * follows from the rate. A straightforward server, which makes each mask with libsodium and then
 * adds it, takes turns with the library. */
#include "bench/cpu/server.h"

#include <parseal/aggregator.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/cpu/args.h"
#include "bench/cpu/machine.h"
#include "bench/cpu/support.h"

enum { RUNS = 3, SEEDS_AT_ONCE = 100, NAIVE_SEEDS = 5, UPDATES = 16, EXIT_USAGE = 2 };

struct round {
    const char *name;
    uint64_t clients, dropped, neighbours, dim;
};

/* `neighbours` counts a client's neighbours in the graph: in the complete graph all others. */
static const struct round rounds[] = {
    {"SecAgg", 500, 0, 499, 100000},      {"SecAgg", 500, 50, 499, 100000},
    {"SecAgg", 500, 150, 499, 100000},    {"SecAgg", 1000, 0, 999, 100000},
    {"SecAgg", 1000, 100, 999, 100000},   {"SecAgg", 1000, 300, 999, 100000},
    {"SecAgg+", 1000, 100, 100, 1000000}, {"SecAgg+", 1000, 100, 100, 10000000},
};

struct options {
    int32_t backend;
    double seconds; /* about the time that is spent on one timing */
    unsigned threads;
    uint64_t divisor; /* dimensions are divided by it */
};

struct server {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_seeds *seeds;
    parseal_aggregator *aggregator;
    struct options options;
    struct round round;
    uint32_t *naive_sum, *naive_mask;
    parseal_seed list[SEEDS_AT_ONCE];
    size_t update_size;
    uint8_t *sealed, *opened;
    uint64_t next_client;
};

static const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};

static bool fine(const char *call, parseal_status status)
{
    if (status != PARSEAL_OK)
        complain_status(call, status);
    return status == PARSEAL_OK;
}

/* Counts the survivors' self masks, and for each dropped client a pairwise mask for each neighbour
 * that survives: on the complete graph all survivors, else their share of its neighbours. */
static uint64_t expansions(const struct round *r)
{
    const uint64_t survivors = r->clients - r->dropped;
    const uint64_t each =
        r->neighbours + 1 == r->clients ? survivors : r->neighbours * survivors / r->clients;
    return survivors + r->dropped * each;
}

/* ------------------------------------------------------------------------------------- timed -- */

enum { UNMASK, MASK, NAIVE, ADD, OPEN, TIMINGS };

static bool unmask(struct server *s)
{
    return fine("parseal_aggregator_unmask", parseal_aggregator_unmask(s->aggregator, s->seeds));
}

/* Applies the same masks to a vector in host memory. */
static bool mask(struct server *s)
{
    const parseal_vec v = parseal_host_vec(s->naive_sum, s->round.dim, sizeof *s->naive_sum);
    return fine("parseal_mask_apply", parseal_mask_apply(s->seeds, &ring, &v, 0, NULL));
}

/* Unmasks as a first server would be written: a mask at a time. */
static bool unmask_naively(struct server *s)
{
    for (size_t j = 0; j < NAIVE_SEEDS; j++) {
        const uint8_t nonce[12] = {0};
        if (crypto_stream_chacha20_ietf((unsigned char *)s->naive_mask, 4 * s->round.dim, nonce,
                                        s->list[j].key) != 0)
            return false;
        for (uint64_t i = 0; i < s->round.dim; i++)
            s->naive_sum[i] += s->naive_mask[i];
    }
    return true;
}

/* Adds the same updates over and over, each time from clients that have not been counted. */
static bool add_sealed(struct server *s)
{
    parseal_update updates[UPDATES];
    size_t added;
    for (size_t i = 0; i < UPDATES; i++) {
        const uint8_t *at = s->sealed + i * (s->update_size + PARSEAL_TAGBYTES);
        updates[i] = (parseal_update){.client = s->next_client++, .in = at, .len = s->update_size};
        updates[i].nonce[0] = (uint8_t)i;
        memcpy(updates[i].tag, at + s->update_size, PARSEAL_TAGBYTES);
    }
    return fine("parseal_aggregator_add_sealed",
                parseal_aggregator_add_sealed(s->aggregator, s->keys, updates, UPDATES, &added));
}

static void messages(const struct server *s, parseal_msg msgs[UPDATES])
{
    for (size_t i = 0; i < UPDATES; i++) {
        uint8_t *at = s->sealed + i * (s->update_size + PARSEAL_TAGBYTES);
        msgs[i] =
            (parseal_msg){.in = at, .out = s->opened + i * s->update_size, .len = s->update_size};
        msgs[i].nonce[0] = (uint8_t)i;
        memcpy(msgs[i].tag, at + s->update_size, PARSEAL_TAGBYTES);
    }
}

static bool open_only(struct server *s)
{
    parseal_msg msgs[UPDATES];
    messages(s, msgs);
    return fine("parseal_open", parseal_open(s->keys, msgs, UPDATES, NULL));
}

/* Measures each work in turns, and stores the median rates in GB/s: a run of work i counts as
 * bytes[i] bytes. */
static bool compare(struct server *s, bool (*const work[])(struct server *), const uint64_t bytes[],
                    size_t n, double gbps[])
{
    double rates[TIMINGS][RUNS];
    for (size_t i = 0; i < n; i++)
        if (!work[i](s)) /* A first run warms up and is not counted. */
            return false;
    for (size_t r = 0; r < RUNS; r++)
        for (size_t i = 0; i < n; i++) {
            const double begin = seconds_now();
            double taken = 0;
            size_t times = 0;
            while (taken < s->options.seconds / RUNS) {
                if (!work[i](s))
                    return false;
                times++;
                taken = seconds_now() - begin;
            }
            rates[i][r] = 1e-9 * (double)(times * bytes[i]) / taken;
        }
    for (size_t i = 0; i < n; i++)
        gbps[i] = median(rates[i], RUNS);
    return true;
}

/* ------------------------------------------------------------------------------------ rounds -- */

static bool make_updates(struct server *s)
{
    parseal_msg msgs[UPDATES];
    randombytes_buf(s->opened, UPDATES * s->update_size);
    messages(s, msgs);
    for (size_t i = 0; i < UPDATES; i++) {
        uint8_t *to = s->sealed + i * (s->update_size + PARSEAL_TAGBYTES);
        msgs[i].in = msgs[i].out;
        msgs[i].out = to;
        if (!fine("parseal_seal", parseal_seal(s->keys, &msgs[i], 1)))
            return false;
        memcpy(to + s->update_size, msgs[i].tag, PARSEAL_TAGBYTES);
    }
    return true;
}

static bool round_open(struct server *s)
{
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = ring;
    options.dim = s->round.dim;
    uint64_t update_size;
    if (!fine("parseal_aggregator_create",
              parseal_aggregator_create(&s->aggregator, s->ctx, &options)) ||
        !fine("parseal_aggregator_update_size",
              parseal_aggregator_update_size(s->aggregator, &update_size)))
        return false;
    s->update_size = (size_t)update_size;
    s->naive_sum = bench_alloc((size_t)s->round.dim, sizeof *s->naive_sum);
    s->naive_mask = bench_alloc((size_t)s->round.dim, sizeof *s->naive_mask);
    s->sealed = bench_alloc(UPDATES, s->update_size + PARSEAL_TAGBYTES);
    s->opened = bench_alloc(UPDATES, s->update_size);
    return s->naive_sum != NULL && s->naive_mask != NULL && s->sealed != NULL &&
           s->opened != NULL && make_updates(s);
}

static void round_close(struct server *s)
{
    parseal_aggregator_destroy(s->aggregator);
    free(s->naive_sum);
    free(s->naive_mask);
    free(s->sealed);
    free(s->opened);
    s->aggregator = NULL;
    s->naive_sum = s->naive_mask = NULL;
    s->sealed = s->opened = NULL;
}

static void report_round(const struct server *s, const double gbps[TIMINGS])
{
    const struct round *r = &s->round;
    const uint64_t e = expansions(r);
    const double bytes = 4 * (double)e * (double)r->dim;
    printf("%-8s %5llu %5llu %5llu %9llu %9llu %8.2f %8.2f %8.1f %6.0f%% %8.2f %8.1f %6.1f %8.2f "
           "%7.0f%%\n",
           r->name, (unsigned long long)r->clients, (unsigned long long)r->dropped,
           (unsigned long long)r->neighbours, (unsigned long long)r->dim, (unsigned long long)e,
           1e-9 * bytes, gbps[UNMASK], 1e-9 * bytes / gbps[UNMASK], 100 * gbps[UNMASK] / gbps[MASK],
           gbps[NAIVE], 1e-9 * bytes / gbps[NAIVE], gbps[UNMASK] / gbps[NAIVE], gbps[ADD],
           100 * gbps[ADD] / gbps[OPEN]);
    (void)fflush(stdout);
}

static bool run_round(struct server *s, const struct round *r)
{
    bool (*const work[TIMINGS])(struct server *) = {unmask, mask, unmask_naively, add_sealed,
                                                    open_only};
    double gbps[TIMINGS];
    s->round = *r;
    s->round.dim = r->dim / s->options.divisor + 1;
    if (s->options.divisor == 1)
        s->round.dim = r->dim;
    bool done = round_open(s);
    if (done) {
        const uint64_t masks = 4 * s->round.dim * SEEDS_AT_ONCE, updates = s->update_size * UPDATES;
        const uint64_t bytes[TIMINGS] = {masks, masks, 4 * s->round.dim * NAIVE_SEEDS, updates,
                                         updates};
        done = compare(s, work, bytes, TIMINGS, gbps);
    }
    if (done)
        report_round(s, gbps);
    round_close(s);
    return done;
}

static long peak_memory(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? usage.ru_maxrss / 1024 : 0;
}

/* Reports the memory for 1,000 clients, with one update in memory at a time: it must not depend on
 * their number. */
static bool report_memory(struct server *s)
{
    s->round = (struct round){"memory", 1000, 0, 0, 10000000 / s->options.divisor + 1};
    const long before = peak_memory();
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = ring;
    options.dim = s->round.dim;
    uint8_t *update = bench_alloc((size_t)s->round.dim, 4);
    parseal_msg m = {.in = update, .out = update, .len = (size_t)(4 * s->round.dim)};
    bool done = update != NULL &&
                fine("parseal_aggregator_create",
                     parseal_aggregator_create(&s->aggregator, s->ctx, &options)) &&
                fine("parseal_seal", parseal_seal(s->keys, &m, 1));
    for (uint64_t i = 0; done && i < s->round.clients; i++) {
        parseal_update u = {.client = i, .in = update, .len = m.len};
        memcpy(u.tag, m.tag, sizeof u.tag);
        done = fine("parseal_aggregator_add_sealed",
                    parseal_aggregator_add_sealed(s->aggregator, s->keys, &u, 1, NULL));
    }
    const long after = peak_memory();
    if (done)
        printf("\n1000 clients of %llu elements, one update in memory at a time: %ld MiB at most, "
               "%ld of them before the first\n",
               (unsigned long long)s->round.dim, after, before);
    parseal_aggregator_destroy(s->aggregator);
    s->aggregator = NULL;
    free(update);
    return done;
}

/* -------------------------------------------------------------------------------------- main -- */

static const char usage[] =
    "usage: parseal-bench server [options]\n"
    "\n"
    "What a server does in a round of secure aggregation: stripping masks, after clients have\n"
    "dropped out on a complete graph (SecAgg) or one of 100 neighbours (SecAgg+), and opening and\n"
    "adding sealed updates. Beside it a server that makes each mask with libsodium and adds it.\n"
    "\n"
    "  --backend NAME      auto, cpu, opencl or cuda (default cpu)\n"
    "  --threads N         CPU threads (default 1)\n"
    "  --seconds S         about so long for each timing (default 3)\n"
    "  --size-divisor N    dimensions divided by N, for a quick look\n"
    "  --help              this text\n";

static bool number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return *text != '\0' && *end == '\0' && *value > 0 && *value <= 1e9;
}

static int parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){.backend = PARSEAL_BACKEND_CPU, .seconds = 3, .threads = 1, .divisor = 1};
    while (++argv, --argc > 0) {
        double value = 0;
        const char *name = argv[0], *text = argv[1]; /* It is NULL after the last option. */
        if (strcmp(name, "--help") == 0) {
            fputs(usage, stdout);
            return -1;
        }
        if (text != NULL && strcmp(name, "--backend") == 0) {
            if (!backend_named(text, &o->backend))
                return EXIT_USAGE;
        } else if (text == NULL || !number(text, &value)) {
            complain("%s: unknown, or without a number; see parseal-bench server --help", name);
            return EXIT_USAGE;
        } else if (strcmp(name, "--threads") == 0) {
            o->threads = (unsigned)value;
        } else if (strcmp(name, "--seconds") == 0) {
            o->seconds = value;
        } else if (strcmp(name, "--size-divisor") == 0) {
            o->divisor = (uint64_t)value > 0 ? (uint64_t)value : 1;
        } else {
            complain("%s: unknown; see parseal-bench server --help", name);
            return EXIT_USAGE;
        }
        ++argv, --argc;
    }
    return EXIT_SUCCESS;
}

static bool open_server(struct server *s)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    uint8_t key[PARSEAL_AES256GCM_KEYBYTES];
    options.backend = s->options.backend;
    options.cpu_threads = s->options.threads;
    randombytes_buf(key, sizeof key);
    for (size_t j = 0; j < SEEDS_AT_ONCE; j++) {
        s->list[j].sign = j % 2 == 0 ? 1 : -1;
        randombytes_buf(s->list[j].key, sizeof s->list[j].key);
    }
    return fine("parseal_ctx_create", parseal_ctx_create(&s->ctx, &options)) &&
           fine("parseal_keys_create",
                parseal_keys_create(&s->keys, s->ctx, PARSEAL_AES256GCM, key, 1, NULL)) &&
           fine("parseal_seeds_create",
                parseal_seeds_create(&s->seeds, s->ctx, s->list, SEEDS_AT_ONCE));
}

static bool report_site(const struct server *s)
{
    struct machine machine;
    parseal_info info = PARSEAL_INFO_INIT;
    machine_describe(&machine);
    if (!fine("parseal_ctx_info", parseal_ctx_info(s->ctx, &info)))
        return false;
    printf("%s, %u cores; %s, %s; backend %s on %s, %u threads; parseal %s, %s\n", machine.cpu,
           machine.cores, machine.os, machine.compiler, parseal_backend_name(info.backend),
           info.device, info.cpu_threads, parseal_version(), machine.date);
    return true;
}

int server_main(int argc, char **argv)
{
    struct server s = {0};
    const int outcome = parse(argc, argv, &s.options);
    if (outcome != EXIT_SUCCESS)
        return outcome < 0 ? EXIT_SUCCESS : outcome;
    bool done = sodium_init() >= 0 && open_server(&s) && report_site(&s) && report_memory(&s);
    printf(
        "\nkeystream: 4 bytes an element of each expansion; seconds: of a whole round, at the rate "
        "measured\non %d (libsodium: %d) seeds at a time, and of parseal_mask_apply's rate; add: "
        "opened and added, of parseal_open's\n\n"
        "%-8s %5s %5s %5s %9s %9s %8s %8s %8s %7s %8s %8s %6s %8s %8s\n",
        SEEDS_AT_ONCE, NAIVE_SEEDS, "", "n", "drop", "k", "dim", "expand", "GB", "GB/s", "s",
        "of mask", "sodium", "s", "ratio", "add GB/s", "of open");
    for (size_t i = 0; done && i < sizeof rounds / sizeof rounds[0]; i++)
        done = run_round(&s, &rounds[i]);
    parseal_seeds_destroy(s.seeds);
    parseal_keys_destroy(s.keys);
    parseal_ctx_destroy(s.ctx);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
