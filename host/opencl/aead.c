/* Key sets, and the steps of a run. */
#include "host/opencl/aead.h"

#include <stdlib.h>

/* -------------------------------------------------------------------------------------- keys -- */

static parseal_status expand(const ocl_device *d, cl_mem raw, uint32_t key_len, ocl_keys *keys)
{
    const ocl_stream own = {d->queue, true};
    ocl_launch launch = ocl_launch_begin(d, OCL_AEAD, "keys_expand");
    ocl_arg_memory(&launch, raw);
    ocl_arg_memory(&launch, keys->list);
    ocl_arg_u32(&launch, key_len);
    ocl_arg_u32(&launch, (uint32_t)keys->n);
    TRY(ocl_launch_run(&launch, &own, keys->n));
    return ocl_finish(d, &own);
}

/* The keys' bytes are on the device for as long as it takes to expand them. */
static parseal_status upload_and_expand(const ocl_device *d, const uint8_t *bytes, uint32_t key_len,
                                        ocl_keys *keys)
{
    const ocl_stream own = {d->queue, true};
    const uint64_t size = (uint64_t)keys->n * key_len;
    cl_mem raw = ocl_alloc(d, size, CL_MEM_READ_WRITE);
    if (raw == NULL)
        return PARSEAL_ERR_NO_MEMORY;
    parseal_status status = ocl_write_now(d, &own, raw, 0, bytes, size);
    if (status == PARSEAL_OK)
        status = expand(d, raw, key_len, keys);
    ocl_wipe_and_free(d, raw, size);
    return status;
}

parseal_status ocl_keys_create(void **keys, const void *device, int32_t alg, const uint8_t *bytes,
                               size_t n)
{
    const ocl_device *d = device;
    ocl_keys *k = calloc(1, sizeof *k);
    if (k == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: out of memory");
    *k = (ocl_keys){.device = d, .n = n};
    k->list = ocl_alloc(d, (uint64_t)n * sizeof(aead_key), CL_MEM_READ_WRITE);
    const parseal_status status =
        k->list == NULL ? PARSEAL_ERR_NO_MEMORY
                        : upload_and_expand(d, bytes, alg == PARSEAL_AES128GCM ? 16 : 32, k);
    if (status != PARSEAL_OK) {
        ocl_keys_destroy(k);
        return status;
    }
    *keys = k;
    return PARSEAL_OK;
}

void ocl_keys_destroy(void *keys)
{
    ocl_keys *k = keys;
    if (k == NULL)
        return;
    ocl_wipe_and_free(k->device, k->list, (uint64_t)k->n * sizeof(aead_key));
    free(k);
}

/* ------------------------------------------------------------------------------------- table -- */

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static parseal_status copy_to_device(const ocl_device *d, const void *bytes, uint64_t size,
                                     cl_mem *memory)
{
    const ocl_stream own = {d->queue, true};
    *memory = ocl_alloc(d, size, CL_MEM_READ_WRITE);
    return *memory == NULL ? PARSEAL_ERR_NO_MEMORY
                           : ocl_write_now(d, &own, *memory, 0, bytes, size);
}

/* begin[i]: the work-items of all items before i. */
static void count_work(ocl_table *t, const aead_item *items, uint64_t *crypt_begin,
                       uint64_t *hash_begin)
{
    uint64_t crypt = 0, hash = 0;
    for (size_t i = 0; i < t->n; i++) {
        crypt_begin[i] = crypt;
        hash_begin[i] = hash;
        crypt += ceil_div(items[i].len, 16 * CRYPT_GROUP);
        hash += ceil_div(items[i].aad_len, HASH_TILE) + ceil_div(items[i].len, HASH_TILE);
    }
    crypt_begin[t->n] = t->crypt_total = crypt;
    hash_begin[t->n] = t->hash_total = hash;
}

parseal_status ocl_table_create(ocl_table *t, const ocl_device *d, const aead_item *items, size_t n)
{
    *t = (ocl_table){.device = d, .n = (uint32_t)n};
    if (n >= UINT32_MAX)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "opencl: %zu messages are too many at once", n);
    uint64_t *begin = calloc(2 * (n + 1), sizeof *begin);
    if (begin == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "opencl: out of memory for %zu messages", n);
    count_work(t, items, begin, begin + n + 1);
    const uint64_t begin_size = (n + 1) * sizeof *begin;
    parseal_status status = copy_to_device(d, items, n * sizeof *items, &t->items);
    if (status == PARSEAL_OK)
        status = copy_to_device(d, begin, begin_size, &t->crypt_begin);
    if (status == PARSEAL_OK)
        status = copy_to_device(d, begin + n + 1, begin_size, &t->hash_begin);
    free(begin);
    if (status != PARSEAL_OK)
        ocl_table_destroy(t);
    return status;
}

void ocl_table_destroy(ocl_table *t)
{
    ocl_free(t->device, t->items);
    ocl_free(t->device, t->crypt_begin);
    ocl_free(t->device, t->hash_begin);
    t->items = t->crypt_begin = t->hash_begin = NULL;
}

/* ------------------------------------------------------------------------------------- steps -- */

static void arg_place(ocl_launch *launch, const ocl_place *place)
{
    ocl_arg_memory(launch, place->memory);
    ocl_arg_u64(launch, place->at);
}

static ocl_launch begin_launch(const ocl_table *t, const char *kernel)
{
    ocl_launch launch = ocl_launch_begin(t->device, OCL_AEAD, kernel);
    ocl_arg_memory(&launch, t->items);
    ocl_arg_u32(&launch, t->n);
    return launch;
}

parseal_status ocl_aead_begin(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                              const ocl_stream *s)
{
    ocl_launch launch = begin_launch(t, "aead_begin");
    ocl_arg_memory(&launch, keys->list);
    arg_place(&launch, &io->nonces);
    arg_place(&launch, &io->verdicts);
    arg_place(&launch, &io->work);
    return ocl_launch_run(&launch, s, ceil_div(t->n, 32));
}

parseal_status ocl_aead_crypt(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                              const ocl_stream *s, bool open)
{
    ocl_launch launch = begin_launch(t, "aead_crypt");
    ocl_arg_memory(&launch, t->crypt_begin);
    ocl_arg_u64(&launch, t->crypt_total);
    ocl_arg_memory(&launch, keys->list);
    arg_place(&launch, &io->nonces);
    arg_place(&launch, &io->in);
    arg_place(&launch, &io->out);
    arg_place(&launch, &io->verdicts);
    ocl_arg_u32(&launch, open);
    return ocl_launch_run(&launch, s, t->crypt_total);
}

parseal_status ocl_aead_hash(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                             const ocl_stream *s, bool open)
{
    ocl_launch launch = begin_launch(t, "aead_hash");
    ocl_arg_memory(&launch, t->hash_begin);
    ocl_arg_u64(&launch, t->hash_total);
    ocl_arg_memory(&launch, keys->list);
    arg_place(&launch, open ? &io->in : &io->out);
    ocl_arg_u32(&launch, !open);
    arg_place(&launch, &io->aad);
    arg_place(&launch, &io->work);
    return ocl_launch_run(&launch, s, t->hash_total);
}

parseal_status ocl_aead_finish(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                               const ocl_stream *s, bool open)
{
    ocl_launch launch = begin_launch(t, "aead_finish");
    ocl_arg_memory(&launch, keys->list);
    arg_place(&launch, &io->tags);
    arg_place(&launch, &io->verdicts);
    arg_place(&launch, &io->work);
    ocl_arg_u32(&launch, open);
    return ocl_launch_run(&launch, s, t->n);
}

parseal_status ocl_aead_run(const ocl_keys *keys, const ocl_table *t, const ocl_aead_io *io,
                            const ocl_stream *s, bool open)
{
    TRY(ocl_aead_begin(keys, t, io, s));
    if (!open)
        TRY(ocl_aead_crypt(keys, t, io, s, false));
    TRY(ocl_aead_hash(keys, t, io, s, open));
    TRY(ocl_aead_finish(keys, t, io, s, open));
    return open ? ocl_aead_crypt(keys, t, io, s, true) : PARSEAL_OK;
}
