/* The OpenSSL that the bench was built with. */
#include "bench/peers/evp.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

static const struct evp evp = {
    .version = OpenSSL_version,
    .aes_128_gcm = EVP_aes_128_gcm,
    .aes_256_gcm = EVP_aes_256_gcm,
    .chacha20 = EVP_chacha20,
    .ctx_new = EVP_CIPHER_CTX_new,
    .ctx_free = EVP_CIPHER_CTX_free,
    .init = EVP_CipherInit_ex,
    .update = EVP_CipherUpdate,
    .final = EVP_CipherFinal_ex,
    .ctrl = EVP_CIPHER_CTX_ctrl,
};

const struct contender contender_openssl = {.name = "openssl",
                                            .version = evp_version,
                                            .can = evp_can,
                                            .start = evp_start,
                                            .run = evp_run,
                                            .stop = evp_stop,
                                            .library = &evp};
