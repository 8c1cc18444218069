/* OpenSSL's EVP: AES-GCM and ChaCha20, one cipher context for each thread. */
#include "bench/cpu/contender.h"
#include "bench/cpu/support.h"

#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct session {
    struct work *w;
    EVP_CIPHER_CTX **ctx; /* w->threads contexts */
};

static bool can(const struct work *w)
{
    return (work_is_aead(w) && w->size <= INT_MAX && !w->op->key_each) || work_is_plain_mask(w);
}

static void stop(void *session)
{
    struct session *s = session;
    for (unsigned t = 0; s->ctx != NULL && t < s->w->threads; t++)
        EVP_CIPHER_CTX_free(s->ctx[t]);
    free(s->ctx);
    free(s);
}

/* Makes the key schedule, so that the runs need not. */
static bool prepare_ctx(const struct work *w, EVP_CIPHER_CTX *ctx)
{
    if (!work_is_aead(w))
        return EVP_CipherInit_ex(ctx, EVP_chacha20(), NULL, NULL, NULL, 1) == 1;
    const EVP_CIPHER *cipher =
        w->op->alg == PARSEAL_AES128GCM ? EVP_aes_128_gcm() : EVP_aes_256_gcm();
    return EVP_CipherInit_ex(ctx, cipher, NULL, w->data.aead.key, NULL, !w->op->inverse) == 1;
}

static void *start(struct work *w)
{
    struct session *s = malloc(sizeof *s);
    if (s == NULL)
        return NULL;
    s->w = w;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): it is an array of pointers. */
    s->ctx = calloc(w->threads, sizeof *s->ctx);
    bool fine = s->ctx != NULL;
    for (unsigned t = 0; fine && t < w->threads; t++) {
        s->ctx[t] = EVP_CIPHER_CTX_new();
        fine = s->ctx[t] != NULL && prepare_ctx(w, s->ctx[t]);
    }
    if (fine)
        return s;
    stop(s);
    return NULL;
}

static bool crypt_one(void *session, unsigned thread, parseal_msg *msg)
{
    const struct session *s = session;
    EVP_CIPHER_CTX *ctx = s->ctx[thread];
    int len = 0;
    if (EVP_CipherInit_ex(ctx, NULL, NULL, NULL, msg->nonce, -1) != 1 ||
        EVP_CipherUpdate(ctx, msg->out, &len, msg->in, (int)msg->len) != 1)
        return false;
    uint8_t *end = (uint8_t *)msg->out + len;
    int tag_len = (int)sizeof msg->tag;
    if (s->w->op->inverse)
        return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, tag_len, msg->tag) == 1 &&
               EVP_CipherFinal_ex(ctx, end, &len) == 1;
    return EVP_CipherFinal_ex(ctx, end, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, tag_len, msg->tag) == 1;
}

static bool keystream(void *session, unsigned thread, const parseal_seed *seed,
                      const uint8_t nonce[12], uint32_t counter, uint8_t *out, size_t len)
{
    const struct session *s = session;
    EVP_CIPHER_CTX *ctx = s->ctx[thread];
    uint8_t iv[16]; /* OpenSSL's form, which begins with the block counter */
    int written = 0;
    for (unsigned k = 0; k < 4; k++)
        iv[k] = (uint8_t)(counter >> (8 * k));
    memcpy(iv + 4, nonce, 12);
    return EVP_CipherInit_ex(ctx, NULL, NULL, seed->key, iv, -1) == 1 &&
           EVP_CipherUpdate(ctx, out, &written, mask_zeros, (int)len) == 1;
}

static bool run(void *session)
{
    struct session *s = session;
    return work_is_aead(s->w) ? peer_each_message(s->w, crypt_one, s)
                              : peer_mask(s->w, keystream, s);
}

const struct contender contender_openssl = {"openssl", can, start, run, stop};
