/* AES-GCM on an OpenCL device: the parts that plans and host batches share. */
#ifndef PARSEAL_HOST_OPENCL_AEAD_H
#define PARSEAL_HOST_OPENCL_AEAD_H

#include "host/opencl/stage.h"
#include "kernels/common/launch.h"

typedef struct {
    const ocl_device *device;
    cl_mem list; /* aead_key each */
    size_t n;
} ocl_keys;

/* A batch's shape on the device. */
typedef struct {
    const ocl_device *device;
    uint32_t n;
    cl_mem items, crypt_begin, hash_begin;
    uint64_t crypt_total, hash_total; /* work-items of aead_crypt and aead_hash */
} ocl_table;

parseal_status ocl_table_create(ocl_table *table, const ocl_device *d, const aead_item *items,
                                size_t n);
void ocl_table_destroy(ocl_table *table);

/* The buffers of one run, and what stands in for those that a batch does not need. */
typedef struct {
    ocl_place in, out, aad, nonces, tags, verdicts, work;
} ocl_aead_io;

/* Bytes of `work` for each item. */
enum { OCL_WORK = 32 };

/* The steps of a run; each only enqueues. */
parseal_status ocl_aead_begin(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                              const ocl_stream *s);
parseal_status ocl_aead_crypt(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                              const ocl_stream *s, bool open);
parseal_status ocl_aead_hash(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                             const ocl_stream *s, bool open);
parseal_status ocl_aead_finish(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                               const ocl_stream *s, bool open);

/* All of them, in the order that seal or open needs: open hashes first, and decrypts what its tag
 * has been found right for. */
parseal_status ocl_aead_run(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                            const ocl_stream *s, bool open);

/* host/backend.h */
parseal_status ocl_keys_create(void **keys, const void *device, int32_t alg, const uint8_t *bytes,
                               size_t n);
void ocl_keys_destroy(void *keys);
parseal_status ocl_batch_run(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                             bool open);
parseal_status ocl_plan_create(void **plan, const void *device, const void *keys,
                               const parseal_aead_shape *shape);
void ocl_plan_destroy(void *plan);
uint64_t ocl_plan_workspace_size(const void *plan);
parseal_status ocl_plan_run(const void *plan, const parseal_aead_io *io, bool open, void *stream);

#endif
