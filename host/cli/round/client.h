/* The clients, simulated one after another in the same memory. */
#ifndef PARSEAL_HOST_CLI_ROUND_CLIENT_H
#define PARSEAL_HOST_CLI_ROUND_CLIENT_H

#include "host/cli/round/draws.h"
#include "host/cli/round/fl_round.h"

typedef struct {
    uint64_t index;
    cli_buffer update;   /* float32: the parameters, perturbed */
    cli_buffer vector;   /* ring elements: the update quantised, then masked */
    parseal_seed *masks; /* the self mask, then one per neighbour; in guarded memory */
    cli_buffer neighbours;
} client;

/* A client that is all zeros may be destroyed. */
int client_create(client *c, const fl_round *r, cli_failure *failure);
void client_destroy(client *c);

/* Do the steps of client `index`, in order. */
int client_train(client *c, fl_round *r, uint64_t index, cli_failure *failure);
int client_quantise(client *c, fl_round *r, cli_failure *failure);
int client_mask(client *c, fl_round *r, cli_failure *failure);
int client_send(client *c, fl_round *r, envelope *e, cli_failure *failure);

#endif
