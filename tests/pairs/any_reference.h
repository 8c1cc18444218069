/* A reference for AES-GCM that is always there. */
#ifndef PARSEAL_TESTS_ANY_REFERENCE_H
#define PARSEAL_TESTS_ANY_REFERENCE_H

#include "ref_aead.h"

/* Returns another library that has alg, or else parseal's own portable code. */
const ref_aead *any_reference(int32_t alg);

#endif
