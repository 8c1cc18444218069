/* Calls of a backend's families: the one place that enters a device and leaves it again.
 *
 * `side` points to a struct with the members backend and device: a parseal_side, or a context. */
#ifndef PARSEAL_HOST_BACKEND_CALL_H
#define PARSEAL_HOST_BACKEND_CALL_H

#include "host/backend/backend.h"

static inline bool device_is_inherited(const parseal_backend *backend, const parseal_device *device)
{
    return backend->is_inherited != NULL && backend->is_inherited(device);
}

static inline parseal_status check_not_inherited(const parseal_backend *backend,
                                                 const parseal_device *device)
{
    if (!device_is_inherited(backend, device))
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_DEVICE,
                        "ctx: made before fork(), which %s does not survive: use spawn, or make "
                        "one for the CPU in the child",
                        parseal_backend_name(backend->id));
}

static inline parseal_status device_enter(const parseal_backend *backend,
                                          const parseal_device *device)
{
    TRY(check_not_inherited(backend, device));
    return backend->enter == NULL ? PARSEAL_OK : backend->enter(device);
}

/* Leaves the device and returns `status`, the result of the call before. */
static inline parseal_status device_leave(const parseal_backend *backend,
                                          const parseal_device *device, parseal_status status)
{
    if (backend->leave != NULL)
        backend->leave(device);
    return status;
}

/* Where there is a driver, a call may succeed at a second try, and then leaves the text of an
 * earlier error as it was. The CPU's calls succeed at once or fail, and need no such care. */
static inline bool is_on_driver(const parseal_backend *backend)
{
    return backend->is_inherited != NULL;
}

static inline parseal_status call_begin(const parseal_backend *backend,
                                        const parseal_device *device)
{
    TRY(device_enter(backend, device));
    if (is_on_driver(backend))
        parseal_error_begin();
    return PARSEAL_OK;
}

static inline parseal_status call_end(const parseal_backend *backend, const parseal_device *device,
                                      parseal_status status)
{
    if (is_on_driver(backend))
        parseal_error_end(status);
    return device_leave(backend, device, status);
}

/* CALL(side, vector->sum, ring, ...) returns the function's status or, where the device cannot be
 * entered, the status of that. */
#define CALL(side, function, ...)                                           \
    (call_begin((side)->backend, (side)->device) == PARSEAL_OK              \
         ? call_end((side)->backend, (side)->device,                        \
                    (side)->backend->function((side)->device, __VA_ARGS__)) \
         : parseal_last_status())

/* Calls a function that frees something. It is called even where the device cannot be entered: its
 * driver then refuses by itself, and the host's part is freed. In a child of fork the parent's
 * devices are left alone. Nobody is told of a failure, and the text of an earlier one stays. */
#define LET_GO(side, function, ...)                                                       \
    do {                                                                                  \
        if (device_is_inherited((side)->backend, (side)->device))                         \
            break;                                                                        \
        if (!is_on_driver((side)->backend)) {                                             \
            (side)->backend->function((side)->device, __VA_ARGS__);                       \
            break;                                                                        \
        }                                                                                 \
        const parseal_error error = parseal_error_save();                                 \
        const bool entered = device_enter((side)->backend, (side)->device) == PARSEAL_OK; \
        (side)->backend->function((side)->device, __VA_ARGS__);                           \
        if (entered)                                                                      \
            (void)device_leave((side)->backend, (side)->device, PARSEAL_OK);              \
        parseal_error_restore(&error);                                                    \
    } while (0)

#endif
