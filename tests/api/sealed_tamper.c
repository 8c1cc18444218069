/* A sealed stream that was cut off, extended, reordered, spliced or changed is refused, and nothing
 * of it stays in the output. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "parseal/sealed.h"
#include "run.h"

enum { SEGMENT = 80, HEADER = 40, LEN = 300, SEALED = 440, SEGMENTS = 6, KEY_LEN = 32 };

static const uint8_t key[KEY_LEN] = {1, 2, 3};

static parseal_sealed_params params_with(const char *aad)
{
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    params.segment_size = SEGMENT;
    params.aad = aad;
    params.aad_len = strlen(aad);
    return params;
}

/* 24 + 4 * 64 + 20 bytes of plaintext: the last segment is shorter than the others. */
static void seal(const fixture *f, const char *aad, uint8_t plain[LEN], uint8_t sealed[SEALED])
{
    const parseal_sealed_params params = params_with(aad);
    size_t written = 0;
    for (size_t i = 0; i < LEN; i++)
        plain[i] = (uint8_t)(i + 1);
    assert_ok(
        parseal_sealed_seal(f->ctx, &params, key, KEY_LEN, plain, LEN, sealed, SEALED, &written));
    assert_int_equal(written, SEGMENTS * SEGMENT - 44);
}

enum { SEALED_LEN = SEGMENTS * SEGMENT - 44 };

/* Opens piece by piece, `cut` bytes at a time. What is released before the failure must be the
 * beginning of plain. */
static void refuse_pieces(const fixture *f, const parseal_sealed_params *params, const uint8_t *k,
                          const uint8_t *sealed, size_t len, size_t cut, const uint8_t *plain,
                          const char *text)
{
    parseal_sealed *stream = NULL;
    uint8_t out[2 * SEALED];
    size_t total = 0, written = 0;
    parseal_status status = PARSEAL_OK;
    memset(out, UNTOUCHED, sizeof out);
    assert_ok(parseal_sealed_open_create(&stream, f->ctx, params, k, KEY_LEN));
    for (size_t at = 0; at < len && status == PARSEAL_OK; at += cut) {
        const size_t take = cut < len - at ? cut : len - at;
        size_t size = 0;
        assert_ok(parseal_sealed_update_size(stream, take, &size));
        error_text_spoil();
        status = parseal_sealed_update(stream, sealed + at, take, out + total, sizeof out - total,
                                       &written);
        assert_int_equal(written, status == PARSEAL_OK ? size : 0);
        if (status != PARSEAL_OK)
            assert_filled(out + total, size, 0);
        total += written;
    }
    assert_true(total < LEN);
    assert_bytes(out, plain, total);
    if (status == PARSEAL_OK) {
        error_text_spoil();
        status = parseal_sealed_final(stream, out + total, sizeof out - total, &written);
        assert_int_equal(written, 0);
    }
    assert_int_equal(status, PARSEAL_ERR_AUTH);
    assert_non_null(strstr(parseal_last_error_text(), text));
    /* There is no way on. */
    assert_error(parseal_sealed_update(stream, sealed, 1, out, sizeof out, &written),
                 PARSEAL_ERR_AUTH, "stream");
    assert_error(parseal_sealed_final(stream, out, sizeof out, &written), PARSEAL_ERR_AUTH,
                 "stream");
    parseal_sealed_destroy(stream);
}

static void refuse_with(const fixture *f, const parseal_sealed_params *params, const uint8_t *k,
                        const uint8_t *sealed, size_t len, const uint8_t *plain, const char *text)
{
    static const size_t cuts[] = {1, 79, 80, 81, 200, 2 * SEALED};
    uint8_t out[2 * SEALED];
    size_t written = 12345, wrong = 0;
    for (size_t i = 0; i < COUNT_OF(cuts); i++)
        if (!run_emulated() || cuts[i] == 79)
            refuse_pieces(f, params, k, sealed, len, cuts[i], plain, text);
    memset(out, UNTOUCHED, sizeof out);
    error_text_spoil();
    assert_status(
        parseal_sealed_open(f->ctx, params, k, KEY_LEN, sealed, len, out, sizeof out, &written),
        PARSEAL_ERR_AUTH);
    assert_non_null(strstr(parseal_last_error_text(), text));
    assert_int_equal(written, 12345);
    for (size_t i = 0; i < sizeof out; i++)
        wrong += out[i] != 0 && out[i] != UNTOUCHED;
    assert_int_equal(wrong, 0);
}

static void refuse(const fixture *f, const uint8_t *sealed, size_t len, const uint8_t *plain,
                   const char *text)
{
    const parseal_sealed_params params = params_with("aad");
    refuse_with(f, &params, key, sealed, len, plain, text);
}

static void every_bit_counts(void **state)
{
    fixture *f = *state;
    const parseal_sealed_params params = params_with("aad");
    uint8_t plain[LEN], sealed[SEALED], out[LEN];
    size_t written = 0;
    seal(f, "aad", plain, sealed);
    for (size_t i = 0; i < SEALED_LEN; i += run_slow() ? 29 : 1) {
        sealed[i] ^= (uint8_t)(1u << i % 8);
        memset(out, UNTOUCHED, sizeof out);
        assert_status(parseal_sealed_open(f->ctx, &params, key, KEY_LEN, sealed, SEALED_LEN, out,
                                          sizeof out, &written),
                      PARSEAL_ERR_AUTH);
        for (size_t j = 0; j < LEN; j++)
            assert_true(out[j] == 0 || out[j] == UNTOUCHED);
        sealed[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_ok(parseal_sealed_open(f->ctx, &params, key, KEY_LEN, sealed, SEALED_LEN, out,
                                  sizeof out, &written));
    assert_bytes(out, plain, LEN);
    sealed[0] = 24;
    refuse(f, sealed, SEALED_LEN, plain, "header has 24 bytes");
    sealed[0] = HEADER;
    sealed[3 * SEGMENT + 5] ^= 1;
    refuse(f, sealed, SEALED_LEN, plain, "segment 3 is not authentic");
}

static void cut_off(void **state)
{
    fixture *f = *state;
    const parseal_sealed_params params = params_with("aad");
    uint8_t plain[LEN], sealed[SEALED], out[SEALED];
    size_t written = 0;
    seal(f, "aad", plain, sealed);
    for (size_t len = 0; len < SEALED_LEN; len += run_slow() ? 23 : 1)
        assert_status(parseal_sealed_open(f->ctx, &params, key, KEY_LEN, sealed, len, out,
                                          sizeof out, &written),
                      PARSEAL_ERR_AUTH);
    refuse(f, sealed, 0, plain, "cut off");
    refuse(f, sealed, HEADER - 1, plain, "cut off");
    refuse(f, sealed, HEADER + 15, plain, "cut off");
    refuse(f, sealed, SEGMENT, plain, "cut off");
    refuse(f, sealed, SEGMENT + 1, plain, "cut off");
    refuse(f, sealed, SEGMENT + 16, plain, "cut off");
    refuse(f, sealed, 3 * SEGMENT, plain, "cut off");
    refuse(f, sealed, SEALED_LEN - 1, plain, "segment 5 is not authentic");
}

static void extended(void **state)
{
    fixture *f = *state;
    uint8_t plain[LEN], sealed[2 * SEALED] = {0}, whole[SEGMENT + HEADER] = {0};
    const parseal_sealed_params params = params_with("aad");
    size_t written = 0;
    seal(f, "aad", plain, sealed);
    refuse(f, sealed, SEALED_LEN + 1, plain, "segment 5 is not authentic");
    memcpy(sealed + SEALED_LEN, sealed, SEALED_LEN); /* another whole stream behind it */
    refuse(f, sealed, 2 * SEALED_LEN, plain, "segment 5 is not authentic");
    /* Behind a last segment that is full. */
    assert_ok(parseal_sealed_seal(f->ctx, &params, key, KEY_LEN, plain, 24, whole, sizeof whole,
                                  &written));
    assert_int_equal(written, SEGMENT);
    refuse(f, whole, SEGMENT + 17, plain, "extended");
    refuse(f, whole, SEGMENT + 40, plain, "extended");
}

static void reordered(void **state)
{
    fixture *f = *state;
    uint8_t plain[LEN], sealed[SEALED], swapped[SEALED];
    seal(f, "aad", plain, sealed);
    memcpy(swapped, sealed, SEALED);
    memcpy(swapped + 2 * SEGMENT, sealed + 3 * SEGMENT, SEGMENT);
    memcpy(swapped + 3 * SEGMENT, sealed + 2 * SEGMENT, SEGMENT);
    refuse(f, swapped, SEALED_LEN, plain, "segment 2 is not authentic");
    /* A segment left out, and one twice. */
    memcpy(swapped, sealed, SEALED);
    memmove(swapped + SEGMENT, sealed + 2 * SEGMENT, SEALED_LEN - 2 * SEGMENT);
    refuse(f, swapped, SEALED_LEN - SEGMENT, plain, "segment 1 is not authentic");
    memcpy(swapped, sealed, SEALED);
    memcpy(swapped + 2 * SEGMENT, sealed + SEGMENT, SEGMENT);
    refuse(f, swapped, SEALED_LEN, plain, "segment 2 is not authentic");
}

/* A segment, or the header, of another stream under the same key. */
static void spliced(void **state)
{
    fixture *f = *state;
    uint8_t plain[LEN], sealed[SEALED], other[SEALED], mixed[SEALED];
    seal(f, "aad", plain, sealed);
    seal(f, "aad", plain, other);
    memcpy(mixed, sealed, SEALED);
    memcpy(mixed + 4 * SEGMENT, other + 4 * SEGMENT, SEGMENT);
    refuse(f, mixed, SEALED_LEN, plain, "segment 4 is not authentic");
    memcpy(mixed, sealed, SEALED);
    memcpy(mixed, other, HEADER);
    refuse(f, mixed, SEALED_LEN, plain, "segment 0 is not authentic");
}

static void other_key_or_params(void **state)
{
    fixture *f = *state;
    parseal_sealed_params params = params_with("aae");
    uint8_t plain[LEN], sealed[SEALED], other[KEY_LEN];
    seal(f, "aad", plain, sealed);
    refuse_with(f, &params, key, sealed, SEALED_LEN, plain, "segment 0 is not authentic");
    params = params_with("");
    refuse_with(f, &params, key, sealed, SEALED_LEN, plain, "segment 0 is not authentic");
    params = params_with("aad");
    params.segment_size = SEGMENT + 1;
    refuse_with(f, &params, key, sealed, SEALED_LEN, plain, "segment 0 is not authentic");
    params.segment_size = SEGMENT;
    params.alg = PARSEAL_AES128GCM;
    refuse_with(f, &params, key, sealed, SEALED_LEN, plain, "header has 40 bytes, not 24");
    params.alg = PARSEAL_AES256GCM;
    memcpy(other, key, KEY_LEN);
    other[31] ^= 1;
    refuse_with(f, &params, other, sealed, SEALED_LEN, plain, "segment 0 is not authentic");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(every_bit_counts), WITH_FIXTURE(cut_off), WITH_FIXTURE(extended),
        WITH_FIXTURE(reordered),        WITH_FIXTURE(spliced), WITH_FIXTURE(other_key_or_params),
    };
    return RUN_SUITE("sealed_tamper", tests);
}
