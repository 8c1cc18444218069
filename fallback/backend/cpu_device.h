/* What the files of the CPU backend share: the device, and the functions that cpu_backend.c
 * gathers. */
#ifndef PARSEAL_FALLBACK_BACKEND_CPU_DEVICE_H
#define PARSEAL_FALLBACK_BACKEND_CPU_DEVICE_H

#include "fallback/backend/candidates.h"
#include "host/backend/backend.h"

typedef struct {
    char name[128];
    uint32_t threads;
    uint64_t cache_size;
    size_t max_level;
    const cpu_candidate *chosen[PARSEAL_PRIMITIVES];
} cpu_device;

#define CHOSEN(device, primitive, type) \
    ((const type *)((const cpu_device *)(device))->chosen[primitive]->impl)

static inline void *cpu_address(const parseal_buf *buf)
{
    return (void *)(buf->handle + (uintptr_t)buf->offset);
}
static inline uint32_t cpu_threads(const void *device)
{
    return ((const cpu_device *)device)->threads;
}

/* Guarded memory that is read-only once filled. The block begins at a multiple of 64, as its size
 * is one. NULL where there is none. */
void *cpu_guarded(size_t n, size_t size);

/* host/backend/backend.h */
parseal_status cpu_seeds_create(void **seeds, const void *device, const parseal_seed *list,
                                size_t n);
void cpu_seeds_destroy(void *seeds);
parseal_status cpu_fcp_create(void **fcp, const void *device, uint64_t modulus, const uint8_t *keys,
                              const int32_t *signs, size_t n);
void cpu_fcp_destroy(void *fcp);
parseal_status cpu_mask(const void *device, const void *seeds, const parseal_ring *ring,
                        const parseal_vec *acc, uint64_t first, bool write, void *stream);
parseal_status cpu_fcp_mask(const void *device, const void *fcp, const parseal_ring *ring,
                            const parseal_vec *acc, uint64_t first, bool write, void *stream);
parseal_status cpu_vec_sum(const void *device, const parseal_ring *ring, const parseal_vec *acc,
                           const parseal_vec *v, size_t n, void *stream);
parseal_status cpu_quantize(const void *device, const parseal_quant *quant, float scale,
                            const parseal_vec *x, const parseal_vec *q, const void *seeds,
                            uint64_t first, const parseal_buf *nonfinite, void *stream);
parseal_status cpu_dequantize(const void *device, uint32_t element_size, const parseal_vec *sum,
                              double step, double n_clients, double clip, const parseal_vec *mean,
                              void *stream);
parseal_status cpu_pack(const void *device, uint32_t bits, uint32_t element_size,
                        const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                        void *stream);
parseal_status cpu_packed_sum(const void *device, uint32_t bits, const parseal_ring *ring,
                              const parseal_vec *acc, const parseal_buf *packed, size_t n,
                              void *stream);

#endif
