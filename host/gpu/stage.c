#include "host/gpu/stage.h"

#include <sodium.h>
#include <stdlib.h>

#include "host/gpu/driver.h"
#include "host/gpu/uses.h"

enum { PIECE_MIN = 4 << 20, PIECE_MAX = 32 << 20, PIECES = 8 };

/* Where memory is short, slots get no smaller than this: copies would take more time than work. */
enum { SLOT_LEAST = 128 << 10 };

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t gpu_slot_max(const gpu_device *d)
{
    return smaller(gpu_budget(d) / GPU_SLOTS, d->buffer_max) / 256 * 256;
}

uint64_t gpu_piece_size(uint64_t all, uint64_t max)
{
    uint64_t piece = PIECE_MIN;
    while (piece < PIECE_MAX && piece < all / PIECES)
        piece *= 2;
    return smaller(piece, max);
}

bool gpu_try_smaller(parseal_status status, uint64_t size, uint64_t *max)
{
    if (status != PARSEAL_ERR_NO_MEMORY || size / 2 < SLOT_LEAST)
        return false;
    *max = size / 2 / 256 * 256;
    return true;
}

/* ------------------------------------------------------------------------------------- slots -- */

/* Wipes all that was staged. Returns false where the device fails at it. */
static bool slot_wipe(const gpu_device *d, gpu_slot *slot)
{
    bool fine = gpu_finish(d, &slot->stream) == PARSEAL_OK;
    if (slot->memory != 0 && slot->used > 0)
        fine = d->driver->wipe(d, &slot->stream, slot->memory, 0, slot->used) == PARSEAL_OK && fine;
    if (slot->host != NULL)
        sodium_memzero(slot->host, (size_t)slot->host_used);
    slot->used = slot->host_used = 0;
    return gpu_finish(d, &slot->stream) == PARSEAL_OK && fine;
}

static void slot_close(const gpu_device *d, gpu_slot *slot)
{
    if (slot->stream.handle != NULL) {
        (void)slot_wipe(d, slot);
        if (slot->host != NULL)
            d->driver->unpin(d, &slot->stream, &slot->pinned);
        (void)gpu_finish(d, &slot->stream);
    }
    gpu_free(d, slot->memory);
    gpu_table_close(&slot->table);
    if (slot->own_stream)
        d->driver->stream_close(d, &slot->stream);
    *slot = (gpu_slot){0};
}

static parseal_status slot_open(const gpu_device *d, void *stream, uint64_t size, gpu_slot *slot)
{
    slot->size = size;
    if (stream == NULL) {
        TRY(d->driver->stream_open(d, &slot->stream));
        slot->own_stream = true;
    } else {
        TRY(gpu_stream_of(d, stream, &slot->stream));
    }
    TRY(gpu_alloc(d, size, &slot->memory));
    TRY(d->driver->pin(d, &slot->stream, size, &slot->pinned));
    slot->host = slot->pinned.host;
    return PARSEAL_OK;
}

/* ------------------------------------------------------------------------------------- stage -- */

static void close_slots(gpu_stage *stage)
{
    for (size_t i = 0; i < stage->n; i++)
        slot_close(stage->device, &stage->slot[i]);
    stage->n = 0;
}

/* Sizes are rounded up to powers of two, so that the next call will most likely find room. What the
 * caller needs it gets, even if that is more than max. */
static uint64_t rounded_size(uint64_t size, uint64_t max)
{
    uint64_t rounded = (uint64_t)1 << 20;
    while (rounded < size)
        rounded *= 2;
    return smaller(rounded, max < size ? size : max);
}

/* Takes the stage that an earlier call has left, where it is large enough. */
static bool take_spare(const gpu_device *d, uint64_t size, size_t n, gpu_stage *stage)
{
    gpu_shared *shared = d->shared;
    (void)pthread_mutex_lock(&shared->lock);
    gpu_stage *spare = shared->spare;
    const bool fits = spare != NULL && spare->n >= n && spare->slot[0].size >= size;
    if (fits)
        shared->spare = NULL;
    (void)pthread_mutex_unlock(&shared->lock);
    if (!fits)
        return false;
    *stage = *spare;
    free(spare);
    return true;
}

/* Keeps the stage for a later call in place of a smaller one. Returns false where it is not
 * kept. */
static bool leave_spare(const gpu_stage *stage)
{
    gpu_shared *shared = stage->device->shared;
    gpu_stage *mine = malloc(sizeof *mine), *other = mine;
    if (mine == NULL)
        return false;
    *mine = *stage;
    (void)pthread_mutex_lock(&shared->lock);
    const gpu_stage *old = shared->spare;
    if (old == NULL || old->n * old->slot[0].size < mine->n * mine->slot[0].size) {
        other = shared->spare;
        shared->spare = mine;
    }
    (void)pthread_mutex_unlock(&shared->lock);
    if (other == mine) {
        free(mine);
        return false;
    }
    if (other != NULL)
        close_slots(other);
    free(other);
    return true;
}

uint64_t gpu_spare_size(const gpu_device *d)
{
    (void)pthread_mutex_lock(&d->shared->lock);
    const gpu_stage *spare = d->shared->spare;
    const uint64_t size = spare != NULL ? spare->n * spare->slot[0].size : 0;
    (void)pthread_mutex_unlock(&d->shared->lock);
    return size;
}

bool gpu_drop_spare(const gpu_device *d)
{
    gpu_shared *shared = d->shared;
    if (shared == NULL)
        return false;
    (void)pthread_mutex_lock(&shared->lock);
    gpu_stage *spare = shared->spare;
    shared->spare = NULL;
    (void)pthread_mutex_unlock(&shared->lock);
    if (spare == NULL)
        return false;
    close_slots(spare);
    free(spare);
    return true;
}

parseal_status gpu_shared_open(gpu_device *d)
{
    d->shared = calloc(1, sizeof *d->shared);
    if (d->shared == NULL || pthread_mutex_init(&d->shared->lock, NULL) != 0) {
        free(d->shared);
        d->shared = NULL;
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "%s: out of memory", d->name);
    }
    const parseal_status status = gpu_uses_open(&d->shared->uses, d);
    if (status != PARSEAL_OK)
        gpu_shared_close(d);
    return status;
}

void gpu_shared_close(gpu_device *d)
{
    if (d->shared == NULL)
        return;
    gpu_uses_close(d->shared->uses);
    (void)gpu_drop_spare(d);
    (void)pthread_mutex_destroy(&d->shared->lock);
    free(d->shared->made);
    free(d->shared);
    d->shared = NULL;
}

parseal_status gpu_stage_open(gpu_stage *stage, const gpu_device *d, void *stream, uint64_t size,
                              uint64_t max, uint64_t pieces)
{
    const size_t n = pieces < GPU_SLOTS ? (size_t)pieces : GPU_SLOTS;
    if (stream == NULL && take_spare(d, size, n, stage))
        return PARSEAL_OK;
    *stage = (gpu_stage){.device = d};
    const uint64_t rounded = rounded_size(size, max);
    while (stage->n < n) {
        const parseal_status status = slot_open(d, stream, rounded, &stage->slot[stage->n++]);
        if (status != PARSEAL_OK) {
            close_slots(stage);
            return status;
        }
    }
    return PARSEAL_OK;
}

void gpu_stage_close(gpu_stage *stage)
{
    bool fine = stage->slot[0].own_stream;
    for (size_t i = 0; i < stage->n; i++)
        fine = slot_wipe(stage->device, &stage->slot[i]) && fine;
    if (fine && leave_spare(stage))
        return;
    close_slots(stage);
}

void gpu_stage_drop(gpu_stage *stage)
{
    close_slots(stage);
}
