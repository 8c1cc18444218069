/* What a test on buffers of a device needs of the device's own interface. One file for each
 * backend (on_opencl.c, on_cuda.c) makes the program's. */
#ifndef PARSEAL_TESTS_DEVICE_KIND_H
#define PARSEAL_TESTS_DEVICE_KIND_H

#include "check.h"

/* All of them fail the running test where something goes wrong. Memory is a parseal_buf's handle.
 */
typedef struct {
    const char *name, *library;
    int32_t backend;
    uint32_t buf_kind, other_buf_kind;
    int streams;      /* kinds of streams that a caller may have */
    bool never_waits; /* and allocates nothing, where all buffers are the device's */
    bool knows_sizes; /* of memory */

    bool (*find)(void); /* false: no such device here */

    /* A context and a stream of the caller's own. */
    void (*open)(int stream_kind, parseal_options *options);
    void (*close)(void);
    void *(*stream)(void);
    void (*finish)(void);

    uint64_t (*alloc)(uint64_t size);
    void (*free)(uint64_t memory);
    /* These wait. */
    void (*write)(uint64_t memory, uint64_t at, const void *from, uint64_t size);
    void (*read)(uint64_t memory, uint64_t at, void *to, uint64_t size);

    /* A handle of what is not this context's; it goes with close. */
    uint64_t (*foreign)(uint64_t size);
} device_kind;

extern const device_kind on;

#endif
