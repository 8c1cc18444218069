/* Key sets, and the steps of a run. */
#include "host/gpu/aead.h"

#include <stdlib.h>

/* -------------------------------------------------------------------------------------- keys -- */

static parseal_status expand(const gpu_device *d, gpu_memory raw, uint32_t key_len, gpu_keys *keys)
{
    const gpu_stream own = d->own;
    gpu_launch launch;
    gpu_launch_begin(&launch, d, GPU_AEAD, "keys_expand");
    gpu_arg_memory(&launch, raw);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_u32(&launch, key_len);
    gpu_arg_u32(&launch, (uint32_t)keys->n);
    TRY(gpu_launch_run(&launch, &own, keys->n));
    if (d->driver->keys_prepare != NULL)
        TRY(d->driver->keys_prepare(keys));
    return gpu_finish(d, &own);
}

/* The keys' bytes are on the device for as long as it takes to expand them. */
static parseal_status upload_and_expand(const gpu_device *d, const uint8_t *bytes, uint32_t key_len,
                                        gpu_keys *keys)
{
    const gpu_stream own = d->own;
    const uint64_t size = (uint64_t)keys->n * key_len;
    gpu_memory raw = gpu_alloc(d, size);
    if (raw == 0)
        return PARSEAL_ERR_NO_MEMORY;
    parseal_status status = gpu_write_now(d, &own, raw, 0, bytes, size);
    if (status == PARSEAL_OK)
        status = expand(d, raw, key_len, keys);
    gpu_wipe_and_free(d, raw, size);
    return status;
}

parseal_status gpu_keys_create(void **keys, const void *device, int32_t alg, const uint8_t *bytes,
                               size_t n)
{
    const gpu_device *d = device;
    gpu_keys *k = calloc(1, sizeof *k);
    if (k == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: out of memory");
    *k = (gpu_keys){.device = d, .n = n};
    k->list = gpu_alloc(d, (uint64_t)n * sizeof(aead_key));
    const parseal_status status =
        k->list == 0 ? PARSEAL_ERR_NO_MEMORY
                     : upload_and_expand(d, bytes, alg == PARSEAL_AES128GCM ? 16 : 32, k);
    if (status != PARSEAL_OK) {
        gpu_keys_destroy(k);
        return status;
    }
    *keys = k;
    return PARSEAL_OK;
}

void gpu_keys_destroy(void *keys)
{
    gpu_keys *k = keys;
    if (k == NULL)
        return;
    gpu_wipe_and_free(k->device, k->list, (uint64_t)k->n * sizeof(aead_key));
    gpu_wipe_and_free(k->device, k->prepared, k->prepared_size);
    free(k);
}

/* ------------------------------------------------------------------------------------- table -- */

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static parseal_status copy_to_device(const gpu_device *d, const void *bytes, uint64_t size,
                                     gpu_memory *memory)
{
    const gpu_stream own = d->own;
    *memory = gpu_alloc(d, size);
    return *memory == 0 ? PARSEAL_ERR_NO_MEMORY : gpu_write_now(d, &own, *memory, 0, bytes, size);
}

/* begin[i]: the work-items of all items before i. */
static void count_work(gpu_table *t, const aead_item *items, uint64_t *crypt_begin,
                       uint64_t *hash_begin)
{
    uint64_t crypt = 0, hash = 0;
    for (size_t i = 0; i < t->n; i++) {
        crypt_begin[i] = crypt;
        hash_begin[i] = hash;
        t->bytes += items[i].len + items[i].aad_len;
        crypt += t->device->driver->crypt_units(&items[i]);
        hash += ceil_div(items[i].aad_len, t->tile) + ceil_div(items[i].len, t->tile);
    }
    crypt_begin[t->n] = t->crypt_total = crypt;
    hash_begin[t->n] = t->hash_total = hash;
}

parseal_status gpu_table_create(gpu_table *t, const gpu_device *d, const aead_item *items, size_t n)
{
    *t = (gpu_table){.device = d, .n = (uint32_t)n};
    if (n >= UINT32_MAX)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "%zu messages are too many at once", n);
    uint64_t *begin = calloc(2 * (n + 1), sizeof *begin);
    if (begin == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu messages", n);
    t->tile = d->driver->hash_tile(d, items, n);
    count_work(t, items, begin, begin + n + 1);
    const uint64_t begin_size = (n + 1) * sizeof *begin;
    parseal_status status = copy_to_device(d, items, n * sizeof *items, &t->items);
    if (status == PARSEAL_OK)
        status = copy_to_device(d, begin, begin_size, &t->crypt_begin);
    if (status == PARSEAL_OK)
        status = copy_to_device(d, begin + n + 1, begin_size, &t->hash_begin);
    free(begin);
    if (status != PARSEAL_OK)
        gpu_table_destroy(t);
    return status;
}

uint64_t gpu_work_size(const gpu_table *t)
{
    return (uint64_t)t->n * GPU_WORK + t->hash_total * t->device->driver->hash_work;
}

uint64_t gpu_work_max(const gpu_driver *driver, uint64_t len, uint64_t aad_len)
{
    const uint64_t tiles =
        ceil_div(len, driver->hash_tile_min) + ceil_div(aad_len, driver->hash_tile_min);
    return GPU_WORK + tiles * driver->hash_work;
}

void gpu_table_destroy(gpu_table *t)
{
    gpu_free(t->device, t->items);
    gpu_free(t->device, t->crypt_begin);
    gpu_free(t->device, t->hash_begin);
    t->items = t->crypt_begin = t->hash_begin = 0;
}

/* ------------------------------------------------------------------------------------- steps -- */

void gpu_aead_launch(gpu_launch *launch, const gpu_table *t, const char *kernel)
{
    gpu_launch_begin(launch, t->device, GPU_AEAD, kernel);
    gpu_arg_memory(launch, t->items);
    gpu_arg_u32(launch, t->n);
}

parseal_status gpu_aead_begin(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                              const gpu_stream *s)
{
    gpu_launch launch;
    gpu_aead_launch(&launch, t, "aead_begin");
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_place(&launch, &io->nonces);
    gpu_arg_place(&launch, &io->verdicts);
    gpu_arg_place(&launch, &io->work);
    return gpu_launch_run(&launch, s, ceil_div(t->n, t->device->driver->begin_group));
}

parseal_status gpu_aead_crypt(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                              const gpu_stream *s, bool open)
{
    return t->crypt_total == 0 ? PARSEAL_OK : t->device->driver->crypt(keys, t, io, s, open);
}

parseal_status gpu_aead_hash(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                             const gpu_stream *s, bool open)
{
    return t->hash_total == 0 ? PARSEAL_OK : t->device->driver->hash(keys, t, io, s, open);
}

parseal_status gpu_aead_finish(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                               const gpu_stream *s, bool open)
{
    gpu_launch launch;
    gpu_aead_launch(&launch, t, "aead_finish");
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_place(&launch, &io->tags);
    gpu_arg_place(&launch, &io->verdicts);
    gpu_arg_place(&launch, &io->work);
    gpu_arg_u32(&launch, open);
    return gpu_launch_run(&launch, s, t->n);
}

parseal_status gpu_aead_run(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open)
{
    TRY(gpu_aead_begin(keys, t, io, s));
    if (!open)
        TRY(gpu_aead_crypt(keys, t, io, s, false));
    TRY(gpu_aead_hash(keys, t, io, s, open));
    TRY(gpu_aead_finish(keys, t, io, s, open));
    return open ? gpu_aead_crypt(keys, t, io, s, true) : PARSEAL_OK;
}
