/* Who masks with whom. */
#ifndef PARSEAL_CLI_GRAPH_H
#define PARSEAL_CLI_GRAPH_H

#include <stdint.h>

#include "cli.h"

/* A regular graph on clients 0 .. n-1. Every other client where degree is n - 1; else Harary's
 * circulant graph, which stays connected while fewer than `degree` clients are missing: the
 * degree / 2 nearest on both sides and, where the degree is odd, the opposite one. */
typedef struct {
    uint64_t n;
    uint64_t degree;
} graph;

/* degree is 1 to n - 1, and even where n is odd; anything else is CLI_USAGE. */
int graph_create(graph *g, uint64_t n, uint64_t degree, cli_failure *failure);

/* The k-th neighbour of client i, k below the degree. */
uint64_t graph_neighbour(const graph *g, uint64_t i, uint64_t k);

#endif
