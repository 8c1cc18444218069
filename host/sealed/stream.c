/* Sealed files piece by piece: cutting, batches of segments, and the texts for a file that is not
 * authentic. */
#include "host/sealed/stream.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/api/buffers.h"
#include "host/support/algorithms.h"
#include "host/support/hkdf.h"
#include "host/support/sizes.h"

/* The most bytes and the most messages of a batch. */
enum { BATCH_BYTES = 64 << 20, BATCH_SEGMENTS = 16384 };

/* -------------------------------------------------------------------------------- creation -- */

parseal_status stream_shape_from(stream_shape *shape, const parseal_sealed_params *params)
{
    const parseal_sealed_params defaults = PARSEAL_SEALED_PARAMS_INIT;
    shape->params = defaults;
    if (params != NULL)
        TRY(copy_struct_in("params", &shape->params, params, sizeof *params,
                           PARSEAL_SEALED_PARAMS_SIZE_0));
    const parseal_sealed_params *p = &shape->params;
    if (p->alg != PARSEAL_AES128GCM && p->alg != PARSEAL_AES256GCM)
        return parseal_fail(
            PARSEAL_ERR_ARG,
            "params.alg: %" PRId32 " is neither PARSEAL_AES128GCM nor PARSEAL_AES256GCM", p->alg);
    shape->key_len = algorithm_find(p->alg)->key_size;
    shape->header_len = 1 + shape->key_len + STREAM_PREFIX;
    if (p->segment_size <= shape->header_len + PARSEAL_TAGBYTES ||
        p->segment_size > PARSEAL_SEALED_SEGMENT_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "params.segment_size: %" PRIu32 ", %zu to 2^31 - 1 expected",
                            p->segment_size, shape->header_len + PARSEAL_TAGBYTES + 1);
    if (p->aad == NULL && p->aad_len > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "params.aad: NULL, but aad_len is %zu", p->aad_len);
    return PARSEAL_OK;
}

static parseal_status derive(parseal_sealed *s, const uint8_t *key, size_t key_len, const void *aad)
{
    uint8_t derived[PARSEAL_AES256GCM_KEYBYTES];
    hkdf_sha256(derived, s->shape.key_len, key, key_len, s->header + 1, s->shape.key_len, aad,
                s->shape.params.aad_len);
    const parseal_status status =
        parseal_keys_create(&s->keys, s->ctx, s->shape.params.alg, derived, 1, NULL);
    sodium_memzero(derived, sizeof derived);
    return status;
}

static parseal_status keep_secret(parseal_sealed *s, const uint8_t *key, size_t key_len)
{
    const size_t aad_len = s->shape.params.aad_len;
    if (key_len > SIZE_MAX - aad_len ||
        !arena_take(s->ctx->secrets, key_len + aad_len, 1, false, &s->secret))
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "stream: out of memory for key and aad");
    uint8_t *secret = s->secret.bytes;
    memcpy(secret, key, key_len);
    if (aad_len > 0)
        memcpy(secret + key_len, s->shape.params.aad, aad_len);
    arena_filled(&s->secret);
    s->secret_len = key_len;
    return PARSEAL_OK;
}

static parseal_status allocate(parseal_sealed *s)
{
    const size_t segment = s->shape.params.segment_size;
    size_t batch = (size_t)BATCH_BYTES / segment;
    batch = batch > BATCH_SEGMENTS ? BATCH_SEGMENTS : batch;
    s->max_batch = batch > 0 ? batch : 1;
    if (!arena_take(s->ctx->secrets, segment, 1, false, &s->held))
        return parseal_fail(PARSEAL_ERR_NO_MEMORY,
                            "stream: out of memory for segments of %zu bytes", segment);
    return PARSEAL_OK;
}

static parseal_status begin(parseal_sealed *s, const uint8_t *key, size_t key_len)
{
    const size_t segment = s->shape.params.segment_size;
    TRY(allocate(s));
    if (s->opens) {
        s->piece_first = s->piece_rest = segment;
        return keep_secret(s, key, key_len);
    }
    s->piece_rest = segment - PARSEAL_TAGBYTES;
    s->piece_first = s->piece_rest - s->shape.header_len;
    s->header[0] = (uint8_t)s->shape.header_len;
    randombytes_buf(s->header + 1, s->shape.header_len - 1);
    return derive(s, key, key_len, s->shape.params.aad);
}

static parseal_status create(parseal_sealed **stream, parseal_ctx *ctx,
                             const parseal_sealed_params *params, const uint8_t *key,
                             size_t key_len, bool opens)
{
    stream_shape shape;
    TRY(check_pointer("stream", stream));
    TRY(check_pointer("ctx", ctx));
    TRY(check_pointer("key", key));
    TRY(stream_shape_from(&shape, params));
    if (key_len < shape.key_len)
        return parseal_fail(PARSEAL_ERR_SIZE, "key_len: %zu, %zu or more expected", key_len,
                            shape.key_len);
    parseal_sealed *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "stream: out of memory");
    made->ctx = parseal_ctx_retain(ctx);
    made->opens = opens;
    made->shape = shape;
    const parseal_status status = begin(made, key, key_len);
    made->shape.params.aad = NULL; /* The caller may free it now. */
    if (status != PARSEAL_OK) {
        parseal_sealed_destroy(made);
        return status;
    }
    *stream = made;
    return PARSEAL_OK;
}

parseal_status parseal_sealed_seal_create(parseal_sealed **stream, parseal_ctx *ctx,
                                          const parseal_sealed_params *params, const uint8_t *key,
                                          size_t key_len)
{
    return create(stream, ctx, params, key, key_len, false);
}

parseal_status parseal_sealed_open_create(parseal_sealed **stream, parseal_ctx *ctx,
                                          const parseal_sealed_params *params, const uint8_t *key,
                                          size_t key_len)
{
    return create(stream, ctx, params, key, key_len, true);
}

void parseal_sealed_destroy(parseal_sealed *stream)
{
    if (stream == NULL)
        return;
    parseal_keys_destroy(stream->keys);
    arena_give(stream->ctx->secrets, &stream->secret);
    arena_give(stream->ctx->secrets, &stream->held);
    free(stream->msgs);
    parseal_ctx_destroy(stream->ctx);
    sodium_memzero(stream, sizeof *stream);
    free(stream);
}

/* -------------------------------------------------------------------------------- segments -- */

static size_t piece_size(const parseal_sealed *s, uint64_t index)
{
    return index == 0 ? s->piece_first : s->piece_rest;
}

/* Returns the bytes of the header in segment `index`. */
static size_t header_in(const parseal_sealed *s, uint64_t index)
{
    return index == 0 ? s->shape.header_len : 0;
}

/* Returns how many bytes a piece of `size` bytes becomes. */
static size_t output_size(const parseal_sealed *s, uint64_t index, size_t size)
{
    const size_t around = header_in(s, index) + PARSEAL_TAGBYTES;
    return s->opens ? size - around : size + around;
}

/* Describes segment `index` as a message from `piece` to `out`, where the segment's output
 * begins. */
static void set_message(const parseal_sealed *s, parseal_msg *m, uint64_t index, bool last,
                        const uint8_t *piece, size_t size, uint8_t *out)
{
    const size_t skip = header_in(s, index);
    memset(m, 0, sizeof *m);
    memcpy(m->nonce, s->header + 1 + s->shape.key_len, STREAM_PREFIX);
    for (int i = 0; i < 4; i++)
        m->nonce[STREAM_PREFIX + i] = (uint8_t)(index >> (24 - 8 * i));
    m->nonce[STREAM_LAST] = last;
    m->in = s->opens ? piece + skip : piece;
    m->out = s->opens ? out : out + skip;
    m->len = s->opens ? size - skip - PARSEAL_TAGBYTES : size;
    if (s->opens)
        memcpy(m->tag, piece + size - PARSEAL_TAGBYTES, PARSEAL_TAGBYTES);
}

/* Reads the header and derives the key. The first piece has the whole header. */
static parseal_status read_header(parseal_sealed *s, const uint8_t *piece)
{
    if (s->keys != NULL) /* An earlier call has read it, and then failed for lack of memory. */
        return PARSEAL_OK;
    if (piece[0] != s->shape.header_len)
        return parseal_fail(PARSEAL_ERR_AUTH, "in: a stream whose header has %u bytes, not %zu",
                            piece[0], s->shape.header_len);
    memcpy(s->header, piece, s->shape.header_len);
    const uint8_t *secret = s->secret.bytes;
    TRY(derive(s, secret, s->secret_len, secret + s->secret_len));
    arena_give(s->ctx->secrets, &s->secret);
    return PARSEAL_OK;
}

/* Opens m into scratch memory with the flag `last`. PARSEAL_OK says that it would be authentic with
 * that flag. */
static parseal_status open_as(const parseal_sealed *s, const parseal_msg *m, bool last)
{
    parseal_msg other = *m;
    void *out = sodium_malloc(m->len > 0 ? m->len : 1);
    if (out == NULL)
        return PARSEAL_ERR_NO_MEMORY;
    other.nonce[STREAM_LAST] = last;
    other.out = out;
    const parseal_status status = parseal_open(s->keys, &other, 1, NULL);
    sodium_free(out);
    return status;
}

/* Fails with a text that says why m, segment `index`, is not authentic. */
static parseal_status explain(const parseal_sealed *s, const parseal_msg *m, uint64_t index)
{
    const bool last = m->nonce[STREAM_LAST] != 0;
    const parseal_status other = open_as(s, m, !last);
    if (other == PARSEAL_ERR_NO_MEMORY)
        return parseal_fail(
            PARSEAL_ERR_AUTH,
            "in: segment %" PRIu64 " is not authentic; out of memory to find out why", index);
    if (other == PARSEAL_OK)
        return parseal_fail(PARSEAL_ERR_AUTH,
                            last ? "in: the stream was cut off: it ends with segment %" PRIu64
                                   ", which is not its last"
                                 : "in: the stream was extended: segment %" PRIu64
                                   " is its last, and more follows",
                            index);
    if (index == 0)
        return parseal_fail(PARSEAL_ERR_AUTH,
                            "in: segment 0 is not authentic: another key, associated data or "
                            "segment size, or it was changed or cut off");
    return parseal_fail(PARSEAL_ERR_AUTH, "in: segment %" PRIu64 " is not authentic: %s", index,
                        last ? "changed, cut off or extended" : "changed or out of order");
}

/* Seals or opens n messages, which are the segments from s->next on. */
static parseal_status run(parseal_sealed *s, size_t n)
{
    if (s->opens) {
        const parseal_status status = parseal_open(s->keys, s->msgs, n, NULL);
        size_t bad = 0;
        while (status == PARSEAL_ERR_AUTH && s->msgs[bad].status == PARSEAL_ITEM_OK)
            bad++;
        return status == PARSEAL_ERR_AUTH ? explain(s, &s->msgs[bad], s->next + bad) : status;
    }
    const parseal_status status = parseal_seal(s->keys, s->msgs, n);
    for (size_t i = 0; i < n; i++)
        s->spent = s->spent || s->msgs[i].status != PARSEAL_ITEM_UNSET;
    TRY(status);
    for (size_t i = 0; i < n; i++)
        memcpy((uint8_t *)s->msgs[i].out + s->msgs[i].len, s->msgs[i].tag, PARSEAL_TAGBYTES);
    if (s->next == 0)
        memcpy((uint8_t *)s->msgs[0].out - s->shape.header_len, s->header, s->shape.header_len);
    return PARSEAL_OK;
}

/* Takes the next full piece: it completes the held bytes from *in or, where none are held, returns
 * the bytes of *in themselves. */
static const uint8_t *take_piece(parseal_sealed *s, size_t size, const uint8_t **in)
{
    const size_t held = s->held_len, more = size - held;
    const uint8_t *from = *in;
    *in += more;
    if (held == 0)
        return from;
    memcpy((uint8_t *)s->held.bytes + held, from, more);
    s->held_len = 0;
    return s->held.bytes;
}

/* Makes room for a batch of n segments. A stream that waits for input has none, so that very many
 * of them may wait. */
static parseal_status need_messages(parseal_sealed *s, size_t n)
{
    n = n < s->max_batch ? n : s->max_batch;
    if (n <= s->n_msgs)
        return PARSEAL_OK;
    parseal_msg *more = realloc(s->msgs, n * sizeof *more);
    if (more == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "stream: out of memory for %zu segments", n);
    s->msgs = more;
    s->n_msgs = n;
    return PARSEAL_OK;
}

/* Writes the next `count` segments, none of them the last, and moves *in behind their input. */
static parseal_status write_segments(parseal_sealed *s, size_t count, const uint8_t **in,
                                     uint8_t *out)
{
    TRY(need_messages(s, count));
    while (count > 0) {
        size_t n = 0;
        for (; n < s->max_batch && n < count; n++) {
            const uint64_t index = s->next + n;
            const size_t size = piece_size(s, index);
            const uint8_t *piece = take_piece(s, size, in);
            if (s->opens && index == 0)
                TRY(read_header(s, piece));
            set_message(s, &s->msgs[n], index, false, piece, size, out);
            out += output_size(s, index, size);
        }
        TRY(run(s, n));
        s->next += n;
        count -= n;
    }
    return PARSEAL_OK;
}

static parseal_status write_last(parseal_sealed *s, uint8_t *out)
{
    TRY(need_messages(s, 1));
    if (s->opens && s->next == 0)
        TRY(read_header(s, s->held.bytes));
    set_message(s, &s->msgs[0], s->next, true, s->held.bytes, s->held_len, out);
    return run(s, 1);
}

/* --------------------------------------------------------------------------------- calls -- */

/* Finds how many segments an update with in_len bytes completes, and the bytes of their output. */
static parseal_status plan_update(const parseal_sealed *s, size_t in_len, size_t *count,
                                  size_t *size)
{
    *count = 0;
    *size = 0;
    if (in_len > SIZE_MAX - s->held_len)
        return parseal_fail(PARSEAL_ERR_SIZE, "in_len: %zu bytes overflow", in_len);
    const size_t have = s->held_len + in_len, first = piece_size(s, s->next);
    if (have <= first)
        return PARSEAL_OK;
    const size_t n = 1 + (have - first - 1) / s->piece_rest;
    if (n >= PARSEAL_SEALED_SEGMENTS_MAX - s->next)
        return parseal_fail(PARSEAL_ERR_SIZE, "in_len: %zu more bytes make more than 2^32 segments",
                            in_len);
    if (n > SIZE_MAX / s->shape.params.segment_size)
        return parseal_fail(PARSEAL_ERR_SIZE, "in_len: %zu bytes overflow when sealed", in_len);
    *count = n;
    *size = output_size(s, s->next, first) + (n - 1) * output_size(s, 1, s->piece_rest);
    return PARSEAL_OK;
}

parseal_status parseal_sealed_update_size(const parseal_sealed *stream, size_t in_len, size_t *size)
{
    size_t count, bytes;
    TRY(check_pointer("stream", stream));
    TRY(check_pointer("size", size));
    TRY(plan_update(stream, in_len, &count, &bytes));
    *size = bytes;
    return PARSEAL_OK;
}

static parseal_status check_usable(const parseal_sealed *s)
{
    if (s->failed != PARSEAL_OK)
        return parseal_fail(s->failed, "stream: an earlier call on it has failed");
    if (s->ended)
        return parseal_fail(PARSEAL_ERR_ARG, "stream: has ended");
    return PARSEAL_OK;
}

static parseal_status check_output(const void *out, size_t out_size, size_t needed)
{
    if (needed > 0)
        TRY(check_pointer("out", out));
    if (out_size < needed)
        return parseal_fail(PARSEAL_ERR_SIZE, "out_size: %zu, at least %zu expected", out_size,
                            needed);
    return PARSEAL_OK;
}

/* The state to go back to when a call fails. The held bytes stay in place until a call succeeds. */
typedef struct {
    uint64_t next;
    size_t held_len;
} position;

static position begin_call(parseal_sealed *s)
{
    s->spent = false;
    return (position){s->next, s->held_len};
}

/* Ends a call that began at `before` and writes `size` bytes at most. A call that lacked memory is
 * undone, so that it can be made again; but not after it has sealed, as no nonce may ever be used a
 * second time. */
static parseal_status conclude(parseal_sealed *s, parseal_status status, const position *before,
                               void *out, size_t size, size_t *written)
{
    *written = status == PARSEAL_OK ? size : 0;
    if (status != PARSEAL_OK && size > 0)
        sodium_memzero(out, size);
    if (status == PARSEAL_ERR_NO_MEMORY && !s->spent) {
        s->next = before->next;
        s->held_len = before->held_len;
    } else {
        s->failed = status;
    }
    return status;
}

parseal_status parseal_sealed_update(parseal_sealed *stream, const void *in, size_t in_len,
                                     void *out, size_t out_size, size_t *written)
{
    size_t count, size;
    TRY(check_pointer("stream", stream));
    TRY(check_pointer("written", written));
    TRY(check_usable(stream));
    if (in_len > 0)
        TRY(check_pointer("in", in));
    TRY(plan_update(stream, in_len, &count, &size));
    TRY(check_output(out, out_size, size));
    const parseal_buf read = parseal_host_buf(in, in_len), write = parseal_host_buf(out, size);
    TRY(check_no_overlap("out", &write, "in", &read));
    if (in_len == 0) {
        *written = 0;
        return PARSEAL_OK;
    }

    const position before = begin_call(stream);
    const uint8_t *rest = in, *end = rest + in_len;
    const parseal_status status = write_segments(stream, count, &rest, out);
    if (status == PARSEAL_OK) {
        memcpy((uint8_t *)stream->held.bytes + stream->held_len, rest, (size_t)(end - rest));
        stream->held_len += (size_t)(end - rest);
    }
    return conclude(stream, status, &before, out, size, written);
}

parseal_status parseal_sealed_final(parseal_sealed *stream, void *out, size_t out_size,
                                    size_t *written)
{
    TRY(check_pointer("stream", stream));
    TRY(check_pointer("written", written));
    TRY(check_usable(stream));
    const position before = begin_call(stream);
    const size_t held = stream->held_len,
                 around = header_in(stream, stream->next) + PARSEAL_TAGBYTES;
    if (stream->opens && (held < around || (stream->next > 0 && held == around)))
        return conclude(stream,
                        parseal_fail(PARSEAL_ERR_AUTH,
                                     "in: the stream was cut off: it ends %zu bytes into segment "
                                     "%" PRIu64,
                                     held, stream->next),
                        &before, out, 0, written);
    const size_t size = output_size(stream, stream->next, held);
    TRY(check_output(out, out_size, size));
    const parseal_status status = write_last(stream, out);
    (void)conclude(stream, status, &before, out, size, written);
    stream->ended = status == PARSEAL_OK || stream->failed != PARSEAL_OK;
    return status;
}
