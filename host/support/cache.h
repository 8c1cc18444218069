/* What is slow to find out, kept in files from run to run. Whatever goes wrong here is no error: it
 * is then found out again. */
#ifndef PARSEAL_HOST_SUPPORT_CACHE_H
#define PARSEAL_HOST_SUPPORT_CACHE_H

#include <stddef.h>
#include <stdint.h>

enum { CACHE_KEY = 32 };

/* What was stored of this kind under the key, a hash of all that it depends on: *size bytes, which
 * the caller frees, or NULL. `kind` is a word for the file's name. */
uint8_t *cache_load(const char *kind, const uint8_t key[CACHE_KEY], size_t *size);

/* Replaces what is stored in one step: a reader sees the old bytes or the new. */
void cache_store(const char *kind, const uint8_t key[CACHE_KEY], const uint8_t *bytes, size_t size);

#endif
