/* From which size on a device is faster than the CPU, for data in host memory. */
#ifndef PARSEAL_HOST_CHOOSE_CROSSOVER_H
#define PARSEAL_HOST_CHOOSE_CROSSOVER_H

#include "host/backend/objects.h"

/* Fills crossover[] with bytes for each primitive: of messages, of the vector that is written, or
 * of floats. UINT64_MAX where the device is never faster. Measured, or taken from the cache.
 * PARSEAL_ERR_NO_MEMORY: the host has none to measure with. */
parseal_status crossover_find(const parseal_side *device, const parseal_side *cpu,
                              uint64_t crossover[PARSEAL_PRIMITIVES]);

/* Whether the CPU beside the context's device should do a call on so many bytes. */
bool crossover_prefers_cpu(const parseal_ctx *ctx, int32_t primitive, uint64_t bytes);

/* Where a call is done whose buffers are all in host memory or not: on the context's device, or on
 * the CPU beside it. */
parseal_side crossover_side(const parseal_ctx *ctx, int32_t primitive, bool in_host_memory,
                            uint64_t bytes);

#endif
