/* The server collects sealed updates in batches, for an aggregator that keeps only their sum. */
#ifndef PARSEAL_HOST_CLI_ROUND_SERVER_H
#define PARSEAL_HOST_CLI_ROUND_SERVER_H

#include <parseal/aggregator.h>

#include "host/cli/round/fl_round.h"
#include "host/cli/round/shares.h"

typedef struct {
    parseal_aggregator *aggregator;
    cli_buffer inbox; /* the envelopes' bytes */
    envelope *envelopes;
    parseal_update *updates;
    size_t slots;        /* the most envelopes in a batch */
    size_t received;     /* envelopes that wait to be added */
    parseal_seed *masks; /* seeds of masks to be stripped; in guarded memory */
    size_t n_masks;
} server;

/* A server that is all zeros may be destroyed. */
int server_create(server *s, const fl_round *r, cli_failure *failure);
void server_destroy(server *s);

/* Returns the envelope that the next client fills; server_receive then says that it has arrived. A
 * full batch is added at once. */
envelope *server_next_envelope(server *s);
int server_receive(server *s, fl_round *r, cli_failure *failure);

/* Adds the updates that have been received so far. A message that is not authentic is
 * CLI_FAILED. */
int server_take(server *s, fl_round *r, cli_failure *failure);

/* Strips the self masks of the clients that stayed and the pair masks between those and the ones
 * that dropped out, with the secrets that have been reconstructed. */
int server_unmask(server *s, fl_round *r, const shares *recovered, cli_failure *failure);

/* Copies the sum, as ring elements, for the checker. This is no stage of the round, which ends with
 * the mean. */
int server_sum(const server *s, const fl_round *r, cli_buffer *sum, cli_failure *failure);

/* Computes the mean of the clients that stayed, as float32. */
int server_mean(const server *s, fl_round *r, cli_buffer *mean, cli_failure *failure);

#endif
