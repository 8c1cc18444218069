/* One row: an operation, its data on the device (or in host memory, for rows of copies and of whole
 * calls), and the same on a sample on the CPU, against which its bytes are checked. */
#ifndef PARSEAL_BENCH_DEVICE_OPERATION_H
#define PARSEAL_BENCH_DEVICE_OPERATION_H

#include "bench/device/bound.h"

struct operation_kind;
struct vector_call;

/* A row of the table of operations. */
struct device_operation {
    const char *name, *counts; /* `counts` says which bytes are counted */
    const struct operation_kind *kind;
    const struct vector_call *vector; /* kind_vectors: the call */
    enum bound_kind bound;
    const char *kernel; /* a prefix of the only kernel whose time counts; NULL: the whole call's
                           time counts */
    const char *ghash;  /* aead: the way to hash; NULL: the one that the device has chosen */
    uint64_t size, n;   /* bytes of a message or vector; messages, seeds or inputs */
    uint64_t shift;     /* aead: how many bytes messages are from being aligned to 16 */
    int32_t alg;        /* aead */
    bool key_each, aad_only, inverse, pinned;
    parseal_ring ring; /* masks, sums */
};

struct bench_side {
    parseal_ctx *gpu, *cpu;
    const struct device *device;
    uint64_t divisor;      /* all sizes are divided by it */
    uint64_t sample_bytes; /* the most bytes of a row's sample on the CPU */
};

struct device_work {
    const struct device_operation *op;
    const struct bench_side *side;
    uint64_t size, n;      /* the row's after settle_operation */
    uint64_t bytes;        /* bytes that a run counts as */
    uint64_t sample_bytes; /* bytes that a run of the sample counts as; 0: the CPU cannot do it */
    double cpu_gbps;       /* set by a kind that measures its sample by itself; else 0 */
    void *data;            /* the kind's own data */
};

/* All return false after a complaint; `release` undoes a `prepare` that failed half-way, too. */
struct operation_kind {
    bool blocking; /* a run has finished when it returns, so the host's clock times it */
    uint64_t (*footprint)(const struct device_work *w); /* about the bytes on the device */
    bool (*prepare)(struct device_work *w);
    bool (*run)(struct device_work *w);        /* runs on the device's stream */
    bool (*check)(struct device_work *w);      /* compares a run with the sample's on the CPU */
    bool (*run_sample)(struct device_work *w); /* runs on the CPU, only after check */
    void (*release)(struct device_work *w);
};

extern const struct operation_kind kind_aead, kind_vectors, kind_device_copy, kind_upload,
    kind_download, kind_both_ways, kind_host_aead;

extern const struct vector_call call_mask_write, call_mask_add, call_sum, call_quantize,
    call_dequantize, call_pack, call_unpack;

extern const struct device_operation device_operations[];
extern const size_t n_device_operations;

/* Sets w->size and w->n: it divides them, and shrinks them until they fit the device's memory. */
void settle_operation(struct device_work *w);

/* Returns true when the bytes are the same. Else it complains about the row and the place of the
 * first difference. */
bool same_bytes(const struct device_work *w, const char *what, const void *from_device,
                const void *from_cpu, uint64_t size);

/* Writes a text such as "100 x 40 MB". */
const char *describe_shape(const struct device_work *w, char *text, size_t size);

#endif
