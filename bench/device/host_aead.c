/* Whole batches from host memory to host memory, through the GPU, with the copies. */
#include "bench/cpu/machine.h"
#include "bench/cpu/support.h"
#include "bench/device/sample_aead.h"

#include <stdlib.h>
#include <string.h>

struct host_data {
    parseal_keys *keys;
    uint8_t *in, *out;
    parseal_msg *msgs;
    struct sample_aead sample;
};

/* Returns 0, as the library stays within its own budget. */
static uint64_t footprint(const struct device_work *w)
{
    (void)w;
    return 0;
}

static uint8_t *alloc_text(const struct device_work *w)
{
    const uint64_t total = w->n * w->size;
    uint8_t *p = w->op->pinned ? device_pinned_alloc(w->side->device, total)
                               : bench_alloc((size_t)w->n, (size_t)w->size);
    if (p != NULL)
        memset(p, 0, (size_t)total); /* This makes the system give the pages now. */
    return p;
}

static void free_text(const struct device_work *w, uint8_t *p)
{
    if (w->op->pinned)
        device_pinned_free(w->side->device, p);
    else
        free(p);
}

static bool fine(const struct device_work *w, const char *what, parseal_status status)
{
    if (status != PARSEAL_OK)
        complain("%s: %s: %s: %s", w->op->name, what, parseal_status_name(status),
                 parseal_last_error_text());
    return status == PARSEAL_OK;
}

static void describe(const struct device_work *w, struct host_data *d)
{
    for (size_t i = 0; i < w->n; i++) {
        parseal_msg *msg = &d->msgs[i];
        memset(msg, 0, sizeof *msg);
        msg->in = d->in + i * w->size;
        msg->out = d->out + i * w->size;
        msg->len = (size_t)w->size;
        aead_nonce(i, msg->nonce);
    }
}

/* Seals the messages, as they must be sealed to be opened. */
static bool turn_round(struct device_work *w, struct host_data *d)
{
    if (!fine(w, "parseal_seal", parseal_seal(d->keys, d->msgs, (size_t)w->n)))
        return false;
    for (size_t i = 0; i < w->n; i++) {
        d->msgs[i].in = d->out + i * w->size;
        d->msgs[i].out = d->in + i * w->size;
    }
    memset(d->in, 0, (size_t)(w->n * w->size));
    return true;
}

/* Shrinks the batch, so that input and output take at most a quarter of the free memory each. */
static void fit_in_host_memory(struct device_work *w)
{
    struct machine machine;
    machine_describe(&machine);
    const uint64_t most = machine.memory_available / 4;
    if (most != 0 && w->n * w->size > most)
        w->n = most / w->size > 0 ? most / w->size : 1;
}

static bool prepare(struct device_work *w)
{
    struct host_data *d = calloc(1, sizeof *d);
    size_t n_keys;
    if (d == NULL)
        return false;
    w->data = d;
    fit_in_host_memory(w);
    w->bytes = w->n * w->size;
    uint8_t *keys = aead_make_keys(w->op, w->n, &n_keys);
    const bool made =
        keys != NULL &&
        fine(w, "parseal_keys_create",
             parseal_keys_create(&d->keys, w->side->gpu, w->op->alg, keys, n_keys, NULL)) &&
        sample_aead_open(&d->sample, w, keys);
    free(keys);
    w->sample_bytes = d->sample.n * w->size;
    d->in = alloc_text(w);
    d->out = alloc_text(w);
    d->msgs = bench_alloc((size_t)w->n, sizeof *d->msgs);
    if (!made || d->in == NULL || d->out == NULL || d->msgs == NULL)
        return false;
    bench_fill(d->in, (size_t)w->bytes, 1);
    describe(w, d);
    return !w->op->inverse || turn_round(w, d);
}

static bool run(struct device_work *w)
{
    struct host_data *d = w->data;
    return w->op->inverse
               ? fine(w, "parseal_open", parseal_open(d->keys, d->msgs, (size_t)w->n, NULL))
               : fine(w, "parseal_seal", parseal_seal(d->keys, d->msgs, (size_t)w->n));
}

static bool run_sample(struct device_work *w)
{
    struct host_data *d = w->data;
    return sample_aead_run(&d->sample, w);
}

static bool check(struct device_work *w)
{
    struct host_data *d = w->data;
    for (size_t j = 0; j < d->sample.n; j++) {
        const parseal_msg *msg = &d->msgs[sample_aead_index(&d->sample, w, j)];
        memcpy(d->sample.in + j * w->size, msg->in, (size_t)w->size);
        memcpy(d->sample.msgs[j].tag, msg->tag, sizeof msg->tag);
    }
    if (!run(w) || !run_sample(w))
        return false;
    for (size_t j = 0; j < d->sample.n; j++) {
        const parseal_msg *msg = &d->msgs[sample_aead_index(&d->sample, w, j)];
        if (!same_bytes(w, "tag", msg->tag, d->sample.msgs[j].tag, sizeof msg->tag) ||
            !same_bytes(w, "text", msg->out, d->sample.out + j * w->size, w->size))
            return false;
    }
    return true;
}

static void release(struct device_work *w)
{
    struct host_data *d = w->data;
    if (d == NULL)
        return;
    parseal_keys_destroy(d->keys);
    free_text(w, d->in);
    free_text(w, d->out);
    free(d->msgs);
    sample_aead_close(&d->sample);
    free(d);
}

const struct operation_kind kind_host_aead = {true,  footprint,  prepare, run,
                                              check, run_sample, release};
