/* The driver of a backend for GPUs: memory, streams and runs of kernels. */
#ifndef PARSEAL_HOST_GPU_DRIVER_H
#define PARSEAL_HOST_GPU_DRIVER_H

#include "host/gpu/aead_tactics.h"
#include "host/gpu/launch.h"

/* A function that fails has set the error's text. Only functions that say so wait. */
struct gpu_driver {
    uint32_t buf_kind;
    size_t sum_inputs;   /* the most inputs for one run of sum32 and its like */
    uint32_t fcp_blocks; /* the most blocks of keystream for each item of fcp_mask; 0: the blocks of
                            16 elements */

    parseal_status (*alloc)(const gpu_device *d, uint64_t size, gpu_memory *memory);
    void (*free)(const gpu_device *d, gpu_memory memory);
    /* Stores how much memory nobody has taken. False: it is not known now. NULL: it never is. */
    bool (*free_bytes)(const gpu_device *d, uint64_t *bytes);
    parseal_status (*pin)(const gpu_device *d, const gpu_stream *s, uint64_t size,
                          gpu_pinned *pinned);
    void (*unpin)(const gpu_device *d, const gpu_stream *s, gpu_pinned *pinned);

    /* Returns true when all of the caller's host memory is pinned. NULL: the driver cannot tell. */
    bool (*is_pinned)(const gpu_device *d, const void *p, uint64_t size);

    parseal_status (*stream_open)(const gpu_device *d, gpu_stream *s);
    void (*stream_close)(const gpu_device *d, gpu_stream *s);
    /* `stream` is the caller's, and not NULL. */
    parseal_status (*stream_of)(const gpu_device *d, void *stream, gpu_stream *s);
    /* gpu_after_default; NULL: the runtime has no stream that everybody means by NULL. */
    parseal_status (*after_default)(const gpu_device *d, const gpu_stream *s);
    /* Stores whether what is enqueued on the stream is captured. NULL: there are no graphs. */
    parseal_status (*is_capturing)(const gpu_device *d, const gpu_stream *s, bool *capturing);
    parseal_status (*finish)(const gpu_device *d, const gpu_stream *s); /* waits for the stream */

    /* For gpu_uses. Stores whether work that is enqueued on s now becomes a part of a graph and,
     * where it does not, a number that no other stream has or has had. */
    parseal_status (*identify)(const gpu_device *d, const gpu_stream *s, uint64_t *stream,
                               bool *captured);
    /* Makes *mark, NULL or an older mark, one that is reached when all work is done that has been
     * enqueued on s, which is not captured. */
    parseal_status (*mark)(const gpu_device *d, const gpu_stream *s, void **mark);
    bool (*is_reached)(const gpu_device *d, void *mark);
    void (*await)(const gpu_device *d, void *mark); /* waits for it */
    void (*unmark)(const gpu_device *d, void *mark);

    parseal_status (*write)(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                            const void *from, uint64_t size, bool wait);
    parseal_status (*read)(const gpu_device *d, const gpu_stream *s, gpu_memory from, uint64_t at,
                           void *to, uint64_t size, bool wait);
    /* Overwrites `size` bytes from byte `at` on with zeros; both are multiples of 4. */
    parseal_status (*wipe)(const gpu_device *d, const gpu_stream *s, gpu_memory memory, uint64_t at,
                           uint64_t size);
    parseal_status (*launch)(const gpu_launch *launch, const gpu_stream *s, uint64_t items);

    const gpu_aead_tactics *aead;
};

#endif
