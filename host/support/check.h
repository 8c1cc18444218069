/* Checks of arguments that need no context. Each returns PARSEAL_OK, or stores the text and returns
 * the error; `name` is what the caller calls the argument. */
#ifndef PARSEAL_HOST_SUPPORT_CHECK_H
#define PARSEAL_HOST_SUPPORT_CHECK_H

#include <stdbool.h>

#include "host/support/error.h"

parseal_status check_pointer(const char *name, const void *p);

/* Checks that p is not NULL, and that its struct_size is at least min, the struct's size in its
 * first release (host/support/sizes.h), and at most PARSEAL_STRUCT_SIZE_MAX. Only struct_size
 * itself is read. */
parseal_status check_struct_size(const char *name, const void *p, size_t min);

/* Copies a caller's struct into this release's, which has `size` bytes and already the defaults.
 * The caller's may be longer or shorter, but has at least the `min` bytes of the first release.
 * Bytes that only the caller's has must be zero. */
parseal_status copy_struct_in(const char *name, void *to, const void *from, size_t size,
                              size_t min);

/* Copies to a caller's struct as many bytes as its struct_size, already checked, has room for. */
void copy_struct_out(void *to, const void *from, size_t size);

/* Checks that a field which has no meaning yet is zero. */
parseal_status check_reserved(const char *name, uint32_t value);

parseal_status check_ring(const parseal_ring *ring);
parseal_status check_element_size(const char *name, uint32_t element_size);

/* Checks that packed elements of `bits` bits fit elements of element_size bytes. */
parseal_status check_bits(uint32_t bits, uint32_t element_size);

/* Checks a caller's struct and copies it to *quant; *scale becomes the format's s. It must be
 * called in the default float_state. */
parseal_status check_quant(const parseal_quant *from, parseal_quant *quant, float *scale);

/* Checks options of a mean, which may be NULL, for values that this release cannot honour. */
parseal_status check_mean_options(const parseal_mean_options *options);

/* Checks that elements [first, first + n) lie within the 2^32 blocks of a ChaCha20 keystream. */
parseal_status check_keystream(uint64_t first, uint64_t n, uint32_t element_size);

#endif
