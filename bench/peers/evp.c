/* OpenSSL's EVP: AES-GCM and ChaCha20, one cipher context for each thread; and key set-up, in a
 * context for each key. */
#include "bench/peers/evp.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* Values of openssl/evp.h, and of openssl/crypto.h for the version. */
enum { GET_TAG = 0x10, SET_TAG = 0x11, VERSION = 0 };

struct session {
    struct work *w;
    const struct evp *evp;
    const struct evp_cipher_st *cipher;
    struct evp_cipher_ctx_st **ctx; /* one for each thread or, where sets are made, for each key */
    size_t n;
};

const char *evp_version(const struct contender *who)
{
    return ((const struct evp *)who->library)->version(VERSION);
}

bool evp_can(const struct contender *who, const struct work *w)
{
    (void)who;
    return (work_is_aead(w) && w->size <= INT_MAX && !w->op->key_each) || work_is_plain_mask(w) ||
           work_is_set(w);
}

static void free_contexts(struct session *s)
{
    for (size_t i = 0; i < s->n; i++) {
        s->evp->ctx_free(s->ctx[i]);
        s->ctx[i] = NULL;
    }
}

void evp_stop(void *session)
{
    struct session *s = session;
    if (s->ctx != NULL)
        free_contexts(s);
    free(s->ctx);
    free(s);
}

static const struct evp_cipher_st *cipher_for(const struct evp *evp, const struct work *w)
{
    if (!work_is_aead(w) && w->op->family != &family_keys)
        return evp->chacha20();
    return w->op->alg == PARSEAL_AES128GCM ? evp->aes_128_gcm() : evp->aes_256_gcm();
}

/* Makes context i with a key, whose schedule is made then, or without one. */
static bool make_context(struct session *s, size_t i, const uint8_t *key, bool encrypt)
{
    s->ctx[i] = s->evp->ctx_new();
    return s->ctx[i] != NULL && s->evp->init(s->ctx[i], s->cipher, NULL, key, NULL, encrypt) == 1;
}

void *evp_start(const struct contender *who, struct work *w)
{
    struct session *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->w = w;
    s->evp = who->library;
    s->cipher = cipher_for(s->evp, w);
    s->n = work_is_set(w) ? w->n : w->threads;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): it is an array of pointers. */
    s->ctx = calloc(s->n, sizeof *s->ctx);
    bool fine = s->ctx != NULL;
    for (size_t t = 0; fine && !work_is_set(w) && t < s->n; t++)
        fine = make_context(s, t, work_is_aead(w) ? w->data.aead.key : NULL, !w->op->inverse);
    if (fine)
        return s;
    evp_stop(s);
    return NULL;
}

static bool crypt_one(void *session, unsigned thread, parseal_msg *msg)
{
    const struct session *s = session;
    struct evp_cipher_ctx_st *ctx = s->ctx[thread];
    int len = 0;
    if (s->evp->init(ctx, NULL, NULL, NULL, msg->nonce, -1) != 1 ||
        s->evp->update(ctx, msg->out, &len, msg->in, (int)msg->len) != 1)
        return false;
    uint8_t *end = (uint8_t *)msg->out + len;
    int tag_len = (int)sizeof msg->tag;
    if (s->w->op->inverse)
        return s->evp->ctrl(ctx, SET_TAG, tag_len, msg->tag) == 1 &&
               s->evp->final(ctx, end, &len) == 1;
    return s->evp->final(ctx, end, &len) == 1 && s->evp->ctrl(ctx, GET_TAG, tag_len, msg->tag) == 1;
}

static bool keystream(void *session, unsigned thread, const parseal_seed *seed,
                      const uint8_t nonce[12], uint32_t counter, uint8_t *out, size_t len)
{
    const struct session *s = session;
    struct evp_cipher_ctx_st *ctx = s->ctx[thread];
    uint8_t iv[16]; /* OpenSSL's form, which begins with the block counter */
    int written = 0;
    for (unsigned k = 0; k < 4; k++)
        iv[k] = (uint8_t)(counter >> (8 * k));
    memcpy(iv + 4, nonce, 12);
    return s->evp->init(ctx, NULL, NULL, seed->key, iv, -1) == 1 &&
           s->evp->update(ctx, out, &written, mask_zeros, (int)len) == 1;
}

static bool make_set(struct session *s)
{
    bool fine = true;
    for (size_t i = 0; fine && i < s->n; i++)
        fine = make_context(s, i, s->w->data.set.key + i * s->w->size, true);
    free_contexts(s);
    return fine;
}

bool evp_run(void *session)
{
    struct session *s = session;
    if (work_is_set(s->w))
        return make_set(s);
    return work_is_aead(s->w) ? peer_each_message(s->w, crypt_one, s)
                              : peer_mask(s->w, keystream, s);
}
