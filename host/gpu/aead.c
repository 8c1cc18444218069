/* Key sets, and the steps of a run. */
#include "host/gpu/aead.h"

#include <stdlib.h>

#include "host/gpu/driver.h"

/* -------------------------------------------------------------------------------------- keys -- */

/* Expands the keys on the device, where their bytes stay only for as long as that takes. */
static parseal_status upload_and_expand(gpu_keys *keys, const uint8_t *bytes, uint32_t raw_size)
{
    const gpu_device *d = keys->device;
    const gpu_stream own = d->own;
    const uint64_t size = (uint64_t)keys->n * raw_size;
    gpu_memory raw;
    TRY(gpu_alloc(d, size, &raw));
    parseal_status status = gpu_write_now(d, &own, raw, 0, bytes, size);
    if (status == PARSEAL_OK)
        status = keys->steps->expand(keys, raw, raw_size);
    if (status == PARSEAL_OK)
        status = gpu_finish(d, &own);
    gpu_wipe_and_free(d, raw, size);
    return status;
}

static void free_keys(gpu_keys *k)
{
    gpu_wipe_and_free(k->device, k->list, (uint64_t)k->n * k->steps->key_size);
    gpu_wipe_and_free(k->device, k->prepared, k->prepared_size);
    free(k);
}

/* Returns NULL for an algorithm that has no kernels. */
static const gpu_steps *steps_of(int32_t alg)
{
    switch (alg) {
    case PARSEAL_AES128GCM:
    case PARSEAL_AES256GCM: /* Only the length of its keys differs. */
        return &gpu_gcm_steps;
    default:
        return NULL;
    }
}

static parseal_status keys_create(const parseal_device *device, backend_keys **keys,
                                  const parseal_algorithm *alg, const uint8_t *bytes, size_t n,
                                  bool own_pages)
{
    const gpu_device *d = gpu_of(device);
    (void)own_pages;
    const gpu_steps *steps = steps_of(alg->id);
    if (steps == NULL)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED, "alg: %s has no %s", d->name, alg->name);
    gpu_keys *k = calloc(1, sizeof *k);
    if (k == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: out of memory");
    *k = (gpu_keys){.device = d, .steps = steps, .nonce_size = alg->nonce_size, .n = n};
    parseal_status status = gpu_alloc(d, (uint64_t)n * steps->key_size, &k->list);
    if (status == PARSEAL_OK)
        status = upload_and_expand(k, bytes, alg->key_size);
    if (status != PARSEAL_OK) {
        free_keys(k);
        return status;
    }
    *keys = (backend_keys *)k;
    return PARSEAL_OK;
}

/* Waits for the callers' streams before it wipes: the rest of a message that one of them is still
 * sealing would else be sealed under a key of zeros. */
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
    return (uint64_t)t->n * GPU_WORK + t->hash_total * t->device->driver->aead->hash_work;
}

uint64_t gpu_work_max(const gpu_driver *driver, uint64_t len, uint64_t aad_len)
{
    const uint64_t tiles =
        ceil_div(len, driver->aead->hash_tile_min) + ceil_div(aad_len, driver->aead->hash_tile_min);
    return GPU_WORK + tiles * driver->aead->hash_work;
}

void gpu_aead_launch(gpu_launch *launch, const gpu_table *t, const char *kernel)
{
    gpu_launch_begin(launch, t->device, GPU_AEAD, kernel);
    gpu_arg_memory(launch, t->items);
    gpu_arg_u32(launch, t->n);
}

parseal_status gpu_aead_verify(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                               const gpu_stream *s)
{
    TRY(keys->steps->begin(keys, t, io, s, true));
    TRY(keys->steps->hash(keys, t, io, s, true));
    return keys->steps->finish(keys, t, io, s, true);
}

parseal_status gpu_aead_run(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open)
{
    if (open) {
        TRY(gpu_aead_verify(keys, t, io, s));
        return keys->steps->crypt(keys, t, io, s, true);
    }
    TRY(keys->steps->begin(keys, t, io, s, false));
    TRY(keys->steps->seal(keys, t, io, s, false));
    return keys->steps->finish(keys, t, io, s, false);
}
