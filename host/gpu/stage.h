/* Host memory on its way through the device: pieces that are copied in, worked on and copied out,
 * one piece's copies beside another's work. */
#ifndef PARSEAL_HOST_GPU_STAGE_H
#define PARSEAL_HOST_GPU_STAGE_H

#include "host/gpu/gpu.h"

/* Device memory, as much pinned host memory, and a queue to copy between the two. */
typedef struct {
    gpu_stream stream;
    bool own_stream;
    gpu_memory memory;
    gpu_pinned pinned;
    uint8_t *host;       /* the pinned memory */
    uint64_t size, used; /* bytes: in all, and those that have been used since the last wipe */
} gpu_slot;

enum { GPU_SLOTS = 2 };

typedef struct gpu_stage {
    const gpu_device *device;
    gpu_slot slot[GPU_SLOTS];
    size_t n;
} gpu_stage;

/* Slots of `size` bytes or more each for so many pieces; they work on the caller's queue where
 * there is one. After a failure there is nothing to close. */
parseal_status gpu_stage_open(gpu_stage *stage, const gpu_device *d, void *stream, uint64_t size,
                              uint64_t pieces);

/* Waits for what is still under way and wipes what was used. One stage is kept for later calls, as
 * pinned memory is slow to come by. */
void gpu_stage_close(gpu_stage *stage);
void gpu_close_spare(gpu_device *d);

/* The bytes that a slot may have. */
uint64_t gpu_slot_max(const gpu_device *d);

/* Bytes [0, end) will hold something that has to be wiped. Copies say so by themselves. */
void gpu_slot_use(gpu_slot *slot, uint64_t end);

/* Host bytes [at, at + size) of the slot to the same place of its memory, or the other way. Neither
 * waits: gpu_finish of its stream does. */
parseal_status gpu_slot_in(const gpu_stage *stage, gpu_slot *slot, uint64_t at, uint64_t size);
parseal_status gpu_slot_out(const gpu_stage *stage, gpu_slot *slot, uint64_t at, uint64_t size);

/* ---------------------------------------------------------------------------- elementwise work --
 */

/* An array of elements of so many bits, which a kernel reads, writes, or both. */
typedef struct {
    const parseal_buf *buf;
    uint32_t bits;
    bool read, write;
} gpu_operand;

/* Enqueues the work on elements [first, first + n), whose places are given in the operands' order.
 */
typedef parseal_status (*gpu_work)(void *arg, const gpu_stream *s, const gpu_place *places,
                                   uint64_t first, uint64_t n);

/* How many operands of so many bits a slot has room for, all of them in host memory. */
size_t gpu_operands_max(const gpu_device *d, uint32_t bits);

/* All elements at once where every operand is on the device; else in pieces, and finished on
 * return. */
parseal_status gpu_for_elements(const gpu_device *d, void *stream, const gpu_operand *operands,
                                size_t n_operands, uint64_t count, gpu_work work, void *arg);

#endif
