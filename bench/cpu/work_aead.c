/* Messages through parseal_seal and parseal_open, in batches or one a call. */
#include "bench/cpu/support.h"
#include "bench/cpu/work.h"

#include <stdlib.h>
#include <string.h>

static void describe_messages(const struct work *w, struct aead_data *d)
{
    for (size_t i = 0; i < w->n; i++) {
        parseal_msg *msg = &d->msgs[i];
        memset(msg, 0, sizeof *msg);
        msg->in = d->in + i * w->size;
        msg->out = d->out + i * w->size;
        msg->len = w->size;
        msg->key = d->n_keys > 1 ? (uint32_t)i : 0;
        memcpy(msg->nonce, &i, sizeof i);
    }
}

/* Seals the messages, as they must be sealed to be opened, and makes the sealed bytes the input. */
static bool turn_round(const struct work *w, struct aead_data *d)
{
    parseal_status status = parseal_seal(d->keys, d->msgs, w->n);
    if (status != PARSEAL_OK) {
        complain_status("parseal_seal", status);
        return false;
    }
    uint8_t *sealed = d->out;
    d->out = d->in;
    d->in = sealed;
    for (size_t i = 0; i < w->n; i++) {
        d->msgs[i].in = d->in + i * w->size;
        d->msgs[i].out = d->out + i * w->size;
    }
    return true;
}

static bool prepare(struct work *w)
{
    struct aead_data *d = &w->data.aead;
    size_t total = w->n * w->size;
    d->n_keys = w->op->key_each ? w->n : 1;
    d->key_len =
        w->op->alg == PARSEAL_AES128GCM ? PARSEAL_AES128GCM_KEYBYTES : PARSEAL_AES256GCM_KEYBYTES;
    d->key = bench_alloc(d->n_keys, d->key_len);
    d->in = bench_alloc(w->n, w->size);
    d->out = w->op->in_place ? d->in : bench_alloc(w->n, w->size);
    d->msgs = bench_alloc(w->n, sizeof *d->msgs);
    if (d->key == NULL || d->in == NULL || d->out == NULL || d->msgs == NULL)
        return false;
    memset(d->out, 0, total);
    bench_fill(d->in, total, 1);
    bench_fill(d->key, d->n_keys * d->key_len, 2);
    describe_messages(w, d);
    parseal_status status =
        parseal_keys_create(&d->keys, w->ctx, w->op->alg, d->key, d->n_keys, NULL);
    if (status != PARSEAL_OK) {
        complain_status("parseal_keys_create", status);
        return false;
    }
    if (w->op->inverse && !turn_round(w, d))
        return false;
    w->bytes = total;
    w->result[0] = (struct region){d->out, total, 0, 1};
    if (!w->op->inverse)
        w->result[1] =
            (struct region){d->msgs[0].tag, sizeof d->msgs[0].tag, sizeof *d->msgs, w->n};
    return true;
}

static parseal_status run(struct work *w)
{
    struct aead_data *d = &w->data.aead;
    const size_t at_once = w->n / w->calls;
    parseal_status status = PARSEAL_OK;
    for (size_t i = 0; status == PARSEAL_OK && i < w->n; i += at_once)
        status = w->op->inverse ? parseal_open(d->keys, d->msgs + i, at_once, NULL)
                                : parseal_seal(d->keys, d->msgs + i, at_once);
    return status;
}

static void release(struct work *w)
{
    struct aead_data *d = &w->data.aead;
    parseal_keys_destroy(d->keys);
    free(d->msgs);
    if (d->out != d->in)
        free(d->out);
    free(d->in);
    free(d->key);
}

const struct family family_aead = {PARSEAL_PRIMITIVE_AEAD, prepare, run, release};
