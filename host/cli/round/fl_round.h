/* One round of federated learning: the state that client, server and checker of the simulation
 * share. */
#ifndef PARSEAL_HOST_CLI_ROUND_FL_ROUND_H
#define PARSEAL_HOST_CLI_ROUND_FL_ROUND_H

#include "host/cli/progress.h"
#include "host/cli/round/cohort.h"
#include "host/cli/round/params.h"
#include "host/cli/round/round_options.h"
#include "host/cli/round/stages.h"

typedef struct {
    params params;
    cohort cohort;
    parseal_ctx *ctx;
    parseal_info info;
    parseal_keys *keys;
    parseal_ring ring;
    parseal_quant quant;
    float amplitude;    /* the clients' largest perturbation */
    uint32_t wire_bits; /* bits of a masked element */
    uint64_t wire_size; /* bytes of a client's message */
    uint64_t nonfinite; /* values that were quantised as 0, over all clients */
    stages stages;
    progress progress;
} fl_round;

/* Makes everything that is needed before the first client begins. A round that is all zeros may be
 * destroyed. */
int fl_round_create(fl_round *r, const round_options *options, cli_failure *failure);
void fl_round_destroy(fl_round *r);

/* Returns the distance between two neighbouring quantised values. */
double fl_round_step(const fl_round *r);

/* Returns the bytes of a vector of ring elements. */
uint64_t fl_round_vector_size(const fl_round *r);
parseal_vec fl_round_vector(const fl_round *r, const void *elements);
parseal_vec fl_round_floats(const fl_round *r, const void *floats);

/* An envelope travels from a client to the server. */
enum { ENVELOPE_AADBYTES = 16 };

typedef struct {
    uint64_t client;
    uint8_t aad[ENVELOPE_AADBYTES];
    uint8_t tag[PARSEAL_TAGBYTES];
    uint8_t *bytes; /* wire_size bytes: packed, then sealed in place */
} envelope;

/* Makes the message that seals or opens an envelope in place. The nonce counts rounds and clients;
 * the associated data binds the bytes to both, so that no message passes for another one's. */
void fl_round_message(const fl_round *r, envelope *e, parseal_msg *message);

#endif
