/* Peers that are no part of the system: a libcrypto of OpenSSL, or of AWS-LC or BoringSSL, which
 * have other functions too, loaded from a file. Its names are its own: they neither meet those of
 * the system's libcrypto nor replace them. */
#include "bench/cpu/support.h"
#include "bench/peers/evp.h"
#include "bench/peers/evp_aead.h"

#include <ctype.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef RTLD_DEEPBIND
#define RTLD_DEEPBIND 0 /* glibc's: elsewhere the library must have been linked to itself. */
#endif

struct library {
    void *handle;
    struct contender contender;
    struct evp evp;
    struct evp_aead aead;
    char name[32];
};

static struct library libraries[PEERS_LOADED_MAX];
static size_t n_libraries;

/* Stores the function's address in *function, a pointer to a function. POSIX lets one be copied out
 * of a void * (dlsym, "Application Usage"). */
static bool find(const struct library *l, const char *name, void *function)
{
    void *symbol = dlsym(l->handle, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool find_aead(struct library *l)
{
    struct evp_aead *a = &l->aead;
    return find(l, "OpenSSL_version", &a->version) &&
           find(l, "EVP_aead_aes_128_gcm", &a->aes_128_gcm) &&
           find(l, "EVP_aead_aes_256_gcm", &a->aes_256_gcm) &&
           find(l, "EVP_AEAD_CTX_init", &a->init) && find(l, "EVP_AEAD_CTX_cleanup", &a->cleanup) &&
           find(l, "EVP_AEAD_CTX_seal_scatter", &a->seal) &&
           find(l, "EVP_AEAD_CTX_open_gather", &a->open) &&
           find(l, "CRYPTO_chacha_20", &a->chacha20);
}

static bool find_evp(struct library *l)
{
    struct evp *e = &l->evp;
    return find(l, "OpenSSL_version", &e->version) && find(l, "EVP_aes_128_gcm", &e->aes_128_gcm) &&
           find(l, "EVP_aes_256_gcm", &e->aes_256_gcm) && find(l, "EVP_chacha20", &e->chacha20) &&
           find(l, "EVP_CIPHER_CTX_new", &e->ctx_new) &&
           find(l, "EVP_CIPHER_CTX_free", &e->ctx_free) && find(l, "EVP_CipherInit_ex", &e->init) &&
           find(l, "EVP_CipherUpdate", &e->update) && find(l, "EVP_CipherFinal_ex", &e->final) &&
           find(l, "EVP_CIPHER_CTX_ctrl", &e->ctrl);
}

/* Makes a name of the version's first two words: "OpenSSL 3.5.1 1 Jul 2025" is openssl-3.5.1. */
static void name_library(struct library *l)
{
    size_t n = 0, words = 0;
    for (const char *p = l->contender.version(&l->contender); *p != '\0'; p++) {
        char c = (char)tolower((unsigned char)*p);
        if (c == ' ' && ++words == 2)
            break;
        if (c == ' ')
            c = '-';
        if (n + 1 < sizeof l->name)
            l->name[n++] = c;
    }
    l->contender.name = l->name;
}

static bool make_contender(struct library *l)
{
    if (find_aead(l))
        l->contender = (struct contender){.version = evp_aead_version,
                                          .can = evp_aead_can,
                                          .start = evp_aead_start,
                                          .run = evp_aead_run,
                                          .stop = evp_aead_stop,
                                          .library = &l->aead};
    else if (find_evp(l))
        l->contender = (struct contender){.version = evp_version,
                                          .can = evp_can,
                                          .start = evp_start,
                                          .run = evp_run,
                                          .stop = evp_stop,
                                          .library = &l->evp};
    else
        return false;
    name_library(l);
    return true;
}

/* The library stays loaded until the process ends. */
bool peers_load(const char *path)
{
    struct library *l = &libraries[n_libraries];
    if (access(path, R_OK) != 0) {
        complain("--libcrypto: %s: cannot be read", path);
        return false;
    }
    l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    if (l->handle == NULL) {
        complain("--libcrypto: %s", dlerror());
        return false;
    }
    if (!make_contender(l)) {
        complain("--libcrypto: %s: no libcrypto of OpenSSL, AWS-LC or BoringSSL", path);
        return false;
    }
    peers_add(&l->contender);
    n_libraries++;
    return true;
}
