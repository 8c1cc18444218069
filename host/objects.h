/* What stands behind the opaque types of parseal.h. */
#ifndef PARSEAL_HOST_OBJECTS_H
#define PARSEAL_HOST_OBJECTS_H

#include <stdatomic.h>

#include "host/backend.h"

/* Immutable once created, apart from the count of references. */
struct parseal_ctx {
    atomic_size_t references;
    const parseal_backend *backend;
    void *device;
    parseal_info info;
};

struct parseal_keys {
    atomic_size_t references;
    parseal_ctx *ctx;
    void *data; /* the backend's */
    size_t n;
};

struct parseal_seeds {
    parseal_ctx *ctx;
    void *data; /* the backend's */
    size_t n;
};

parseal_ctx *parseal_ctx_retain(parseal_ctx *ctx);
parseal_keys *parseal_keys_retain(parseal_keys *keys);

#endif
