/* The AEAD algorithms and their sizes: the one place that knows them. Checks of arguments, key sets
 * and plans take theirs from here, and a new algorithm is a row. */
#ifndef PARSEAL_HOST_SUPPORT_ALGORITHMS_H
#define PARSEAL_HOST_SUPPORT_ALGORITHMS_H

#include <stdbool.h>
#include <string.h>

#include "host/support/error.h"
#include "parseal/parseal.h"

typedef struct {
    int32_t id; /* PARSEAL_AES256GCM, ... */
    const char *name;
    uint32_t key_size, nonce_size, tag_size; /* bytes */
    uint64_t message_max;                    /* bytes of a message */
    const char *message_max_text;            /* the same in the standard's words */
} parseal_algorithm;

/* Returns the row of an algorithm, or NULL where there is none. */
const parseal_algorithm *algorithm_find(int32_t id);

/* Stores the row. Fails with PARSEAL_ERR_ARG, naming the argument, where there is none. */
parseal_status check_algorithm(const char *name, int32_t id, const parseal_algorithm **algorithm);

/* Returns true when the bytes behind the algorithm's nonce are zero. They are looked at because a
 * caller who has drawn 24 random bytes for an algorithm that takes 12 would rely on all of them. */
static inline bool nonce_fits(const parseal_algorithm *algorithm,
                              const uint8_t nonce[PARSEAL_NONCEBYTES_MAX])
{
    if (algorithm->nonce_size == 12) { /* as GCM's: two words, not a loop */
        uint32_t word;
        uint64_t words;
        memcpy(&word, nonce + 12, sizeof word);
        memcpy(&words, nonce + 16, sizeof words);
        return (word | words) == 0;
    }
    uint8_t behind = 0;
    for (uint32_t i = algorithm->nonce_size; i < PARSEAL_NONCEBYTES_MAX; i++)
        behind |= nonce[i];
    return behind == 0;
}

#endif
