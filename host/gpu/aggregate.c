/* Adding updates to a vector on the device. */
#include <stdlib.h>

#include "host/gpu/batch.h"
#include "host/gpu/driver.h"
#include "host/gpu/vectors.h"

static add_shape shape_of(const gpu_device *d, const parseal_sink *sink)
{
    const uint32_t tiles = d->driver->aead->add_blocks / sink->bits;
    return (add_shape){.count = sink->acc->n,
                       .bits = sink->bits,
                       .tile_blocks = tiles * sink->bits,
                       .tile_elements = tiles * ADD_TILE};
}

static uint64_t tiles_of(const add_shape *shape)
{
    return shape->count / shape->tile_elements + (shape->count % shape->tile_elements != 0);
}

static gpu_place acc_of(const parseal_sink *sink)
{
    return (gpu_place){sink->acc->buf.handle, sink->acc->buf.offset};
}

/* Adding while opening goes through a tile's items one after the other, so it takes enough tiles to
 * keep the device busy. */
bool gpu_adds_fused(const gpu_device *d, const parseal_sink *sink)
{
    const add_shape shape = shape_of(d, sink);
    return sink->short_too || tiles_of(&shape) >= d->add_tiles;
}

parseal_status gpu_gcm_add(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                           const gpu_stream *s, const parseal_sink *sink)
{
    const gpu_driver *driver = t->device->driver;
    const ring_params ring = gpu_ring(sink->ring);
    const add_shape shape = shape_of(t->device, sink);
    const gpu_place acc = acc_of(sink);
    gpu_launch launch;
    gpu_launch_begin(&launch, t->device, GPU_AEAD_ADD,
                     driver->aead->add_kernel(t->device, sink->ring->element_size));
    gpu_arg_memory(&launch, t->items);
    gpu_arg_u32(&launch, t->n);
    gpu_arg_memory(&launch, keys->list);
    gpu_arg_place(&launch, &io->nonces);
    gpu_arg_place(&launch, &io->in);
    gpu_arg_place(&launch, &io->verdicts);
    gpu_arg_value(&launch, &ring, sizeof ring);
    gpu_arg_value(&launch, &shape, sizeof shape);
    gpu_arg_place(&launch, &acc);
    return gpu_launch_run(&launch, s, tiles_of(&shape) * driver->aead->add_items);
}

parseal_status gpu_add_opened(const gpu_table *t, const gpu_aead_io *io, const gpu_stream *s,
                              const parseal_sink *sink)
{
    const gpu_place acc = acc_of(sink);
    const uint32_t bits = sink->bits == 8 * sink->ring->element_size ? 0 : sink->bits;
    gpu_place *places = calloc(t->n, sizeof *places);
    if (places == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "batch: out of memory for %u messages", t->n);
    for (size_t i = 0; i < t->n; i++)
        places[i] = (gpu_place){io->out.memory, io->out.at + t->host[i].out_offset};
    const parseal_status status =
        gpu_run_sum(t->device, s, sink->ring, bits, &acc, places, t->n, sink->acc->n);
    free(places);
    return status;
}
