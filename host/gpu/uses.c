#include "host/gpu/uses.h"

#include <stdlib.h>

#include "host/gpu/driver.h"

/* The end of one stream's work. */
typedef struct {
    bool used;
    uint64_t stream; /* gpu_driver.identify */
    void *mark;      /* NULL only where the entry is not used */
} use;

struct gpu_uses {
    const gpu_device *device;
    use *list; /* under the device's lock, as `captured` is */
    size_t n;
    bool captured;
};

/* Returns the stream's entry, or one that tells nothing any more, or NULL. */
static use *find(const gpu_uses *uses, uint64_t stream)
{
    for (size_t i = 0; i < uses->n; i++)
        if (uses->list[i].used && uses->list[i].stream == stream)
            return &uses->list[i];
    for (size_t i = 0; i < uses->n; i++) {
        use *other = &uses->list[i];
        if (!other->used || uses->device->driver->is_reached(uses->device, other->mark))
            return other;
    }
    return NULL;
}

static use *add(gpu_uses *uses)
{
    use *list = realloc(uses->list, (uses->n + 1) * sizeof *list);
    if (list == NULL)
        return NULL;
    uses->list = list;
    list[uses->n] = (use){false, 0, NULL};
    return &list[uses->n++];
}

static parseal_status note(gpu_uses *uses, const gpu_stream *s)
{
    const gpu_device *d = uses->device;
    uint64_t stream;
    bool captured;
    TRY(d->driver->identify(d, s, &stream, &captured));
    if (captured) {
        uses->captured = true;
        return PARSEAL_OK;
    }
    use *entry = find(uses, stream);
    if (entry == NULL)
        entry = add(uses);
    if (entry == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "%s: out of memory", d->name);
    TRY(d->driver->mark(d, s, &entry->mark));
    entry->used = true;
    entry->stream = stream;
    return PARSEAL_OK;
}

/* One mark is made beforehand, so that a call on the first stream makes nothing. */
parseal_status gpu_uses_open(gpu_uses **uses, const gpu_device *d)
{
    gpu_uses *made = calloc(1, sizeof *made);
    use *first = NULL;
    if (made != NULL) {
        made->device = d;
        first = add(made);
    }
    parseal_status status = PARSEAL_ERR_NO_MEMORY;
    if (first != NULL)
        status = d->driver->mark(d, &d->own, &first->mark);
    else
        (void)parseal_fail(status, "%s: out of memory", d->name);
    if (status == PARSEAL_OK)
        *uses = made;
    else
        gpu_uses_close(made);
    return status;
}

parseal_status gpu_uses_note(gpu_uses *uses, const gpu_stream *s, parseal_status status)
{
    const gpu_device *d = uses->device;
    const parseal_error error = parseal_error_save();
    (void)pthread_mutex_lock(&d->shared->lock);
    parseal_status done = note(uses, s);
    (void)pthread_mutex_unlock(&d->shared->lock);
    if (done != PARSEAL_OK)
        done = gpu_finish(d, s);
    if (status == PARSEAL_OK)
        return done;
    parseal_error_restore(&error);
    return status;
}

void gpu_uses_close(gpu_uses *uses)
{
    if (uses == NULL)
        return;
    const gpu_device *d = uses->device;
    for (size_t i = 0; i < uses->n; i++) {
        const use *entry = &uses->list[i];
        if (entry->used)
            d->driver->await(d, entry->mark);
        if (entry->mark != NULL)
            d->driver->unmark(d, entry->mark);
    }
    if (uses->captured && gpu_after_default(d, NULL, &d->own) == PARSEAL_OK)
        (void)gpu_finish(d, &d->own);
    free(uses->list);
    free(uses);
}
