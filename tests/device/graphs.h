/* CUDA graphs, as far as the tests need them of the driver. */
#ifndef PARSEAL_TESTS_GRAPHS_H
#define PARSEAL_TESTS_GRAPHS_H

#include "check.h"

enum { CAPTURE_GLOBAL = 0, CAPTURE_RELAXED = 2, OK = 0 };

typedef void *graph;
typedef void *graph_exec;

extern struct graph_api {
    int (*begin)(void *stream, int mode);
    int (*end)(void *stream, graph *graph);
    int (*instantiate)(graph_exec *exec, graph graph, unsigned long long flags);
    int (*launch)(graph_exec exec, void *stream);
    int (*exec_destroy)(graph_exec exec);
    int (*destroy)(graph graph);
} cu;

/* False where the driver has no cuGraphInstantiateWithFlags (CUDA 12.0). */
bool find_graphs(void);

/* Ends a capture that was begun in the stream, and makes what was captured ready to be launched. */
graph_exec graph_captured(void *stream);

#endif
