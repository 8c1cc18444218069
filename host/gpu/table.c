#include "host/gpu/table.h"

#include <stdlib.h>

#include "host/gpu/driver.h"

enum { ROOM_MIN = 64 };

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static parseal_status make_room(gpu_table *t, const gpu_device *d, size_t n)
{
    size_t room = ROOM_MIN;
    while (room < n)
        room *= 2;
    const uint64_t begin_size = ((uint64_t)room + 1) * sizeof(uint64_t);
    gpu_table_close(t);
    t->device = d;
    t->room = room;
    t->host = calloc(room + 1, GPU_TABLE_ITEM);
    if (t->host == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu messages", n);
    TRY(gpu_alloc(d, room * sizeof *t->host, &t->items));
    TRY(gpu_alloc(d, begin_size, &t->crypt_begin));
    return gpu_alloc(d, begin_size, &t->hash_begin);
}

parseal_status gpu_table_open(gpu_table *t, const gpu_device *d, size_t n)
{
    if (n >= UINT32_MAX)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "%zu messages are too many at once", n);
    if (t->room < n || t->room == 0) {
        const parseal_status status = make_room(t, d, n);
        if (status != PARSEAL_OK) {
            gpu_table_close(t);
            return status;
        }
    }
    t->n = (uint32_t)n;
    return PARSEAL_OK;
}

void gpu_table_close(gpu_table *t)
{
    if (t->device != NULL) {
        gpu_free(t->device, t->items);
        gpu_free(t->device, t->crypt_begin);
        gpu_free(t->device, t->hash_begin);
    }
    free(t->host);
    *t = (gpu_table){0};
}

/* Makes begin[i] the work of all items before i. */
static void count_work(gpu_table *t, uint64_t *crypt_begin, uint64_t *hash_begin)
{
    uint64_t crypt = 0, hash = 0;
    t->bytes = 0;
    for (size_t i = 0; i < t->n; i++) {
        const aead_item *item = &t->host[i];
        crypt_begin[i] = crypt;
        hash_begin[i] = hash;
        t->bytes += item->len + item->aad_len;
        crypt += t->device->driver->aead->crypt_units(item);
        hash += ceil_div(item->aad_len, t->tile) + ceil_div(item->len, t->tile);
    }
    crypt_begin[t->n] = t->crypt_total = crypt;
    hash_begin[t->n] = t->hash_total = hash;
}

parseal_status gpu_table_upload(gpu_table *t, const gpu_stream *s)
{
    const gpu_device *d = t->device;
    const uint64_t begin_size = ((uint64_t)t->n + 1) * sizeof(uint64_t);
    uint64_t *crypt_begin = (uint64_t *)(t->host + t->n), *hash_begin = crypt_begin + t->n + 1;
    t->tile = d->driver->aead->hash_tile(d, t->host, t->n);
    count_work(t, crypt_begin, hash_begin);
    TRY(gpu_write(d, s, t->items, 0, t->host, t->n * sizeof *t->host));
    TRY(gpu_write(d, s, t->crypt_begin, 0, crypt_begin, begin_size));
    return gpu_write(d, s, t->hash_begin, 0, hash_begin, begin_size);
}
