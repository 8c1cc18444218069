/* The command line. */
#ifndef PARSEAL_BENCH_CPU_ARGS_H
#define PARSEAL_BENCH_CPU_ARGS_H

#include "bench/cpu/contender.h"
#include "bench/cpu/measure.h"

struct args {
    int32_t backend;
    unsigned threads; /* 0: the library's own number */
    const char *filter;
    const char *json, *csv; /* files; NULL: not wanted */
    size_t divisor;         /* all sizes are divided by it */
    bool peers, quick;
    const char *libcrypto[PEERS_LOADED_MAX]; /* files of peers that are loaded */
    size_t n_libcrypto;
    struct effort effort;
};

enum args_outcome { ARGS_RUN, ARGS_HELP, ARGS_BAD };

/* Stores the backend of this name. Returns false after a complaint. */
bool backend_named(const char *text, int32_t *backend);

/* Reads a whole number from low to high, the value of option --name. Returns false after a
 * complaint. */
bool args_number(const char *name, const char *text, unsigned long low, unsigned long high,
                 unsigned long *number);

enum args_outcome args_parse(int argc, char **argv, struct args *args);

#endif
