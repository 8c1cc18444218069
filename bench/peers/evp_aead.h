/* The interface to AEADs that BoringSSL and AWS-LC have and OpenSSL has not, in a library that is
 * loaded from a file. */
#ifndef PARSEAL_BENCH_PEERS_EVP_AEAD_H
#define PARSEAL_BENCH_PEERS_EVP_AEAD_H

#include "bench/cpu/contender.h"

/* Their own names. */
struct evp_aead_ctx_st;
struct evp_aead_st;
struct engine_st;

struct evp_aead {
    const char *(*version)(int what);
    const struct evp_aead_st *(*aes_128_gcm)(void);
    const struct evp_aead_st *(*aes_256_gcm)(void);
    int (*init)(struct evp_aead_ctx_st *ctx, const struct evp_aead_st *aead, const uint8_t *key,
                size_t key_len, size_t tag_len, struct engine_st *engine);
    void (*cleanup)(struct evp_aead_ctx_st *ctx);
    int (*seal)(const struct evp_aead_ctx_st *ctx, uint8_t *out, uint8_t *tag, size_t *tag_len,
                size_t max_tag_len, const uint8_t *nonce, size_t nonce_len, const uint8_t *in,
                size_t in_len, const uint8_t *extra, size_t extra_len, const uint8_t *ad,
                size_t ad_len);
    int (*open)(const struct evp_aead_ctx_st *ctx, uint8_t *out, const uint8_t *nonce,
                size_t nonce_len, const uint8_t *in, size_t in_len, const uint8_t *tag,
                size_t tag_len, const uint8_t *ad, size_t ad_len);
    void (*chacha20)(uint8_t *out, const uint8_t *in, size_t len, const uint8_t key[32],
                     const uint8_t nonce[12], uint32_t counter);
};

/* The functions of a contender whose `library` is a struct evp_aead. */
const char *evp_aead_version(const struct contender *who);
bool evp_aead_can(const struct contender *who, const struct work *w);
void *evp_aead_start(const struct contender *who, struct work *w);
bool evp_aead_run(void *session);
void evp_aead_stop(void *session);

#endif
