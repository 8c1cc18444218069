/* Known answers, computed through the same interface that real work goes through. */
#ifndef PARSEAL_HOST_CHOOSE_SELFTEST_H
#define PARSEAL_HOST_CHOOSE_SELFTEST_H

#include "host/backend/backend.h"

/* Runs the known answers of one primitive with the implementations that `device` has chosen.
 * False: something is wrong, and detail (size bytes) says which answer; it is "" otherwise. */
bool parseal_selftest(const parseal_backend *backend, parseal_device *device, int32_t primitive,
                      char *detail, size_t size);

#endif
