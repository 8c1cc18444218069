/* The structs behind the opaque types of parseal.h. */
#ifndef PARSEAL_HOST_BACKEND_OBJECTS_H
#define PARSEAL_HOST_BACKEND_OBJECTS_H

#include <stdatomic.h>

#include "host/backend/backend.h"
#include "host/support/algorithms.h"
#include "host/support/arena.h"

/* A backend and its device. backend is NULL where there is none. */
typedef struct {
    const parseal_backend *backend;
    parseal_device *device;
} parseal_side;

/* The result of selection: a backend, and the implementation of each primitive. */
typedef struct {
    parseal_info info;
    char impl[PARSEAL_PRIMITIVES][32];
} parseal_choice;

/* A context is immutable once created, apart from its counts. `cpu` stands beside a device that
 * AUTO has picked: calls on host memory below `crossover` bytes are faster there, and it finishes
 * batches that the device fails in. */
struct parseal_ctx {
    atomic_size_t references;
    const parseal_backend *backend;
    parseal_device *device;
    parseal_side cpu;
    uint64_t crossover[PARSEAL_PRIMITIVES];
    atomic_uint_fast64_t cpu_finished;
    arena *secrets; /* what calls and sealed streams keep in host memory for a while */
    parseal_choice choice;
};

struct parseal_keys {
    atomic_size_t references;
    parseal_ctx *ctx;
    backend_keys *data;     /* the keys on ctx->device */
    backend_keys *cpu_data; /* the keys on ctx->cpu */
    const parseal_algorithm *alg;
    size_t n;
};

/* A set of ChaCha20 seeds or, where fcp_modulus is not 0, of keys of parseal/fcp.h. */
struct parseal_seeds {
    parseal_ctx *ctx;
    backend_seeds *seeds, *cpu_seeds; /* on ctx->device and on ctx->cpu */
    backend_fcp *fcp, *cpu_fcp; /* likewise; fcp is NULL where only ctx->cpu has the modulus */
    size_t n;
    uint64_t fcp_modulus, fcp_length; /* 0 unless the set is of parseal/fcp.h */
    bool counts;        /* its stream number is on the device; it has nothing on ctx->cpu */
    parseal_buf number; /* the caller's, of a set that counts; or NONE */
};

/* Gives up a reference. Returns true to the caller that gave up the last one: all that others did
 * with the object has then happened before. */
static inline bool reference_dropped(atomic_size_t *references)
{
    return atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

parseal_ctx *parseal_ctx_retain(parseal_ctx *ctx);
parseal_keys *parseal_keys_retain(parseal_keys *keys);

#endif
