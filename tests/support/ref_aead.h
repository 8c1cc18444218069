/* AES-GCM by other libraries. */
#ifndef PARSEAL_TESTS_REF_AEAD_H
#define PARSEAL_TESTS_REF_AEAD_H

#include "test.h"

typedef struct {
    const char *name;
    /* false: this library, as built or on this machine, does not have the algorithm */
    bool (*has)(int32_t alg);
    void (*seal)(int32_t alg, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad,
                 size_t aad_len, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag);
} ref_aead;

/* NULL: no such reference in this build. */
const ref_aead *ref_aead_named(const char *name);

/* The first reference that has alg, NULL where none does. */
const ref_aead *ref_aead_for(int32_t alg);

#endif
