/* The CPU device, and the functions and tables that cpu_backend.c gathers. */
#ifndef PARSEAL_FALLBACK_BACKEND_CPU_DEVICE_H
#define PARSEAL_FALLBACK_BACKEND_CPU_DEVICE_H

#include "fallback/backend/candidates.h"
#include "host/backend/backend.h"
#include "host/support/arena.h"

typedef struct {
    char name[128];
    uint32_t threads;
    uint64_t cache_size;
    size_t max_level;
    arena *secrets; /* keys and seeds of all of the device's sets */
    cpu_chosen chosen;
} cpu_device;

static inline const cpu_device *cpu_of(const parseal_device *device)
{
    return (const cpu_device *)device;
}

static inline void *cpu_address(const parseal_buf *buf)
{
    return (void *)(buf->handle + (uintptr_t)buf->offset);
}

static inline uint32_t cpu_threads(const parseal_device *device)
{
    return cpu_of(device)->threads;
}

/* Functions of parseal_backend (host/backend/backend.h), in cpu_open.c. */
parseal_status cpu_open(parseal_device **device, const parseal_request *request);
void cpu_close(parseal_device *device);
const char *cpu_device_name(const parseal_device *device);
size_t cpu_impl_count(const parseal_device *device, int32_t primitive);
parseal_impl_entry cpu_impl_entry(const parseal_device *device, int32_t primitive, size_t index);
void cpu_impl_use(parseal_device *device, int32_t primitive, size_t index);

/* Tables of the families, in cpu_aggregate.c, cpu_aead.c and cpu_vectors.c. */
extern const memory_family cpu_memory_family;
extern const aead_family cpu_aead_family;
extern const plan_family cpu_plan_family;
extern const mask_family cpu_mask_family;
extern const vector_family cpu_vector_family;

#endif
