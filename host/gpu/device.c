/* Choosing a device, its memory and its streams, as far as all drivers share it. */
#include "host/gpu/device.h"

#include <stdlib.h>
#include <string.h>

#include "host/gpu/driver.h"
#include "host/gpu/stage.h"
#include "host/support/process.h"

enum { BUDGET_MIN = 1 << 20 };

const char *gpu_name(const parseal_device *device)
{
    return gpu_of(device)->name;
}

const char *gpu_place_of(const parseal_device *device)
{
    return gpu_of(device)->place;
}

parseal_status gpu_not_usable(const gpu_device *d, const char *backend)
{
    const parseal_error error = parseal_error_save();
    const size_t prefix = strlen(backend);
    const char *why = error.text;
    /* The caller's own mistake is not the device's. */
    if (error.status == PARSEAL_ERR_ARG || d->place[0] == '\0')
        return error.status;
    if (strncmp(why, backend, prefix) == 0 && strncmp(why + prefix, ": ", 2) == 0)
        why += prefix + 2;
    return parseal_fail(error.status, "%s: device %s, %s, is not usable: %s", backend, d->place,
                        d->name, why);
}

parseal_status gpu_take_options(gpu_device *d, uint64_t memory, const parseal_request *request)
{
    if (request->device_memory != 0 && request->device_memory < BUDGET_MIN)
        return parseal_fail(PARSEAL_ERR_ARG, "options.device_memory: %llu, at least %d expected",
                            (unsigned long long)request->device_memory, BUDGET_MIN);
    d->budget = request->device_memory;
    d->memory = memory;
    d->generation = process_generation();
    d->copy_threads = request->cpu_threads > 0 ? request->cpu_threads : 1;
    return PARSEAL_OK;
}

/* -------------------------------------------------------------------------------------- fork -- */

bool gpu_is_inherited(const parseal_device *device)
{
    return gpu_of(device)->generation != process_generation();
}

parseal_status gpu_runtime_enter(const char *name, atomic_uint_fast64_t *opened)
{
    uint_fast64_t first = 0; /* 0: never; else the generation plus one */
    const uint_fast64_t now = process_generation() + 1;
    if (atomic_compare_exchange_strong(opened, &first, now) || first == now)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_NO_DEVICE,
                        "%s: in use before fork(), which its driver does not survive: use spawn",
                        name);
}

/* ------------------------------------------------------------------------------------ memory -- */

parseal_status gpu_stream_of(const gpu_device *d, void *stream, gpu_stream *s)
{
    *s = d->own;
    return stream == NULL ? PARSEAL_OK : d->driver->stream_of(d, stream, s);
}

parseal_status gpu_after_default(const gpu_device *d, const void *stream, const gpu_stream *s)
{
    return stream != NULL || d->driver->after_default == NULL ? PARSEAL_OK
                                                              : d->driver->after_default(d, s);
}

parseal_status gpu_finish(const gpu_device *d, const gpu_stream *s)
{
    return d->driver->finish(d, s);
}

/* What the spare stage holds is as good as free, so that keeping it leaves the next call no
 * less. */
uint64_t gpu_budget(const gpu_device *d)
{
    uint64_t bytes = d->memory;
    if (d->budget != 0)
        return d->budget;
    if (d->driver->free_bytes != NULL && d->driver->free_bytes(d, &bytes))
        bytes += gpu_spare_size(d);
    return bytes / 4 > BUDGET_MIN ? bytes / 4 : BUDGET_MIN;
}

parseal_status gpu_alloc(const gpu_device *d, uint64_t size, gpu_memory *memory)
{
    gpu_memory made = 0;
    parseal_status status = d->driver->alloc(d, size, &made);
    if (status == PARSEAL_ERR_NO_MEMORY && gpu_drop_spare(d))
        status = d->driver->alloc(d, size, &made);
    *memory = status == PARSEAL_OK ? made : 0;
    return status;
}

void gpu_free(const gpu_device *d, gpu_memory memory)
{
    if (memory != 0)
        d->driver->free(d, memory);
}

void gpu_wipe_and_free(const gpu_device *d, gpu_memory memory, uint64_t size)
{
    if (memory == 0)
        return;
    /* A failure is ignored: a device that cannot wipe can do nothing else about it either. */
    (void)d->driver->wipe(d, &d->own, memory, 0, size);
    (void)gpu_finish(d, &d->own);
    gpu_free(d, memory);
}

static size_t index_of(const gpu_shared *shared, gpu_memory memory)
{
    size_t i = 0;
    while (i < shared->n_made && shared->made[i] != memory)
        i++;
    return i;
}

bool gpu_is_own(const gpu_device *d, const parseal_buf *buf)
{
    gpu_shared *shared = d->shared;
    (void)pthread_mutex_lock(&shared->lock);
    const bool is_own = index_of(shared, buf->handle) < shared->n_made;
    (void)pthread_mutex_unlock(&shared->lock);
    return is_own;
}

static parseal_status remember(const gpu_device *d, gpu_memory memory)
{
    gpu_shared *shared = d->shared;
    (void)pthread_mutex_lock(&shared->lock);
    gpu_memory *made = realloc(shared->made, (shared->n_made + 1) * sizeof *made);
    if (made != NULL) {
        shared->made = made;
        made[shared->n_made++] = memory;
    }
    (void)pthread_mutex_unlock(&shared->lock);
    return made != NULL ? PARSEAL_OK
                        : parseal_fail(PARSEAL_ERR_NO_MEMORY, "%s: out of memory", d->name);
}

static void forget(const gpu_device *d, gpu_memory memory)
{
    gpu_shared *shared = d->shared;
    (void)pthread_mutex_lock(&shared->lock);
    const size_t i = index_of(shared, memory);
    if (i < shared->n_made)
        shared->made[i] = shared->made[--shared->n_made];
    (void)pthread_mutex_unlock(&shared->lock);
}

static parseal_status memory_create(const parseal_device *device, uint64_t size,
                                    parseal_buf *memory)
{
    const gpu_device *d = gpu_of(device);
    const gpu_stream own = d->own;
    const uint64_t words_size = (size + 3) / 4 * 4;
    gpu_memory made;
    TRY(gpu_alloc(d, words_size, &made));
    parseal_status status = d->driver->wipe(d, &own, made, 0, words_size);
    if (status == PARSEAL_OK)
        status = gpu_finish(d, &own);
    if (status == PARSEAL_OK)
        status = remember(d, made);
    if (status != PARSEAL_OK) {
        gpu_free(d, made);
        return status;
    }
    *memory = (parseal_buf){d->driver->buf_kind, 0, made, 0, size};
    return PARSEAL_OK;
}

static void memory_destroy(const parseal_device *device, parseal_buf *memory)
{
    forget(gpu_of(device), memory->handle);
    gpu_wipe_and_free(gpu_of(device), memory->handle, (memory->size + 3) / 4 * 4);
    *memory = (parseal_buf){0};
}

static parseal_status memory_read(const parseal_device *device, const parseal_buf *memory, void *to)
{
    const gpu_device *d = gpu_of(device);
    return gpu_read(d, &d->own, memory->handle, 0, to, memory->size);
}

static parseal_status memory_write(const parseal_device *device, const parseal_buf *memory,
                                   const void *from)
{
    const gpu_device *d = gpu_of(device);
    return gpu_write_now(d, &d->own, memory->handle, 0, from, memory->size);
}

const memory_family gpu_memory_family = {
    .create = memory_create,
    .destroy = memory_destroy,
    .read = memory_read,
    .write = memory_write,
};

static parseal_status copy_in(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                              const void *from, uint64_t size, bool wait)
{
    return size == 0 ? PARSEAL_OK : d->driver->write(d, s, to, at, from, size, wait);
}

parseal_status gpu_write(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                         const void *from, uint64_t size)
{
    return copy_in(d, s, to, at, from, size, false);
}

parseal_status gpu_write_now(const gpu_device *d, const gpu_stream *s, gpu_memory to, uint64_t at,
                             const void *from, uint64_t size)
{
    return copy_in(d, s, to, at, from, size, true);
}

static parseal_status copy_out(const gpu_device *d, const gpu_stream *s, gpu_memory from,
                               uint64_t at, void *to, uint64_t size, bool wait)
{
    return size == 0 ? PARSEAL_OK : d->driver->read(d, s, from, at, to, size, wait);
}

parseal_status gpu_read(const gpu_device *d, const gpu_stream *s, gpu_memory from, uint64_t at,
                        void *to, uint64_t size)
{
    return copy_out(d, s, from, at, to, size, true);
}

parseal_status gpu_read_later(const gpu_device *d, const gpu_stream *s, gpu_memory from,
                              uint64_t at, void *to, uint64_t size)
{
    return copy_out(d, s, from, at, to, size, false);
}
