/* Copies on the device, and over the link to it. */
#include "bench/cpu/machine.h"
#include "bench/cpu/support.h"
#include "bench/device/operation.h"

#include <stdlib.h>
#include <string.h>

struct copy_data {
    device_pointer from, to;
    uint8_t *sent, *received; /* pinned where the link is measured */
};

enum { CHECKED_BYTES = 16 << 20 };

static uint64_t footprint(const struct device_work *w)
{
    return 2 * w->size;
}

static bool prepare_any(struct device_work *w, bool link)
{
    const struct device *device = w->side->device;
    struct copy_data *d = calloc(1, sizeof *d);
    if (d == NULL)
        return false;
    w->data = d;
    w->bytes = 2 * w->size;
    d->from = device_alloc(device, w->size);
    d->to = device_alloc(device, w->size);
    if (d->from == 0 || d->to == 0)
        return false;
    if (link) {
        d->sent = device_pinned_alloc(device, w->size);
        d->received = device_pinned_alloc(device, w->size);
        if (d->sent == NULL || d->received == NULL)
            return false;
        memset(d->received, 0, (size_t)w->size);
    } else {
        d->sent = bench_alloc((size_t)w->size, 1);
        if (d->sent == NULL)
            return false;
    }
    bench_fill(d->sent, (size_t)w->size, 11);
    return device_upload(device, d->from, d->sent, w->size) &&
           DRIVER_FINE(&device->calls, set, (d->to, 0, (size_t)(w->size / 4), device->stream)) &&
           device_wait(device);
}

/* Checks that both ends of the received bytes are the sent ones. */
static bool arrived(const struct device_work *w, const uint8_t *got)
{
    const struct copy_data *d = w->data;
    const uint64_t n = w->size < CHECKED_BYTES ? w->size : CHECKED_BYTES;
    return same_bytes(w, "start", got, d->sent, n) &&
           same_bytes(w, "end", got + (w->size - n), d->sent + (w->size - n), n);
}

static bool arrived_on_device(const struct device_work *w, device_pointer p)
{
    uint8_t *got = bench_alloc((size_t)w->size, 1);
    const bool fine =
        got != NULL && device_download(w->side->device, got, p, w->size) && arrived(w, got);
    free(got);
    return fine;
}

/* ----------------------------------------------------------------------------- on the device -- */

static bool prepare_on_device(struct device_work *w)
{
    return prepare_any(w, false);
}

static bool run_on_device(struct device_work *w)
{
    const struct copy_data *d = w->data;
    const struct device *device = w->side->device;
    return DRIVER_FINE(&device->calls, copy, (d->to, d->from, (size_t)w->size, device->stream));
}

/* Measures the CPU's counterpart: memcpy, with as many threads as the other rows have. */
static bool measure_memcpy(struct device_work *w)
{
    struct machine machine;
    parseal_info info = PARSEAL_INFO_INIT;
    const struct effort effort = {.min_runs = 5, .row_seconds = 0.2};
    machine_describe(&machine);
    const uint64_t large = machine_large_bytes(&machine) / w->side->divisor + 4096;
    if (parseal_ctx_info(w->side->cpu, &info) != PARSEAL_OK ||
        !machine_measure_memcpy(&machine, (size_t)large, info.cpu_threads, &effort))
        return false;
    w->cpu_gbps = 2 * machine.memcpy_gbps;
    return true;
}

static bool check_on_device(struct device_work *w)
{
    const struct copy_data *d = w->data;
    return run_on_device(w) && device_wait(w->side->device) && arrived_on_device(w, d->to) &&
           measure_memcpy(w);
}

static void release_on_device(struct device_work *w)
{
    struct copy_data *d = w->data;
    if (d == NULL)
        return;
    device_free(w->side->device, d->from);
    device_free(w->side->device, d->to);
    free(d->sent);
    free(d);
}

/* ----------------------------------------------------------------------------- over the link -- */

static bool prepare_link(struct device_work *w)
{
    const bool fine = prepare_any(w, true);
    w->bytes = w->op->kind == &kind_both_ways ? 2 * w->size : w->size;
    return fine;
}

static bool upload(const struct device_work *w, void *stream)
{
    const struct copy_data *d = w->data;
    return DRIVER_FINE(&w->side->device->calls, upload, (d->to, d->sent, (size_t)w->size, stream));
}

static bool download(const struct device_work *w, void *stream)
{
    const struct copy_data *d = w->data;
    return DRIVER_FINE(&w->side->device->calls, download,
                       (d->received, d->from, (size_t)w->size, stream));
}

static bool wait_for(const struct device_work *w, void *stream)
{
    return DRIVER_FINE(&w->side->device->calls, stream_wait, (stream));
}

static bool run_upload(struct device_work *w)
{
    void *stream = w->side->device->stream;
    return upload(w, stream) && wait_for(w, stream);
}

static bool run_download(struct device_work *w)
{
    void *stream = w->side->device->stream;
    return download(w, stream) && wait_for(w, stream);
}

static bool run_both_ways(struct device_work *w)
{
    const struct device *device = w->side->device;
    return upload(w, device->stream) && download(w, device->other_stream) &&
           wait_for(w, device->stream) && wait_for(w, device->other_stream);
}

static bool check_link(struct device_work *w)
{
    const struct copy_data *d = w->data;
    const struct operation_kind *kind = w->op->kind;
    return kind->run(w) && (kind == &kind_download || arrived_on_device(w, d->to)) &&
           (kind == &kind_upload || arrived(w, d->received));
}

static void release_link(struct device_work *w)
{
    struct copy_data *d = w->data;
    if (d == NULL)
        return;
    device_free(w->side->device, d->from);
    device_free(w->side->device, d->to);
    device_pinned_free(w->side->device, d->sent);
    device_pinned_free(w->side->device, d->received);
    free(d);
}

const struct operation_kind kind_device_copy = {
    false, footprint, prepare_on_device, run_on_device, check_on_device, NULL, release_on_device};
const struct operation_kind kind_upload = {true,       footprint, prepare_link, run_upload,
                                           check_link, NULL,      release_link};
const struct operation_kind kind_download = {true,       footprint, prepare_link, run_download,
                                             check_link, NULL,      release_link};
const struct operation_kind kind_both_ways = {true,       footprint, prepare_link, run_both_ways,
                                              check_link, NULL,      release_link};
