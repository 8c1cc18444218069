/* Masks on a vector, for parseal_mask_apply and the aggregator. */
#ifndef PARSEAL_HOST_API_MASKS_H
#define PARSEAL_HOST_API_MASKS_H

#include "host/backend/backend.h"

/* Checks that masks_run can mask the vector, which has passed check_vec. The error's text names the
 * argument. */
parseal_status masks_check(const parseal_seeds *seeds, const parseal_ring *ring,
                           const parseal_vec *acc, const char *acc_name, uint64_t first,
                           void *stream);
parseal_status masks_run(const parseal_seeds *seeds, const parseal_ring *ring,
                         const parseal_vec *acc, uint64_t first, bool write, void *stream);

#endif
