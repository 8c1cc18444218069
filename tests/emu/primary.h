/* As who uses the device beside the library: its primary context is current all the time. */
#ifndef PARSEAL_TESTS_PRIMARY_H
#define PARSEAL_TESTS_PRIMARY_H

#include <stdbool.h>

#include "host/cuda/cu_api.h"

/* The driver, and the first device's primary context, from primary_enter to primary_leave. */
extern cu_api api;
extern cu_context primary;

/* False where there is no CUDA device. */
bool primary_enter(void);
void primary_leave(void);

#endif
