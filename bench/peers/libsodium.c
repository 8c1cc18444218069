/* libsodium: AES-256-GCM where the CPU has AES instructions, ChaCha20 everywhere. */
#include "bench/cpu/contender.h"
#include "bench/cpu/support.h"

#include <sodium.h>
#include <stdlib.h>

struct session {
    crypto_aead_aes256gcm_state state; /* the first member, as it needs the block's alignment */
    struct work *w;
    crypto_aead_aes256gcm_state *set; /* one for each key, where sets are made */
};

static const char *version(const struct contender *who)
{
    (void)who;
    return sodium_version_string();
}

static bool can(const struct contender *who, const struct work *w)
{
    (void)who;
    if (sodium_init() < 0)
        return false;
    if (work_is_aead(w) || w->op->family == &family_keys)
        return w->op->alg == PARSEAL_AES256GCM && !w->op->key_each &&
               crypto_aead_aes256gcm_is_available() == 1;
    return work_is_plain_mask(w);
}

static void stop(void *session)
{
    struct session *s = session;
    free(s->set);
    free(s);
}

static void *start(const struct contender *who, struct work *w)
{
    (void)who;
    struct session *s = bench_alloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->w = w;
    s->set = work_is_set(w) ? bench_alloc(w->n, sizeof *s->set) : NULL;
    if (work_is_set(w) && s->set == NULL) {
        stop(s);
        return NULL;
    }
    if (work_is_aead(w))
        crypto_aead_aes256gcm_beforenm(&s->state, w->data.aead.key);
    return s;
}

static bool seal_one(void *session, unsigned thread, parseal_msg *msg)
{
    const struct session *s = session;
    (void)thread;
    return crypto_aead_aes256gcm_encrypt_detached_afternm(msg->out, msg->tag, NULL, msg->in,
                                                          msg->len, NULL, 0, NULL, msg->nonce,
                                                          &s->state) == 0;
}

static bool open_one(void *session, unsigned thread, parseal_msg *msg)
{
    const struct session *s = session;
    (void)thread;
    return crypto_aead_aes256gcm_decrypt_detached_afternm(
               msg->out, NULL, msg->in, msg->len, msg->tag, NULL, 0, msg->nonce, &s->state) == 0;
}

static bool keystream(void *session, unsigned thread, const parseal_seed *seed,
                      const uint8_t nonce[12], uint32_t counter, uint8_t *out, size_t len)
{
    (void)session;
    (void)thread;
    return crypto_stream_chacha20_ietf_xor_ic(out, mask_zeros, len, nonce, counter, seed->key) == 0;
}

static bool run(void *session)
{
    struct session *s = session;
    const struct work *w = s->w;
    if (work_is_aead(w))
        return peer_each_message(s->w, w->op->inverse ? open_one : seal_one, s);
    for (size_t i = 0; s->set != NULL && i < w->n; i++)
        (void)crypto_aead_aes256gcm_beforenm(&s->set[i], w->data.set.key + i * w->size);
    return s->set != NULL || peer_mask(s->w, keystream, s);
}

const struct contender contender_libsodium = {
    .name = "libsodium", .version = version, .can = can, .start = start, .run = run, .stop = stop};
