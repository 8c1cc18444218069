/* The ciphers of an OpenSSL: the one that was there when the bench was built, or one that is loaded
 * from a file. Their functions are the same, so what a contender does is written once. */
#ifndef PARSEAL_BENCH_PEERS_EVP_H
#define PARSEAL_BENCH_PEERS_EVP_H

#include "bench/cpu/contender.h"

/* OpenSSL's own names, so that its headers and this one can meet. */
struct evp_cipher_ctx_st;
struct evp_cipher_st;
struct engine_st;

struct evp {
    const char *(*version)(int what);
    const struct evp_cipher_st *(*aes_128_gcm)(void);
    const struct evp_cipher_st *(*aes_256_gcm)(void);
    const struct evp_cipher_st *(*chacha20)(void);
    struct evp_cipher_ctx_st *(*ctx_new)(void);
    void (*ctx_free)(struct evp_cipher_ctx_st *ctx);
    int (*init)(struct evp_cipher_ctx_st *ctx, const struct evp_cipher_st *cipher,
                struct engine_st *engine, const unsigned char *key, const unsigned char *iv,
                int encrypt);
    int (*update)(struct evp_cipher_ctx_st *ctx, unsigned char *out, int *len,
                  const unsigned char *in, int in_len);
    int (*final)(struct evp_cipher_ctx_st *ctx, unsigned char *out, int *len);
    int (*ctrl)(struct evp_cipher_ctx_st *ctx, int what, int number, void *p);
};

/* The functions of a contender whose `library` is a struct evp. */
const char *evp_version(const struct contender *who);
bool evp_can(const struct contender *who, const struct work *w);
void *evp_start(const struct contender *who, struct work *w);
bool evp_run(void *session);
void evp_stop(void *session);

#endif
