/* The device that the options or the environment ask for. Where both do, it must satisfy both. */
#ifndef PARSEAL_HOST_GPU_WISH_H
#define PARSEAL_HOST_GPU_WISH_H

#include "host/backend/backend.h"

enum { GPU_UUID = 16 };

typedef struct {
    const char *option, *variable, *value; /* NULL or "": no wish */
} gpu_wish;

/* What a device can be asked for by. */
typedef struct {
    const char *place; /* its index, "1", or "0:1": the second device of the first platform */
    const char *count; /* its index among the devices of all platforms; NULL: as place */
    const char *name;  /* contains a wish that is neither an index nor a UUID */
    bool has_uuids;    /* "GPU-..." and "MIG-..." are UUIDs and no names */
    const uint8_t *gpu, *mig; /* the UUIDs of the GPU and of the part of it; NULL: unknown */
} gpu_identity;

gpu_wish gpu_wish_of(const parseal_request *request, const char *variable);
bool gpu_wishes(const gpu_wish *wish); /* false where nobody asks for a device */
bool gpu_is_wished(const gpu_wish *wish, const gpu_identity *identity);

/* Returns the failure of a wish that none of n devices satisfies. */
parseal_status gpu_wish_failed(const gpu_wish *wish, size_t n);

#endif
