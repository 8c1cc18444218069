/* Adding updates to a vector on the CPU: decrypt, unpack and add, a cache's worth at a time, so
 * that a plaintext never reaches memory. */
#ifndef PARSEAL_FALLBACK_BATCH_ACCUMULATE_H
#define PARSEAL_FALLBACK_BATCH_ACCUMULATE_H

#include "fallback/impl.h"

typedef struct {
    const aead_impl *aead;
    const pack_impl *pack;
    const sum_impl *sum;
    uint32_t threads;
    uint64_t modulus;
    uint32_t element_size;
    uint32_t bits; /* bits of an element in an update */
    uint8_t *acc;
    uint64_t count;
} accumulation;

/* Returns the bytes that accumulate_items needs for hashes. */
size_t accumulate_work_size(const accumulation *a);

/* Adds the items that are authentic. Each must be as long as count and bits say, with its verdict
 * UNSET; `out` is not used. `work` has accumulate_work_size bytes. */
void accumulate_items(const accumulation *a, const cpu_item *items, size_t n, void *work);

#endif
