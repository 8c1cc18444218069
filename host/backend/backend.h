/* The one interface between the API (host/) and whatever computes (fallback/, host/opencl,
 * host/cuda).
 *
 * The API has checked every argument before a backend sees it: sizes, overflow, aliasing,
 * alignment, key indices, rings, buffer kinds. A backend fails only for what it alone can know
 * (memory, device).
 */
#ifndef PARSEAL_HOST_BACKEND_BACKEND_H
#define PARSEAL_HOST_BACKEND_BACKEND_H

#include <stdbool.h>

#include "parseal/parseal.h"

#if defined(__GNUC__)
#define PARSEAL_PRINTF __attribute__((format(printf, 2, 3)))
#else
#define PARSEAL_PRINTF
#endif

/* Stores one formatted line for parseal_last_error_text and returns status. */
parseal_status parseal_fail(parseal_status status, const char *format, ...) PARSEAL_PRINTF;

/* Returns from the calling function when `expression` is not PARSEAL_OK. */
#define TRY(expression)                                 \
    do {                                                \
        const parseal_status try_status = (expression); \
        if (try_status != PARSEAL_OK)                   \
            return try_status;                          \
    } while (0)

/* What a caller or the environment narrows a backend to. */
typedef struct {
    bool named;           /* this very backend was asked for, not the first that works */
    uint32_t cpu_threads; /* 0: no wish */
    bool time_kernels;
    uint64_t device_memory;   /* 0: no wish */
    const char *device;       /* a GPU's number or a part of its name; NULL: no wish */
    uintptr_t opencl_context; /* 0: none */
    const char *cpu_impl[2];  /* from the options and from PARSEAL_CPU; NULL: no limit */
} parseal_request;

enum {
    PARSEAL_USABLE,   /* present on this machine and not excluded */
    PARSEAL_MISSING,  /* this machine lacks what it needs */
    PARSEAL_EXCLUDED, /* the request rules it out */
};

/* One implementation of one primitive. detail says what is missing; NULL where nothing is. */
typedef struct {
    const char *name;
    const char *detail;
    int32_t state;
} parseal_impl_entry;

/* A vector that gets the sum of itself and what is added: each time acc->n elements of so many
 * bits. */
typedef struct {
    const parseal_ring *ring;
    uint32_t bits;
    const parseal_vec *acc; /* in a backend's own memory */
    bool short_too;         /* where long ones go another way than short ones, that of the long */
} parseal_sink;

/* A status that batch_run may leave where it fails: an item in place whose input is no longer
 * there. The API makes it UNSET. */
enum { PARSEAL_ITEM_SPOILED = -1 };

typedef struct parseal_backend {
    int32_t id;
    bool has_streams;      /* false: callers must pass NULL */
    bool has_long_kernels; /* long messages take kernels of their own, to be proved as well */

    /* A device: one opened backend. `list` gives primitive's implementations, best first; `use`
     * chooses one. Both serve selection only: after it the device is never changed. */
    parseal_status (*device_open)(void **device, const parseal_request *request);
    void (*device_close)(void *device);
    const char *(*device_name)(const void *device);
    uint32_t (*device_threads)(const void *device);
    /* Since it was opened, where the request asked for it. NULL: the CPU has no kernels. */
    double (*kernel_seconds)(const void *device);
    size_t (*impl_count)(const void *device, int32_t primitive);
    parseal_impl_entry (*impl_entry)(const void *device, int32_t primitive, size_t index);
    void (*impl_use)(void *device, int32_t primitive, size_t index);
    bool (*accepts)(uint32_t buf_kind);
    /* What only the backend can see of a buffer that is not in host memory. NULL: nothing. */
    parseal_status (*buf_check)(const void *device, const char *name, const parseal_buf *buf);

    /* Key and seed sets, in the memory they are used from. */
    parseal_status (*keys_create)(void **keys, const void *device, int32_t alg,
                                  const uint8_t *bytes, size_t n);
    void (*keys_destroy)(void *keys);
    parseal_status (*seeds_create)(void **seeds, const void *device, const parseal_seed *list,
                                   size_t n);
    void (*seeds_destroy)(void *seeds);
    /* n AES-256 keys of 32 bytes, one after another, for masks of parseal/fcp.h mod modulus.
     * PARSEAL_ERR_UNSUPPORTED where the backend has none mod that. */
    parseal_status (*fcp_create)(void **fcp, const void *device, uint64_t modulus,
                                 const uint8_t *keys, const int32_t *signs, size_t n);
    void (*fcp_destroy)(void *fcp);

    /* A batch on host memory; every msgs[i].status is UNSET on entry. After a failure those that
     * are still UNSET can be run again elsewhere: their inputs are as they were. */
    parseal_status (*batch_run)(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                                bool open);

    /* Memory that vectors live in from call to call, on the device: zeros at first. */
    parseal_status (*memory_create)(const void *device, uint64_t size, parseal_buf *memory);
    void (*memory_destroy)(const void *device, parseal_buf *memory);
    parseal_status (*memory_read)(const void *device, const parseal_buf *memory, void *to);
    parseal_status (*memory_write)(const void *device, const parseal_buf *memory, const void *from);

    /* Opens messages (keys NULL: takes them as they are) and adds what verifies to the sink, which
     * is in such memory. Every status is UNSET on entry; `out` is not used. After a failure acc is
     * lost if *changed, which is false on entry. */
    parseal_status (*accumulate)(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                                 const parseal_sink *sink, bool *changed);

    /* A batch on buffers. `shape` is the API's own copy, complete (no NULL arrays) and outlives the
     * plan. Verdicts in host memory are UNSET when plan_run is called. */
    parseal_status (*plan_create)(void **plan, const void *device, const void *keys,
                                  const parseal_aead_shape *shape);
    void (*plan_destroy)(void *plan);
    uint64_t (*plan_workspace_size)(const void *plan);
    parseal_status (*plan_run)(const void *plan, const parseal_aead_io *io, bool open,
                               void *stream);

    /* Masks: after PARSEAL_ERR_NO_MEMORY acc, where it is in the backend's own memory, is as it was.
     */
    parseal_status (*mask)(const void *device, const void *seeds, const parseal_ring *ring,
                           const parseal_vec *acc, uint64_t first, bool write, void *stream);
    /* ring: of the set's own modulus */
    parseal_status (*fcp_mask)(const void *device, const void *fcp, const parseal_ring *ring,
                               const parseal_vec *acc, uint64_t first, bool write, void *stream);
    parseal_status (*vec_sum)(const void *device, const parseal_ring *ring, const parseal_vec *acc,
                              const parseal_vec *v, size_t n, void *stream);
    /* scale is the format's s; seeds and nonfinite may be NULL. */
    parseal_status (*quantize)(const void *device, const parseal_quant *quant, float scale,
                               const parseal_vec *x, const parseal_vec *q, const void *seeds,
                               uint64_t first, const parseal_buf *nonfinite, void *stream);
    /* mean = sum * step / n_clients - clip, in double and in this order */
    parseal_status (*dequantize)(const void *device, uint32_t element_size, const parseal_vec *sum,
                                 double step, double n_clients, double clip,
                                 const parseal_vec *mean, void *stream);
    parseal_status (*pack)(const void *device, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream);
    parseal_status (*packed_sum)(const void *device, uint32_t bits, const parseal_ring *ring,
                                 const parseal_vec *acc, const parseal_buf *packed, size_t n,
                                 void *stream);
} parseal_backend;

extern const parseal_backend parseal_cpu_backend, parseal_opencl_backend, parseal_cuda_backend;

#endif
