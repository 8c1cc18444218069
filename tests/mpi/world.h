/* Suites that run on several ranks at once. The rank that fails first ends them all, so that none
 * waits for it. */
#ifndef PARSEAL_TESTS_MPI_WORLD_H
#define PARSEAL_TESTS_MPI_WORLD_H

#include <parseal/mpi.h>

#include "test.h"

/* This process among the others of MPI_COMM_WORLD. */
typedef struct {
    int rank, size;
} world;

world world_here(void);

/* A context on the CPU. */
parseal_ctx *world_ctx(void);

void check_mpi_ok(parseal_status got, const char *call, const char *file, int line);
void check_mpi_error(parseal_status got, parseal_status want, const char *text, const char *call,
                     const char *file, int line);

#define assert_mpi_ok(call) check_mpi_ok((call), #call, __FILE__, __LINE__)

/* The call fails with `want`, here as on all ranks, and parseal_mpi_last_error_text has `text`. */
#define assert_mpi_error(call, want, text) \
    check_mpi_error((call), (want), (text), #call, __FILE__, __LINE__)

/* What main should return. */
int world_run(int argc, char **argv, const char *name, const struct CMUnitTest *tests, size_t n);

#define RUN_WORLD(argc, argv, name, tests) world_run(argc, argv, name, tests, COUNT_OF(tests))

#endif
