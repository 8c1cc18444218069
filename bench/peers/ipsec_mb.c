/* The single-call AES-GCM of Intel's multi-buffer library, and its key set-up. */
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

static const char *version(const struct contender *who)
{
    (void)who;
    return imb_get_version_str();
}

static bool can(const struct contender *who, const struct work *w)
{
    (void)who;
    return work_is_aead(w) || w->op->family == &family_keys;
}

static void stop(void *session)
{
    struct session *s = session;
    if (s->manager != NULL)
        free_mb_mgr(s->manager);
    free(s->keys);
    free(s);
}

static void set_up(struct session *s, const uint8_t *key, size_t size, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (s->w->op->alg == PARSEAL_AES128GCM)
            IMB_AES128_GCM_PRE(s->manager, key + i * size, &s->keys[i]);
        else
            IMB_AES256_GCM_PRE(s->manager, key + i * size, &s->keys[i]);
}

static void *start(const struct contender *who, struct work *w)
{
    (void)who;
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    const struct aead_data *d = &w->data.aead;
    s->w = w;
    s->keys = bench_alloc(work_is_set(w) ? w->n : d->n_keys, sizeof *s->keys);
    s->manager = alloc_mb_mgr(0);
    if (s->keys == NULL || s->manager == NULL) {
        stop(s);
        return NULL;
    }
    init_mb_mgr_auto(s->manager, NULL);
    bool open = w->op->inverse;
    if (work_is_set(w))
        return s;
    set_up(s, d->key, d->key_len, d->n_keys);
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
    const struct work *w = s->w;
    if (work_is_set(w)) {
        set_up(s, w->data.set.key, w->size, w->n);
        return true;
    }
    return peer_each_message(s->w, w->op->inverse ? open_one : seal_one, s);
}

const struct contender contender_ipsec_mb = {
    .name = "ipsec-mb", .version = version, .can = can, .start = start, .run = run, .stop = stop};
