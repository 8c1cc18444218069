/* Masks of format `fcp-aes256ctr` on the CPU: cuts the work into tiles that stay in the first-level
 * cache, on threads, over any implementation. */
#ifndef PARSEAL_FALLBACK_BATCH_FCP_H
#define PARSEAL_FALLBACK_BATCH_FCP_H

#include "fallback/impl.h"

typedef struct {
    const fcp_impl *impl;
    fcp_format format;
    size_t n;
    const uint8_t *keys;  /* expanded, impl->key_size bytes each */
    const int32_t *signs; /* +1 or -1 */
} fcp_set;

/* Takes moduli from 2 to 2^62. */
fcp_format fcp_format_of(uint64_t modulus);

/* acc[i] = ((write ? 0 : acc[i]) + sum_j sign_j * mask_j[first + i]) mod R for count elements;
 * first + count < 2^31. `sum` adds to acc. Returns false, with acc unchanged, when memory runs
 * out. */
bool fcp_apply(const fcp_set *set, const sum_impl *sum, uint32_t threads, uint8_t *acc,
               uint64_t first, uint64_t count, bool write);

#endif
