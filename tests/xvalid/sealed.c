/* Sealed streams against the format written again from its description, on another library's
 * AES-GCM: at every boundary of sizes, at once and in pieces cut anywhere. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "parseal/sealed.h"
#include "ref_aead.h"
#include "rng.h"
#include "run.h"

enum { KEY_LEN = 37, AAD_LEN = 5, TAG = PARSEAL_TAGBYTES };

typedef struct {
    parseal_ctx *ctx;
    rng random;
    parseal_sealed_params params;
    size_t salt_len, header_len;
    uint8_t key[KEY_LEN], aad[AAD_LEN];
    uint8_t *plain, *sealed, *want, *opened;
    size_t capacity; /* bytes of each buffer */
} bench;

static void bench_open(bench *b, const char *name, int32_t alg, uint32_t segment_size, size_t max)
{
    const parseal_sealed_params defaults = PARSEAL_SEALED_PARAMS_INIT;
    b->ctx = run_ctx(0);
    b->random = rng_for(name);
    b->params = defaults;
    b->params.alg = alg;
    b->params.segment_size = segment_size;
    b->params.aad = b->aad;
    b->params.aad_len = AAD_LEN;
    b->salt_len = alg == PARSEAL_AES128GCM ? 16 : 32;
    b->header_len = 1 + b->salt_len + 7;
    rng_fill(&b->random, b->key, KEY_LEN);
    rng_fill(&b->random, b->aad, AAD_LEN);
    b->capacity = 2 * max + 100;
    uint8_t **const arrays[] = {&b->plain, &b->sealed, &b->want, &b->opened};
    for (size_t i = 0; i < COUNT_OF(arrays); i++) {
        *arrays[i] = malloc(b->capacity);
        assert_non_null(*arrays[i]);
    }
    rng_fill(&b->random, b->plain, b->capacity);
}

static void bench_close(bench *b)
{
    free(b->plain);
    free(b->sealed);
    free(b->want);
    free(b->opened);
    parseal_ctx_destroy(b->ctx);
}

/* --------------------------------------------------------------------------------- reference -- */

/* Does HKDF for an output of one hash at most: T(1) = HMAC(HMAC(salt, key), aad || 1). */
static void ref_derive(const bench *b, const uint8_t *salt, uint8_t derived[32])
{
    crypto_auth_hmacsha256_state state;
    uint8_t prk[32], one = 1;
    crypto_auth_hmacsha256_init(&state, salt, b->salt_len);
    crypto_auth_hmacsha256_update(&state, b->key, KEY_LEN);
    crypto_auth_hmacsha256_final(&state, prk);
    crypto_auth_hmacsha256_init(&state, prk, sizeof prk);
    crypto_auth_hmacsha256_update(&state, b->aad, AAD_LEN);
    crypto_auth_hmacsha256_update(&state, &one, 1);
    crypto_auth_hmacsha256_final(&state, derived);
}

/* Seals segment i under the header at b->want, and returns its size. */
static size_t ref_segment(const bench *b, uint32_t i, bool last, const uint8_t *in, size_t len,
                          uint8_t *out)
{
    uint8_t derived[32], nonce[12];
    ref_derive(b, b->want + 1, derived);
    memcpy(nonce, b->want + 1 + b->salt_len, 7);
    nonce[7] = (uint8_t)(i >> 24);
    nonce[8] = (uint8_t)(i >> 16);
    nonce[9] = (uint8_t)(i >> 8);
    nonce[10] = (uint8_t)i;
    nonce[11] = last;
    ref_aead_for(b->params.alg)
        ->seal(b->params.alg, derived, nonce, NULL, 0, in, len, out, out + len);
    return len + TAG;
}

/* Seals len bytes under the header at b->want, and returns the sealed size. */
static size_t ref_seal(const bench *b, size_t len)
{
    size_t at = b->header_len, done = 0;
    uint32_t i = 0;
    do {
        size_t take = b->params.segment_size - TAG - (i == 0 ? b->header_len : 0);
        take = take < len - done ? take : len - done;
        at += ref_segment(b, i++, done + take == len, b->plain + done, take, b->want + at);
        done += take;
    } while (done < len);
    return at;
}

/* Checks that b->sealed is the `size` bytes that the reference makes of its header and
 * plaintext. */
static void assert_as_reference(bench *b, size_t size, size_t len)
{
    assert_int_equal(b->sealed[0], b->header_len);
    memcpy(b->want, b->sealed, b->header_len);
    assert_int_equal(ref_seal(b, len), size);
    assert_bytes(b->sealed, b->want, size);
}

/* ------------------------------------------------------------------------------------ pieces -- */

/* Returns the next piece's size: none, one byte, about a segment, or anything. */
static size_t next_cut(bench *b, size_t left)
{
    const size_t segment = b->params.segment_size;
    size_t cut = 0;
    switch (rng_below(&b->random, 4)) {
    case 0:
        cut = (size_t)rng_below(&b->random, 2);
        break;
    case 1:
        cut = segment - 2 + (size_t)rng_below(&b->random, 5);
        break;
    case 2:
        cut = (size_t)rng_below(&b->random, 3 * segment);
        break;
    default:
        cut = (size_t)rng_below(&b->random, left + 1);
    }
    return cut < left ? cut : left;
}

/* Runs a sealed stream over `in` in pieces, and returns how many bytes it wrote to out. */
static size_t run_pieces(bench *b, parseal_sealed *stream, const uint8_t *in, size_t len,
                         uint8_t *out)
{
    size_t total = 0, written;
    for (size_t at = 0; at < len;) {
        const size_t cut = next_cut(b, len - at);
        size_t expected = 0;
        /* A piece has memory of its own, so that reading behind it, or once it is freed, is
         * noticed. */
        uint8_t *piece = malloc(cut + 1);
        assert_non_null(piece);
        memcpy(piece, in + at, cut);
        assert_ok(parseal_sealed_update_size(stream, cut, &expected));
        memset(out + total, UNTOUCHED, expected + 1);
        assert_ok(parseal_sealed_update(stream, piece, cut, out + total, expected, &written));
        assert_int_equal(written, expected);
        assert_filled(out + total + written, 1, UNTOUCHED);
        memset(piece, UNTOUCHED, cut);
        free(piece);
        total += written;
        at += cut;
    }
    assert_ok(parseal_sealed_final(stream, out + total, b->params.segment_size, &written));
    parseal_sealed_destroy(stream);
    return total + written;
}

/* ------------------------------------------------------------------------------------- tests -- */

static void check_length(bench *b, size_t len)
{
    parseal_sealed *stream = NULL;
    uint64_t size = 0, opened_len = 0;
    size_t written = 0;
    assert_ok(parseal_sealed_size(&b->params, len, &size));
    assert_ok(parseal_sealed_opened_size(&b->params, size, &opened_len));
    assert_int_equal(opened_len, len);

    assert_ok(parseal_sealed_seal(b->ctx, &b->params, b->key, KEY_LEN, b->plain, len, b->sealed,
                                  (size_t)size, &written));
    assert_int_equal(written, size);
    assert_as_reference(b, written, len);
    memset(b->opened, UNTOUCHED, len + 1);
    assert_ok(parseal_sealed_open(b->ctx, &b->params, b->key, KEY_LEN, b->sealed, written,
                                  b->opened, len, &written));
    assert_int_equal(written, len);
    assert_bytes(b->opened, b->plain, len);
    assert_filled(b->opened + len, 1, UNTOUCHED);

    assert_ok(parseal_sealed_seal_create(&stream, b->ctx, &b->params, b->key, KEY_LEN));
    assert_int_equal(run_pieces(b, stream, b->plain, len, b->sealed), size);
    assert_as_reference(b, (size_t)size, len);
    assert_ok(parseal_sealed_open_create(&stream, b->ctx, &b->params, b->key, KEY_LEN));
    assert_int_equal(run_pieces(b, stream, b->sealed, (size_t)size, b->opened), len);
    assert_bytes(b->opened, b->plain, len);
}

static void check_boundaries(int32_t alg, uint32_t segment_size)
{
    bench b;
    const size_t pieces = run_emulated() ? 2 : 5;
    bench_open(&b, __func__, alg, segment_size, pieces * segment_size);
    const size_t rest = segment_size - TAG, first = rest - b.header_len;
    check_length(&b, 0);
    for (size_t n = 0; n < pieces; n++) {
        const size_t boundary = first + n * rest;
        check_length(&b, boundary - 1);
        check_length(&b, boundary);
        check_length(&b, boundary + 1);
    }
    bench_close(&b);
}

static void boundaries(void **state)
{
    static const int32_t algs[] = {PARSEAL_AES128GCM, PARSEAL_AES256GCM};
    (void)state;
    for (size_t a = 0; a < COUNT_OF(algs); a++) {
        const uint32_t smallest = algs[a] == PARSEAL_AES128GCM ? 41 : 57;
        if (ref_aead_for(algs[a]) == NULL) {
            print_message("algorithm %d: left out, no reference in this build\n", algs[a]);
            continue;
        }
        check_boundaries(algs[a], smallest);
        check_boundaries(algs[a], smallest + 1);
        check_boundaries(algs[a], 100);
        check_boundaries(algs[a], PARSEAL_SEALED_4KB);
    }
}

static void random_lengths(void **state)
{
    bench b;
    (void)state;
    bench_open(&b, __func__, PARSEAL_AES256GCM, 300, 5000);
    for (size_t i = 0; i < run_share(60, 20); i++)
        check_length(&b, (size_t)rng_below(&b.random, 5000));
    bench_close(&b);
}

/* There are more segments than one batch takes, and half of the first is held already. */
static void many_segments(void **state)
{
    bench b;
    const size_t len = 50000 * (57 - TAG) + 1;
    parseal_sealed *stream = NULL;
    size_t size = 0, more = 0, last = 0;
    (void)state;
    if (run_emulated())
        return; /* This test is only large. */
    bench_open(&b, __func__, PARSEAL_AES256GCM, 57, len);
    assert_ok(parseal_sealed_seal_create(&stream, b.ctx, &b.params, b.key, KEY_LEN));
    assert_ok(parseal_sealed_update(stream, b.plain, 20, b.sealed, b.capacity, &size));
    assert_ok(parseal_sealed_update(stream, b.plain + 20, len - 20, b.sealed + size,
                                    b.capacity - size, &more));
    assert_ok(parseal_sealed_final(stream, b.sealed + size + more, 57, &last));
    parseal_sealed_destroy(stream);
    size += more + last;
    assert_as_reference(&b, size, len);
    assert_ok(parseal_sealed_open(b.ctx, &b.params, b.key, KEY_LEN, b.sealed, size, b.opened, len,
                                  &size));
    assert_bytes(b.opened, b.plain, len);
    bench_close(&b);
}

/* Only a first segment may be empty. An empty last one behind a full one can be made, with right
 * tags, and must be refused. */
static void empty_last_segment(void **state)
{
    bench b;
    size_t written = 0;
    (void)state;
    bench_open(&b, __func__, PARSEAL_AES256GCM, 100, 100);
    const size_t first = 100 - TAG - b.header_len;
    b.want[0] = (uint8_t)b.header_len;
    rng_fill(&b.random, b.want + 1, b.header_len - 1);
    for (size_t len = 0; len < 2; len++) {
        parseal_sealed *stream = NULL;
        size_t size = b.header_len;
        size += ref_segment(&b, 0, false, b.plain, first, b.want + size);
        size += ref_segment(&b, 1, true, b.plain + first, len, b.want + size);
        const parseal_status expected = len == 0 ? PARSEAL_ERR_AUTH : PARSEAL_OK;
        assert_status(parseal_sealed_open(b.ctx, &b.params, b.key, KEY_LEN, b.want, size, b.opened,
                                          b.capacity, &written),
                      expected);
        assert_ok(parseal_sealed_open_create(&stream, b.ctx, &b.params, b.key, KEY_LEN));
        assert_ok(parseal_sealed_update(stream, b.want, size, b.opened, b.capacity, &written));
        assert_int_equal(written, first);
        assert_status(parseal_sealed_final(stream, b.opened, b.capacity, &written), expected);
        assert_int_equal(written, len);
        parseal_sealed_destroy(stream);
    }
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries), cmocka_unit_test(random_lengths),
        cmocka_unit_test(many_segments), cmocka_unit_test(empty_last_segment)};
    if (ref_aead_for(PARSEAL_AES256GCM) == NULL)
        return run_skip("no other AES-256-GCM in this build or on this machine");
    return RUN_SUITE_PER_IMPL("sealed", OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
