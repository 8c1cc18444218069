/* Host memory on its way through the device: pieces that are copied in, worked on and copied out,
 * one piece's copies beside another's work. */
#ifndef PARSEAL_HOST_OPENCL_STAGE_H
#define PARSEAL_HOST_OPENCL_STAGE_H

#include "host/opencl/device.h"

/* Device memory, as much pinned host memory, and a queue to copy between the two. */
typedef struct {
    ocl_stream stream;
    cl_command_queue own_queue;
    cl_mem memory, pinned;
    uint8_t *host;
    uint64_t size, used; /* bytes: in all, and those that have been used since the last wipe */
} ocl_slot;

enum { OCL_SLOTS = 2 };

typedef struct ocl_stage {
    const ocl_device *device;
    ocl_slot slot[OCL_SLOTS];
    size_t n;
} ocl_stage;

/* Slots of `size` bytes or more each for so many pieces; they work on the caller's queue where
 * there is one. After a failure there is nothing to close. */
parseal_status ocl_stage_open(ocl_stage *stage, const ocl_device *d, void *stream, uint64_t size,
                              uint64_t pieces);

/* Waits for what is still under way and wipes what was used. One stage is kept for later calls, as
 * pinned memory is slow to come by. */
void ocl_stage_close(ocl_stage *stage);
void ocl_close_spare(ocl_device *d);

/* The bytes that a slot may have. */
uint64_t ocl_slot_max(const ocl_device *d);

/* Bytes [0, end) will hold something that has to be wiped. Copies say so by themselves. */
void ocl_slot_use(ocl_slot *slot, uint64_t end);

/* Host bytes [at, at + size) of the slot to the same place of its memory, or the other way. Neither
 * waits: ocl_finish of its stream does. */
parseal_status ocl_slot_in(const ocl_stage *stage, ocl_slot *slot, uint64_t at, uint64_t size);
parseal_status ocl_slot_out(const ocl_stage *stage, ocl_slot *slot, uint64_t at, uint64_t size);

/* ---------------------------------------------------------------------------- elementwise work --
 */

/* Where a kernel finds an operand: from byte `at` on. */
typedef struct {
    cl_mem memory;
    uint64_t at;
} ocl_place;

/* An array of elements of so many bits, which a kernel reads, writes, or both. */
typedef struct {
    const parseal_buf *buf;
    uint32_t bits;
    bool read, write;
} ocl_operand;

/* Enqueues the work on elements [first, first + n), whose places are given in the operands' order.
 */
typedef parseal_status (*ocl_work)(void *arg, const ocl_stream *s, const ocl_place *places,
                                   uint64_t first, uint64_t n);

/* How many operands of so many bits a slot has room for, all of them in host memory. */
size_t ocl_operands_max(const ocl_device *d, uint32_t bits);

/* All elements at once where every operand is on the device; else in pieces, and finished on
 * return. */
parseal_status ocl_for_elements(const ocl_device *d, void *stream, const ocl_operand *operands,
                                size_t n_operands, uint64_t count, ocl_work work, void *arg);

#endif
