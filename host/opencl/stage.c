#include "host/opencl/stage.h"

#include <sodium.h>
#include <string.h>

uint64_t ocl_slot_max(const ocl_device *d)
{
    const uint64_t share = d->budget / OCL_SLOTS;
    return (share < d->buffer_max ? share : d->buffer_max) / 256 * 256;
}

/* ------------------------------------------------------------------------------------- slots -- */

static void slot_close(const ocl_device *d, ocl_slot *slot)
{
    if (slot->stream.queue != NULL) {
        (void)ocl_finish(d, &slot->stream);
        if (slot->memory != NULL)
            (void)ocl_wipe(d, &slot->stream, slot->memory, slot->size);
        if (slot->host != NULL) {
            sodium_memzero(slot->host, (size_t)slot->size);
            (void)d->api.EnqueueUnmapMemObject(slot->stream.queue, slot->pinned, slot->host, 0,
                                               NULL, NULL);
        }
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
        slot->own_queue = d->api.CreateCommandQueue(d->context, d->id, 0, &error);
        if (slot->own_queue == NULL)
            return cl_failed("clCreateCommandQueue", error);
    }
    const parseal_status status =
        ocl_stream_of(d, stream != NULL ? stream : slot->own_queue, &slot->stream);
    if (status != PARSEAL_OK)
        return status;
    slot->memory = ocl_alloc(d, size, CL_MEM_READ_WRITE);
    slot->pinned = ocl_alloc(d, size, CL_MEM_READ_WRITE | CL_MEM_ALLOC_HOST_PTR);
    if (slot->memory == NULL || slot->pinned == NULL)
        return PARSEAL_ERR_NO_MEMORY;
    slot->host =
        d->api.EnqueueMapBuffer(slot->stream.queue, slot->pinned, CL_TRUE,
                                CL_MAP_READ | CL_MAP_WRITE, 0, (size_t)size, 0, NULL, NULL, &error);
    return slot->host != NULL ? PARSEAL_OK : cl_failed("clEnqueueMapBuffer", error);
}

parseal_status ocl_stage_open(ocl_stage *stage, const ocl_device *d, void *stream, uint64_t size,
                              uint64_t pieces)
{
    *stage = (ocl_stage){.device = d};
    const uint64_t whole = size / 256 * 256 + (size % 256 != 0 ? 256 : 0);
    for (size_t i = 0; i < OCL_SLOTS && i < pieces; i++) {
        stage->n++;
        const parseal_status status = slot_open(d, stream, whole, &stage->slot[i]);
        if (status != PARSEAL_OK) {
            ocl_stage_close(stage);
            return status;
        }
    }
    return PARSEAL_OK;
}

void ocl_stage_close(ocl_stage *stage)
{
    for (size_t i = 0; i < stage->n; i++)
        slot_close(stage->device, &stage->slot[i]);
    stage->n = 0;
}

parseal_status ocl_slot_in(const ocl_stage *stage, const ocl_slot *slot, uint64_t at, uint64_t size)
{
    return ocl_write(stage->device, &slot->stream, slot->memory, at, slot->host + at, size);
}

parseal_status ocl_slot_out(const ocl_stage *stage, const ocl_slot *slot, uint64_t at,
                            uint64_t size)
{
    return ocl_read_later(stage->device, &slot->stream, slot->memory, at, slot->host + at, size);
}
