/* What the parts of parseal_mpi share: errors, and how ranks agree on them. */
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

/* The status of a call of parseal's own: takes its text over where it failed. */
parseal_status ranks_library(parseal_status status);

/* The status of a call of MPI's, which returned `code`. */
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

/* MPI ends a program that calls it before its beginning or after its end. */
parseal_status ranks_check_running(void);

/* MPI runs, and comm is a communicator of one group. */
parseal_status ranks_open(ranks *r, MPI_Comm comm);

/* A number that must be the same on every rank. */
typedef struct {
    const char *name;
    uint64_t value;
    bool is_float; /* value holds a float's bits */
} ranks_field;

enum { RANKS_FIELDS_MAX = 8 };

/* Every rank brings a status and n fields. Returns the same to all: the first failing rank's status
 * with its text, PARSEAL_ERR_ARG with the field's name where one differs, or PARSEAL_OK. */
parseal_status ranks_agree(const ranks *r, parseal_status status, const ranks_field *fields,
                           size_t n);

/* ---------------------------------------------------------------------------------------- sums --
 */

/* Limits in bytes; tests make them small. The same on every rank. */
typedef struct {
    uint64_t chunk;   /* what one call of MPI sums at most */
    uint64_t scatter; /* from here on allreduce is a reduce-scatter and a gathering */
} ranks_limits;

extern ranks_limits ranks_limit;

/* What sums of n elements of a ring need. All zeros where nothing is open. */
typedef struct {
    MPI_Datatype type;
    MPI_Op op;
    void *share; /* of a chunk: this rank's */
    int *counts; /* of a chunk: every rank's, then what lies before each */
    parseal_ctx *ctx;
    parseal_ring ring;
    uint64_t n;
    bool open;
} ranks_sum;

/* Not collective. The ring must be one. */
parseal_status ranks_sum_open(ranks_sum *sum, const ranks *r, parseal_ctx *ctx,
                              const parseal_ring *ring, uint64_t n);
void ranks_sum_close(ranks_sum *sum);

/* Collective, with sums that all ranks have opened and arguments they have agreed on. The status is
 * agreed on too. */
parseal_status ranks_sum_run(const ranks_sum *sum, const ranks *r, const void *in, void *out,
                             int32_t root);

/* ctx and ring are what a sum can be made with. */
parseal_status ranks_check_ring(parseal_ctx *ctx, const parseal_ring *ring);

/* root is a rank or PARSEAL_MPI_ALL. */
parseal_status ranks_check_root(const ranks *r, int32_t root);

/* Whether this rank gets the result. */
bool ranks_gets(const ranks *r, int32_t root);

#endif
