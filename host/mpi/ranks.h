/* The parts of parseal_mpi share this: errors, and how ranks agree on them. */
#ifndef PARSEAL_HOST_MPI_RANKS_H
#define PARSEAL_HOST_MPI_RANKS_H

#include <stdbool.h>
#include <stddef.h>

#include "parseal/mpi.h"

#if defined(__GNUC__)
#define RANKS_PRINTF __attribute__((format(printf, 2, 3)))
#else
#define RANKS_PRINTF
#endif

/* Stores the text and returns status. */
parseal_status ranks_fail(parseal_status status, const char *format, ...) RANKS_PRINTF;

/* Returns the status of a call of parseal's own, and takes its text over where the call failed. */
parseal_status ranks_library(parseal_status status);

/* Returns the status for a call of MPI's, which returned `code`. */
parseal_status ranks_mpi(int code, const char *call);

#define RANKS_TRY(expression)                        \
    do {                                             \
        const parseal_status status_ = (expression); \
        if (status_ != PARSEAL_OK)                   \
            return status_;                          \
    } while (0)
#define RANKS_MPI(function, ...) RANKS_TRY(ranks_mpi(function(__VA_ARGS__), #function))

typedef struct {
    MPI_Comm comm;
    int rank, size;
} ranks;

/* Checks that MPI runs: it ends a program that calls it before its beginning or after its end. */
parseal_status ranks_check_running(void);

/* Checks that MPI runs and that comm is a communicator of one group, and learns its ranks. */
parseal_status ranks_open(ranks *r, MPI_Comm comm);

/* A number that must be the same on every rank. */
typedef struct {
    const char *name;
    uint64_t value;
    bool is_float; /* The value holds a float's bits. */
} ranks_field;

enum { RANKS_FIELDS_MAX = 8 };

/* Every rank brings a status and n fields. Returns the same to all: the first failing rank's status
 * with its text, PARSEAL_ERR_ARG with the field's name where one differs, or PARSEAL_OK. */
parseal_status ranks_agree(const ranks *r, parseal_status status, const ranks_field *fields,
                           size_t n);

/* -------------------------------------------------------------------------------------- sums -- */

/* The limits are in bytes, and the same on every rank. Tests make them small. */
typedef struct {
    uint64_t chunk;   /* One call of MPI sums up no more than this. */
    uint64_t scatter; /* From this size on an allreduce is a reduce-scatter and a gathering. */
} ranks_limits;

extern ranks_limits ranks_limit;

/* Sums of n elements of a ring need this. It is all zeros where nothing is open. */
typedef struct {
    MPI_Datatype type;
    MPI_Op op;
    void *share; /* this rank's share of a chunk */
    int *counts; /* every rank's share of a chunk, then the elements that lie before each */
    parseal_ctx *ctx;
    parseal_ring ring;
    uint64_t n;
    bool open;
} ranks_sum;

/* The call is not collective. The ring must be a valid one. */
parseal_status ranks_sum_open(ranks_sum *sum, const ranks *r, parseal_ctx *ctx,
                              const parseal_ring *ring, uint64_t n);
void ranks_sum_close(ranks_sum *sum);

/* The call is collective, with sums that all ranks have opened and arguments they have agreed on.
 * They agree on the status too. */
parseal_status ranks_sum_run(const ranks_sum *sum, const ranks *r, const void *in, void *out,
                             int32_t root);

/* Checks that a sum can be made with ctx and ring. */
parseal_status ranks_check_ring(parseal_ctx *ctx, const parseal_ring *ring);

/* Checks that root is a rank or PARSEAL_MPI_ALL. */
parseal_status ranks_check_root(const ranks *r, int32_t root);

/* Returns whether this rank gets the result. */
bool ranks_gets(const ranks *r, int32_t root);

#endif
