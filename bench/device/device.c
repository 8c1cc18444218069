#include "bench/device/device.h"

#include "bench/cpu/support.h"

enum { NON_BLOCKING = 1, PORTABLE = 1 };

/* Returns an attribute, or 0 where the driver does not know it. */
static int attribute(const struct device *d, int which)
{
    int value = 0;
    return d->calls.device_attribute(&value, which, d->id) == 0 ? value : 0;
}

static bool describe(struct device *d)
{
    const struct driver_calls *calls = &d->calls;
    if (!DRIVER_FINE(calls, device_name, (d->name, (int)sizeof d->name, d->id)) ||
        !DRIVER_FINE(calls, version, (&d->driver_version)))
        return false;
    d->capability =
        10 * attribute(d, ATTRIBUTE_CAPABILITY_MAJOR) + attribute(d, ATTRIBUTE_CAPABILITY_MINOR);
    d->multiprocessors = attribute(d, ATTRIBUTE_MULTIPROCESSORS);
    d->clock = 1e3 * attribute(d, ATTRIBUTE_CLOCK_KHZ);
    d->memory_clock = 1e3 * attribute(d, ATTRIBUTE_MEMORY_CLOCK_KHZ);
    d->memory_bus_bits = attribute(d, ATTRIBUTE_MEMORY_BUS_BITS);
    d->l2_bytes = (uint64_t)attribute(d, ATTRIBUTE_L2_BYTES);
    return true;
}

static bool enter(struct device *d)
{
    const struct driver_calls *calls = &d->calls;
    size_t free_bytes, all_bytes;
    if (!DRIVER_FINE(calls, context_retain, (&d->context, d->id)))
        return false;
    if (!DRIVER_FINE(calls, context_push, (d->context))) {
        (void)calls->context_release(d->id);
        d->context = NULL;
        return false;
    }
    if (!DRIVER_FINE(calls, mem_info, (&free_bytes, &all_bytes)) ||
        !DRIVER_FINE(calls, stream_create, (&d->stream, NON_BLOCKING)) ||
        !DRIVER_FINE(calls, stream_create, (&d->other_stream, NON_BLOCKING)) ||
        !DRIVER_FINE(calls, event_create, (&d->begin, 0)) ||
        !DRIVER_FINE(calls, event_create, (&d->end, 0)))
        return false;
    d->memory = all_bytes;
    return true;
}

bool device_open(struct device *d, int ordinal)
{
    *d = (struct device){.ordinal = ordinal};
    if (!driver_load(&d->calls))
        return false;
    if (DRIVER_FINE(&d->calls, init, (0)) &&
        DRIVER_FINE(&d->calls, device_get, (&d->id, ordinal)) && describe(d) && enter(d))
        return true;
    device_close(d);
    return false;
}

void device_close(struct device *d)
{
    const struct driver_calls *calls = &d->calls;
    void *other;
    if (d->end != NULL)
        (void)calls->event_destroy(d->end);
    if (d->begin != NULL)
        (void)calls->event_destroy(d->begin);
    if (d->other_stream != NULL)
        (void)calls->stream_destroy(d->other_stream);
    if (d->stream != NULL)
        (void)calls->stream_destroy(d->stream);
    if (d->context != NULL) {
        (void)calls->context_pop(&other);
        (void)calls->context_release(d->id);
    }
    driver_unload(&d->calls);
}

uint64_t device_memory_free(const struct device *d)
{
    size_t free_bytes = 0, all_bytes;
    return DRIVER_FINE(&d->calls, mem_info, (&free_bytes, &all_bytes)) ? free_bytes : 0;
}

device_pointer device_alloc(const struct device *d, uint64_t size)
{
    device_pointer p = 0;
    const bool fine = DRIVER_FINE(&d->calls, mem_alloc, (&p, size > 0 ? (size_t)size : 1));
    if (!fine)
        complain("no device memory for %llu bytes", (unsigned long long)size);
    return fine ? p : 0;
}

void device_free(const struct device *d, device_pointer p)
{
    if (p != 0)
        (void)d->calls.mem_free(p);
}

bool device_wait(const struct device *d)
{
    return DRIVER_FINE(&d->calls, stream_wait, (d->stream));
}

bool device_upload(const struct device *d, device_pointer to, const void *from, uint64_t size)
{
    return DRIVER_FINE(&d->calls, upload, (to, from, (size_t)size, d->stream)) && device_wait(d);
}

bool device_download(const struct device *d, void *to, device_pointer from, uint64_t size)
{
    return DRIVER_FINE(&d->calls, download, (to, from, (size_t)size, d->stream)) && device_wait(d);
}

bool device_repeat(const struct device *d, device_pointer to, uint64_t size, const void *block,
                   uint64_t block_size)
{
    uint64_t done = size < block_size ? size : block_size;
    if (!device_upload(d, to, block, done))
        return false;
    while (done < size) {
        const uint64_t rest = size - done, next = rest < done ? rest : done;
        if (!DRIVER_FINE(&d->calls, copy, (to + done, to, (size_t)next, d->stream)))
            return false;
        done += next;
    }
    return device_wait(d);
}

void *device_pinned_alloc(const struct device *d, uint64_t size)
{
    void *p = NULL;
    const bool fine =
        DRIVER_FINE(&d->calls, host_alloc, (&p, size > 0 ? (size_t)size : 1, PORTABLE));
    if (!fine)
        complain("no pinned memory for %llu bytes", (unsigned long long)size);
    return fine ? p : NULL;
}

void device_pinned_free(const struct device *d, void *p)
{
    if (p != NULL)
        (void)d->calls.host_free(p);
}

bool device_time_begin(const struct device *d)
{
    return DRIVER_FINE(&d->calls, event_record, (d->begin, d->stream));
}

bool device_time_end(const struct device *d, double *seconds)
{
    float milliseconds = 0;
    if (!DRIVER_FINE(&d->calls, event_record, (d->end, d->stream)) || !device_wait(d) ||
        !DRIVER_FINE(&d->calls, event_elapsed, (&milliseconds, d->begin, d->end)))
        return false;
    *seconds = 1e-3 * (double)milliseconds;
    return true;
}

parseal_buf device_buf(device_pointer p, uint64_t size)
{
    parseal_buf buf = parseal_host_buf(NULL, size);
    buf.kind = PARSEAL_BUF_CUDA;
    buf.handle = (uintptr_t)p;
    return buf;
}
