/* AES-GCM through EVP_AEAD_CTX, which threads may share, key set-up in such
 * contexts, and ChaCha20. */
#include "bench/peers/evp_aead.h"

#include "bench/cpu/support.h"

#include <stdlib.h>

/* Room for an EVP_AEAD_CTX, which its headers let callers place where they like: 584 bytes in
 * AWS-LC. */
typedef struct {
    _Alignas(64) uint8_t bytes[1024];
} room;

enum { NONCE = 12, VERSION = 0 };

struct session {
    struct work *w;
    const struct evp_aead *lib;
    room *ctx; /* one for each key */
    size_t n;  /* keys that have been set up */
};

const char *evp_aead_version(const struct contender *who)
{
    return ((const struct evp_aead *)who->library)->version(VERSION);
}

bool evp_aead_can(const struct contender *who, const struct work *w)
{
    (void)who;
    return work_is_aead(w) || work_is_plain_mask(w) || w->op->family == &family_keys;
}

static struct evp_aead_ctx_st *ctx_at(const struct session *s, size_t i)
{
    return (struct evp_aead_ctx_st *)(void *)s->ctx[i].bytes;
}

/* Sets up n keys of `size` bytes that lie one after another. */
static bool set_up(struct session *s, const uint8_t *key, size_t size, size_t n)
{
    const struct evp_aead_st *aead =
        s->w->op->alg == PARSEAL_AES128GCM ? s->lib->aes_128_gcm() : s->lib->aes_256_gcm();
    while (s->n < n && s->lib->init(ctx_at(s, s->n), aead, key + s->n * size, size,
                                    PARSEAL_TAGBYTES, NULL) == 1)
        s->n++;
    return s->n == n;
}

static void take_down(struct session *s)
{
    while (s->n > 0)
        s->lib->cleanup(ctx_at(s, --s->n));
}

void evp_aead_stop(void *session)
{
    struct session *s = session;
    take_down(s);
    free(s->ctx);
    free(s);
}

void *evp_aead_start(const struct contender *who, struct work *w)
{
    const struct aead_data *d = &w->data.aead;
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->w = w;
    s->lib = who->library;
    s->ctx = bench_alloc(work_is_aead(w) ? d->n_keys : w->n, sizeof *s->ctx);
    if (s->ctx != NULL && (!work_is_aead(w) || set_up(s, d->key, d->key_len, d->n_keys)))
        return s;
    evp_aead_stop(s);
    return NULL;
}

static bool seal_one(void *session, unsigned thread, parseal_msg *msg)
{
    const struct session *s = session;
    size_t tag_len;
    (void)thread;
    return s->lib->seal(ctx_at(s, msg->key), msg->out, msg->tag, &tag_len, sizeof msg->tag,
                        msg->nonce, NONCE, msg->in, msg->len, NULL, 0, NULL, 0) == 1;
}

static bool open_one(void *session, unsigned thread, parseal_msg *msg)
{
    const struct session *s = session;
    (void)thread;
    return s->lib->open(ctx_at(s, msg->key), msg->out, msg->nonce, NONCE, msg->in, msg->len,
                        msg->tag, sizeof msg->tag, NULL, 0) == 1;
}

static bool keystream(void *session, unsigned thread, const parseal_seed *seed,
                      const uint8_t nonce[12], uint32_t counter, uint8_t *out, size_t len)
{
    const struct session *s = session;
    (void)thread;
    s->lib->chacha20(out, mask_zeros, len, seed->key, nonce, counter);
    return true;
}

bool evp_aead_run(void *session)
{
    struct session *s = session;
    struct work *w = s->w;
    if (work_is_aead(w))
        return peer_each_message(w, w->op->inverse ? open_one : seal_one, s);
    if (work_is_plain_mask(w))
        return peer_mask(w, keystream, s);
    const bool fine = set_up(s, w->data.set.key, w->size, w->n);
    take_down(s);
    return fine;
}
