/* Checks that every API function shares. Each returns PARSEAL_OK, or stores the text and returns
 * the error; `name` is what the caller calls the argument. */
#ifndef PARSEAL_HOST_SUPPORT_CHECK_H
#define PARSEAL_HOST_SUPPORT_CHECK_H

#include "host/backend/objects.h"

parseal_status check_pointer(const char *name, const void *p);

/* p is not NULL and its struct_size is at least min, the struct's size in its first release. */
parseal_status check_struct_size(const char *name, const void *p, size_t min);

/* Copies a caller's struct into this release's (size bytes, complete with defaults), which may be
 * longer or shorter. What the caller's has in excess must be zero. */
parseal_status copy_struct_in(const char *name, void *to, const void *from, size_t size,
                              size_t min);

/* The other way: as much as the caller's struct_size, already checked, has room for. */
void copy_struct_out(void *to, const void *from, size_t size);

parseal_status check_stream(const parseal_ctx *ctx, const void *stream);
parseal_status check_ring(const parseal_ring *ring);
parseal_status check_element_size(const char *name, uint32_t element_size);

/* Copies a caller's into *quant; *scale is the format's s. Called in the default float_state. */
parseal_status check_quant(const parseal_quant *from, parseal_quant *quant, float *scale);

/* Elements [first, first + n) lie within the 2^32 blocks of a ChaCha20 keystream. */
parseal_status check_keystream(uint64_t first, uint64_t n, uint32_t element_size);

/* kind, handle, and that the range does not pass the end of memory. alignment 1: any. */
parseal_status check_buf(const parseal_ctx *ctx, const char *name, const parseal_buf *buf,
                         uint64_t alignment);
parseal_status check_vec(const parseal_ctx *ctx, const char *name, const parseal_vec *vec,
                         uint32_t element_size);

bool buf_on_host(const parseal_buf *buf);
bool buf_same(const parseal_buf *a, const parseal_buf *b);
bool buf_overlap(const parseal_buf *a, const parseal_buf *b);
parseal_status check_no_overlap(const char *a_name, const parseal_buf *a, const char *b_name,
                                const parseal_buf *b);

#endif
