/* The options of `parseal round`, checked and with every default that does not need the
 * parameters filled in. */
#ifndef PARSEAL_CLI_ROUND_OPTIONS_H
#define PARSEAL_CLI_ROUND_OPTIONS_H

#include <stdbool.h>

#include "cli.h"
#include "graph.h"

enum { ROUND_CLIENTS_MAX = 1000000 };

typedef struct {
    uint64_t clients;
    const char *params; /* file name; NULL: dim Gaussian parameters */
    uint64_t dim;
    double dropout;
    graph graph;
    float clip; /* 0: the largest magnitude in the update */
    uint32_t bits;
    parseal_ring ring;
    int32_t backend;
    uint32_t threads;
    uint8_t seed[32];
    const char *json; /* file name, "-" is stdout; NULL: none */
    bool help;
} round_options;

/* Reads argv into *options. Keeps pointers into argv. */
int round_options_parse(round_options *options, int argc, char **argv, cli_failure *failure);

/* Whether the library can quantise with this clip and number of bits. */
bool round_clip_is_usable(float clip, uint32_t bits);

void round_options_usage(void);

#endif
