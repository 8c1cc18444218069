/* Host memory on its way through the device: pieces that are copied in, worked on and copied out,
 * one piece's copies beside another's work. */
#ifndef PARSEAL_HOST_GPU_STAGE_H
#define PARSEAL_HOST_GPU_STAGE_H

#include "host/gpu/table.h"

/* Device memory, as much pinned host memory, and a queue to copy between the two. */
typedef struct {
    gpu_stream stream;
    bool own_stream;
    gpu_memory memory;
    gpu_pinned pinned;
    uint8_t *host;            /* the pinned memory */
    uint64_t size;            /* bytes */
    uint64_t used, host_used; /* of either memory, since the last wipe */
    gpu_table table;          /* of the messages in it */
} gpu_slot;

/* One piece comes in while another is worked on and a third goes out. */
enum { GPU_SLOTS = 3 };

typedef struct gpu_stage {
    const gpu_device *device;
    gpu_slot slot[GPU_SLOTS];
    size_t n;
} gpu_stage;

/* The bytes that a slot may have. */
uint64_t gpu_slot_max(const gpu_device *d);

/* How many bytes of `all` to take at a time: few enough for copies and work to overlap, many enough
 * for both to go at full speed. */
uint64_t gpu_piece_size(const gpu_device *d, uint64_t all);

/* Slots of `size` bytes or more each for so many pieces; they work on the caller's queue where
 * there is one. After a failure there is nothing to close. */
parseal_status gpu_stage_open(gpu_stage *stage, const gpu_device *d, void *stream, uint64_t size,
                              uint64_t pieces);

/* Waits for what is still under way and wipes what was used. One stage is kept for later calls, as
 * pinned memory is slow to come by. */
void gpu_stage_close(gpu_stage *stage);

/* What changes while a device is used: gpu_device.shared, with what is spare. */
parseal_status gpu_shared_open(gpu_device *d);
void gpu_shared_close(gpu_device *d);

/* -------------------------------------------------------------------------------------- copy -- */

/* task for all of [0, size), in parts, on several threads where it is long. */
void gpu_spread(const gpu_device *d, uint64_t size,
                void (*task)(void *arg, uint64_t begin, uint64_t end), void *arg);
void gpu_copy(const gpu_device *d, void *to, const void *from, uint64_t size);

/* Bytes [0, end) of the device's memory, or of both, will hold something that has to be wiped.
 * Copies say so by themselves. */
void gpu_slot_use(gpu_slot *slot, uint64_t end);
void gpu_slot_use_both(gpu_slot *slot, uint64_t end);

/* Host bytes [at, at + size) of the slot to the same place of its memory, or the other way. Neither
 * waits: gpu_finish of its stream does. */
parseal_status gpu_slot_in(const gpu_stage *stage, gpu_slot *slot, uint64_t at, uint64_t size);
parseal_status gpu_slot_out(const gpu_stage *stage, gpu_slot *slot, uint64_t at, uint64_t size);

/* Whether memory of the caller's is pinned, and large enough to be copied from or to by itself. */
bool gpu_is_direct(const gpu_device *d, const void *p, uint64_t size);

/* The same copies, past the slot's host memory. */
parseal_status gpu_slot_in_from(const gpu_stage *stage, gpu_slot *slot, uint64_t at,
                                const void *from, uint64_t size);
parseal_status gpu_slot_out_to(const gpu_stage *stage, gpu_slot *slot, uint64_t at, void *to,
                               uint64_t size);

/* Bytes that go the same way: neighbours become one copy. Ends with gpu_span_end. */
typedef struct {
    const gpu_stage *stage;
    gpu_slot *slot;
    bool out;
    uint64_t begin, end;
} gpu_span;

parseal_status gpu_span_add(gpu_span *span, uint64_t at, uint64_t size);
parseal_status gpu_span_end(gpu_span *span);

/* -------------------------------------------------------------------------- elementwise work -- */

/* An array of elements of so many bits, which a kernel reads, writes, or both. */
typedef struct {
    const parseal_buf *buf;
    uint32_t bits;
    bool read, write;
} gpu_operand;

/* Enqueues the work on elements [first, first + n), whose places are given in the operands'
 * order. */
typedef parseal_status (*gpu_work)(void *arg, const gpu_stream *s, const gpu_place *places,
                                   uint64_t first, uint64_t n);

/* How many operands of so many bits a slot has room for, all of them in host memory. */
size_t gpu_operands_max(const gpu_device *d, uint32_t bits);

/* All elements at once where every operand is on the device; else in pieces. Finished on return
 * where there are pieces or no stream. */
parseal_status gpu_for_elements(const gpu_device *d, void *stream, const gpu_operand *operands,
                                size_t n_operands, uint64_t count, gpu_work work, void *arg);

#endif
