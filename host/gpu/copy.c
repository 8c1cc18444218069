/* Copies between the caller's memory, pinned memory and the device. */
#include <string.h>

#include "host/gpu/driver.h"

#include "host/gpu/stage.h"
#include "host/support/threads.h"

/* The bytes that a thread takes at a time, and the least bytes worth a copy of their own. */
enum { PART = 1 << 20, DIRECT_MIN = 256 << 10 };

/* ----------------------------------------------------------------------------- host to host -- */

typedef struct {
    uint64_t size;
    void (*task)(void *arg, uint64_t begin, uint64_t end);
    void *arg;
} spread;

static void spread_part(void *arg, size_t i)
{
    const spread *s = arg;
    const uint64_t begin = (uint64_t)i * PART, left = s->size - begin;
    s->task(s->arg, begin, begin + (left < PART ? left : PART));
}

void gpu_spread(const gpu_device *d, uint64_t size,
                void (*task)(void *arg, uint64_t begin, uint64_t end), void *arg)
{
    spread s = {size, task, arg};
    threads_for(d->copy_threads, (size_t)(size / PART + (size % PART != 0)), PART, spread_part, &s);
}

typedef struct {
    uint8_t *to;
    const uint8_t *from;
} copy;

static void copy_part(void *arg, uint64_t begin, uint64_t end)
{
    const copy *c = arg;
    memcpy(c->to + begin, c->from + begin, (size_t)(end - begin));
}

void gpu_copy(const gpu_device *d, void *to, const void *from, uint64_t size)
{
    copy c = {to, from};
    gpu_spread(d, size, copy_part, &c);
}

/* ------------------------------------------------------------------- host to device and back -- */

void gpu_slot_use(gpu_slot *slot, uint64_t end)
{
    const uint64_t words_end = (end + 3) / 4 * 4;
    slot->used = words_end > slot->used ? words_end : slot->used;
}

void gpu_slot_use_both(gpu_slot *slot, uint64_t end)
{
    gpu_slot_use(slot, end);
    slot->host_used = end > slot->host_used ? end : slot->host_used;
}

parseal_status gpu_slot_in_from(const gpu_stage *stage, gpu_slot *slot, uint64_t at,
                                const void *from, uint64_t size)
{
    gpu_slot_use(slot, at + size);
    return gpu_write(stage->device, &slot->stream, slot->memory, at, from, size);
}

parseal_status gpu_slot_out_to(const gpu_stage *stage, gpu_slot *slot, uint64_t at, void *to,
                               uint64_t size)
{
    gpu_slot_use(slot, at + size);
    return gpu_read_later(stage->device, &slot->stream, slot->memory, at, to, size);
}

parseal_status gpu_slot_in(const gpu_stage *stage, gpu_slot *slot, uint64_t at, uint64_t size)
{
    gpu_slot_use_both(slot, at + size);
    return gpu_slot_in_from(stage, slot, at, slot->host + at, size);
}

parseal_status gpu_slot_out(const gpu_stage *stage, gpu_slot *slot, uint64_t at, uint64_t size)
{
    gpu_slot_use_both(slot, at + size);
    return gpu_slot_out_to(stage, slot, at, slot->host + at, size);
}

bool gpu_is_direct(const gpu_device *d, const void *p, uint64_t size)
{
    return size >= DIRECT_MIN && d->driver->is_pinned != NULL && d->driver->is_pinned(d, p, size);
}

parseal_status gpu_span_end(gpu_span *span)
{
    const uint64_t at = span->begin, size = span->end - span->begin;
    span->begin = span->end;
    return span->out ? gpu_slot_out(span->stage, span->slot, at, size)
                     : gpu_slot_in(span->stage, span->slot, at, size);
}

parseal_status gpu_span_add(gpu_span *span, uint64_t at, uint64_t size)
{
    if (at != span->end) {
        TRY(gpu_span_end(span));
        span->begin = at;
    }
    span->end = at + size;
    return PARSEAL_OK;
}
