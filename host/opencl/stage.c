#include "host/opencl/stage.h"

#include <sodium.h>
#include <stdlib.h>

uint64_t ocl_slot_max(const ocl_device *d)
{
    const uint64_t share = d->budget / OCL_SLOTS;
    return (share < d->buffer_max ? share : d->buffer_max) / 256 * 256;
}

/* ------------------------------------------------------------------------------------- slots -- */

/* Nothing that was staged stays behind. False where the device no longer does what it is told. */
static bool slot_wipe(const ocl_device *d, ocl_slot *slot)
{
    bool fine = ocl_finish(d, &slot->stream) == PARSEAL_OK;
    if (slot->memory != NULL)
        fine = ocl_wipe(d, &slot->stream, slot->memory, slot->used) == PARSEAL_OK && fine;
    if (slot->host != NULL)
        sodium_memzero(slot->host, (size_t)slot->used);
    slot->used = 0;
    return ocl_finish(d, &slot->stream) == PARSEAL_OK && fine;
}

static void slot_close(const ocl_device *d, ocl_slot *slot)
{
    if (slot->stream.queue != NULL) {
        (void)slot_wipe(d, slot);
        if (slot->host != NULL)
            (void)d->api.EnqueueUnmapMemObject(slot->stream.queue, slot->pinned, slot->host, 0,
                                               NULL, NULL);
        (void)ocl_finish(d, &slot->stream);
    }
    ocl_free(d, slot->memory);
    ocl_free(d, slot->pinned);
    if (slot->own_queue != NULL)
        (void)d->api.ReleaseCommandQueue(slot->own_queue);
    *slot = (ocl_slot){0};
}

static parseal_status slot_open(const ocl_device *d, void *stream, uint64_t size, ocl_slot *slot)
{
    cl_int error = CL_SUCCESS;
    slot->size = size;
    if (stream == NULL) {
        slot->own_queue = ocl_queue(d);
        if (slot->own_queue == NULL)
            return PARSEAL_ERR_DEVICE;
        slot->stream = (ocl_stream){slot->own_queue, true};
    } else {
        TRY(ocl_stream_of(d, stream, &slot->stream));
    }
    slot->memory = ocl_alloc(d, size, CL_MEM_READ_WRITE);
    slot->pinned = ocl_alloc(d, size, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR);
    if (slot->memory == NULL || slot->pinned == NULL)
        return PARSEAL_ERR_NO_MEMORY;
    slot->host =
        d->api.EnqueueMapBuffer(slot->stream.queue, slot->pinned, CL_TRUE,
                                CL_MAP_READ | CL_MAP_WRITE, 0, (size_t)size, 0, NULL, NULL, &error);
    return slot->host != NULL ? PARSEAL_OK : cl_failed("clEnqueueMapBuffer", error);
}

/* ------------------------------------------------------------------------------------- stage -- */

static void close_slots(ocl_stage *stage)
{
    for (size_t i = 0; i < stage->n; i++)
        slot_close(stage->device, &stage->slot[i]);
    stage->n = 0;
}

/* Sizes are rounded up to powers of two, so that the next call will most likely find room. */
static uint64_t rounded_size(const ocl_device *d, uint64_t size)
{
    const uint64_t max = ocl_slot_max(d);
    uint64_t rounded = (uint64_t)1 << 20;
    while (rounded < size)
        rounded *= 2;
    return rounded < max ? rounded : max;
}

/* What an earlier call has left, where it is large enough. */
static bool take_spare(const ocl_device *d, uint64_t size, size_t n, ocl_stage *stage)
{
    ocl_shared *shared = d->shared;
    (void)pthread_mutex_lock(&shared->lock);
    ocl_stage *spare = shared->spare;
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

/* Keeps the stage for a later call in place of a smaller one; false where there is no need. */
static bool leave_spare(const ocl_stage *stage)
{
    ocl_shared *shared = stage->device->shared;
    ocl_stage *mine = malloc(sizeof *mine), *other = mine;
    if (mine == NULL)
        return false;
    *mine = *stage;
    (void)pthread_mutex_lock(&shared->lock);
    const ocl_stage *old = shared->spare;
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

void ocl_close_spare(ocl_device *d)
{
    if (d->shared->spare != NULL)
        close_slots(d->shared->spare);
    free(d->shared->spare);
    d->shared->spare = NULL;
}

parseal_status ocl_stage_open(ocl_stage *stage, const ocl_device *d, void *stream, uint64_t size,
                              uint64_t pieces)
{
    const size_t n = pieces < OCL_SLOTS ? (size_t)pieces : OCL_SLOTS;
    if (stream == NULL && take_spare(d, size, n, stage))
        return PARSEAL_OK;
    *stage = (ocl_stage){.device = d};
    while (stage->n < n) {
        const parseal_status status =
            slot_open(d, stream, rounded_size(d, size), &stage->slot[stage->n++]);
        if (status != PARSEAL_OK) {
            close_slots(stage);
            return status;
        }
    }
    return PARSEAL_OK;
}

void ocl_stage_close(ocl_stage *stage)
{
    bool fine = stage->slot[0].own_queue != NULL;
    for (size_t i = 0; i < stage->n; i++)
        fine = slot_wipe(stage->device, &stage->slot[i]) && fine;
    if (fine && leave_spare(stage))
        return;
    close_slots(stage);
}

/* -------------------------------------------------------------------------------------- copy -- */

void ocl_slot_use(ocl_slot *slot, uint64_t end)
{
    const uint64_t words_end = (end + 3) / 4 * 4;
    slot->used = words_end > slot->used ? words_end : slot->used;
}

parseal_status ocl_slot_in(const ocl_stage *stage, ocl_slot *slot, uint64_t at, uint64_t size)
{
    ocl_slot_use(slot, at + size);
    return ocl_write(stage->device, &slot->stream, slot->memory, at, slot->host + at, size);
}

parseal_status ocl_slot_out(const ocl_stage *stage, ocl_slot *slot, uint64_t at, uint64_t size)
{
    ocl_slot_use(slot, at + size);
    return ocl_read_later(stage->device, &slot->stream, slot->memory, at, slot->host + at, size);
}
