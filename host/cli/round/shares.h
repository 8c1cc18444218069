/* Secret sharing: each client leaves its self-mask key and its X25519 secret key with itself and
 * its neighbours; in the end the server gathers the one of the two that it needs. */
#ifndef PARSEAL_HOST_CLI_ROUND_SHARES_H
#define PARSEAL_HOST_CLI_ROUND_SHARES_H

#include "host/cli/round/fl_round.h"

/* Holders keep both shares until one is asked for. The simulation knows from the start who drops
 * out, and so keeps only those that the server will ask for: threshold shares of one secret for
 * each client. */
typedef struct {
    cli_buffer dealt; /* one client's shares: for each holder, a share of either secret */
    cli_buffer index[2];
    cli_buffer kept;  /* clients * threshold shares */
    cli_buffer asked; /* a batch of shares, in the order of parseal_shamir_combine */
    size_t batch;     /* the most secrets in a batch */
    uint8_t *secrets; /* the reconstructed secrets; in guarded memory */
} shares;

/* A `shares` that is all zeros may be destroyed. */
int shares_create(shares *s, const fl_round *r, cli_failure *failure);
void shares_destroy(shares *s);

/* Shares a client's two secrets. */
int shares_deal(shares *s, fl_round *r, uint64_t client, cli_failure *failure);

/* Reconstructs the self-mask keys of the clients that stayed and the secret keys of those that
 * dropped out. CLI_FAILED: fewer than the threshold hold shares of one of them, or the result is
 * not the client's key. */
int shares_reconstruct(shares *s, fl_round *r, cli_failure *failure);

/* Returns a client's reconstructed secret, 32 bytes. */
const uint8_t *shares_secret(const shares *s, uint64_t client);

#endif
