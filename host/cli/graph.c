#include "graph.h"

int graph_create(graph *g, uint64_t n, uint64_t degree, cli_failure *failure)
{
    if (degree < 1 || degree >= n)
        return cli_fail(failure, CLI_USAGE,
                        "--neighbours %llu: with %llu clients, each has 1 to %llu neighbours",
                        (unsigned long long)degree, (unsigned long long)n,
                        (unsigned long long)(n - 1));
    if (degree % 2 == 1 && n % 2 == 1)
        return cli_fail(failure, CLI_USAGE,
                        "--neighbours %llu: an odd number of neighbours needs an even number of "
                        "clients, not %llu",
                        (unsigned long long)degree, (unsigned long long)n);
    g->n = n;
    g->degree = degree;
    return CLI_OK;
}

uint64_t graph_neighbour(const graph *g, uint64_t i, uint64_t k)
{
    uint64_t reach = g->degree / 2;
    if (k < reach)
        return (i + k + 1) % g->n;
    if (k < 2 * reach)
        return (i + g->n - (k - reach + 1)) % g->n;
    return (i + g->n / 2) % g->n;
}
