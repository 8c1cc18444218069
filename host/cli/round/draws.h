/* Uniform 32-bit numbers from a seed's keystream, from which the simulation draws its data. */
#ifndef PARSEAL_HOST_CLI_ROUND_DRAWS_H
#define PARSEAL_HOST_CLI_ROUND_DRAWS_H

#include "host/cli/buffer.h"

enum { DRAWS_MAX = 1 << 20 }; /* numbers per read, an even number */

typedef struct {
    parseal_seeds *seed;
    cli_buffer buffer;
    uint8_t *u32; /* the numbers of the last read, little-endian */
} draws;

/* A `draws` that is all zeros may be destroyed. */
int draws_create(draws *d, parseal_ctx *ctx, const parseal_seed *seed, cli_failure *failure);
void draws_destroy(draws *d);

/* Reads numbers first .. first + n - 1 of the seed; n is at most DRAWS_MAX. */
int draws_read(draws *d, uint64_t first, uint64_t n, cli_failure *failure);

#endif
