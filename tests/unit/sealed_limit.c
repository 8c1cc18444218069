/* A stream ends at 2^32 segments: the counter is set shortly before its end, since nobody waits for
 * that many. */
#include <string.h>

#include "check.h"
#include "host/sealed/stream.h"
#include "run.h"

enum { SEGMENT = 64, PIECE = SEGMENT - PARSEAL_TAGBYTES };

static const uint8_t key[32] = {9};

static parseal_sealed *near_the_end(parseal_ctx *ctx, uint64_t next)
{
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    parseal_sealed *stream = NULL;
    params.segment_size = SEGMENT;
    assert_ok(parseal_sealed_seal_create(&stream, ctx, &params, key, sizeof key));
    stream->next = next;
    return stream;
}

/* With three segments left, three pieces are taken, and no byte more. */
static void the_last_segment(void **state)
{
    const uint8_t in[3 * PIECE + 1] = {0};
    uint8_t out[4 * SEGMENT];
    size_t size = 99, written = 99;
    parseal_ctx *ctx = run_ctx(1);
    parseal_sealed *stream = near_the_end(ctx, PARSEAL_SEALED_SEGMENTS_MAX - 3);
    (void)state;
    memset(out, UNTOUCHED, sizeof out);
    assert_error(parseal_sealed_update_size(stream, sizeof in, &size), PARSEAL_ERR_SIZE, "in_len");
    assert_error(parseal_sealed_update(stream, in, sizeof in, out, sizeof out, &written),
                 PARSEAL_ERR_SIZE, "in_len");
    assert_filled(out, sizeof out, UNTOUCHED);
    assert_ok(parseal_sealed_update(stream, in, 3 * PIECE, out, sizeof out, &written));
    assert_int_equal(written, 2 * SEGMENT);
    assert_error(parseal_sealed_update(stream, in, 1, out, sizeof out, &written), PARSEAL_ERR_SIZE,
                 "in_len");
    assert_ok(parseal_sealed_final(stream, out + written, sizeof out - written, &size));
    assert_int_equal(size, SEGMENT);
    parseal_sealed_destroy(stream);
    parseal_ctx_destroy(ctx);
}

/* All four bytes of the counter are in the nonce, the most significant first. */
static void the_counter(void **state)
{
    const uint8_t in[PIECE] = {0};
    uint8_t out[SEGMENT], opened[PIECE];
    size_t written = 0;
    parseal_ctx *ctx = run_ctx(1);
    parseal_sealed *stream = near_the_end(ctx, UINT32_C(0xfedcba98));
    (void)state;
    assert_ok(parseal_sealed_update(stream, in, PIECE, NULL, 0, &written));
    assert_ok(parseal_sealed_final(stream, out, sizeof out, &written));
    parseal_msg msg = {.in = out, .out = opened, .len = PIECE};
    memcpy(msg.nonce, stream->header + 33, 7);
    memcpy(msg.nonce + 7, "\xfe\xdc\xba\x98\x01", 5);
    memcpy(msg.tag, out + PIECE, PARSEAL_TAGBYTES);
    assert_ok(parseal_open(stream->keys, &msg, 1, NULL));
    assert_bytes(opened, in, PIECE);
    parseal_sealed_destroy(stream);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_last_segment),
                                       cmocka_unit_test(the_counter)};
    return RUN_SUITE("sealed_limit", tests);
}
