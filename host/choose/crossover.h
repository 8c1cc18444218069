/* The size from which a device is faster than the CPU, for data in host memory. */
#ifndef PARSEAL_HOST_CHOOSE_CROSSOVER_H
#define PARSEAL_HOST_CHOOSE_CROSSOVER_H

#include "host/backend/objects.h"

/* Fills ctx->crossover with a size in bytes for each primitive (of the messages, of the vector that
 * is written, or of the floats), UINT64_MAX where the device is never faster. It measures, or takes
 * the numbers from the cache, for the implementations of ctx->choice on the device and of `beside`
 * on the CPU. PARSEAL_ERR_NO_MEMORY: the host has no memory to measure with. */
parseal_status crossover_find(parseal_ctx *ctx, const parseal_choice *beside,
                              const parseal_options *options);

/* Returns true where the CPU beside the context's device should do a call on so many bytes. */
bool crossover_prefers_cpu(const parseal_ctx *ctx, int32_t primitive, uint64_t bytes);

/* Returns the side that should do a call: the context's device or, where all buffers are in host
 * memory and the call is small, the CPU beside it. */
parseal_side crossover_side(const parseal_ctx *ctx, int32_t primitive, bool in_host_memory,
                            uint64_t bytes);

#endif
