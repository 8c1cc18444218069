/* The vector operations of host/backend/backend.h on a GPU. */
#ifndef PARSEAL_HOST_GPU_VECTORS_H
#define PARSEAL_HOST_GPU_VECTORS_H

#include "host/gpu/device.h"

typedef struct gpu_seeds gpu_seeds;

/* A ring as the kernels take it. */
ring_params gpu_ring(const parseal_ring *ring);

/* Masks of parseal/fcp.h, mod powers of two. */
parseal_status gpu_fcp_create(void **fcp, const void *device, uint64_t modulus, const uint8_t *keys,
                              const int32_t *signs, size_t n);
void gpu_fcp_destroy(void *fcp);
const gpu_device *gpu_fcp_device(const void *fcp);
parseal_status gpu_fcp_mask(const void *device, const void *fcp, const parseal_ring *ring,
                            const parseal_vec *acc, uint64_t first, bool write, void *stream);

parseal_status gpu_seeds_create(void **seeds, const void *device, const parseal_seed *list,
                                size_t n);
void gpu_seeds_destroy(void *seeds);
const gpu_device *gpu_seeds_device(const void *seeds);

/* Enqueues kernels alone: acc gets the sum of itself and n inputs, which are elements or, where
 * bits is not 0, streams of so many a time. */
parseal_status gpu_run_sum(const gpu_device *d, const gpu_stream *s, const parseal_ring *ring,
                           uint32_t bits, const gpu_place *acc, const gpu_place *inputs, size_t n,
                           uint64_t count);

parseal_status gpu_mask(const void *device, const void *seeds, const parseal_ring *ring,
                        const parseal_vec *acc, uint64_t first, bool write, void *stream);
parseal_status gpu_packed_sum(const void *device, uint32_t bits, const parseal_ring *ring,
                              const parseal_vec *acc, const parseal_buf *packed, size_t n,
                              void *stream);
parseal_status gpu_vec_sum(const void *device, const parseal_ring *ring, const parseal_vec *acc,
                           const parseal_vec *v, size_t n, void *stream);
parseal_status gpu_quantize(const void *device, const parseal_quant *quant, float scale,
                            const parseal_vec *x, const parseal_vec *q, const void *seeds,
                            uint64_t first, const parseal_buf *nonfinite, void *stream);
parseal_status gpu_dequantize(const void *device, uint32_t element_size, const parseal_vec *sum,
                              double step, double n_clients, double clip, const parseal_vec *mean,
                              void *stream);
parseal_status gpu_pack(const void *device, uint32_t bits, uint32_t element_size,
                        const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                        void *stream);

#endif
