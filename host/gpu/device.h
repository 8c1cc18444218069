/* What the backends for GPUs share: a device, its memory, its streams and its kernels, as far as
 * the files of this folder need them. Each backend (host/opencl, host/cuda) puts a driver behind
 * it. */
#ifndef PARSEAL_HOST_GPU_DEVICE_H
#define PARSEAL_HOST_GPU_DEVICE_H

#include <pthread.h>

#include "host/backend/backend.h"
#include "kernels/common/launch.h"

/* A cl_mem or a CUdeviceptr; 0: none. */
typedef uintptr_t gpu_memory;

/* From byte `at` on. */
typedef struct {
    gpu_memory memory;
    uint64_t at;
} gpu_place;

/* A cl_command_queue or a CUstream. Other people's may be out of order. */
typedef struct {
    void *handle;
    bool ordered;
} gpu_stream;

/* Host memory that the device copies from and to at its full speed. */
typedef struct {
    uint8_t *host;
    gpu_memory memory; /* what it belongs to, where the driver needs that */
} gpu_pinned;

/* One for each file of kernels. */
typedef enum {
    GPU_AEAD,
    GPU_AEAD_ADD,
    GPU_MASK,
    GPU_SUM,
    GPU_QUANT,
    GPU_PACK,
    GPU_FCP,
    GPU_PROGRAMS
} gpu_program;

struct gpu_stage;
struct gpu_keys;
struct gpu_table;
struct gpu_aead_io;
typedef struct gpu_driver gpu_driver;

/* What changes while a device is used, under one lock. */
typedef struct {
    pthread_mutex_t lock;
    struct gpu_stage *spare; /* memory that no call is using (stage.h), or NULL */
} gpu_shared;

/* The first member of each backend's own device. */
typedef struct {
    const gpu_driver *driver;
    gpu_shared *shared;
    gpu_stream own; /* in order */
    char name[128];
    bool has_subnormals;
    uint64_t buffer_max; /* bytes of one buffer */
    uint64_t budget;     /* bytes that a staged call may take on the device */
    uint32_t copy_threads;
    uint32_t add_tiles; /* that keep all of it busy with aead_add */
} gpu_device;

/* What the API knows as a device. */
static inline const gpu_device *gpu_of(const parseal_device *device)
{
    return (const gpu_device *)device; /* its first member */
}

/* The device that the options and the environment ask for; both, where both do. */
typedef struct {
    const char *option, *variable, *value; /* NULL or "": no wish */
} gpu_wish;

gpu_wish gpu_wish_of(const parseal_request *request, const char *variable);
bool gpu_wishes(const gpu_wish *wish); /* whether there is a wish at all */

/* place: its number, as the driver's users write it */
bool gpu_is_wished(const gpu_wish *wish, const char *place, const char *name);
parseal_status gpu_wish_failed(const gpu_wish *wish);

/* What else the caller wants, on a device of so much memory. */
parseal_status gpu_take_options(gpu_device *d, uint64_t memory, const parseal_request *request);

parseal_status gpu_shared_open(gpu_device *d);

/* Lets go of what is spare, too. */
void gpu_shared_close(gpu_device *d);

/* ------------------------------------------------------------------------------------ launch -- */

enum { GPU_ARGS_MAX = 20, GPU_VALUES_MAX = 128 };

typedef enum {
    GPU_VALUE,  /* bytes */
    GPU_MEMORY, /* a whole memory */
    GPU_PLACE,  /* a memory from a byte on */
    GPU_INPUTS, /* places of as many inputs as the driver's kernels take at once */
} gpu_arg_kind;

typedef struct {
    gpu_arg_kind kind;
    uint32_t at, size; /* of a value, in the launch's values */
    gpu_place place;   /* for inputs that there are not, too */
    const gpu_place *inputs;
    size_t n_inputs;
} gpu_arg;

/* One run of a kernel: its arguments one after the other, then gpu_launch_run. */
typedef struct {
    const gpu_device *device;
    gpu_program program;
    const char *kernel;
    uint32_t n_args, n_values;
    gpu_arg arg[GPU_ARGS_MAX];
    uint8_t value[GPU_VALUES_MAX];
} gpu_launch;

void gpu_launch_begin(gpu_launch *launch, const gpu_device *d, gpu_program program,
                      const char *kernel);
void gpu_arg_value(gpu_launch *launch, const void *value, size_t size);
void gpu_arg_u32(gpu_launch *launch, uint32_t value);
void gpu_arg_u64(gpu_launch *launch, uint64_t value);
void gpu_arg_double(gpu_launch *launch, double value); /* its bits */
void gpu_arg_memory(gpu_launch *launch, gpu_memory memory);
void gpu_arg_place(gpu_launch *launch, const gpu_place *place);

/* `inputs` stays where it is until the launch has run; `other` stands in for those that are
 * missing. */
void gpu_arg_inputs(gpu_launch *launch, const gpu_place *inputs, size_t n, const gpu_place *other);

/* At least `items` of whatever the kernel counts; nothing happens where that is 0. */
parseal_status gpu_launch_run(const gpu_launch *launch, const gpu_stream *s, uint64_t items);

/* ------------------------------------------------------------------------------------ driver -- */

/* Errors come with their text set. Nothing waits but what says so. */
struct gpu_driver {
    uint32_t buf_kind;
    size_t sum_inputs;  /* of one run of vec_sum */
    uint32_t hash_work; /* bytes of work for each tile of aead_hash, beside GPU_WORK a message */
    uint32_t hash_tile_min; /* bytes */
    uint32_t begin_group;   /* messages for each item of aead_begin */
    uint32_t add_blocks;    /* of a tile of aead_add, at most */
    uint32_t add_items;     /* for each tile */
    uint32_t fcp_blocks; /* blocks of keystream for each item of fcp_mask, at most; 0: those of 16
                            elements */

    parseal_status (*alloc)(const gpu_device *d, uint64_t size, gpu_memory *memory);
    void (*free)(const gpu_device *d, gpu_memory memory);
    parseal_status (*pin)(const gpu_device *d, const gpu_stream *s, uint64_t size,
                          gpu_pinned *pinned);
    void (*unpin)(const gpu_device *d, const gpu_stream *s, gpu_pinned *pinned);

    /* Whether host memory of the caller's is pinned, all of it. NULL: there is no telling. */
    bool (*is_pinned)(const gpu_device *d, const void *p, uint64_t size);

    parseal_status (*stream_open)(const gpu_device *d, gpu_stream *s);
    void (*stream_close)(const gpu_device *d, gpu_stream *s);
    /* stream: what a caller has given, not NULL */
    parseal_status (*stream_of)(const gpu_device *d, void *stream, gpu_stream *s);
    parseal_status (*finish)(const gpu_device *d, const gpu_stream *s); /* waits */
    void (*settle)(const gpu_device *d); /* of gpu_settle; NULL: it keeps what work still uses */

    parseal_status (*write)(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                            const void *from, uint64_t size, bool wait);
    parseal_status (*read)(const gpu_device *d, const gpu_stream *s, gpu_memory from, uint64_t at,
                           void *to, uint64_t size, bool wait);
    /* Overwrites the first `size` bytes, a multiple of 4, with zeros. */
    parseal_status (*wipe)(const gpu_device *d, const gpu_stream *s, gpu_memory memory,
                           uint64_t size);
    parseal_status (*launch)(const gpu_launch *launch, const gpu_stream *s, uint64_t items);

    /* What the kernels of AES-GCM ask for: how they cut a message, and their own steps (aead.h). */
    uint64_t (*crypt_units)(const aead_item *item);
    uint32_t (*hash_tile)(const gpu_device *d, const aead_item *items, size_t n);
    parseal_status (*keys_prepare)(struct gpu_keys *keys);
    parseal_status (*crypt)(const struct gpu_keys *keys, const struct gpu_table *t,
                            const struct gpu_aead_io *io, const gpu_stream *s, bool open);
    const char *(*add_kernel)(const gpu_device *d, uint32_t element_size);
    parseal_status (*hash)(const struct gpu_keys *keys, const struct gpu_table *t,
                           const struct gpu_aead_io *io, const gpu_stream *s, bool open);
};

/* ------------------------------------------------------------------------------------ memory -- */

/* stream: the caller's, or NULL for the device's own. */
parseal_status gpu_stream_of(const gpu_device *d, void *stream, gpu_stream *s);
parseal_status gpu_finish(const gpu_device *d, const gpu_stream *s);

/* *memory is 0 after a failure. Freeing 0 does nothing. */
parseal_status gpu_alloc(const gpu_device *d, uint64_t size, gpu_memory *memory);
void gpu_free(const gpu_device *d, gpu_memory memory);

/* Finishes what the device's own stream has, wipes, frees. For memory that held keys. */
void gpu_wipe_and_free(const gpu_device *d, gpu_memory memory, uint64_t size);

/* Waits for the callers' streams too, before what their work may still use goes. */
void gpu_settle(const gpu_device *d);

/* host/backend/backend.h */
extern const memory_family gpu_memory_family;

/* Returns at once: `from` stays as it is until the stream is finished. */
parseal_status gpu_write(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                         const void *from, uint64_t size);
parseal_status gpu_read_later(const gpu_device *d, const gpu_stream *s, gpu_memory from,
                              uint64_t at, void *to, uint64_t size);
/* These return when the bytes are there. */
parseal_status gpu_write_now(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                             const void *from, uint64_t size);
parseal_status gpu_read(const gpu_device *d, const gpu_stream *s, gpu_memory from, uint64_t at,
                        void *to, uint64_t size);

#endif
