/* Known answers, computed through the same interface that real work goes through. */
#ifndef PARSEAL_HOST_CHOOSE_SELFTEST_H
#define PARSEAL_HOST_CHOOSE_SELFTEST_H

#include "host/backend/backend.h"

/* Runs the known answers of one primitive with the implementations that `device` has chosen.
 * PARSEAL_ERR_SELFTEST: something is wrong, and detail (size bytes) says which answer.
 * PARSEAL_ERR_NO_MEMORY: nothing is known, and detail says of what there was none. Detail is ""
 * otherwise. */
parseal_status parseal_selftest(const parseal_backend *backend, parseal_device *device,
                                int32_t primitive, char *detail, size_t size);

#endif
