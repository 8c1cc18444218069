/* AEAD on a GPU: the parts that plans and host batches share. */
#ifndef PARSEAL_HOST_GPU_AEAD_H
#define PARSEAL_HOST_GPU_AEAD_H

#include "host/gpu/launch.h"
#include "host/gpu/stage.h"
#include "kernels/common/launch.h"

typedef struct gpu_steps gpu_steps;

typedef struct gpu_keys {
    const gpu_device *device;
    const gpu_steps *steps; /* the steps of the set's algorithm */
    uint32_t nonce_size;    /* bytes; nonces follow each other without gaps */
    gpu_memory list;        /* expanded keys, steps->key_size bytes each */
    size_t n;
    gpu_memory prepared; /* tables that a driver's kernels derive from the keys, or 0 */
    uint64_t prepared_size;
} gpu_keys;

static inline const gpu_keys *gpu_keys_of(const backend_keys *keys)
{
    return (const gpu_keys *)keys;
}

/* The buffers of one run. Where a batch needs no such buffer, another one stands in for it. */
typedef struct gpu_aead_io {
    gpu_place in, out, aad, nonces, tags, verdicts, work;
} gpu_aead_io;

/* The bytes of `work` for each item. A driver may need more for each tile. */
enum { GPU_WORK = 32 };
uint64_t gpu_work_size(const gpu_table *table);

/* Returns the most bytes of `work` that one message can need. */
uint64_t gpu_work_max(const gpu_driver *driver, uint64_t len, uint64_t aad_len);

/* Begins a launch with the arguments that all kernels of a run begin with. */
void gpu_aead_launch(gpu_launch *launch, const gpu_table *table, const char *kernel);

/* A step of a run on the items of a table. It only enqueues. */
typedef parseal_status (*gpu_step)(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                                   const gpu_stream *s, bool open);

/* An algorithm's steps, for whole messages and for parts of long ones. Its tags have 16 bytes, and
 * the hash of a message is the XOR of its parts' hashes. */
struct gpu_steps {
    uint32_t key_size; /* bytes of an expanded key on the device */

    /* Expands keys of raw_size bytes each, which are in `raw`. */
    parseal_status (*expand)(gpu_keys *keys, gpu_memory raw, uint32_t raw_size);

    gpu_step begin, crypt, hash, finish;
    gpu_step seal; /* encrypts, and hashes what it has encrypted */

    /* Adds the plaintexts of authentic items to the sink, without writing them. */
    parseal_status (*add)(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                          const gpu_stream *s, const parseal_sink *sink);
};

extern const gpu_steps gpu_gcm_steps;

/* This is gpu_steps.add of AES-GCM. */
parseal_status gpu_gcm_add(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                           const gpu_stream *s, const parseal_sink *sink);

/* Enqueues all that open does before it decrypts. */
parseal_status gpu_aead_verify(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                               const gpu_stream *s);

/* Enqueues all steps in the order that seal or open needs. Open hashes first, and decrypts only
 * messages with the right tag. */
parseal_status gpu_aead_run(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open);

/* There are two ways to add the plaintexts of authentic items, which are all as long as the vector.
 * Where the vector is long enough (gpu_adds_fused), gpu_aead_verify is followed by the algorithm's
 * add, which writes no plaintext. Else gpu_aead_run, which writes zeros for items that are not
 * authentic, is followed by gpu_add_opened. */
bool gpu_adds_fused(const gpu_device *d, const parseal_sink *sink);
parseal_status gpu_add_opened(const gpu_table *t, const gpu_aead_io *io, const gpu_stream *s,
                              const parseal_sink *sink);

/* host/backend/backend.h */
extern const aead_family gpu_aead_family;
extern const plan_family gpu_plan_family;
parseal_status gpu_batch_run(const parseal_device *device, const backend_keys *keys,
                             parseal_msg *msgs, size_t n, bool open);
parseal_status gpu_accumulate(const parseal_device *device, const backend_keys *keys,
                              parseal_msg *msgs, size_t n, const parseal_sink *sink, bool *changed);

#endif
