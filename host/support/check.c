#include "host/support/check.h"

#include <inttypes.h>
#include <string.h>

parseal_status check_pointer(const char *name, const void *p)
{
    return p != NULL ? PARSEAL_OK : parseal_fail(PARSEAL_ERR_ARG, "%s: NULL", name);
}

/* -------------------------------------------------------------------------------- structs -- */

static size_t struct_size_of(const void *p)
{
    size_t size;
    memcpy(&size, p, sizeof size);
    return size;
}

parseal_status check_struct_size(const char *name, const void *p, size_t min)
{
    TRY(check_pointer(name, p));
    if (struct_size_of(p) >= min)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG,
                        "%s.struct_size: %zu, at least %zu expected (begin with the _INIT macro)",
                        name, struct_size_of(p), min);
}

parseal_status copy_struct_in(const char *name, void *to, const void *from, size_t size, size_t min)
{
    TRY(check_struct_size(name, from, min));
    const size_t given = struct_size_of(from);
    for (size_t i = size; i < given; i++)
        if (((const uint8_t *)from)[i] != 0)
            return parseal_fail(PARSEAL_ERR_ARG,
                                "%s.struct_size: %zu, and byte %zu uses a field that this release "
                                "(%s) does not know",
                                name, given, i, parseal_version());
    memcpy(to, from, given < size ? given : size);
    memcpy(to, &size, sizeof size);
    return PARSEAL_OK;
}

void copy_struct_out(void *to, const void *from, size_t size)
{
    const size_t given = struct_size_of(to);
    memcpy(to, from, given < size ? given : size);
    memcpy(to, &given, sizeof given);
}

/* -------------------------------------------------------------------------------- values -- */

parseal_status check_stream(const parseal_ctx *ctx, const void *stream)
{
    if (stream == NULL || ctx->backend->has_streams)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG, "stream: the %s backend takes NULL only",
                        parseal_backend_name(ctx->backend->id));
}

parseal_status check_element_size(const char *name, uint32_t element_size)
{
    if (element_size == 4 || element_size == 8)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG, "%s: %" PRIu32 ", 4 or 8 expected", name, element_size);
}

parseal_status check_ring(const parseal_ring *ring)
{
    TRY(check_pointer("ring", ring));
    TRY(check_element_size("ring.element_size", ring->element_size));
    if (ring->reserved != 0)
        return parseal_fail(PARSEAL_ERR_ARG, "ring.reserved: %" PRIu32 ", 0 expected",
                            ring->reserved);
    if (ring->modulus == 1)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "ring.modulus: 1, expected 2 to 2^64 (0 stands for 2^64)");
    if (ring->element_size == 4 && (ring->modulus == 0 || ring->modulus > (uint64_t)UINT32_MAX + 1))
        return parseal_fail(PARSEAL_ERR_ARG,
                            "ring.modulus: %" PRIu64 "%s does not fit elements of 4 bytes",
                            ring->modulus, ring->modulus == 0 ? " (2^64)" : "");
    return PARSEAL_OK;
}

parseal_status check_keystream(uint64_t first, uint64_t n, uint32_t element_size)
{
    const uint64_t elements = (UINT64_C(1) << 38) / element_size;
    if (n <= elements && first <= elements - n)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_SIZE,
                        "first: %" PRIu64 " + %" PRIu64
                        " elements pass the keystream's 2^38 bytes (%" PRIu64 " elements)",
                        first, n, elements);
}

/* ------------------------------------------------------------------------------- buffers -- */

static const char *kind_name(uint32_t kind)
{
    static const char *const names[] = {"NONE", "HOST", "CUDA", "OPENCL"};
    return kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

/* A device address or host pointer plus offset must be an address; a cl_mem is only a name. */
static bool is_address(uint32_t kind)
{
    return kind == PARSEAL_BUF_HOST || kind == PARSEAL_BUF_CUDA;
}

parseal_status check_buf(const parseal_ctx *ctx, const char *name, const parseal_buf *buf,
                         uint64_t alignment)
{
    TRY(check_pointer(name, buf));
    if (buf->kind > PARSEAL_BUF_OPENCL)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.kind: %" PRIu32 " is not a PARSEAL_BUF_*", name,
                            buf->kind);
    if (buf->reserved != 0)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.reserved: %" PRIu32 ", 0 expected", name,
                            buf->reserved);
    if (buf->kind == PARSEAL_BUF_NONE) {
        if (buf->size == 0)
            return PARSEAL_OK;
        return parseal_fail(PARSEAL_ERR_ARG, "%s.kind: NONE, but size is %" PRIu64, name,
                            buf->size);
    }
    if (!ctx->backend->accepts(buf->kind))
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED, "%s.kind: the %s backend cannot take %s", name,
                            parseal_backend_name(ctx->backend->id), kind_name(buf->kind));
    if (buf->handle == 0 && buf->size > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "%s.handle: NULL, but size is %" PRIu64, name,
                            buf->size);
    const uint64_t base = is_address(buf->kind) ? buf->handle : 0;
    const uint64_t limit = is_address(buf->kind) ? UINTPTR_MAX : UINT64_MAX;
    if (buf->offset > limit - base || buf->size > limit - base - buf->offset)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "%s: offset %" PRIu64 " + size %" PRIu64 " pass the end of memory",
                            name, buf->offset, buf->size);
    if ((base + buf->offset) % alignment != 0 && buf->size > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "%s: address is not a multiple of %" PRIu64, name,
                            alignment);
    if (buf->kind == PARSEAL_BUF_HOST || buf->size == 0 || ctx->backend->buf_check == NULL)
        return PARSEAL_OK;
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
