/* Plans of AES-GCM on buffers in device memory. With aad_only they do GHASH and little else. */
#include "bench/cpu/support.h"
#include "bench/device/kernel_times.h"
#include "bench/device/sample_aead.h"

#include <stdlib.h>
#include <string.h>

enum { FILL_BYTES = 32 << 20 };

struct aead_data {
    const char *ghash; /* the way to hash that the device has without this row; NULL: it has it */
    parseal_keys *keys;
    parseal_plan *plan;
    parseal_aead_io io;
    device_pointer text[2]; /* plaintext, ciphertext, from op->shift on; with aad_only text[0] is
                               the aad */
    device_pointer nonce, tag, verdict, workspace;
    struct sample_aead sample;
    uint8_t *got;
};

static uint64_t footprint(const struct device_work *w)
{
    return w->n * (w->size * (w->op->aad_only ? 1 : 2) + w->size / 128 + 1024);
}

static bool fine(const struct device_work *w, const char *what, parseal_status status)
{
    if (status != PARSEAL_OK)
        complain("%s: %s: %s: %s", w->op->name, what, parseal_status_name(status),
                 parseal_last_error_text());
    return status == PARSEAL_OK;
}

static bool make_plan(struct device_work *w, struct aead_data *d)
{
    const size_t n = (size_t)w->n;
    uint64_t *len = bench_alloc(n, sizeof *len), *none = bench_alloc(n, sizeof *none);
    uint64_t *offset = bench_alloc(n, sizeof *offset);
    uint32_t *key = bench_alloc(n, sizeof *key);
    bool made = len != NULL && none != NULL && offset != NULL && key != NULL;
    for (size_t i = 0; made && i < n; i++) {
        len[i] = w->size;
        none[i] = 0;
        offset[i] = i * w->size;
        key[i] = w->op->key_each ? (uint32_t)i : 0;
    }
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = n;
    shape.key = key;
    shape.len = w->op->aad_only ? none : len;
    shape.in_offset = w->op->aad_only ? none : offset;
    if (w->op->aad_only) {
        shape.aad_len = len;
        shape.aad_offset = offset;
    }
    made = made && fine(w, "parseal_plan_create", parseal_plan_create(&d->plan, d->keys, &shape));
    free(len);
    free(none);
    free(offset);
    free(key);
    return made;
}

static bool make_buffers(struct device_work *w, struct aead_data *d)
{
    const struct device *device = w->side->device;
    const uint64_t total = w->n * w->size, shift = w->op->shift;
    const uint64_t work = parseal_plan_workspace_size(d->plan);
    for (int i = 0; i < (w->op->aad_only ? 1 : 2); i++) {
        d->text[i] = device_alloc(device, shift + total);
        if (d->text[i] == 0)
            return false;
    }
    d->nonce = device_alloc(device, w->n * PARSEAL_AES256GCM_NONCEBYTES);
    d->tag = device_alloc(device, w->n * PARSEAL_TAGBYTES);
    d->verdict = device_alloc(device, w->n * sizeof(int32_t));
    d->workspace = device_alloc(device, work);
    if (d->nonce == 0 || d->tag == 0 || d->verdict == 0 || d->workspace == 0)
        return false;
    d->io = (parseal_aead_io)PARSEAL_AEAD_IO_INIT;
    if (w->op->aad_only) {
        d->io.aad = device_buf(d->text[0] + shift, total);
        d->io.in = d->io.out = device_buf(d->tag, 0);
    } else {
        d->io.in = device_buf(d->text[0] + shift, total);
        d->io.out = device_buf(d->text[1] + shift, total);
    }
    d->io.nonce = device_buf(d->nonce, w->n * PARSEAL_AES256GCM_NONCEBYTES);
    d->io.tag = device_buf(d->tag, w->n * PARSEAL_TAGBYTES);
    d->io.verdict = device_buf(d->verdict, w->n * sizeof(int32_t));
    if (work > 0)
        d->io.workspace = device_buf(d->workspace, work);
    return true;
}

static bool fill_buffers(struct device_work *w, struct aead_data *d)
{
    const uint64_t total = w->n * w->size;
    const size_t block_size = total < FILL_BYTES ? (size_t)total : FILL_BYTES;
    uint8_t *block = bench_alloc(block_size, 1);
    uint8_t *nonces = bench_alloc((size_t)w->n, PARSEAL_AES256GCM_NONCEBYTES);
    bool filled = block != NULL && nonces != NULL;
    if (filled) {
        bench_fill(block, block_size, 1);
        for (size_t i = 0; i < w->n; i++)
            aead_nonce(i, nonces + i * PARSEAL_AES256GCM_NONCEBYTES);
        filled =
            device_repeat(w->side->device, d->text[0] + w->op->shift, total, block, block_size) &&
            device_upload(w->side->device, d->nonce, nonces, w->n * PARSEAL_AES256GCM_NONCEBYTES);
    }
    free(block);
    free(nonces);
    return filled;
}

static bool run_plan(struct device_work *w, bool open)
{
    struct aead_data *d = w->data;
    void *stream = w->side->device->stream;
    return open ? fine(w, "parseal_plan_open", parseal_plan_open(d->plan, &d->io, stream))
                : fine(w, "parseal_plan_seal", parseal_plan_seal(d->plan, &d->io, stream));
}

/* Seals the messages, as they must be sealed to be opened. Then it overwrites the plaintext, so
 * that only opening can bring it back. */
static bool turn_round(struct device_work *w, struct aead_data *d)
{
    const struct device *device = w->side->device;
    const parseal_buf plain = d->io.in;
    if (!run_plan(w, false) ||
        !DRIVER_FINE(&device->calls, set,
                     (d->text[0], 0, (size_t)(w->n * w->size / 4), device->stream)))
        return false;
    d->io.in = d->io.out;
    d->io.out = plain;
    return device_wait(device);
}

static bool prepare(struct device_work *w)
{
    struct aead_data *d = calloc(1, sizeof *d);
    size_t n_keys;
    if (d == NULL)
        return false;
    w->data = d;
    w->bytes = w->n * w->size;
    if (w->op->ghash != NULL)
        d->ghash = kernel_times_use_ghash(w->side->gpu, w->op->ghash);
    uint8_t *keys = aead_make_keys(w->op, w->n, &n_keys);
    bool made = keys != NULL &&
                fine(w, "parseal_keys_create",
                     parseal_keys_create(&d->keys, w->side->gpu, w->op->alg, keys, n_keys, NULL)) &&
                sample_aead_open(&d->sample, w, keys);
    free(keys);
    /* The CPU has no call that does AES-CTR by itself. */
    const bool only_crypt = w->op->bound == BOUND_AES128_CTR || w->op->bound == BOUND_AES256_CTR;
    w->sample_bytes = only_crypt ? 0 : d->sample.n * w->size;
    d->got = made ? bench_alloc(1, (size_t)w->size) : NULL;
    return d->got != NULL && make_plan(w, d) && make_buffers(w, d) && fill_buffers(w, d) &&
           (!w->op->inverse || turn_round(w, d));
}

static bool run(struct device_work *w)
{
    return run_plan(w, w->op->inverse);
}

static bool run_sample(struct device_work *w)
{
    struct aead_data *d = w->data;
    return sample_aead_run(&d->sample, w);
}

static bool take_sample(struct device_work *w, struct aead_data *d)
{
    const struct device *device = w->side->device;
    for (size_t j = 0; j < d->sample.n; j++) {
        const uint64_t i = sample_aead_index(&d->sample, w, j);
        const parseal_buf *from = w->op->aad_only ? &d->io.aad : &d->io.in;
        if (!device_download(device, d->sample.in + j * w->size,
                             (device_pointer)from->handle + i * w->size, w->size) ||
            !device_download(device, d->sample.msgs[j].tag, d->tag + i * PARSEAL_TAGBYTES,
                             PARSEAL_TAGBYTES))
            return false;
    }
    return true;
}

static bool same_message(struct device_work *w, struct aead_data *d, size_t j)
{
    const struct device *device = w->side->device;
    const uint64_t i = sample_aead_index(&d->sample, w, j);
    uint8_t tag[PARSEAL_TAGBYTES];
    if (!device_download(device, tag, d->tag + i * sizeof tag, sizeof tag) ||
        !same_bytes(w, "tag", tag, d->sample.msgs[j].tag, sizeof tag))
        return false;
    return w->op->aad_only ||
           (device_download(device, d->got, (device_pointer)d->io.out.handle + i * w->size,
                            w->size) &&
            same_bytes(w, "text", d->got, d->sample.out + j * w->size, w->size));
}

static bool all_verdicts_are_ok(struct device_work *w, struct aead_data *d)
{
    int32_t *verdict = bench_alloc((size_t)w->n, sizeof *verdict);
    bool good = verdict != NULL &&
                device_download(w->side->device, verdict, d->verdict, w->n * sizeof *verdict);
    for (size_t i = 0; good && i < w->n; i++) {
        good = verdict[i] == PARSEAL_ITEM_OK;
        if (!good)
            complain("%s: WRONG RESULT: the verdict on message %zu is %d", w->op->name, i,
                     (int)verdict[i]);
    }
    free(verdict);
    return good;
}

static bool check(struct device_work *w)
{
    struct aead_data *d = w->data;
    if (!take_sample(w, d) || !run(w) || !device_wait(w->side->device) || !run_sample(w) ||
        !all_verdicts_are_ok(w, d))
        return false;
    for (size_t j = 0; j < d->sample.n; j++)
        if (!same_message(w, d, j))
            return false;
    return true;
}

static void release(struct device_work *w)
{
    struct aead_data *d = w->data;
    if (d == NULL)
        return;
    const struct device *device = w->side->device;
    if (d->ghash != NULL)
        (void)kernel_times_use_ghash(w->side->gpu, d->ghash);
    parseal_plan_destroy(d->plan);
    parseal_keys_destroy(d->keys);
    device_free(device, d->text[0]);
    device_free(device, d->text[1]);
    device_free(device, d->nonce);
    device_free(device, d->tag);
    device_free(device, d->verdict);
    device_free(device, d->workspace);
    sample_aead_close(&d->sample);
    free(d->got);
    free(d);
}

const struct operation_kind kind_aead = {false, footprint,  prepare, run,
                                         check, run_sample, release};
