/* The one interface between the API (host/) and the code that computes (fallback/, host/opencl,
 * host/cuda).
 *
 * The API has checked every argument before a backend sees it: sizes, overflow, aliasing,
 * alignment, key indices, rings, buffer kinds. A backend fails only for what it alone can know
 * (memory, device). Calls that need a device's own state on the thread are made by CALL and LET_GO
 * of host/backend/call.h.
 */
#ifndef PARSEAL_HOST_BACKEND_BACKEND_H
#define PARSEAL_HOST_BACKEND_BACKEND_H

#include <stdbool.h>

#include "host/support/algorithms.h"
#include "host/support/error.h"
#include "parseal/fcp.h"
#include "parseal/parseal.h"

/* The primitives, in the order of their numbers: PRIMITIVE(PARSEAL_PRIMITIVE_*, name). */
#define PARSEAL_PRIMITIVE_LIST(PRIMITIVE)         \
    PRIMITIVE(PARSEAL_PRIMITIVE_AEAD, aead)       \
    PRIMITIVE(PARSEAL_PRIMITIVE_MASK, mask)       \
    PRIMITIVE(PARSEAL_PRIMITIVE_VEC_SUM, vec_sum) \
    PRIMITIVE(PARSEAL_PRIMITIVE_QUANT, quant)     \
    PRIMITIVE(PARSEAL_PRIMITIVE_PACK, pack)       \
    PRIMITIVE(PARSEAL_PRIMITIVE_FCP, fcp)

enum {
#define PARSEAL_COUNTED(id, name) +1
    PARSEAL_PRIMITIVES = 0 PARSEAL_PRIMITIVE_LIST(PARSEAL_COUNTED)
#undef PARSEAL_COUNTED
};

/* The wishes of the caller and of the environment that a backend is opened by. */
typedef struct {
    bool named;           /* the caller names this backend; else any that works will do */
    uint32_t cpu_threads; /* as threads_open gave them, or 0: one */
    bool time_kernels;
    uint64_t device_memory;   /* 0: no wish */
    const char *device;       /* a GPU's number or a part of its name; NULL: no wish */
    uintptr_t opencl_context; /* 0: none */
    size_t candidate;         /* how many of the devices that would do are passed over */
    bool *more;               /* set where another candidate follows; NULL: nobody asks */
    const char *cpu_impl[2];  /* from the options and from PARSEAL_CPU; NULL: no limit */
} parseal_request;

enum {
    PARSEAL_USABLE,   /* present on this machine and not excluded */
    PARSEAL_MISSING,  /* this machine lacks what it needs */
    PARSEAL_EXCLUDED, /* the request rules it out */
};

/* The types of the handles that the API keeps. Each backend has its own structs behind them, and
 * one function for each type that casts a handle to its struct. */
typedef struct parseal_device parseal_device; /* one opened backend */
typedef struct backend_keys backend_keys;     /* a set of AEAD keys */
typedef struct backend_seeds backend_seeds;   /* a set of ChaCha20 seeds */
typedef struct backend_fcp backend_fcp;       /* a set of keys of parseal/fcp.h */
typedef struct backend_plan backend_plan;

/* One implementation of one primitive. detail names features that this machine lacks for it, or is
 * NULL. */
typedef struct {
    const char *name;
    const char *detail;
    int32_t state;
} parseal_impl_entry;

/* A vector that updates are added to. An update is acc->n packed elements of `bits` bits. */
typedef struct {
    const parseal_ring *ring;
    uint32_t bits;
    const parseal_vec *acc; /* in a backend's own memory */
    bool short_too;         /* add a short vector by the kernels for long ones, to test them */
} parseal_sink;

/* The status that aead_family.run, when it fails, gives to an item in place whose input it has
 * overwritten already. Callers never see it: the API turns it into UNSET. */
enum { PARSEAL_ITEM_SPOILED = -1 };

/* How the stream number of a set of seeds grows. */
typedef struct {
    uint64_t first, step, runs; /* of the first call; runs is how many calls have one; step 0: it is
                                   what the caller has written to `number` */
    parseal_buf number;         /* with a step it is told there; NONE: nobody asks */
} seeds_counting;

/* The same for a set of parseal/fcp.h, whose AES keys are SHA-256(BE32(bits) || key || tail) with
 * the number, big-endian, in 8 bytes of the tail. */
typedef struct {
    const parseal_fcp_key *keys;
    uint32_t bits;
    const uint8_t *tail;
    size_t tail_size, number_at;
    seeds_counting numbers;
} fcp_counting;

/* Device memory for vectors that outlive a call. */
typedef struct {
    /* The memory is zeroed. */
    parseal_status (*create)(const parseal_device *device, uint64_t size, parseal_buf *memory);
    void (*destroy)(const parseal_device *device, parseal_buf *memory);
    parseal_status (*read)(const parseal_device *device, const parseal_buf *memory, void *to);
    parseal_status (*write)(const parseal_device *device, const parseal_buf *memory,
                            const void *from);
} memory_family;

/* Messages in host memory, and the keys of plans. */
typedef struct {
    /* Takes n keys of alg->key_size bytes, one after another. own_pages: in host memory they get
     * pages of their own. Returns PARSEAL_ERR_UNSUPPORTED where the backend lacks the
     * algorithm. */
    parseal_status (*keys_create)(const parseal_device *device, backend_keys **keys,
                                  const parseal_algorithm *alg, const uint8_t *bytes, size_t n,
                                  bool own_pages);
    void (*keys_destroy)(const parseal_device *device, backend_keys *keys);

    /* Every msgs[i].status is UNSET on entry. After a failure the messages that are still UNSET can
     * be run again elsewhere, as their inputs are unchanged. */
    parseal_status (*run)(const parseal_device *device, const backend_keys *keys, parseal_msg *msgs,
                          size_t n, bool open);

    /* Opens messages and adds the plaintexts of the authentic ones to the sink, which is in the
     * device's memory. Every status is UNSET on entry; `out` is not used. After a failure acc is
     * lost if *changed, which is false on entry. */
    parseal_status (*accumulate)(const parseal_device *device, const backend_keys *keys,
                                 parseal_msg *msgs, size_t n, const parseal_sink *sink,
                                 bool *changed);

    /* Returns true when all of the set is locked in host memory. NULL: the backend cannot know. */
    bool (*keys_locked)(const backend_keys *keys);
} aead_family;

/* Messages in device buffers. */
typedef struct {
    /* `shape` is the API's own copy, complete (no NULL arrays), and outlives the plan; but its
     * nonces, which are there if nonce_step is not 0, last as long as the call. */
    parseal_status (*create)(const parseal_device *device, backend_plan **plan,
                             const backend_keys *keys, const parseal_aead_shape *shape);
    void (*destroy)(const parseal_device *device, backend_plan *plan);
    uint64_t (*workspace_size)(const backend_plan *plan); /* needs no device */

    /* Verdicts in host memory are UNSET on entry. */
    parseal_status (*run)(const parseal_device *device, const backend_plan *plan,
                          const parseal_aead_io *io, bool open, void *stream);
} plan_family;

typedef struct {
    parseal_status (*seeds_create)(const parseal_device *device, backend_seeds **seeds,
                                   const parseal_seed *list, size_t n);
    void (*seeds_destroy)(const parseal_device *device, backend_seeds *seeds);

    /* After PARSEAL_ERR_NO_MEMORY an acc in the backend's own memory is unchanged. The same holds
     * for fcp_apply. */
    parseal_status (*apply)(const parseal_device *device, const backend_seeds *seeds,
                            const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                            bool write, void *stream);

    /* Lets a set that is new count: from then on calls with it have vectors on the device alone.
     * This and fcp_count are called only where the backend has graphs, and else may be NULL. */
    parseal_status (*seeds_count)(const parseal_device *device, backend_seeds *seeds,
                                  const seeds_counting *counting);

    /* Takes n AES-256 keys of 32 bytes, one after another, for masks of parseal/fcp.h mod modulus.
     * Returns PARSEAL_ERR_UNSUPPORTED where the backend has no masks for that modulus. */
    parseal_status (*fcp_create)(const parseal_device *device, backend_fcp **fcp, uint64_t modulus,
                                 const uint8_t *keys, const int32_t *signs, size_t n);
    void (*fcp_destroy)(const parseal_device *device, backend_fcp *fcp);
    /* As seeds_count, for a set with the same n keys. */
    parseal_status (*fcp_count)(const parseal_device *device, backend_fcp *fcp,
                                const fcp_counting *counting);
    /* ring->modulus is the set's. */
    parseal_status (*fcp_apply)(const parseal_device *device, const backend_fcp *fcp,
                                const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                                bool write, void *stream);

    /* The same as keys_locked of aead_family, for seeds. */
    bool (*seeds_locked)(const backend_seeds *seeds);
    bool (*fcp_locked)(const backend_fcp *fcp);
} mask_family;

typedef struct {
    parseal_status (*sum)(const parseal_device *device, const parseal_ring *ring,
                          const parseal_vec *acc, const parseal_vec *v, size_t n, void *stream);
    /* scale is the format's s; seeds and nonfinite may be NULL. */
    parseal_status (*quantize)(const parseal_device *device, const parseal_quant *quant,
                               float scale, const parseal_vec *x, const parseal_vec *q,
                               const backend_seeds *seeds, uint64_t first,
                               const parseal_buf *nonfinite, void *stream);
    /* mean = sum * step / n_clients - clip, in double and in this order */
    parseal_status (*dequantize)(const parseal_device *device, uint32_t element_size,
                                 const parseal_vec *sum, double step, double n_clients, double clip,
                                 const parseal_vec *mean, void *stream);
    parseal_status (*pack)(const parseal_device *device, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream);
    parseal_status (*packed_sum)(const parseal_device *device, uint32_t bits,
                                 const parseal_ring *ring, const parseal_vec *acc,
                                 const parseal_buf *packed, size_t n, void *stream);
} vector_family;

/* A backend: functions for the whole device, and a table for each family. An entry may be NULL only
 * where its comment says what NULL means. */
typedef struct parseal_backend {
    int32_t id;
    bool has_streams;      /* false: callers must pass NULL */
    bool has_graphs;       /* calls can be captured and replayed, and plans and sets can count */
    bool has_long_kernels; /* long messages take other kernels, which the self-test runs too */
    bool fails_whole;      /* a sum that fails has changed nothing */
    uint32_t buf_kind;     /* PARSEAL_BUF_* that it takes beside HOST; HOST: it takes no other */

    /* Where a request fits several devices, each is a candidate, the best first. */
    parseal_status (*open)(parseal_device **device, const parseal_request *request);
    void (*close)(parseal_device *device);
    const char *(*name)(const parseal_device *device);
    const char *(*place)(const parseal_device *device); /* its index; NULL: there is one device */
    uint32_t (*threads)(const parseal_device *device);  /* CPU threads; NULL: 0 */
    /* Returns the seconds that kernels have taken since the device was opened, where the request
     * asked for times. NULL: there are no kernels. */
    double (*kernel_seconds)(const parseal_device *device);

    /* A primitive's implementations, best first, and the function that picks one. Only selection
     * calls them: after it the device never changes. All three NULL: there is one implementation,
     * which has the backend's name. */
    size_t (*impl_count)(const parseal_device *device, int32_t primitive);
    parseal_impl_entry (*impl_entry)(const parseal_device *device, int32_t primitive, size_t index);
    void (*impl_use)(parseal_device *device, int32_t primitive, size_t index);

    /* Checks facts that only the backend can see of a buffer that is not in host memory. NULL:
     * there are none. */
    parseal_status (*buf_check)(const parseal_device *device, const char *name,
                                const parseal_buf *buf);

    /* Returns whether the device was opened before a fork, by an ancestor of this process. Nothing
     * else is then called with it. Set where there is a driver (call.h relies on that). NULL:
     * devices work in a child as they do in its parent. */
    bool (*is_inherited)(const parseal_device *device);

    /* Called before and after a family's functions, on the same thread: `enter` makes the device's
     * own state current there, such as a CUDA context, and `leave` restores the state from before.
     * Calls may be nested. Both NULL: the thread needs no such state. */
    parseal_status (*enter)(const parseal_device *device);
    void (*leave)(const parseal_device *device);

    const memory_family *memory;
    const aead_family *aead;
    const plan_family *plan;
    const mask_family *mask;
    const vector_family *vector;
} parseal_backend;

extern const parseal_backend parseal_cpu_backend, parseal_opencl_backend, parseal_cuda_backend;

#endif
