#include "host/api/buffers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/backend/call.h"
#include "host/choose/backends.h"

void buf_name(char name[BUF_NAME], const char *array, size_t j)
{
    char digits[24];
    size_t n = 0, at = 0;
    do
        digits[n++] = (char)('0' + j % 10);
    while ((j /= 10) != 0);
    while (array[at] != '\0' && at < BUF_NAME - sizeof digits - 3) {
        name[at] = array[at];
        at++;
    }
    name[at++] = '[';
    while (n > 0)
        name[at++] = digits[--n];
    name[at++] = ']';
    name[at] = '\0';
}

parseal_status check_stream(const parseal_ctx *ctx, const void *stream)
{
    if (stream == NULL || ctx->backend->has_streams)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG, "stream: the %s backend takes NULL only",
                        parseal_backend_name(ctx->backend->id));
}

static bool is_address(uint32_t kind)
{
    const buf_kind_row *row = buf_kind_find(kind);
    return row != NULL && row->is_address;
}

parseal_status check_buf(const parseal_ctx *ctx, const char *name, const parseal_buf *buf,
                         uint64_t alignment)
{
    TRY(check_pointer(name, buf));
    const buf_kind_row *kind = buf_kind_find(buf->kind);
    if (kind == NULL && buf->kind != PARSEAL_BUF_NONE)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.kind: %" PRIu32 " is not a PARSEAL_BUF_*", name,
                            buf->kind);
    if (buf->reserved != 0)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.reserved: %" PRIu32 ", 0 expected", name,
                            buf->reserved);
    if (kind == NULL) {
        if (buf->size == 0)
            return PARSEAL_OK;
        return parseal_fail(PARSEAL_ERR_ARG, "%s.kind: NONE, but size is %" PRIu64, name,
                            buf->size);
    }
    if (buf->kind != PARSEAL_BUF_HOST && buf->kind != ctx->backend->buf_kind)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED, "%s.kind: the %s backend cannot take %s", name,
                            parseal_backend_name(ctx->backend->id), kind->name);
    if (buf->handle == 0 && buf->size > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.handle: NULL, but size is %" PRIu64, name,
                            buf->size);
    const uint64_t base = kind->is_address ? buf->handle : 0;
    /* NOLINTNEXTLINE(bugprone-branch-clone): the two differ where addresses have 32 bits. */
    const uint64_t limit = kind->is_address ? UINTPTR_MAX : UINT64_MAX;
    if (buf->offset > limit - base || buf->size > limit - base - buf->offset)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "%s: offset %" PRIu64 " + size %" PRIu64 " pass the end of memory",
                            name, buf->offset, buf->size);
    if ((base + buf->offset) % alignment != 0 && buf->size > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "%s: address is not a multiple of %" PRIu64, name,
                            alignment);
    if (buf->kind == PARSEAL_BUF_HOST || buf->size == 0 || ctx->backend->buf_check == NULL)
        return PARSEAL_OK;
    TRY(check_not_inherited(ctx->backend, ctx->device));
    return ctx->backend->buf_check(ctx->device, name, buf);
}

parseal_status check_vec(const parseal_ctx *ctx, const char *name, const parseal_vec *vec,
                         uint32_t element_size)
{
    TRY(check_pointer(name, vec));
    if (vec->n > UINT64_MAX / element_size || vec->buf.size != vec->n * element_size)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "%s.buf.size: %" PRIu64 " bytes are not %" PRIu64
                            " elements of %" PRIu32 " bytes",
                            name, vec->buf.size, vec->n, element_size);
    return check_buf(ctx, name, &vec->buf, element_size);
}

enum { PLACE = 200 };

/* Writes "cuda device 1, NAME", or "cpu" of the backend whose only device has no place. */
static void describe_device(const parseal_ctx *ctx, char text[PLACE])
{
    const parseal_backend *backend = ctx->backend;
    const char *name = parseal_backend_name(backend->id);
    if (backend->place == NULL)
        snprintf(text, PLACE, "%s", name);
    else
        snprintf(text, PLACE, "%s device %s, %s", name, backend->place(ctx->device),
                 backend->name(ctx->device));
}

parseal_status check_same_ctx(const char *name, const parseal_ctx *ctx, const char *whose,
                              const parseal_ctx *owner)
{
    char of[PLACE], not_of[PLACE];
    if (ctx == owner)
        return PARSEAL_OK;
    describe_device(ctx, of);
    describe_device(owner, not_of);
    if (strcmp(of, not_of) == 0)
        return parseal_fail(PARSEAL_ERR_ARG, "%s: made from another context than %s, both of %s",
                            name, whose, of);
    return parseal_fail(PARSEAL_ERR_ARG, "%s: made from another context than %s: of %s, not of %s",
                        name, whose, of, not_of);
}

static uint64_t begin_of(const parseal_buf *buf)
{
    return is_address(buf->kind) ? buf->handle + buf->offset : buf->offset;
}

static bool same_memory(const parseal_buf *a, const parseal_buf *b)
{
    return a->kind == b->kind && (is_address(a->kind) || a->handle == b->handle);
}

bool buf_on_host(const parseal_buf *buf)
{
    return buf->kind == PARSEAL_BUF_HOST || buf->kind == PARSEAL_BUF_NONE;
}

bool buf_same(const parseal_buf *a, const parseal_buf *b)
{
    return same_memory(a, b) && begin_of(a) == begin_of(b);
}

bool buf_overlap(const parseal_buf *a, const parseal_buf *b)
{
    return same_memory(a, b) && a->size > 0 && b->size > 0 && begin_of(a) < begin_of(b) + b->size &&
           begin_of(b) < begin_of(a) + a->size;
}

parseal_status check_no_overlap(const char *a_name, const parseal_buf *a, const char *b_name,
                                const parseal_buf *b)
{
    if (!buf_overlap(a, b))
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ALIAS, "%s overlaps %s", a_name, b_name);
}
