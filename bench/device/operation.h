/* One row: an operation, its data on the device (or in host memory, for rows of copies and of whole
 * calls), and the same on a sample on the CPU, against which its bytes are checked. */
#ifndef PARSEAL_BENCH_DEVICE_OPERATION_H
#define PARSEAL_BENCH_DEVICE_OPERATION_H

#include "bench/device/bound.h"

struct operation_kind;
struct vector_call;

/* What is measured, as a table row. */
struct device_operation {
    const char *name, *counts; /* what its bytes are */
    const struct operation_kind *kind;
    const struct vector_call *vector; /* of kind_vectors */
    enum bound_kind bound;
    const char *kernel; /* only the time of this kernel counts, by the beginning of its name;
                           NULL: that of the whole call */
    uint64_t size, n;   /* bytes of a message or vector; messages, seeds or inputs */
    int32_t alg;        /* aead */
    bool key_each, aad_only, inverse, pinned;
    parseal_ring ring; /* masks, sums */
};

struct bench_side {
    parseal_ctx *gpu, *cpu;
    const struct device *device;
    uint64_t divisor;      /* of all sizes */
    uint64_t sample_bytes; /* of a row's sample on the CPU, at most */
};

struct device_work {
    const struct device_operation *op;
    const struct bench_side *side;
    uint64_t size, n;      /* as settled */
    uint64_t bytes;        /* that a run counts as */
    uint64_t sample_bytes; /* that a run of the sample counts as; 0: the CPU has no such call */
    double cpu_gbps;       /* set by a kind whose sample is measured by itself; 0: not */
    void *data;            /* the kind's */
};

/* All return false after a complaint; `release` undoes a `prepare` that failed half-way, too. */
struct operation_kind {
    bool blocking; /* a run has finished when it returns: timed by the host's clock */
    uint64_t (*footprint)(const struct device_work *w); /* bytes on the device, about */
    bool (*prepare)(struct device_work *w);
    bool (*run)(struct device_work *w);        /* on the device's stream */
    bool (*check)(struct device_work *w);      /* runs it, and its sample on the CPU: same bytes */
    bool (*run_sample)(struct device_work *w); /* on the CPU; after check */
    void (*release)(struct device_work *w);
};

extern const struct operation_kind kind_aead, kind_vectors, kind_device_copy, kind_upload,
    kind_download, kind_both_ways, kind_host_aead;

extern const struct vector_call call_mask_write, call_mask_add, call_sum, call_quantize,
    call_dequantize, call_pack, call_unpack;

extern const struct device_operation device_operations[];
extern const size_t n_device_operations;

/* Settles w->size and w->n: divided, and so that it fits in the device's memory. */
void settle_operation(struct device_work *w);

/* false, after a complaint that names the row and says where the first difference is. */
bool same_bytes(const struct device_work *w, const char *what, const void *from_device,
                const void *from_cpu, uint64_t size);

/* "100 x 40 MB" */
const char *describe_shape(const struct device_work *w, char *text, size_t size);

#endif
