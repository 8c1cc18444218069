/* Host memory on its way through the device: pieces that are copied in, worked on and copied out,
 * one piece's copies beside another's work. */
#ifndef PARSEAL_HOST_GPU_STAGE_H
#define PARSEAL_HOST_GPU_STAGE_H

#include "host/gpu/table.h"
#include "host/gpu/uses.h"

/* Device memory, as much pinned host memory, and a stream to copy between the two. */
typedef struct {
    gpu_stream stream;
    bool own_stream;
    gpu_memory memory;
    gpu_pinned pinned;
    uint8_t *host;            /* the pinned memory */
    uint64_t size;            /* bytes */
    uint64_t used, host_used; /* bytes of either memory used since the last wipe */
    gpu_table table;          /* the table of the messages in the slot */
} gpu_slot;

/* One piece comes in while another is worked on and a third goes out. */
enum { GPU_SLOTS = 3 };

typedef struct gpu_stage {
    const gpu_device *device;
    gpu_slot slot[GPU_SLOTS];
    size_t n;
} gpu_stage;

/* Returns the most bytes that a slot may have now. A call asks once, as the next answer may be
 * another one. */
uint64_t gpu_slot_max(const gpu_device *d);

/* Returns how many bytes of `all` to take at a time, at most max: few enough for copies and work to
 * overlap, many enough for both to go at full speed. */
uint64_t gpu_piece_size(uint64_t all, uint64_t max);

/* Returns whether slots of fewer than `size` bytes may help a call that has failed, as memory was
 * short. Then *max is how many bytes they may have. */
bool gpu_try_smaller(parseal_status status, uint64_t size, uint64_t *max);

/* Opens slots of `size` bytes or more each, but not more than max, for so many pieces. They work on
 * the caller's stream where there is one. After a failure there is nothing to close. */
parseal_status gpu_stage_open(gpu_stage *stage, const gpu_device *d, void *stream, uint64_t size,
                              uint64_t max, uint64_t pieces);

/* Waits for work that is still under way, and wipes the memory that was used. One stage is kept for
 * later calls, the spare one, as pinning memory is slow. */
void gpu_stage_close(gpu_stage *stage);

/* Returns the bytes of the device's memory that the spare stage holds. */
uint64_t gpu_spare_size(const gpu_device *d);

/* Waits and wipes, too, but keeps nothing: the memory may be short. */
void gpu_stage_drop(gpu_stage *stage);

/* Frees the spare stage. Returns false where there is none. */
bool gpu_drop_spare(const gpu_device *d);

/* Open and close gpu_device.shared, with its spare stage. Closing waits for callers' work. */
parseal_status gpu_shared_open(gpu_device *d);
void gpu_shared_close(gpu_device *d);

/* -------------------------------------------------------------------------------------- copy -- */

/* Calls task for all of [0, size), in parts, and on several threads where it is long. */
void gpu_spread(const gpu_device *d, uint64_t size,
                void (*task)(void *arg, uint64_t begin, uint64_t end), void *arg);
void gpu_copy(const gpu_device *d, void *to, const void *from, uint64_t size);

/* Notes that bytes [0, end) of the slot's device memory, or of both memories, must be wiped. Copies
 * note that by themselves. */
void gpu_slot_use(gpu_slot *slot, uint64_t end);
void gpu_slot_use_both(gpu_slot *slot, uint64_t end);

/* Copy bytes [at, at + size) from the slot's host memory to the same place of its device memory, or
 * the other way. Neither waits: gpu_finish of the slot's stream does. */
parseal_status gpu_slot_in(const gpu_stage *stage, gpu_slot *slot, uint64_t at, uint64_t size);
parseal_status gpu_slot_out(const gpu_stage *stage, gpu_slot *slot, uint64_t at, uint64_t size);

/* Returns true when the caller's memory is pinned, and large enough for a copy of its own. */
bool gpu_is_direct(const gpu_device *d, const void *p, uint64_t size);

/* Make the same copies between the caller's memory and the device, past the slot's host memory. */
parseal_status gpu_slot_in_from(const gpu_stage *stage, gpu_slot *slot, uint64_t at,
                                const void *from, uint64_t size);
parseal_status gpu_slot_out_to(const gpu_stage *stage, gpu_slot *slot, uint64_t at, void *to,
                               uint64_t size);

/* Bytes that are copied the same way. Neighbours become one copy. gpu_span_end enqueues the
 * last. */
typedef struct {
    const gpu_stage *stage;
    gpu_slot *slot;
    bool out;
    uint64_t begin, end;
} gpu_span;

parseal_status gpu_span_add(gpu_span *span, uint64_t at, uint64_t size);
parseal_status gpu_span_end(gpu_span *span);

/* -------------------------------------------------------------------------- elementwise work -- */

/* An array of elements of `bits` bits, which a kernel reads, writes, or both. */
typedef struct {
    const parseal_buf *buf;
    uint32_t bits;
    bool read, write;
} gpu_operand;

/* Enqueues the work on elements [first, first + n), whose places are given in the operands'
 * order. */
typedef parseal_status (*gpu_work)(void *arg, const gpu_stream *s, const gpu_place *places,
                                   uint64_t first, uint64_t n);

/* Returns how many operands in host memory with elements of `bits` bits a slot has room for. */
size_t gpu_operands_max(const gpu_device *d, uint32_t bits);

/* Does the work on all elements at once where every operand is on the device, else in pieces. The
 * work is finished on return where there are pieces or no stream; else it is noted among the uses
 * of the object that it needs or, where those are NULL, of the context. */
parseal_status gpu_for_elements(const gpu_device *d, void *stream, gpu_uses *uses,
                                const gpu_operand *operands, size_t n_operands, uint64_t count,
                                gpu_work work, void *arg);

#endif
