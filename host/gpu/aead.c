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
    gpu_memory raw;
    TRY(gpu_alloc(d, size, &raw));
    parseal_status status = gpu_write_now(d, &own, raw, 0, bytes, size);
    if (status == PARSEAL_OK)
        status = expand(d, raw, key_len, keys);
    gpu_wipe_and_free(d, raw, size);
    return status;
}

static void free_keys(gpu_keys *k)
{
    gpu_wipe_and_free(k->device, k->list, (uint64_t)k->n * sizeof(aead_key));
    gpu_wipe_and_free(k->device, k->prepared, k->prepared_size);
    free(k);
}

static parseal_status keys_create(const parseal_device *device, backend_keys **keys, int32_t alg,
                                  const uint8_t *bytes, size_t n)
{
    const gpu_device *d = gpu_of(device);
    gpu_keys *k = calloc(1, sizeof *k);
    if (k == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: out of memory");
    *k = (gpu_keys){.device = d, .n = n};
    parseal_status status = gpu_alloc(d, (uint64_t)n * sizeof(aead_key), &k->list);
    if (status == PARSEAL_OK)
        status = upload_and_expand(d, bytes, alg == PARSEAL_AES128GCM ? 16 : 32, k);
    if (status != PARSEAL_OK) {
        free_keys(k);
        return status;
    }
    *keys = (backend_keys *)k;
    return PARSEAL_OK;
}

/* A message that a caller's stream is still sealing must not see its key wiped: the rest would be
 * sealed under zeros. */
static void keys_destroy(const parseal_device *device, backend_keys *keys)
{
    gpu_settle(gpu_of(device));
    free_keys((gpu_keys *)keys);
}

const aead_family gpu_aead_family = {
    .keys_create = keys_create,
    .keys_destroy = keys_destroy,
    .run = gpu_batch_run,
    .accumulate = gpu_accumulate,
};

/* ------------------------------------------------------------------------------------- steps -- */

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
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

parseal_status gpu_aead_verify(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                               const gpu_stream *s)
{
    TRY(gpu_aead_begin(keys, t, io, s));
    TRY(gpu_aead_hash(keys, t, io, s, true));
    return gpu_aead_finish(keys, t, io, s, true);
}

parseal_status gpu_aead_run(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open)
{
    if (open) {
        TRY(gpu_aead_verify(keys, t, io, s));
        return gpu_aead_crypt(keys, t, io, s, true);
    }
    TRY(gpu_aead_begin(keys, t, io, s));
    TRY(gpu_aead_crypt(keys, t, io, s, false));
    TRY(gpu_aead_hash(keys, t, io, s, false));
    return gpu_aead_finish(keys, t, io, s, false);
}
