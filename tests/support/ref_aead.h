/* AES-GCM of other libraries. */
#ifndef PARSEAL_TESTS_REF_AEAD_H
#define PARSEAL_TESTS_REF_AEAD_H

#include "test.h"

typedef struct {
    const char *name;
    /* Returns false where the library, as built or on this machine, lacks the algorithm. */
    bool (*has)(int32_t alg);
    void (*seal)(int32_t alg, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad,
                 size_t aad_len, const uint8_t *in, size_t len, uint8_t *out, uint8_t *tag);
} ref_aead;

/* Returns NULL where this build has no such reference. */
const ref_aead *ref_aead_named(const char *name);

/* Returns the first reference that has alg, and NULL where none does. */
const ref_aead *ref_aead_for(int32_t alg);

#endif
