/* Checks of buffers, vectors, streams and objects against a context. Each returns PARSEAL_OK, or
 * stores the text and returns the error; `name` is what the caller calls the argument. */
#ifndef PARSEAL_HOST_API_BUFFERS_H
#define PARSEAL_HOST_API_BUFFERS_H

#include "host/backend/objects.h"
#include "host/support/check.h"

/* Writes "v[3]", the name of element j of an array, whose own name is short. Calls on short vectors
 * name each of them, and printf would take longer than the rest of the call. */
enum { BUF_NAME = 40 };
void buf_name(char name[BUF_NAME], const char *array, size_t j);

parseal_status check_stream(const parseal_ctx *ctx, const void *stream);

/* Checks kind, handle, alignment (1: any) and that the range does not pass the end of memory. */
parseal_status check_buf(const parseal_ctx *ctx, const char *name, const parseal_buf *buf,
                         uint64_t alignment);
parseal_status check_vec(const parseal_ctx *ctx, const char *name, const parseal_vec *vec,
                         uint32_t element_size);

/* Refuses an object that was made from another context than `owner`, whose name `whose` is, and
 * says which device each of them is of. */
parseal_status check_same_ctx(const char *name, const parseal_ctx *ctx, const char *whose,
                              const parseal_ctx *owner);

bool buf_on_host(const parseal_buf *buf);
bool buf_same(const parseal_buf *a, const parseal_buf *b);
bool buf_overlap(const parseal_buf *a, const parseal_buf *b);
parseal_status check_no_overlap(const char *a_name, const parseal_buf *a, const char *b_name,
                                const parseal_buf *b);

#endif
