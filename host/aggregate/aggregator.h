/* The struct behind parseal_aggregator, for aggregator.c and export.c. */
#ifndef PARSEAL_HOST_AGGREGATE_AGGREGATOR_H
#define PARSEAL_HOST_AGGREGATE_AGGREGATOR_H

#include "host/aggregate/client_set.h"
#include "host/backend/objects.h"
#include "parseal/aggregator.h"

struct parseal_aggregator {
    parseal_ctx *ctx;
    parseal_aggregator_options shape; /* checked, its bits never 0 */
    uint64_t update_size;             /* bytes */
    parseal_vec acc;                  /* in the backend's memory */
    client_set clients;
    bool lost; /* a failure has left the sum undefined */
};

/* Copies a caller's options, fills in the defaults, and stores how many bytes an update has. */
parseal_status aggregator_options(const parseal_aggregator_options *from,
                                  parseal_aggregator_options *o, uint64_t *update_size);

/* Adds packed vectors of `bits` bits an element. After a failure in the middle the sum is lost. */
parseal_status aggregator_add_packed(parseal_aggregator *a, const parseal_buf *packed, size_t n,
                                     uint32_t bits);

/* Checks that the aggregator is not NULL and that its sum is not lost. */
parseal_status check_aggregator(const parseal_aggregator *a);

#endif
