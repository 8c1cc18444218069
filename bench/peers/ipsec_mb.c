/* The single-call AES-GCM of Intel's multi-buffer library. */
#include "bench/cpu/contender.h"
#include "bench/cpu/support.h"

#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

typedef void gcm_fn(const struct gcm_key_data *, struct gcm_context_data *, uint8_t *,
                    const uint8_t *, uint64_t, const uint8_t *, const uint8_t *, uint64_t,
                    uint8_t *, uint64_t);

struct session {
    struct gcm_key_data *keys; /* one for each key of the work */
    struct work *w;
    IMB_MGR *manager;
    gcm_fn *crypt;
};

static bool can(const struct work *w)
{
    return work_is_aead(w);
}

static void stop(void *session)
{
    struct session *s = session;
    if (s->manager != NULL)
        free_mb_mgr(s->manager);
    free(s->keys);
    free(s);
}

static void *start(struct work *w)
{
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    const struct aead_data *d = &w->data.aead;
    s->w = w;
    s->keys = bench_alloc(d->n_keys, sizeof *s->keys);
    s->manager = alloc_mb_mgr(0);
    if (s->keys == NULL || s->manager == NULL) {
        stop(s);
        return NULL;
    }
    init_mb_mgr_auto(s->manager, NULL);
    bool open = w->op->inverse;
    for (size_t i = 0; i < d->n_keys; i++)
        if (w->op->alg == PARSEAL_AES128GCM)
            IMB_AES128_GCM_PRE(s->manager, d->key + i * d->key_len, &s->keys[i]);
        else
            IMB_AES256_GCM_PRE(s->manager, d->key + i * d->key_len, &s->keys[i]);
    if (w->op->alg == PARSEAL_AES128GCM)
        s->crypt = open ? s->manager->gcm128_dec : s->manager->gcm128_enc;
    else
        s->crypt = open ? s->manager->gcm256_dec : s->manager->gcm256_enc;
    return s;
}

static void crypt_msg(const struct session *s, parseal_msg *msg, uint8_t *tag)
{
    struct gcm_context_data context;
    s->crypt(&s->keys[msg->key], &context, msg->out, msg->in, msg->len, msg->nonce, NULL, 0, tag,
             PARSEAL_TAGBYTES);
}

static bool seal_one(void *session, unsigned thread, parseal_msg *msg)
{
    (void)thread;
    crypt_msg(session, msg, msg->tag);
    return true;
}

/* Compares the tag, too, as the library leaves that to its caller. */
static bool open_one(void *session, unsigned thread, parseal_msg *msg)
{
    uint8_t tag[PARSEAL_TAGBYTES], differ = 0;
    (void)thread;
    crypt_msg(session, msg, tag);
    for (size_t k = 0; k < sizeof tag; k++)
        differ |= (uint8_t)(tag[k] ^ msg->tag[k]);
    return differ == 0;
}

static bool run(void *session)
{
    struct session *s = session;
    return peer_each_message(s->w, s->w->op->inverse ? open_one : seal_one, s);
}

const struct contender contender_ipsec_mb = {"ipsec-mb", can, start, run, stop};
