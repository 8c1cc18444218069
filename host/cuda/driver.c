/* CUDA's streams and memory behind host/gpu/driver.h, and the steps of AES-GCM as the CUDA kernels
 * cut them. */
#include <stdlib.h>

#include "host/cuda/device.h"
#include "host/gpu/aead.h"

const cuda_device *cuda_of(const gpu_device *d)
{
    return (const cuda_device *)d; /* The gpu_device is its first member. */
}

/* ----------------------------------------------------------------------------------- streams -- */

static parseal_status stream_open(const gpu_device *d, gpu_stream *s)
{
    cu_stream stream;
    CU_TRY(&cuda_of(d)->api, StreamCreate, (&stream, CU_STREAM_NON_BLOCKING));
    *s = (gpu_stream){stream, true};
    return PARSEAL_OK;
}

static void stream_close(const gpu_device *d, gpu_stream *s)
{
    (void)cuda_of(d)->api.StreamDestroy(s->handle);
    s->handle = NULL;
}

/* While a stream is captured that waits for the legacy stream, touching that would spoil the
 * capture. Asking whether it is captured itself touches nothing, and finds that out. */
static parseal_status check_legacy(const cu_api *api, const char *stream)
{
    int capturing = 0;
    const cu_result error = api->StreamIsCapturing(CU_STREAM_LEGACY, &capturing);
    if (error == CU_CAPTURE_IMPLICIT)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "stream: %s is CUDA's default stream, which must not be used while a "
                            "stream that waits for it is captured: give that stream",
                            stream);
    return error == CU_OK ? PARSEAL_OK : cu_failed(api, "cuStreamIsCapturing", error);
}

static parseal_status stream_of(const gpu_device *d, void *stream, gpu_stream *s)
{
    if (stream == CU_STREAM_LEGACY)
        TRY(check_legacy(&cuda_of(d)->api, "1"));
    *s = (gpu_stream){stream, true};
    return PARSEAL_OK;
}

/* An event on the legacy stream comes after all that was enqueued there, and on the streams that
 * the legacy stream waits for. */
static parseal_status after_default(const gpu_device *d, const gpu_stream *s)
{
    const cu_api *api = &cuda_of(d)->api;
    cu_event event;
    TRY(check_legacy(api, "NULL"));
    CU_TRY(api, EventCreate, (&event, CU_EVENT_DISABLE_TIMING));
    const char *call = "cuEventRecord";
    cu_result error = api->EventRecord(event, CU_STREAM_LEGACY);
    if (error == CU_OK) {
        call = "cuStreamWaitEvent";
        error = api->StreamWaitEvent(s->handle, event, 0);
    }
    (void)api->EventDestroy(event); /* It lives until the stream has waited for it. */
    return error == CU_OK ? PARSEAL_OK : cu_failed(api, call, error);
}

/* A stream that nobody captures may be waited for while another one is captured, but CUDA allows
 * that only to threads that say that they know what they do. */
static parseal_status finish(const gpu_device *d, const gpu_stream *s)
{
    const cu_api *api = &cuda_of(d)->api;
    int mode = CU_CAPTURE_MODE_RELAXED;
    const bool exchanged = api->ThreadExchangeStreamCaptureMode(&mode) == CU_OK;
    const cu_result error = api->StreamSynchronize(s->handle);
    if (exchanged)
        (void)api->ThreadExchangeStreamCaptureMode(&mode);
    return error == CU_OK ? PARSEAL_OK : cu_failed(api, "cuStreamSynchronize", error);
}

static void settle(const gpu_device *d)
{
    (void)cuda_of(d)->api.CtxSynchronize();
}

/* ------------------------------------------------------------------------------------ memory -- */

static parseal_status alloc(const gpu_device *d, uint64_t size, gpu_memory *memory)
{
    cu_pointer pointer;
    if (size > SIZE_MAX)
        return cu_failed(&cuda_of(d)->api, "cuMemAlloc", CU_OUT_OF_MEMORY);
    CU_TRY(&cuda_of(d)->api, MemAlloc, (&pointer, size > 0 ? (size_t)size : 1));
    *memory = (gpu_memory)pointer;
    return PARSEAL_OK;
}

static void free_memory(const gpu_device *d, gpu_memory memory)
{
    (void)cuda_of(d)->api.MemFree(memory);
}

static bool free_bytes(const gpu_device *d, uint64_t *bytes)
{
    size_t left, all;
    if (cuda_of(d)->api.MemGetInfo(&left, &all) != CU_OK)
        return false;
    *bytes = left;
    return true;
}

/* Memory that cannot be pinned is replaced by ordinary memory, which is slower but no error. */
static parseal_status pin(const gpu_device *d, const gpu_stream *s, uint64_t size,
                          gpu_pinned *pinned)
{
    void *host;
    (void)s;
    pinned->memory = 1;
    if (cuda_of(d)->api.MemHostAlloc(&host, (size_t)size, CU_HOST_ALLOC_PORTABLE) != CU_OK) {
        pinned->memory = 0;
        host = malloc((size_t)size);
    }
    pinned->host = host;
    if (host == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "cuda: out of host memory for %llu bytes",
                            (unsigned long long)size);
    return PARSEAL_OK;
}

static void unpin(const gpu_device *d, const gpu_stream *s, gpu_pinned *pinned)
{
    (void)s;
    if (pinned->memory != 0)
        (void)cuda_of(d)->api.MemFreeHost(pinned->host);
    else
        free(pinned->host);
    *pinned = (gpu_pinned){0};
}

static bool is_pinned(const gpu_device *d, const void *p, uint64_t size)
{
    const cu_api *api = &cuda_of(d)->api;
    const cu_pointer at = (cu_pointer)(uintptr_t)p;
    unsigned type = 0;
    cu_pointer begin = 0;
    size_t all = 0;
    return api->PointerGetAttribute(&type, CU_POINTER_MEMORY_TYPE, at) == CU_OK &&
           type == CU_MEMORY_HOST &&
           api->PointerGetAttribute(&begin, CU_POINTER_RANGE_START, at) == CU_OK &&
           api->PointerGetAttribute(&all, CU_POINTER_RANGE_SIZE, at) == CU_OK && begin <= at &&
           at - begin <= all && size <= all - (at - begin);
}

static parseal_status write(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                            const void *from, uint64_t size, bool wait)
{
    CU_TRY(&cuda_of(d)->api, MemcpyHtoDAsync, (to + at, from, (size_t)size, s->handle));
    return wait ? finish(d, s) : PARSEAL_OK;
}

static parseal_status read(const gpu_device *d, const gpu_stream *s, gpu_memory from, uint64_t at,
                           void *to, uint64_t size, bool wait)
{
    CU_TRY(&cuda_of(d)->api, MemcpyDtoHAsync, (to, from + at, (size_t)size, s->handle));
    return wait ? finish(d, s) : PARSEAL_OK;
}

static parseal_status wipe(const gpu_device *d, const gpu_stream *s, gpu_memory memory, uint64_t at,
                           uint64_t size)
{
    if (size / 4 > 0)
        CU_TRY(&cuda_of(d)->api, MemsetD32Async, (memory + at, 0, (size_t)(size / 4), s->handle));
    return PARSEAL_OK;
}

/* -------------------------------------------------------------------------------------- aead -- */

enum {
    COUNTERS = 256,     /* blocks of a unit of aead_crypt: counters with the same upper bytes */
    TILE_MIN = 4096,    /* bytes */
    TILE_LONG = 8192,   /* least bytes where messages are long */
    TILE_MAX = 1 << 20, /* bytes */
    TILES_EACH = 512,   /* least tiles of a multiprocessor: the last wave of them is nearly full */
    TILES_AT_ONCE = 32, /* tiles of one key that aead_hash_mma takes together */
    LONG_MESSAGE = 128 << 10 /* least bytes of one that are worth loading its key's matrices */
};

static uint64_t crypt_units(const aead_item *item)
{
    const uint64_t first = 2 + item->first_block, blocks = item->len / 16 + (item->len % 16 != 0);
    return blocks == 0 ? 0 : (first + blocks - 1) / COUNTERS - first / COUNTERS + 1;
}

/* Returns a tile size that gives enough tiles to keep the device busy, and enough tiles of each
 * message to fill a block of threads. A tile of a long message is more than one group of counters,
 * of which it else would share two: known answers see both, too. */
static uint32_t hash_tile(const gpu_device *d, const aead_item *items, size_t n)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += items[i].len + items[i].aad_len;
    const uint64_t mean = all / (n + (n == 0)), a_message = mean / TILES_AT_ONCE;
    const uint64_t enough = all / (TILES_EACH * (uint64_t)cuda_of(d)->multiprocessors);
    const uint64_t wanted = a_message < enough ? a_message : enough;
    uint64_t tile = mean >= LONG_MESSAGE ? TILE_LONG : TILE_MIN;
    while (2 * tile <= wanted && tile < TILE_MAX)
        tile *= 2;
    return (uint32_t)tile;
}

static parseal_status prepare(gpu_keys *keys, const char *kernel, uint64_t size)
{
    const gpu_device *d = keys->device;
    gpu_launch launch;
    TRY(gpu_alloc(d, size, &keys->prepared));
    keys->prepared_size = size;
    gpu_launch_begin(&launch, d, GPU_AEAD, kernel);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_memory(&launch, keys->prepared);
    gpu_arg_u32(&launch, (uint32_t)keys->n);
    return gpu_launch_run(&launch, &d->own, keys->n);
}

/* Makes what the device's way to GHASH wants of each key: powers for rows of blocks, or matrices,
 * if there is room for them. */
static parseal_status keys_prepare(gpu_keys *keys)
{
    const cuda_device *d = cuda_of(keys->device);
    const uint64_t matrices = (uint64_t)keys->n * GHASH_MATRIX_BYTES;
    if (d->ghash == CUDA_GHASH_CLMAD)
        return prepare(keys, "keys_rows", (uint64_t)keys->n * GHASH_ROWS_BYTES);
    if (d->ghash == CUDA_GHASH_MMA && matrices <= gpu_budget(&d->gpu) / 8)
        return prepare(keys, "keys_matrices", matrices);
    return PARSEAL_OK;
}

static parseal_status crypt(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open)
{
    const bool wide = cuda_of(t->device)->kernel[CUDA_KERNEL_aead_crypt_wide].blocks_max > 0;
    gpu_launch launch;
    gpu_aead_launch(&launch, t, wide ? "aead_crypt_wide" : "aead_crypt");
    gpu_arg_memory(&launch, t->crypt_begin);
    gpu_arg_u64(&launch, t->crypt_total);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_place(&launch, &io->nonces);
    gpu_arg_place(&launch, &io->in);
    gpu_arg_place(&launch, &io->out);
    gpu_arg_place(&launch, &io->verdicts);
    gpu_arg_u32(&launch, open);
    return gpu_launch_run(&launch, s, t->crypt_total);
}

static const char *add_kernel(const gpu_device *d, uint32_t element_size)
{
    if (cuda_of(d)->kernel[CUDA_KERNEL_aead_add32_wide].blocks_max > 0)
        return element_size == 4 ? "aead_add32_wide" : "aead_add64_wide";
    return element_size == 4 ? "aead_add32" : "aead_add64";
}

static parseal_status weigh(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s)
{
    gpu_launch launch;
    gpu_aead_launch(&launch, t, "aead_weigh");
    gpu_arg_memory(&launch, t->hash_begin);
    gpu_arg_u32(&launch, t->tile);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_place(&launch, &io->work);
    return gpu_launch_run(&launch, s, t->n);
}

/* Returns the kernel that hashes tiles; *prepared says whether it takes keys->prepared. */
static const char *hash_kernel(const gpu_keys *keys, const gpu_table *t, bool *prepared)
{
    const bool clmad = cuda_of(t->device)->ghash == CUDA_GHASH_CLMAD;
    *prepared = keys->prepared != 0 && (clmad || t->bytes / t->n >= LONG_MESSAGE);
    if (!*prepared)
        return "aead_hash";
    return clmad ? "aead_hash_clmad" : "aead_hash_mma";
}

static parseal_status hash(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                           const gpu_stream *s, bool open)
{
    bool prepared;
    gpu_launch launch;
    gpu_aead_launch(&launch, t, hash_kernel(keys, t, &prepared));
    gpu_arg_memory(&launch, t->hash_begin);
    gpu_arg_u64(&launch, t->hash_total);
    gpu_arg_u32(&launch, t->tile);
    gpu_arg_memory(&launch, keys->list);
    if (prepared)
        gpu_arg_memory(&launch, keys->prepared);
    gpu_arg_place(&launch, open ? &io->in : &io->out);
    gpu_arg_u32(&launch, !open);
    gpu_arg_place(&launch, &io->aad);
    gpu_arg_place(&launch, &io->work);
    TRY(gpu_launch_run(&launch, s, t->hash_total));
    return weigh(keys, t, io, s);
}

/* In one pass where the device hashes without carries and has room for four tables. */
static parseal_status seal(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                           const gpu_stream *s)
{
    const cuda_device *d = cuda_of(t->device);
    gpu_launch launch;
    if (d->ghash != CUDA_GHASH_CLMAD || d->kernel[CUDA_KERNEL_aead_seal].blocks_max == 0) {
        TRY(d->gpu.driver->aead->crypt(keys, t, io, s, false));
        return hash(keys, t, io, s, false);
    }
    gpu_aead_launch(&launch, t, "aead_seal");
    gpu_arg_memory(&launch, t->hash_begin);
    gpu_arg_u64(&launch, t->hash_total);
    gpu_arg_u32(&launch, t->tile);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_memory(&launch, keys->prepared);
    gpu_arg_place(&launch, &io->nonces);
    gpu_arg_place(&launch, &io->in);
    gpu_arg_place(&launch, &io->out);
    gpu_arg_place(&launch, &io->aad);
    gpu_arg_place(&launch, &io->work);
    TRY(gpu_launch_run(&launch, s, t->hash_total));
    return weigh(keys, t, io, s);
}

static const gpu_aead_tactics aead = {
    .hash_work = 16,
    .hash_tile_min = TILE_MIN,
    .begin_group = 1,
    .add_blocks = COUNTERS,
    .add_items = 1,
    .crypt_units = crypt_units,
    .hash_tile = hash_tile,
    .keys_prepare = keys_prepare,
    .crypt = crypt,
    .add_kernel = add_kernel,
    .hash = hash,
    .seal = seal,
};

const gpu_driver cuda_driver = {
    .buf_kind = PARSEAL_BUF_CUDA,
    .sum_inputs = SUM_INPUTS_MAX,
    .alloc = alloc,
    .free = free_memory,
    .free_bytes = free_bytes,
    .pin = pin,
    .unpin = unpin,
    .is_pinned = is_pinned,
    .stream_open = stream_open,
    .stream_close = stream_close,
    .stream_of = stream_of,
    .after_default = after_default,
    .finish = finish,
    .settle = settle,
    .write = write,
    .read = read,
    .wipe = wipe,
    .launch = cuda_launch,
    .aead = &aead,
};
