/* Whole files in one call, and their sizes. */
#include <inttypes.h>
#include <sodium.h>

#include "host/api/buffers.h"
#include "host/sealed/stream.h"

parseal_status parseal_sealed_size(const parseal_sealed_params *params, uint64_t len,
                                   uint64_t *size)
{
    stream_shape shape;
    TRY(check_pointer("size", size));
    TRY(stream_shape_from(&shape, params));
    const uint64_t rest = shape.params.segment_size - PARSEAL_TAGBYTES;
    const uint64_t first = rest - shape.header_len;
    const uint64_t n = len <= first ? 1 : 2 + (len - first - 1) / rest;
    if (n > PARSEAL_SEALED_SEGMENTS_MAX)
        return parseal_fail(
            PARSEAL_ERR_SIZE,
            "len: %" PRIu64 " bytes make %" PRIu64 " segments, at most 2^32 expected", len, n);
    *size = len + shape.header_len + n * PARSEAL_TAGBYTES;
    return PARSEAL_OK;
}

/* `name` is what the caller calls sealed_size. */
static parseal_status opened_size(const parseal_sealed_params *params, const char *name,
                                  uint64_t sealed_size, uint64_t *len)
{
    stream_shape shape;
    TRY(stream_shape_from(&shape, params));
    const uint64_t segment = shape.params.segment_size;
    const uint64_t n = sealed_size / segment + (sealed_size % segment != 0);
    const uint64_t last = sealed_size - (n > 0 ? n - 1 : 0) * segment;
    const uint64_t least = n > 1 ? PARSEAL_TAGBYTES + 1 : shape.header_len + PARSEAL_TAGBYTES;
    if (n > PARSEAL_SEALED_SEGMENTS_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "%s: %" PRIu64 " bytes are %" PRIu64 " segments, at most 2^32 expected",
                            name, sealed_size, n);
    if (last < least)
        return parseal_fail(PARSEAL_ERR_AUTH,
                            "%s: the stream was cut off: %" PRIu64 " bytes end with a segment of "
                            "%" PRIu64 ", at least %" PRIu64 " expected",
                            name, sealed_size, last, least);
    *len = sealed_size - shape.header_len - n * PARSEAL_TAGBYTES;
    return PARSEAL_OK;
}

parseal_status parseal_sealed_opened_size(const parseal_sealed_params *params, uint64_t sealed_size,
                                          uint64_t *len)
{
    TRY(check_pointer("len", len));
    return opened_size(params, "sealed_size", sealed_size, len);
}

static parseal_status run(parseal_sealed *stream, const void *in, size_t in_len, uint8_t *out,
                          size_t out_size, size_t *written)
{
    size_t before = 0, last = 0;
    TRY(parseal_sealed_update(stream, in, in_len, out, out_size, &before));
    const parseal_status status =
        parseal_sealed_final(stream, out != NULL ? out + before : NULL, out_size - before, &last);
    if (status != PARSEAL_OK && before > 0)
        sodium_memzero(out, before);
    if (status == PARSEAL_OK)
        *written = before + last;
    return status;
}

/* Checks the caller's arguments before anything is written; `size` bytes will be. */
static parseal_status check(const void *in, size_t in_len, void *out, size_t out_size,
                            uint64_t size, const size_t *written)
{
    TRY(check_pointer("written", written));
    if (in_len > 0)
        TRY(check_pointer("in", in));
    if (out_size < size)
        return parseal_fail(PARSEAL_ERR_SIZE, "out_size: %zu, at least %" PRIu64 " expected",
                            out_size, size);
    if (size > 0)
        TRY(check_pointer("out", out));
    const parseal_buf read = parseal_host_buf(in, in_len), write = parseal_host_buf(out, size);
    return check_no_overlap("out", &write, "in", &read);
}

parseal_status parseal_sealed_seal(parseal_ctx *ctx, const parseal_sealed_params *params,
                                   const uint8_t *key, size_t key_len, const void *in,
                                   size_t in_len, void *out, size_t out_size, size_t *written)
{
    parseal_sealed *stream = NULL;
    uint64_t size = 0;
    TRY(parseal_sealed_size(params, in_len, &size));
    TRY(check(in, in_len, out, out_size, size, written));
    TRY(parseal_sealed_seal_create(&stream, ctx, params, key, key_len));
    const parseal_status status = run(stream, in, in_len, out, out_size, written);
    parseal_sealed_destroy(stream);
    return status;
}

parseal_status parseal_sealed_open(parseal_ctx *ctx, const parseal_sealed_params *params,
                                   const uint8_t *key, size_t key_len, const void *in,
                                   size_t in_len, void *out, size_t out_size, size_t *written)
{
    parseal_sealed *stream = NULL;
    uint64_t size = 0;
    TRY(opened_size(params, "in_len", in_len, &size));
    TRY(check(in, in_len, out, out_size, size, written));
    TRY(parseal_sealed_open_create(&stream, ctx, params, key, key_len));
    const parseal_status status = run(stream, in, in_len, out, out_size, written);
    parseal_sealed_destroy(stream);
    return status;
}
