/* parseal: what every family stands on: the status of a call, versions, contexts, buffers and
 * rings. parseal.h, which includes this header, says what holds for every function.
 */
#ifndef PARSEAL_CORE_H
#define PARSEAL_CORE_H

#include <stddef.h>
#include <stdint.h>

#define PARSEAL_VERSION_MAJOR 0
#define PARSEAL_VERSION_MINOR 1
#define PARSEAL_VERSION_PATCH 0

/* Empty for callers; the library's own build defines it to export these functions. */
#ifndef PARSEAL_API
#define PARSEAL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------ status -- */

typedef int32_t parseal_status;

enum {
    PARSEAL_OK = 0,
    PARSEAL_ERR_ARG = -1,       /* an argument is not one that the function accepts */
    PARSEAL_ERR_SIZE = -2,      /* a size, count or offset is out of bounds or overflows */
    PARSEAL_ERR_ALIAS = -3,     /* buffers overlap in a way that is not "in place" */
    PARSEAL_ERR_AUTH = -4,      /* at least one item is not authentic, or was refused for
                                  another reason that its status tells */
    PARSEAL_ERR_OVERFLOW = -5,  /* the sum of this many quantised updates can exceed the modulus */
    PARSEAL_ERR_NO_MEMORY = -6, /* host or device memory could not be had */
    PARSEAL_ERR_NO_DEVICE = -7, /* the backend, device or instruction set asked for is not here */
    PARSEAL_ERR_SELFTEST = -8,  /* it is here, but computes known answers wrongly */
    PARSEAL_ERR_UNSUPPORTED = -9, /* this context's backend cannot do it, or not with a buffer of
                                     this kind */
    PARSEAL_ERR_DEVICE = -10,     /* a driver or device reported a failure */
    PARSEAL_ERR_FORMAT = -11      /* bytes are not what their format says */
};

/* parseal_status_name returns the enumerator's name ("PARSEAL_ERR_ALIAS"), or
 * "unknown parseal_status". The string is static. */
PARSEAL_API const char *parseal_status_name(parseal_status status);

/* parseal_last_error_text returns one line about the last failure in the calling thread: the
 * argument's name, its value, and what would have been accepted. "" before the first failure;
 * successful calls leave it as it is. Valid until the thread's next failing call. */
PARSEAL_API const char *parseal_last_error_text(void);

/* parseal_version returns the version of the library that is running, "MAJOR.MINOR.PATCH". */
PARSEAL_API const char *parseal_version(void);

/* ----------------------------------------------------------------------------------- context -- */

enum {
    PARSEAL_BACKEND_AUTO =
        0, /* the first of CUDA, OpenCL, CPU that is here and passes its self-test */
    PARSEAL_BACKEND_CPU = 1,
    PARSEAL_BACKEND_OPENCL = 2,
    PARSEAL_BACKEND_CUDA = 3
};

/* The groups of operations that an implementation is chosen for, numbered from 0 without a gap. A
 * later release may have more of them: parseal_primitive_count says how many this one has. */
enum {
    PARSEAL_PRIMITIVE_AEAD = 0,
    PARSEAL_PRIMITIVE_MASK = 1,
    PARSEAL_PRIMITIVE_VEC_SUM = 2,
    PARSEAL_PRIMITIVE_QUANT = 3,
    PARSEAL_PRIMITIVE_PACK = 4,
    PARSEAL_PRIMITIVE_FCP = 5 /* masks of parseal/fcp.h */
};

typedef struct parseal_ctx parseal_ctx;

typedef struct {
    size_t struct_size;
    int32_t backend;      /* PARSEAL_BACKEND_* */
    uint32_t cpu_threads; /* CPU threads per call, at most; 0: as many as the bound. It is what
                             PARSEAL_THREADS or else OMP_NUM_THREADS says, or else the cores that
                             affinity and control groups leave to the process */
    const char *cpu_impl; /* the best CPU implementation to use ("portable", ...); NULL: no limit */
    uint64_t device_memory;   /* bytes of a GPU's memory that one call on host memory may take at
                                 most, 1 MiB or more; 0: a quarter of what is free when it is
                                 made (of all, where the driver does not say: OpenCL). Where less
                                 can be had, the call tries to do with less */
    uintptr_t opencl_context; /* a cl_context, retained: its first device is used, and buffers made
                                 in it can be given to calls; 0: a context of the library's own */
    int32_t time_kernels;     /* not 0: parseal_info.kernel_seconds is kept, which costs a little */
    uint32_t reserved;        /* 0 */
    const char *device;       /* the GPU to use, as PARSEAL_CUDA_DEVICE or PARSEAL_OPENCL_DEVICE
                                 would name it; NULL: no wish. One context is one device: several
                                 may be used at once */
} parseal_options;

#define PARSEAL_OPTIONS_INIT                                                     \
    {                                                                            \
        sizeof(parseal_options), PARSEAL_BACKEND_AUTO, 0, NULL, 0, 0, 0, 0, NULL \
    }

/* parseal_ctx_create opens a backend and stores a context in *ctx.
 *
 * options may be NULL: everything at its default. Environment variables can narrow the choice
 * further but never widen it: PARSEAL_BACKEND (cpu, opencl, cuda; auto or nothing: no wish),
 * PARSEAL_CPU (the name of the best CPU implementation to use), PARSEAL_CUDA_DEVICE ("1", the
 * second device; "GPU-..." or "MIG-...", a whole UUID; or a part of a device's name) and
 * PARSEAL_OPENCL_DEVICE ("0:1", the second device of the first platform; "1", the second of all; or
 * a part of a device's name). A number is an index and never a part of a name. PARSEAL_CUDA_GHASH
 * (clmad, mma, integer) is how AES-GCM hashes on CUDA, else what is fastest on the device.
 * Of the devices that fit, or of all, the first that is usable is taken: one that is too old, in
 * exclusive use or fails its self-test is passed over, and parseal_ctx_info says so. CUDA needs
 * compute capability 7.5 or more, and works in the device's primary context, which frameworks
 * share. AUTO takes OpenCL devices only if they are GPUs or are named so; OpenCL asked for by name
 * takes the first usable GPU, or else the first usable device.
 * Each implementation computes known answers before it is used; one that fails is passed over and
 * parseal_ctx_info says so. Without memory for that nothing is passed over: PARSEAL_ERR_NO_MEMORY.
 * But AUTO takes a GPU that has no memory left as one that does not work.
 *
 * A backend or implementation that is asked for by name is never replaced by another one.
 *
 * Errors: PARSEAL_ERR_ARG (an unknown name in options or environment), PARSEAL_ERR_NO_DEVICE,
 * PARSEAL_ERR_SELFTEST. *ctx is then left as it was. */
PARSEAL_API parseal_status parseal_ctx_create(parseal_ctx **ctx, const parseal_options *options);

/* parseal_ctx_destroy drops the caller's reference; the context's memory goes when the last object
 * made from it has gone. */
PARSEAL_API void parseal_ctx_destroy(parseal_ctx *ctx);

typedef struct {
    size_t struct_size;
    int32_t backend;       /* the one picked: never PARSEAL_BACKEND_AUTO */
    uint32_t cpu_threads;  /* threads that a large call on the CPU will use */
    char device[128];      /* the device's own name */
    char reason[512];      /* why this backend, and what was passed over and why */
    uint64_t cpu_finished; /* batches that the CPU has finished after the GPU had failed in them */
    double kernel_seconds; /* that a GPU has computed for this context, copies and waiting not
                              included, on queues of the library or with profiling enabled */
} parseal_info;

#define PARSEAL_INFO_INIT                          \
    {                                              \
        sizeof(parseal_info), 0, 0, {0}, {0}, 0, 0 \
    }

/* parseal_ctx_info fills *info with what was picked and why. info->struct_size must be set. */
PARSEAL_API parseal_status parseal_ctx_info(const parseal_ctx *ctx, parseal_info *info);

typedef struct {
    size_t struct_size;
    char impl[32];      /* the implementation picked */
    uint64_t crossover; /* where AUTO has picked a GPU: calls on host memory of fewer bytes than
                           this run on the CPU, which is faster; UINT64_MAX: all of them */
} parseal_primitive_info;

#define PARSEAL_PRIMITIVE_INFO_INIT            \
    {                                          \
        sizeof(parseal_primitive_info), {0}, 0 \
    }

/* parseal_ctx_primitive fills *info with what was picked for one primitive. info->struct_size must
 * be set.
 *
 * Errors: PARSEAL_ERR_ARG (primitive is none of this release's). */
PARSEAL_API parseal_status parseal_ctx_primitive(const parseal_ctx *ctx, int32_t primitive,
                                                 parseal_primitive_info *info);

/* parseal_primitive_count returns how many primitives this library has: their numbers are those
 * from 0 to one less. */
PARSEAL_API int32_t parseal_primitive_count(void);

/* parseal_backend_name returns "auto", "cpu", "opencl", "cuda", or "unknown". */
PARSEAL_API const char *parseal_backend_name(int32_t backend);

/* parseal_primitive_name returns "aead", "mask", "vec_sum", "quant", "pack", "fcp", or "unknown".
 */
PARSEAL_API const char *parseal_primitive_name(int32_t primitive);

enum {
    PARSEAL_IMPL_FAILED = -1,   /* here, and wrong: it is never used */
    PARSEAL_IMPL_NOT_BUILT = 0, /* this library was built without it */
    PARSEAL_IMPL_ABSENT = 1,    /* built, but this machine cannot run it */
    PARSEAL_IMPL_PASSED = 2     /* here, and its known answers are right */
};

typedef struct {
    size_t struct_size;
    int32_t backend;
    int32_t primitive; /* PARSEAL_PRIMITIVE_*, or -1 where the row stands for a whole backend */
    int32_t state;     /* PARSEAL_IMPL_* */
    uint32_t reserved; /* 0 */
    char name[32];
    char device[128];
    char detail[192]; /* what is missing, or which known answer failed */
} parseal_impl;

#define PARSEAL_IMPL_INIT                           \
    {                                               \
        sizeof(parseal_impl), 0, 0, 0, 0, {0}, {0}, \
        {                                           \
            0                                       \
        }                                           \
    }

/* parseal_impl_count returns how many implementations parseal_impl_test knows: those of every
 * backend, present or not, best first within each primitive. Environment variables do not narrow
 * it. */
PARSEAL_API size_t parseal_impl_count(void);

/* parseal_impl_test runs the known answers on implementation `index` alone and fills *impl. A
 * failing self-test is a state, not an error. impl->struct_size must be set.
 *
 * Errors: PARSEAL_ERR_SIZE when index >= parseal_impl_count(). */
PARSEAL_API parseal_status parseal_impl_test(size_t index, parseal_impl *impl);

/* ----------------------------------------------------------------------------------- buffers -- */

enum {
    PARSEAL_BUF_NONE = 0,  /* absent: all fields zero */
    PARSEAL_BUF_HOST = 1,  /* handle: the pointer */
    PARSEAL_BUF_CUDA = 2,  /* handle: a CUdeviceptr of the context's device */
    PARSEAL_BUF_OPENCL = 3 /* handle: a cl_mem of the context's cl_context */
};

/* size bytes that begin `offset` bytes after what handle stands for. Two buffers of different
 * kinds, or on different cl_mem, never alias. */
typedef struct {
    uint32_t kind; /* PARSEAL_BUF_* */
    uint32_t reserved;
    uintptr_t handle;
    uint64_t offset;
    uint64_t size;
} parseal_buf;

/* n elements in a buffer; buf.size must be exactly n times the element's size, and the first
 * element must be aligned to that size. */
typedef struct {
    parseal_buf buf;
    uint64_t n;
} parseal_vec;

static inline parseal_buf parseal_host_buf(const void *p, uint64_t size)
{
    parseal_buf result;
    result.kind = PARSEAL_BUF_HOST;
    result.reserved = 0;
#ifdef __cplusplus
    result.handle = reinterpret_cast<uintptr_t>(p); /* compilers can warn of the casts of C */
#else
    result.handle = (uintptr_t)p;
#endif
    result.offset = 0;
    result.size = size;
    return result;
}

/* n elements of element_size bytes at p. A product that overflows gives a buffer that every
 * function refuses. */
static inline parseal_vec parseal_host_vec(const void *p, uint64_t n, uint32_t element_size)
{
    const int overflows = element_size != 0 && n > UINT64_MAX / element_size;
    parseal_vec result;
    result.buf = parseal_host_buf(p, overflows ? UINT64_MAX : n * element_size);
    result.n = n;
    return result;
}

/* -------------------------------------------------------------------------------------- ring -- */

/* The integers mod `modulus`, 2 to 2^64 (0 stands for 2^64), stored in 4 bytes (modulus <= 2^32)
 * or in 8. What a function reads as a ring element may be any value of the storage type; what it
 * writes is in [0, modulus). */
typedef struct {
    uint64_t modulus;
    uint32_t element_size; /* 4 or 8 */
    uint32_t reserved;     /* 0 */
} parseal_ring;

/* -------------------------------------------------------------------------------------- sets -- */

/* What is known of a set of keys or of seeds. */
typedef struct {
    size_t struct_size;
    uint64_t n;     /* keys or seeds */
    int32_t alg;    /* of keys: PARSEAL_AES256GCM, ...; of seeds: 0 */
    int32_t locked; /* 1: all of the set lies in memory that is locked, in the process that made it,
                       and so is never written to a swap device. 0: it is not, for instance above
                       RLIMIT_MEMLOCK, or the library cannot know, as of a GPU's memory */
} parseal_set_info;

#define PARSEAL_SET_INFO_INIT             \
    {                                     \
        sizeof(parseal_set_info), 0, 0, 0 \
    }

#ifdef __cplusplus
}
#endif

#endif
