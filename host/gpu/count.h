/* What no two runs may use twice, counted on the device: the nonces of plans and the stream numbers
 * of sets of seeds; and the refusal of captures that would use them twice. */
#ifndef PARSEAL_HOST_GPU_COUNT_H
#define PARSEAL_HOST_GPU_COUNT_H

#include <stdatomic.h>

#include "host/gpu/aead.h"

/* Fails where the caller's stream is captured. `why` says what each replay would do, and what would
 * prevent it. Asking does not touch the capture. */
parseal_status gpu_refuse_capture(const gpu_device *d, void *stream, const char *why);

/* ------------------------------------------------------------------------------------ nonces -- */

/* The nonces of a plan that counts; all zeros for another one. */
typedef struct {
    gpu_memory first; /* the nonces of the first run */
    gpu_memory done;  /* a u64 for each message: its runs so far */
    uint64_t step, runs;
} gpu_nonces;

/* Takes the nonces of the shape, which has n > 0 messages and a step. After a failure, too,
 * gpu_nonces_close must be called. */
parseal_status gpu_nonces_open(gpu_nonces *nonces, const gpu_keys *keys,
                               const parseal_aead_shape *shape);
void gpu_nonces_close(gpu_nonces *nonces, const gpu_device *d);

/* Returns the bytes of `work` that gpu_nonces_seal needs. */
uint64_t gpu_nonces_work(const gpu_table *t);

/* Enqueues the sealing of all items under their next nonces, which are written to io->nonces. */
parseal_status gpu_nonces_seal(const gpu_nonces *nonces, const gpu_keys *keys, const gpu_table *t,
                               const gpu_aead_io *io, const gpu_stream *s);

/* ----------------------------------------------------------------------------------- numbers -- */

/* The stream number of a set that counts; all zeros for another one. */
typedef struct {
    gpu_memory state; /* of seeds_count; 0: the set does not count */
    uint64_t first, step, runs;
    gpu_place number;      /* the caller's; memory 0: there is none */
    atomic_bool *is_stuck; /* the end of a call could not be enqueued */
} gpu_numbers;

parseal_status gpu_numbers_open(gpu_numbers *numbers, const gpu_device *d,
                                const seeds_counting *counting);
void gpu_numbers_close(gpu_numbers *numbers, const gpu_device *d);

/* Before the work of a call, and after it: gives the n seeds of the list the call's number, which
 * is then in the state, too, and overwrites the call's results with zeros where there was none, or
 * where another call was under way. They do nothing for a set that does not count.
 *
 * The end is to be called wherever the beginning has succeeded, with the status of the work.
 * Returns that or, after a success, the end's own. A set whose call never ends would have no number
 * for any other: later ones are PARSEAL_ERR_DEVICE. */
parseal_status gpu_numbers_next(const gpu_numbers *numbers, const gpu_device *d,
                                const gpu_stream *s, gpu_memory list, size_t n);
parseal_status gpu_numbers_end(const gpu_numbers *numbers, const gpu_device *d, const gpu_stream *s,
                               const gpu_place *results, uint64_t size, parseal_status work);

#endif
