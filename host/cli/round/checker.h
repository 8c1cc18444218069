/* Checks the results of a round against the plain sum of the quantised updates and the mean of the
 * float updates, which it computes with arithmetic of its own. */
#ifndef PARSEAL_HOST_CLI_ROUND_CHECKER_H
#define PARSEAL_HOST_CLI_ROUND_CHECKER_H

#include "host/cli/buffer.h"

enum { CHECKER_DIGESTBYTES = 32 };

typedef struct {
    parseal_ring ring;
    uint64_t n;
    uint64_t clients;
    cli_buffer plain;  /* ring elements */
    cli_buffer floats; /* double */
} checker;

typedef struct {
    uint64_t differing; /* elements of the sum that are not the plain sum's; 0: exact */
    double max_error;   /* the mean's distance to the mean of the float updates */
    uint8_t digest[CHECKER_DIGESTBYTES]; /* BLAKE2b-256 of the sum's elements */
} verdict;

/* A checker that is all zeros may be destroyed. */
int checker_create(checker *c, const parseal_ring *ring, uint64_t n, cli_failure *failure);
void checker_destroy(checker *c);

/* Adds a client whose update arrives: its floats (not finite counts as 0), and the same
 * quantised. */
void checker_add(checker *c, const float *update, const void *quantised);

void checker_compare(const checker *c, const void *sum, const float *mean, verdict *v);

#endif
