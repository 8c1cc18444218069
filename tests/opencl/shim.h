/* An OpenCL runtime that hands every call on to the real one, and fails one of them when told to.
 *
 * It is a libOpenCL.so.1 of its own, which the library and the test load alike; the real one's path
 * is in PARSEAL_TEST_LIBOPENCL. Without that there is no platform. */
#ifndef PARSEAL_TESTS_SHIM_H
#define PARSEAL_TESTS_SHIM_H

#include <stdint.h>

/* Counts calls from 1 on; the n-th fails. 0: none does. */
void shim_fail_at(uint64_t n);

/* Calls since shim_fail_at. */
uint64_t shim_calls(void);

/* The one that has failed since, "" where none has. */
const char *shim_failed(void);

/* Objects, events and maps that have been made and not yet given back, ever. */
int64_t shim_live(void);

#endif
