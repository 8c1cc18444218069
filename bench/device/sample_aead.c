#include "bench/device/sample_aead.h"

#include "bench/cpu/support.h"

#include <stdlib.h>
#include <string.h>

static size_t key_size(const struct device_operation *op)
{
    return op->alg == PARSEAL_AES128GCM ? PARSEAL_AES128GCM_KEYBYTES : PARSEAL_AES256GCM_KEYBYTES;
}

uint8_t *aead_make_keys(const struct device_operation *op, uint64_t n, size_t *n_keys)
{
    *n_keys = op->key_each ? (size_t)n : 1;
    uint8_t *keys = bench_alloc(*n_keys, key_size(op));
    if (keys != NULL)
        bench_fill(keys, *n_keys * key_size(op), 2);
    return keys;
}

void aead_nonce(uint64_t index, uint8_t nonce[PARSEAL_AES256GCM_NONCEBYTES])
{
    memset(nonce, 0x1b, PARSEAL_AES256GCM_NONCEBYTES);
    memcpy(nonce + 2, &index, sizeof index);
}

uint64_t sample_aead_index(const struct sample_aead *s, const struct device_work *w, size_t j)
{
    return j < (s->n + 1) / 2 ? j : w->n - s->n + j;
}

static bool make_sample_keys(struct sample_aead *s, const struct device_work *w,
                             const uint8_t *all_keys)
{
    const size_t size = key_size(w->op), n = w->op->key_each ? s->n : 1;
    uint8_t *keys = bench_alloc(n, size);
    if (keys == NULL)
        return false;
    for (size_t j = 0; j < n; j++)
        memcpy(keys + j * size,
               all_keys + (w->op->key_each ? sample_aead_index(s, w, j) : 0) * size, size);
    const parseal_status status =
        parseal_keys_create(&s->keys, w->side->cpu, w->op->alg, keys, n, NULL);
    free(keys);
    if (status != PARSEAL_OK)
        complain_status("parseal_keys_create", status);
    return status == PARSEAL_OK;
}

static void describe(struct sample_aead *s, const struct device_work *w)
{
    for (size_t j = 0; j < s->n; j++) {
        parseal_msg *msg = &s->msgs[j];
        memset(msg, 0, sizeof *msg);
        if (s->aad_only) {
            msg->aad = s->in + j * s->size;
            msg->aad_len = (size_t)s->size;
        } else {
            msg->in = s->in + j * s->size;
            msg->out = s->out + j * s->size;
            msg->len = (size_t)s->size;
        }
        msg->key = w->op->key_each ? (uint32_t)j : 0;
        aead_nonce(sample_aead_index(s, w, j), msg->nonce);
    }
}

bool sample_aead_open(struct sample_aead *s, const struct device_work *w, const uint8_t *all_keys)
{
    uint64_t n = w->side->sample_bytes / w->size;
    if (n < 2) /* The first and the last message are always there. */
        n = 2;
    *s = (struct sample_aead){.n = (size_t)(n < w->n ? n : w->n),
                              .size = w->size,
                              .open = w->op->inverse,
                              .aad_only = w->op->aad_only};
    s->in = bench_alloc(s->n, (size_t)s->size);
    s->out = bench_alloc(s->n, (size_t)s->size);
    s->msgs = bench_alloc(s->n, sizeof *s->msgs);
    if (s->in == NULL || s->out == NULL || s->msgs == NULL || !make_sample_keys(s, w, all_keys))
        return false;
    memset(s->out, 0, s->n * (size_t)s->size);
    describe(s, w);
    return true;
}

bool sample_aead_run(struct sample_aead *s, const struct device_work *w)
{
    const parseal_status status =
        s->open ? parseal_open(s->keys, s->msgs, s->n, NULL) : parseal_seal(s->keys, s->msgs, s->n);
    if (status != PARSEAL_OK)
        complain("%s on the CPU: %s: %s", w->op->name, parseal_status_name(status),
                 parseal_last_error_text());
    return status == PARSEAL_OK;
}

void sample_aead_close(struct sample_aead *s)
{
    parseal_keys_destroy(s->keys);
    free(s->in);
    free(s->out);
    free(s->msgs);
}
