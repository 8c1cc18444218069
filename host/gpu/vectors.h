/* The operations on vectors on a GPU: masks, sums, quantisation and packing. */
#ifndef PARSEAL_HOST_GPU_VECTORS_H
#define PARSEAL_HOST_GPU_VECTORS_H

#include "host/gpu/device.h"

/* Returns a ring in the kernels' form. */
ring_params gpu_ring(const parseal_ring *ring);

/* Only enqueues kernels: they add n inputs to acc, which are vectors of elements or, where bits is
 * not 0, vectors packed with so many bits an element. */
parseal_status gpu_run_sum(const gpu_device *d, const gpu_stream *s, const parseal_ring *ring,
                           uint32_t bits, const gpu_place *acc, const gpu_place *inputs, size_t n,
                           uint64_t count);

/* Masks of parseal/fcp.h, for moduli that are powers of two. */
parseal_status gpu_fcp_create(const parseal_device *device, backend_fcp **fcp, uint64_t modulus,
                              const uint8_t *keys, const int32_t *signs, size_t n);
parseal_status gpu_fcp_count(const parseal_device *device, backend_fcp *fcp,
                             const fcp_counting *counting);
void gpu_fcp_destroy(const parseal_device *device, backend_fcp *fcp);
parseal_status gpu_fcp_apply(const parseal_device *device, const backend_fcp *fcp,
                             const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                             bool write, void *stream);

/* host/backend/backend.h */
extern const mask_family gpu_mask_family;
extern const vector_family gpu_vector_family;

#endif
