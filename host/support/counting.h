/* Numbers that grow by a step with every run, and never reach 2^64 - 1. */
#ifndef PARSEAL_HOST_SUPPORT_COUNTING_H
#define PARSEAL_HOST_SUPPORT_COUNTING_H

#include <stdint.h>

/* Returns how many runs there are from `first` on; step is not 0. */
static inline uint64_t counting_runs(uint64_t first, uint64_t step)
{
    return first == UINT64_MAX ? 0 : (UINT64_MAX - 1 - first) / step + 1;
}

/* How many bytes of a nonce's end are its number. */
enum { COUNTING_BYTES = 8 };

/* Returns the number at the end of a nonce, which is big-endian. */
static inline uint64_t counting_of_nonce(const uint8_t *nonce, uint32_t nonce_size)
{
    uint64_t number = 0;
    for (uint32_t k = nonce_size - COUNTING_BYTES; k < nonce_size; k++)
        number = number << 8 | nonce[k];
    return number;
}

#endif
