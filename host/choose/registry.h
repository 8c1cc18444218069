/* The list of backends, and how one of them is picked. */
#ifndef PARSEAL_HOST_CHOOSE_REGISTRY_H
#define PARSEAL_HOST_CHOOSE_REGISTRY_H

#include "host/backend/objects.h"

typedef struct {
    int32_t id;
    const parseal_backend *backend; /* NULL: not in this build */
    const char *absent;             /* the reason, where backend is NULL */
} parseal_registry_row;

/* Rows in the order in which AUTO tries them. */
typedef struct {
    const parseal_registry_row *rows;
    size_t n;
} parseal_registry;

/* Opens the backend that options and environment ask for, and chooses every primitive's
 * implementation: the best that is usable and passes its self-test. `options` must be complete.
 * Fills choice. On success the caller closes *device. */
parseal_status parseal_registry_open(parseal_registry registry, const parseal_options *options,
                                     const parseal_backend **backend, parseal_device **device,
                                     parseal_choice *choice);

/* Opens the CPU beside a device that AUTO has picked, and fills choice; cpu->backend is NULL where
 * there is no such device, or no CPU backend that works. PARSEAL_ERR_NO_MEMORY is its only
 * failure. */
parseal_status parseal_registry_open_beside(parseal_registry registry,
                                            const parseal_options *options,
                                            const parseal_backend *picked, parseal_side *cpu,
                                            parseal_choice *choice);

#endif
