/* The options of `parseal round`, checked and with every default that does not need the
 * parameters filled in. */
#ifndef PARSEAL_HOST_CLI_ROUND_ROUND_OPTIONS_H
#define PARSEAL_HOST_CLI_ROUND_ROUND_OPTIONS_H

#include <stdbool.h>

#include "host/cli/cli.h"
#include "parseal/secagg.h"

enum { ROUND_CLIENTS_MAX = 1000000 };

typedef struct {
    uint64_t clients;
    const char *params; /* file name; NULL: dim Gaussian parameters */
    uint64_t dim;
    double dropout;
    int32_t graph;       /* PARSEAL_GRAPH_* */
    uint32_t neighbours; /* neighbours of each client */
    uint32_t threshold;  /* 0: chosen for the cohort */
    float clip;          /* 0: the largest magnitude in the update */
    uint32_t bits;
    parseal_ring ring;
    int32_t backend;
    uint32_t threads;
    uint8_t seed[32];
    const char *json; /* file name, "-" is stdout; NULL: none */
    bool help;
} round_options;

/* Reads argv into *options, which keeps pointers into argv. */
int round_options_parse(round_options *options, int argc, char **argv, cli_failure *failure);

/* Returns true when the library can quantise with this clip and number of bits. */
bool round_clip_is_usable(float clip, uint32_t bits);

/* Returns "complete" or "harary". */
const char *round_graph_name(int32_t graph);

void round_options_usage(void);

#endif
