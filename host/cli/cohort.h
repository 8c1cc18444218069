/* The clients of a round: who drops out, and every secret that each of them holds.
 *
 * A client's secrets are derived from the one seed of the simulation when they are needed, so that
 * a round with many clients keeps no more than their public keys. */
#ifndef PARSEAL_CLI_COHORT_H
#define PARSEAL_CLI_COHORT_H

#include <stdbool.h>

#include "buffer.h"
#include "graph.h"

typedef struct {
    graph graph;
    uint64_t round; /* the round's number: part of every nonce, stream and pair seed */
    uint64_t survivors;
    const uint8_t *seed; /* 32 bytes, the caller's */
    cli_buffer dropped;  /* a byte per client: 1 where it drops out */
    cli_buffer public_keys;
} cohort;

/* floor(dropout * n) of the graph's clients drop out: at least one stays, as dropout is below 1.
 * A cohort that is all zeros may be destroyed. */
int cohort_create(cohort *c, const graph *g, double dropout, const uint8_t seed[32],
                  cli_failure *failure);
void cohort_destroy(cohort *c);

bool cohort_drops(const cohort *c, uint64_t client);

/* How many pair masks the server must strip: pairs of a client that dropped out and one that
 * stayed. */
uint64_t cohort_broken_pairs(const cohort *c);

/* What a seed is for. Each purpose and client has a seed of its own. */
typedef enum {
    SEED_PARAMETERS, /* one for the whole round: client 0 */
    SEED_PERTURBATION,
    SEED_ROUNDING,
    SEED_SELF_MASK
} seed_purpose;

void cohort_seed(const cohort *c, seed_purpose purpose, uint64_t client, parseal_seed *seed);

/* The mask that `client` adds for the pair it makes with `other`: their X25519 secret's, positive
 * where other < client. The mask that `other` adds is its negative. */
int cohort_pair_mask(const cohort *c, uint64_t client, uint64_t other, parseal_seed *mask,
                     cli_failure *failure);

/* The AES-256-GCM keys of all clients. */
int cohort_aead_keys(const cohort *c, parseal_ctx *ctx, parseal_keys **keys, cli_failure *failure);

#endif
