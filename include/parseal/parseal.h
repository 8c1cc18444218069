/* parseal: parallel sealing of parameters.
 *
 * Encrypts, masks and aggregates very large parameter vectors. Three families of operation, each
 * giving the same bytes on every backend:
 *
 *   aead   batched AES-128-GCM and AES-256-GCM (NIST SP 800-38D)
 *   mask   ChaCha20 (RFC 8439) keystream expanded to elements of Z_m and added to a vector;
 *          parseal/fcp.h: masks of Google's fcp/secagg
 *   vec    sums mod m, quantise / dequantise, pack / unpack
 *
 * Upon these: parseal/aggregator.h (a server's sum), parseal/secagg.h (graphs, shares, pairwise
 * seeds), parseal/sealed.h (sealed files), and parseal/nccl.h and parseal/mpi.h (sums of many).
 *
 * WHAT HOLDS FOR EVERY FUNCTION
 *
 * Status. A function that can fail returns parseal_status: PARSEAL_OK (0), or a negative error.
 * It covers checking the arguments and enqueueing the work. An error found in the arguments has
 * changed nothing, neither outputs nor objects. parseal_last_error_text() then names the argument
 * and the value that were wrong. The library never aborts, prints or throws.
 *
 *   Errors that any function may return, and that are therefore not repeated below:
 *   PARSEAL_ERR_ARG (a NULL where an object or array is needed, an unknown enumerator, a
 * struct_size this release does not know), PARSEAL_ERR_NO_MEMORY, and PARSEAL_ERR_DEVICE (a driver
 * call failed).
 *
 * Structs. Those that begin with struct_size may grow at the end in later releases; start from
 * their _INIT macro and set fields by name. All others are fixed for the life of the SONAME.
 *
 * Units. `size`, `len` and `offset` are bytes; `n`, `count` and `first` are elements or items.
 *
 * Elements. Ring elements and packed vectors lie in memory little-endian whatever the host is;
 * float arrays are in the host's own byte order.
 *
 * Ownership. parseal_*_create copies what it is given; the caller may wipe its own copy at once.
 * Objects hold a reference to what they were made from, so they may be destroyed in any order, but
 * only when the work that uses them on streams has finished. Destroying NULL does nothing.
 *
 * Concurrency. Contexts, key sets, seed sets and plans are immutable after creation: any number of
 * threads may use one at the same time. Destroying an object while another thread still uses that
 * same object is an error of the caller. An aggregator and a stream take one call at a time each.
 * There is no global initialisation.
 *
 * Streams. The last argument of a device-level function is the backend's native queue (CUstream,
 * cl_command_queue), on which the call's work is enqueued, or NULL: the call has then finished when
 * it returns. A CPU context takes NULL only (PARSEAL_ERR_ARG otherwise). On a GPU a call with any
 * buffer in host memory copies it there and back, and has finished too; with device buffers alone
 * and a stream it copies, allocates and waits for nothing, and may be captured in a CUDA graph.
 *
 * Aliasing. aead works in place: `in` and `out` of a message may be the same bytes, beginning and
 * length. Any other overlap between what a call writes and what it reads or writes elsewhere is
 * PARSEAL_ERR_ALIAS. Inputs may overlap each other freely.
 */
#ifndef PARSEAL_H
#define PARSEAL_H

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
    uint32_t cpu_threads; /* CPU threads per call, at most; 0: as many as OpenMP would use.
                             OMP_NUM_THREADS bounds it either way */
    const char *cpu_impl; /* the best CPU implementation to use ("portable", ...); NULL: no limit */
    uint64_t device_memory;   /* bytes of a GPU's memory that one call on host memory may take at
                                 most, 1 MiB or more; 0: a quarter of what it has */
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
 * further but never widen it: PARSEAL_BACKEND (cpu, opencl, cuda), PARSEAL_CPU (the name of the
 * best CPU implementation to use), PARSEAL_CUDA_DEVICE ("1", the second device, or a part of a
 * device's name) and PARSEAL_OPENCL_DEVICE ("0:1", the second device of the first platform, or a
 * part of a device's name). CUDA takes the first device, of compute capability 7.5 or more, and
 * works in its primary context, which frameworks share. AUTO takes OpenCL devices only if they are
 * GPUs or are named so; OpenCL asked for by name takes the first GPU, or else the first device.
 * Each implementation computes known answers before it is used; one that fails is passed over and
 * parseal_ctx_info says so.
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

/* -------------------------------------------------------------------------------------- aead -- */

/* AES-GCM as in NIST SP 800-38D, with 96-bit nonces and 128-bit tags only.
 *
 * A NONCE MUST NEVER REPEAT UNDER ONE KEY: two messages under the same pair reveal the XOR of
 * their plaintexts and the authentication key. Use a counter (SP 800-38D section 8.2.1), or at most
 * 2^32 random nonces per key (section 8.3). Under one key, stay below 2^32 messages with random
 * nonces; a message has at most 2^36 - 32 bytes (section 5.2.1.1). */
#define PARSEAL_AES128GCM_KEYBYTES   16u
#define PARSEAL_AES256GCM_KEYBYTES   32u
#define PARSEAL_AES128GCM_NONCEBYTES 12u
#define PARSEAL_AES256GCM_NONCEBYTES 12u
#define PARSEAL_NONCEBYTES_MAX       24u /* of any algorithm, those of later releases included */
#define PARSEAL_TAGBYTES             16u
#define PARSEAL_MESSAGEBYTES_MAX     UINT64_C(68719476704) /* 2^36 - 32: what every algorithm takes */
#define PARSEAL_AADBYTES_MAX         (UINT64_MAX / 8)      /* 2^61 - 1 */

enum {
    PARSEAL_AES128GCM = 1, /* 16-byte keys */
    PARSEAL_AES256GCM = 2  /* 32-byte keys */
};

/* The sizes of an algorithm, in bytes. */
typedef struct {
    size_t struct_size;
    char name[32]; /* "aes-256-gcm", ... */
    uint32_t key_size;
    uint32_t nonce_size;  /* at most PARSEAL_NONCEBYTES_MAX */
    uint32_t tag_size;    /* PARSEAL_TAGBYTES */
    uint32_t reserved;    /* 0 */
    uint64_t message_max; /* of a message: PARSEAL_MESSAGEBYTES_MAX or more */
} parseal_alg;

#define PARSEAL_ALG_INIT                        \
    {                                           \
        sizeof(parseal_alg), {0}, 0, 0, 0, 0, 0 \
    }

/* parseal_alg_info fills *info with the sizes of algorithm alg. info->struct_size must be set.
 *
 * Errors: PARSEAL_ERR_ARG (alg is none of this release's). */
PARSEAL_API parseal_status parseal_alg_info(int32_t alg, parseal_alg *info);

/* The verdict on one item. Zeroed memory never reads as authentic. */
enum {
    PARSEAL_ITEM_UNSET = 0,  /* not looked at: the call failed before, or has not finished */
    PARSEAL_ITEM_OK = 1,     /* sealed, or opened and authentic */
    PARSEAL_ITEM_BAD_TAG = 2 /* not authentic; its output is zeroed */
};

typedef struct parseal_keys parseal_keys;

/* parseal_keys_create expands n keys of algorithm alg, which lie one after another in `keys`, and
 * stores the set in *set. One set holds the keys of a whole batch: one for all, or one per client.
 * They are kept in guarded, read-only memory (on a GPU: device memory), and wiped with the set.
 *
 * Errors: PARSEAL_ERR_SIZE (n is 0, or above 2^32 - 1). */
PARSEAL_API parseal_status parseal_keys_create(parseal_keys **set, parseal_ctx *ctx, int32_t alg,
                                               const uint8_t *keys, size_t n);
PARSEAL_API void parseal_keys_destroy(parseal_keys *set);

/* One message of a host-level batch. */
typedef struct {
    const void *in; /* len bytes; may be NULL where len is 0 */
    void *out;      /* len bytes; may be `in` itself */
    size_t len;
    const void *aad; /* aad_len bytes, authenticated only; may be NULL where aad_len is 0 */
    size_t aad_len;
    uint8_t nonce[PARSEAL_NONCEBYTES_MAX]; /* as many bytes as the algorithm's nonce has, and zeros
                                              behind them */
    uint8_t tag[PARSEAL_TAGBYTES];         /* written by seal, read by open */
    uint32_t key;                          /* index into the key set */
    int32_t status;                        /* out: PARSEAL_ITEM_* */
} parseal_msg;

/* parseal_seal encrypts and authenticates n messages (SP 800-38D, algorithm 4): out, tag and
 * status of each are written. Any alignment. Blocking; large batches and large messages are spread
 * over the device or the CPU's threads. n may be 0.
 *
 * Where AUTO has picked a GPU, small batches run on the CPU, and the CPU finishes what the GPU has
 * failed in (parseal_info).
 *
 * Errors: PARSEAL_ERR_SIZE (a len or aad_len above its limit, a key index outside the set),
 * PARSEAL_ERR_ALIAS (an out overlaps anything but its own in, or the msgs array). The batch is
 * then untouched. On PARSEAL_ERR_NO_MEMORY and PARSEAL_ERR_DEVICE every status that is not
 * PARSEAL_ITEM_OK marks an item whose out and tag must not be used. */
PARSEAL_API parseal_status parseal_seal(const parseal_keys *keys, parseal_msg *msgs, size_t n);

/* parseal_open checks and decrypts n messages (SP 800-38D, algorithm 5). No byte of plaintext is
 * written before its tag has been verified: the data is gone over twice, so nobody may change it
 * while the call works. An item that fails gets PARSEAL_ITEM_BAD_TAG and an
 * out of zeros (in place: its ciphertext is lost); the others are still opened. *n_failed counts
 * them; n_failed may be NULL.
 *
 * Errors: PARSEAL_ERR_AUTH (at least one item failed), and those of parseal_seal. */
PARSEAL_API parseal_status parseal_open(const parseal_keys *keys, parseal_msg *msgs, size_t n,
                                        size_t *n_failed);

/* ----------------------------------------------------------------------------- device buffers --
 */

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
    result.handle = (uintptr_t)p;
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

/* --------------------------------------------------------------------- aead on device buffers --
 */

/* The shape of a batch: everything that is not secret and not data. All arrays have n entries, lie
 * in host memory, and are copied. Offsets are relative to the buffers of parseal_aead_io. */
typedef struct {
    size_t struct_size;
    size_t n;
    const uint64_t *len;
    const uint64_t *in_offset;
    const uint64_t *out_offset; /* NULL: the same as in_offset */
    const uint64_t *aad_len;    /* NULL: no message has aad */
    const uint64_t *aad_offset; /* needed exactly where aad_len is given */
    const uint32_t *key;        /* NULL: key 0 for all */
} parseal_aead_shape;

#define PARSEAL_AEAD_SHAPE_INIT                                           \
    {                                                                     \
        sizeof(parseal_aead_shape), 0, NULL, NULL, NULL, NULL, NULL, NULL \
    }

typedef struct {
    size_t struct_size;
    parseal_buf in, out;   /* may be the same bytes, if the shape's in and out offsets are equal */
    parseal_buf aad;       /* PARSEAL_BUF_NONE where no message has aad */
    parseal_buf nonce;     /* n nonces of the size that the keys' algorithm has, without gaps */
    parseal_buf tag;       /* n * 16 bytes: written by seal, read by open */
    parseal_buf verdict;   /* n int32_t, aligned to 4: PARSEAL_ITEM_* */
    parseal_buf workspace; /* at least parseal_plan_workspace_size bytes, aligned to 16;
                              one per call in flight; its contents need not be kept */
} parseal_aead_io;

#define PARSEAL_AEAD_IO_INIT                                                        \
    {                                                                               \
        sizeof(parseal_aead_io), {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, \
            {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0},                      \
        {                                                                           \
            0, 0, 0, 0, 0                                                           \
        }                                                                           \
    }

typedef struct parseal_plan parseal_plan;

/* parseal_plan_create prepares a batch of this shape for these keys and uploads what the device
 * needs of it once. A plan may be run any number of times, with fresh nonces each time it seals.
 *
 * Errors: PARSEAL_ERR_SIZE (a len or aad_len above its limit, offset + len overflows, a key index
 * outside the set), PARSEAL_ERR_ALIAS (two outputs overlap). */
PARSEAL_API parseal_status parseal_plan_create(parseal_plan **plan, const parseal_keys *keys,
                                               const parseal_aead_shape *shape);
PARSEAL_API void parseal_plan_destroy(parseal_plan *plan);

/* parseal_plan_workspace_size returns the bytes that a run needs as workspace; may be 0, then
 * io->workspace may be PARSEAL_BUF_NONE. 0 for NULL. */
PARSEAL_API uint64_t parseal_plan_workspace_size(const parseal_plan *plan);

/* parseal_plan_seal and parseal_plan_open do to buffers what parseal_seal and parseal_open do to
 * messages. They allocate nothing and do not synchronise. Since they may return before the work is
 * done, a tag that does not match is not in the return value: it is in io->verdict, which is
 * PARSEAL_ITEM_UNSET from the moment the work starts until the item's tag has been checked.
 *
 * Errors: PARSEAL_ERR_SIZE (a buffer is smaller than the shape needs), PARSEAL_ERR_ALIAS,
 * PARSEAL_ERR_UNSUPPORTED (a buffer's kind). Nothing has then been enqueued. */
PARSEAL_API parseal_status parseal_plan_seal(const parseal_plan *plan, const parseal_aead_io *io,
                                             void *stream);
PARSEAL_API parseal_status parseal_plan_open(const parseal_plan *plan, const parseal_aead_io *io,
                                             void *stream);

/* -------------------------------------------------------------------------------------- ring -- */

/* The integers mod `modulus`, 2 to 2^64 (0 stands for 2^64), stored in 4 bytes (modulus <= 2^32)
 * or in 8. What a function reads as a ring element may be any value of the storage type; what it
 * writes is in [0, modulus). */
typedef struct {
    uint64_t modulus;
    uint32_t element_size; /* 4 or 8 */
    uint32_t reserved;     /* 0 */
} parseal_ring;

/* -------------------------------------------------------------------------------------- mask -- */

#define PARSEAL_SEEDBYTES     32u
#define PARSEAL_STREAMIDBYTES 8u

/* One mask: the PRG's key, the stream under that key (a round's number, say), and whether the
 * mask is added or subtracted.
 *
 * PRG(seed)[i], for a ring with elements of w bytes, is (parseal format `chacha20`):
 *   1. k = bit length of modulus - 1; t = 0.
 *   2. Take w bytes at byte i * w of the RFC 8439 ChaCha20 keystream under `key`, with nonce
 *      LE32(t) || stream_id and block counter starting at 0; read them little-endian, keep k bits.
 *   3. A value below modulus is the element; else t = t + 1, and again from 2.
 * It is exactly uniform, and element i does not depend on the others. */
typedef struct {
    uint8_t key[PARSEAL_SEEDBYTES];
    uint8_t stream_id[PARSEAL_STREAMIDBYTES];
    int32_t sign; /* +1 or -1 */
} parseal_seed;

typedef struct parseal_seeds parseal_seeds;

/* parseal_seeds_create copies n seeds into guarded, read-only memory (on a GPU: device memory) and
 * stores the set in *set. The set is wiped when it is destroyed. n may be 0: a set that adds
 * nothing.
 *
 * Errors: PARSEAL_ERR_ARG (a sign other than +1 and -1), PARSEAL_ERR_SIZE (n above 2^31 - 1). */
PARSEAL_API parseal_status parseal_seeds_create(parseal_seeds **set, parseal_ctx *ctx,
                                                const parseal_seed *seeds, size_t n);
PARSEAL_API void parseal_seeds_destroy(parseal_seeds *set);

/* parseal_mask_apply: acc[i] = (acc[i] + sum_j sign_j * PRG(seed_j)[first + i]) mod m, reading and
 * writing acc once however many seeds there are.
 *
 * parseal_mask_write: out[i] = (sum_j sign_j * PRG(seed_j)[first + i]) mod m.
 *
 * `first` is the index of the vector's first element in the whole mask, so that a vector may be cut
 * over calls, threads and devices.
 *
 * A set of parseal_fcp_seeds_create has masks of its own ring and length: see parseal/fcp.h.
 *
 * Errors: PARSEAL_ERR_SIZE (vector and ring disagree; first + n reaches past the keystream, which
 * has 2^38 bytes), PARSEAL_ERR_UNSUPPORTED (a buffer's kind). */
PARSEAL_API parseal_status parseal_mask_apply(const parseal_seeds *seeds, const parseal_ring *ring,
                                              const parseal_vec *acc, uint64_t first, void *stream);
PARSEAL_API parseal_status parseal_mask_write(const parseal_seeds *seeds, const parseal_ring *ring,
                                              const parseal_vec *out, uint64_t first, void *stream);

/* ------------------------------------------------------------------------------------ vectors --
 */

/* parseal_vec_sum: acc[i] = (acc[i] + sum_j v[j][i]) mod m for n vectors, reading and writing acc
 * once. n may be 0: acc is reduced mod m.
 *
 * Errors: PARSEAL_ERR_SIZE (a vector's length is not acc's; n above 2^31 - 1), PARSEAL_ERR_ALIAS (a
 * v[j] overlaps acc), PARSEAL_ERR_UNSUPPORTED (a buffer's kind). */
PARSEAL_API parseal_status parseal_vec_sum(parseal_ctx *ctx, const parseal_ring *ring,
                                           const parseal_vec *acc, const parseal_vec *v, size_t n,
                                           void *stream);

enum { PARSEAL_FLOAT32 = 1, PARSEAL_BFLOAT16 = 2, PARSEAL_FLOAT16 = 3 };
enum { PARSEAL_ROUND_NEAREST = 1, PARSEAL_ROUND_STOCHASTIC = 2 };

/* How floats become ring elements: [-clip, clip] is mapped onto 0 .. 2^bits - 1. */
typedef struct {
    size_t struct_size;
    float clip;            /* c: > 0, <= FLT_MAX / 2, (2^bits - 1) / (2c) a normal float32 */
    uint32_t bits;         /* b: 1 to 24 */
    int32_t rounding;      /* PARSEAL_ROUND_* */
    int32_t float_type;    /* PARSEAL_FLOAT32, ...: of the floats that are read */
    uint32_t element_size; /* 4 or 8: of the integers */
    uint32_t reserved;     /* 0 */
} parseal_quant;

#define PARSEAL_QUANT_INIT                                                               \
    {                                                                                    \
        sizeof(parseal_quant), 0.0f, 16, PARSEAL_ROUND_STOCHASTIC, PARSEAL_FLOAT32, 4, 0 \
    }

/* parseal_quantize: q[i] = the integer that stands for x[i] (the same bytes on every backend).
 *   1. x to float32, exactly. A value that is not finite counts as 0 and in *nonfinite.
 *   2. x = min(max(x, -c), c)
 *   3. u = min(fl(fl(x + c) * s), 2^b - 1), s = float32((2^b - 1) / (2c)), no contraction
 *   4. k = floor(u), f = u - k. Stochastic: q = k + (floor(f * 2^32) > r), r = element first + i
 *      of seed 0's mask over the ring (2^32, 4 bytes); nearest: q = k + (f >= 0.5); at most 2^b
 * - 1.
 *
 * seed: a set of exactly one ChaCha20 seed where rounding is stochastic (its sign is not used),
 * NULL where it is nearest. NEVER use one seed both as a mask and for rounding. nonfinite: 8 bytes,
 * aligned to 8, that receive the count as a uint64_t; NULL: not wanted.
 *
 * Errors: PARSEAL_ERR_ARG (clip, bits or rounding out of range; seed given or missing against the
 * rounding), PARSEAL_ERR_SIZE (lengths differ; first + n past the keystream), PARSEAL_ERR_ALIAS,
 * PARSEAL_ERR_UNSUPPORTED (a buffer's kind; a clip below 2^-100 on a device that has no subnormal
 * numbers). */
PARSEAL_API parseal_status parseal_quantize(parseal_ctx *ctx, const parseal_quant *quant,
                                            const parseal_vec *x, const parseal_vec *q,
                                            const parseal_seeds *seed, uint64_t first,
                                            const parseal_buf *nonfinite, void *stream);

/* parseal_dequantize: mean[i] = sum[i] * (2c / (2^b - 1)) / n_clients - c, computed in double and
 * rounded to float32; a device without double may differ by 1 ulp. sum[i] is the sum of n_clients
 * quantised values, not reduced; mean is float32. quant->rounding and quant->float_type are not
 * used.
 *
 * Errors: PARSEAL_ERR_ARG (clip or bits out of range, n_clients 0), PARSEAL_ERR_SIZE (lengths
 * differ), PARSEAL_ERR_ALIAS, PARSEAL_ERR_UNSUPPORTED. */
PARSEAL_API parseal_status parseal_dequantize(parseal_ctx *ctx, const parseal_quant *quant,
                                              const parseal_vec *sum, uint64_t n_clients,
                                              const parseal_vec *mean, void *stream);

/* parseal_quant_check says whether the sum of n_clients values of `bits` bits always fits the
 * ring: n_clients * (2^bits - 1) < modulus. A sum that does not fit wraps silently and gives a
 * wrong mean, so ask before a round begins.
 *
 * Errors: PARSEAL_ERR_OVERFLOW (it may not fit: parseal_last_error_text says how many clients, or
 * which modulus, would do), PARSEAL_ERR_ARG (bits not in 1..24, n_clients 0, not a ring). */
PARSEAL_API parseal_status parseal_quant_check(uint64_t n_clients, uint32_t bits,
                                               const parseal_ring *ring);

/* parseal_packed_size stores in *size the bytes that n elements of `bits` bits take:
 * ceil(n * bits / 8).
 *
 * Errors: PARSEAL_ERR_ARG (bits not in 1..64), PARSEAL_ERR_SIZE (the size overflows). */
PARSEAL_API parseal_status parseal_packed_size(uint64_t n, uint32_t bits, uint64_t *size);

/* parseal_pack writes the low `bits` bits of each element to a little-endian bit stream: element i
 * takes bits [i * bits, (i + 1) * bits), the last byte is padded with zeros. parseal_unpack reads
 * it back; padding is not looked at. Elements are element_size = 4 or 8 bytes; bits is 1 to 8 *
 * element_size. packed.size must be exactly what parseal_packed_size says; any alignment.
 *
 * Errors: PARSEAL_ERR_ARG (bits, element_size), PARSEAL_ERR_SIZE, PARSEAL_ERR_ALIAS,
 * PARSEAL_ERR_UNSUPPORTED. */
PARSEAL_API parseal_status parseal_pack(parseal_ctx *ctx, uint32_t bits, uint32_t element_size,
                                        const parseal_vec *elements, const parseal_buf *packed,
                                        void *stream);
PARSEAL_API parseal_status parseal_unpack(parseal_ctx *ctx, uint32_t bits, uint32_t element_size,
                                          const parseal_buf *packed, const parseal_vec *elements,
                                          void *stream);

/* parseal_packed_sum: acc[i] = (acc[i] + sum_j unpacked(packed[j])[i]) mod m for n packed vectors
 * of acc.n elements of `bits` bits each, without unpacking them to memory. n may be 0: acc is
 * reduced mod m. bits is 1 to 8 * ring->element_size; each packed[j].size must be exactly what
 * parseal_packed_size says; any alignment.
 *
 * Errors: PARSEAL_ERR_ARG (bits), PARSEAL_ERR_SIZE (a packed[j].size; n above 2^31 - 1),
 * PARSEAL_ERR_ALIAS (a packed[j] overlaps acc), PARSEAL_ERR_UNSUPPORTED (a buffer's kind). */
PARSEAL_API parseal_status parseal_packed_sum(parseal_ctx *ctx, uint32_t bits,
                                              const parseal_ring *ring, const parseal_vec *acc,
                                              const parseal_buf *packed, size_t n, void *stream);

#ifdef __cplusplus
}
#endif

#endif
