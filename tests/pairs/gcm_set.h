/* The AES-GCM implementations that this machine can run, on their internal interface. */
#ifndef PARSEAL_TESTS_GCM_SET_H
#define PARSEAL_TESTS_GCM_SET_H

#include "fallback/impl.h"

enum { GCM_SET_MAX = 16 };

/* Portable comes first. Each implementation has the same key, expanded. */
typedef struct {
    size_t n;
    const gcm_impl *impl[GCM_SET_MAX];
    void *key[GCM_SET_MAX];
} gcm_set;

void gcm_set_open(gcm_set *set, const uint8_t *bytes, size_t key_len);
void gcm_set_close(gcm_set *set);

#endif
