/* AES-GCM: the kernels of its steps. */
#include "host/gpu/aead.h"
#include "host/gpu/driver.h"

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static parseal_status expand(gpu_keys *keys, gpu_memory raw, uint32_t raw_size)
{
    const gpu_device *d = keys->device;
    gpu_launch launch;
    gpu_launch_begin(&launch, d, GPU_AEAD, "keys_expand");
    gpu_arg_memory(&launch, raw);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_u32(&launch, raw_size);
    gpu_arg_u32(&launch, (uint32_t)keys->n);
    TRY(gpu_launch_run(&launch, &d->own, keys->n));
    return d->driver->aead->keys_prepare != NULL ? d->driver->aead->keys_prepare(keys) : PARSEAL_OK;
}

static parseal_status begin(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open)
{
    (void)open;
    gpu_launch launch;
    gpu_aead_launch(&launch, t, "aead_begin");
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_place(&launch, &io->nonces);
    gpu_arg_place(&launch, &io->verdicts);
    gpu_arg_place(&launch, &io->work);
    return gpu_launch_run(&launch, s, ceil_div(t->n, t->device->driver->aead->begin_group));
}

static parseal_status crypt(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open)
{
    return t->crypt_total == 0 ? PARSEAL_OK : t->device->driver->aead->crypt(keys, t, io, s, open);
}

static parseal_status hash(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                           const gpu_stream *s, bool open)
{
    return t->hash_total == 0 ? PARSEAL_OK : t->device->driver->aead->hash(keys, t, io, s, open);
}

static parseal_status seal(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                           const gpu_stream *s, bool open)
{
    if (t->crypt_total > 0 && t->device->driver->aead->seal != NULL)
        return t->device->driver->aead->seal(keys, t, io, s);
    TRY(keys->steps->crypt(keys, t, io, s, open));
    return hash(keys, t, io, s, open);
}

static parseal_status finish(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
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

const gpu_steps gpu_gcm_steps = {
    .key_size = sizeof(aead_key),
    .expand = expand,
    .begin = begin,
    .crypt = crypt,
    .hash = hash,
    .seal = seal,
    .finish = finish,
    .add = gpu_gcm_add,
};
