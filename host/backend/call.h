/* Calls of a backend's families: the one place that enters a device and leaves it again.
 *
 * `side` points to what has the members backend and device: a parseal_side, or a context. */
#ifndef PARSEAL_HOST_BACKEND_CALL_H
#define PARSEAL_HOST_BACKEND_CALL_H

#include "host/backend/backend.h"

static inline parseal_status device_enter(const parseal_backend *backend,
                                          const parseal_device *device)
{
    return backend->enter == NULL ? PARSEAL_OK : backend->enter(device);
}

/* Hands the status of what was done inside through. */
static inline parseal_status device_leave(const parseal_backend *backend,
                                          const parseal_device *device, parseal_status status)
{
    if (backend->leave != NULL)
        backend->leave(device);
    return status;
}

/* The status of CALL(side, vector->sum, ring, ...): of the function, or of entering the device. */
#define CALL(side, function, ...)                                               \
    (device_enter((side)->backend, (side)->device) == PARSEAL_OK                \
         ? device_leave((side)->backend, (side)->device,                        \
                        (side)->backend->function((side)->device, __VA_ARGS__)) \
         : parseal_last_status())

/* For what is let go of even where the device cannot be entered: its driver then refuses by
 * itself. */
#define LET_GO(side, function, ...)                                                       \
    do {                                                                                  \
        const bool entered = device_enter((side)->backend, (side)->device) == PARSEAL_OK; \
        (side)->backend->function((side)->device, __VA_ARGS__);                           \
        if (entered)                                                                      \
            (void)device_leave((side)->backend, (side)->device, PARSEAL_OK);              \
    } while (0)

#endif
