/* Adding updates to a vector on the CPU: decrypt, unpack and add, a cache's worth at a time, so
 * that a plaintext never reaches memory. */
#ifndef PARSEAL_FALLBACK_ACCUMULATE_H
#define PARSEAL_FALLBACK_ACCUMULATE_H

#include "fallback/impl.h"

typedef struct {
    const uint8_t *in, *nonce;
    const void *key; /* NULL: in is not sealed */
} update_item;

typedef struct {
    const gcm_impl *gcm; /* not used for what is not sealed */
    const pack_impl *pack;
    const vec_impl *vec;
    uint32_t threads;
    uint64_t modulus;
    uint32_t element_size;
    uint32_t bits; /* of an element in an update */
    uint8_t *acc;
    uint64_t count;
} accumulation;

/* The items have been verified, and are as long as count and bits say. */
void accumulate_items(const accumulation *a, const update_item *items, size_t n);

#endif
