/* Built programs, kept in files between runs of a program. Whatever goes wrong here is no error:
 * the program is then built again. */
#ifndef PARSEAL_HOST_OPENCL_CACHE_H
#define PARSEAL_HOST_OPENCL_CACHE_H

#include <stddef.h>
#include <stdint.h>

enum { OCL_CACHE_KEY = 32 };

/* What was stored under the key: *size bytes, which the caller frees, or NULL. */
uint8_t *ocl_cache_load(const uint8_t key[OCL_CACHE_KEY], size_t *size);

/* Replaces what is stored in one step: a reader sees the old bytes or the new. */
void ocl_cache_store(const uint8_t key[OCL_CACHE_KEY], const uint8_t *bytes, size_t size);

#endif
