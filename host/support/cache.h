/* Results that are slow to find out, kept in files from run to run. No failure here is an error:
 * the result is then found out again. */
#ifndef PARSEAL_HOST_SUPPORT_CACHE_H
#define PARSEAL_HOST_SUPPORT_CACHE_H

#include <stddef.h>
#include <stdint.h>

enum { CACHE_KEY = 32 };

/* Returns the *size bytes that were stored under the key, or NULL; the caller frees them. The key
 * is a hash of all that the bytes depend on. `kind` is a word for the file's name. */
uint8_t *cache_load(const char *kind, const uint8_t key[CACHE_KEY], size_t *size);

/* Replaces the stored bytes in one step: a reader sees the old bytes or the new. */
void cache_store(const char *kind, const uint8_t key[CACHE_KEY], const uint8_t *bytes, size_t size);

#endif
