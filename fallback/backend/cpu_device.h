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
parseal_status cpu_device_open(void **device, const parseal_request *request);
const char *cpu_device_name(const void *device);
size_t cpu_impl_count(const void *device, int32_t primitive);
parseal_impl_entry cpu_impl_entry(const void *device, int32_t primitive, size_t index);
void cpu_impl_use(void *device, int32_t primitive, size_t index);
bool cpu_accepts(uint32_t buf_kind);
parseal_status cpu_keys_create(void **keys, const void *device, int32_t alg, const uint8_t *bytes,
                               size_t n);
void cpu_keys_destroy(void *keys);
parseal_status cpu_batch_run(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                             bool open);
parseal_status cpu_memory_create(const void *device, uint64_t size, parseal_buf *memory);
void cpu_memory_destroy(const void *device, parseal_buf *memory);
parseal_status cpu_memory_read(const void *device, const parseal_buf *memory, void *to);
parseal_status cpu_memory_write(const void *device, const parseal_buf *memory, const void *from);
parseal_status cpu_accumulate(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                              const parseal_sink *sink, bool *changed);
parseal_status cpu_plan_create(void **plan, const void *device, const void *keys,
                               const parseal_aead_shape *shape);
void cpu_plan_destroy(void *plan);
uint64_t cpu_plan_workspace_size(const void *plan);
parseal_status cpu_plan_run(const void *plan, const parseal_aead_io *io, bool open, void *stream);
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
