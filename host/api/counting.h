/* Nonces and stream numbers that grow on the device with every run: what a plan or a set may be
 * told to count, and what a set that counts may be used on. */
#ifndef PARSEAL_HOST_API_COUNTING_H
#define PARSEAL_HOST_API_COUNTING_H

#include "host/backend/objects.h"

/* Checks nonce, nonce_step and graph_writes of a shape whose keys are in the set. */
parseal_status check_nonces(const parseal_aead_shape *shape, const parseal_keys *keys);

/* Checks and copies a caller's struct for a set whose first number this is. */
parseal_status check_counting(const parseal_ctx *ctx, const parseal_counting *from, uint64_t first,
                              seeds_counting *counting);

/* Checks a buffer of a call with a set, which may be one that counts. */
parseal_status check_counted(const parseal_seeds *seeds, const char *name, const parseal_buf *buf);

#endif
