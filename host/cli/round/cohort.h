/* The clients of a round: the graph of who masks with whom, the dropouts, and every secret that
 * each client holds.
 *
 * A client's secrets are derived from the one seed of the simulation when they are needed, so that
 * a round with many clients keeps no more than their public keys. */
#ifndef PARSEAL_HOST_CLI_ROUND_COHORT_H
#define PARSEAL_HOST_CLI_ROUND_COHORT_H

#include <stdbool.h>

#include "host/cli/buffer.h"
#include "host/cli/round/round_options.h"
#include "parseal/secagg.h"

typedef struct {
    uint64_t n;     /* clients */
    uint64_t round; /* the round's number: a part of every nonce, stream_id and pair seed */
    parseal_graph *graph;
    uint32_t degree;    /* neighbours of each client */
    uint32_t threshold; /* shares that recover a secret */
    uint64_t survivors;
    const uint8_t *seed; /* 32 bytes, the caller's */
    cli_buffer dropped;  /* a byte per client: 1 where it drops out */
    cli_buffer turnout;  /* uint32_t: the clients that stay, then those that drop out; ascending */
    cli_buffer public_keys;
} cohort;

/* Makes a cohort of which floor(dropout * n) clients drop out: at least one stays, as dropout is
 * below 1. It keeps a pointer to the options' seed. A cohort that is all zeros may be destroyed. */
int cohort_create(cohort *c, const round_options *options, cli_failure *failure);
void cohort_destroy(cohort *c);

bool cohort_drops(const cohort *c, uint64_t client);

/* Writes the `degree` neighbours of a client, ascending. */
void cohort_neighbours(const cohort *c, uint64_t client, uint32_t *neighbours);

/* Lists the masks that the server takes off, as parseal_graph_needs does. With capacity 0 it only
 * counts them. */
int cohort_needs(const cohort *c, parseal_need *needs, size_t capacity, size_t *n,
                 cli_failure *failure);

/* Each client's secrets are shared among itself and its neighbours: holder x of the sharing is the
 * x-th of these, ascending, from 1. */
uint32_t cohort_holders(const cohort *c);

/* Lists the holders of the client's shares that have stayed, ascending, and returns how many.
 * `index` has room for all holders. */
uint32_t cohort_holders_left(const cohort *c, uint64_t client, uint32_t *index);

/* Returns true when the server needs a secret of this client. It needs none of a client that
 * dropped out together with all of its neighbours. */
bool cohort_is_needed(const cohort *c, uint64_t client, uint32_t holders_left);

/* The purpose of a seed. Each purpose and client has a seed of its own. */
typedef enum {
    SEED_PARAMETERS, /* one for the whole round: client 0 */
    SEED_PERTURBATION,
    SEED_ROUNDING,
    SEED_SELF_MASK
} seed_purpose;

void cohort_seed(const cohort *c, seed_purpose purpose, uint64_t client, parseal_seed *seed);

/* Makes the seed of a self mask under this key. */
void cohort_self_mask(const cohort *c, const uint8_t key[PARSEAL_SEEDBYTES], parseal_seed *mask);

void cohort_secret_key(const cohort *c, uint64_t client, uint8_t key[PARSEAL_X25519BYTES]);
const uint8_t *cohort_public_key(const cohort *c, uint64_t client);

/* Makes the mask that `client`, who has this secret key, adds for its pair with `other`: positive
 * where other < client. The mask that `other` adds is its negative. */
int cohort_pair_mask(const cohort *c, const uint8_t secret_key[PARSEAL_X25519BYTES],
                     uint64_t client, uint64_t other, parseal_seed *mask, cli_failure *failure);

/* Makes the AES-256-GCM keys of all clients. */
int cohort_aead_keys(const cohort *c, parseal_ctx *ctx, parseal_keys **keys, cli_failure *failure);

#endif
