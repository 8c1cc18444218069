/* Streams: every error of their functions, and that it changes nothing; what ends a stream, and in
 * which order things may be destroyed. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "parseal/sealed.h"
#include "run.h"

enum { SEGMENT = 100, LEN = 500, OUT = 1000 };

static const uint8_t key[40] = {1, 2, 3};

static parseal_sealed_params small_segments(void)
{
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    params.segment_size = SEGMENT;
    return params;
}

typedef parseal_status (*create_function)(parseal_sealed **, parseal_ctx *,
                                          const parseal_sealed_params *, const uint8_t *, size_t);

static void refuse_params(const fixture *f, const parseal_sealed_params *params,
                          parseal_status status, const char *name)
{
    parseal_sealed *const before = nowhere();
    parseal_sealed *stream = before;
    uint64_t size = 7;
    assert_error(parseal_sealed_seal_create(&stream, f->ctx, params, key, 32), status, name);
    assert_error(parseal_sealed_open_create(&stream, f->ctx, params, key, 32), status, name);
    assert_ptr_equal(stream, before);
    assert_error(parseal_sealed_size(params, 1, &size), status, name);
    assert_error(parseal_sealed_opened_size(params, 100, &size), status, name);
    assert_int_equal(size, 7);
}

static void bad_params(void **state)
{
    fixture *f = *state;
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    params.struct_size = 0;
    refuse_params(f, &params, PARSEAL_ERR_ARG, "params.struct_size");
    params = small_segments();
    params.alg = 3;
    refuse_params(f, &params, PARSEAL_ERR_ARG, "params.alg");
    static const uint32_t sizes[] = {0, 1, 40, 56, UINT32_C(1) << 31, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        params = small_segments();
        params.segment_size = sizes[i];
        refuse_params(f, &params, PARSEAL_ERR_SIZE, "params.segment_size");
    }
    params = small_segments();
    params.alg = PARSEAL_AES128GCM;
    params.segment_size = 40;
    refuse_params(f, &params, PARSEAL_ERR_SIZE, "params.segment_size");
    params = small_segments();
    params.aad_len = 1;
    refuse_params(f, &params, PARSEAL_ERR_ARG, "params.aad");
}

static void create(void **state)
{
    static const create_function functions[] = {parseal_sealed_seal_create,
                                                parseal_sealed_open_create};
    fixture *f = *state;
    parseal_sealed_params params = small_segments();
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        parseal_sealed *const before = nowhere();
        parseal_sealed *stream = before;
        params.alg = PARSEAL_AES256GCM;
        assert_error(functions[i](NULL, f->ctx, &params, key, 32), PARSEAL_ERR_ARG, "stream");
        assert_error(functions[i](&stream, NULL, &params, key, 32), PARSEAL_ERR_ARG, "ctx");
        assert_error(functions[i](&stream, f->ctx, &params, NULL, 32), PARSEAL_ERR_ARG, "key");
        assert_error(functions[i](&stream, f->ctx, &params, key, 31), PARSEAL_ERR_SIZE, "key_len");
        assert_error(functions[i](&stream, f->ctx, &params, key, 0), PARSEAL_ERR_SIZE, "key_len");
        params.alg = PARSEAL_AES128GCM;
        assert_error(functions[i](&stream, f->ctx, &params, key, 15), PARSEAL_ERR_SIZE, "key_len");
        assert_ptr_equal(stream, before);
        assert_ok(functions[i](&stream, f->ctx, &params, key, 16));
        parseal_sealed_destroy(stream);
    }
    parseal_sealed_destroy(NULL);
}

/* Bad calls in between leave the stream as it was: it still seals and opens the right bytes. */
static size_t run_with_bad_calls(parseal_sealed *stream, const uint8_t *in, size_t len,
                                 uint8_t *out)
{
    size_t written = 99, size = 0, last = 0;
    assert_error(parseal_sealed_update(NULL, in, 1, out, OUT, &written), PARSEAL_ERR_ARG, "stream");
    assert_error(parseal_sealed_update(stream, NULL, 1, out, OUT, &written), PARSEAL_ERR_ARG, "in");
    assert_error(parseal_sealed_update(stream, in, 1, out, OUT, NULL), PARSEAL_ERR_ARG, "written");
    assert_error(parseal_sealed_update(stream, in, len, NULL, OUT, &written), PARSEAL_ERR_ARG,
                 "out");
    assert_error(parseal_sealed_update_size(NULL, 1, &size), PARSEAL_ERR_ARG, "stream");
    assert_error(parseal_sealed_update_size(stream, 1, NULL), PARSEAL_ERR_ARG, "size");
    assert_error(parseal_sealed_final(NULL, out, OUT, &written), PARSEAL_ERR_ARG, "stream");
    assert_error(parseal_sealed_final(stream, out, OUT, NULL), PARSEAL_ERR_ARG, "written");
    assert_ok(parseal_sealed_update_size(stream, len, &size));
    assert_true(size > 0);
    assert_error(parseal_sealed_update(stream, in, len, out, size - 1, &written), PARSEAL_ERR_SIZE,
                 "out_size");
    assert_error(parseal_sealed_update(stream, in, len, out, 0, &written), PARSEAL_ERR_SIZE,
                 "out_size");
    assert_error(
        parseal_sealed_update(stream, in, len, (void *)(uintptr_t)(in + len - 1), size, &written),
        PARSEAL_ERR_ALIAS, "out");
    assert_int_equal(written, 99);
    assert_ok(parseal_sealed_update(stream, in, 0, NULL, 0, &written));
    assert_int_equal(written, 0);
    assert_ok(parseal_sealed_update(stream, in, len, out, size, &written));
    assert_int_equal(written, size);
    assert_error(parseal_sealed_update_size(stream, SIZE_MAX, &size), PARSEAL_ERR_SIZE, "in_len");
    assert_error(parseal_sealed_final(stream, out + size, 0, &written), PARSEAL_ERR_SIZE,
                 "out_size");
    assert_error(parseal_sealed_final(stream, NULL, OUT, &written), PARSEAL_ERR_ARG, "out");
    assert_ok(parseal_sealed_final(stream, out + size, SEGMENT, &last));

    assert_error(parseal_sealed_update(stream, in, 1, out, OUT, &written), PARSEAL_ERR_ARG,
                 "stream");
    assert_error(parseal_sealed_final(stream, out, OUT, &written), PARSEAL_ERR_ARG, "stream");
    return size + last;
}

static void bad_calls_change_nothing(void **state)
{
    fixture *f = *state;
    parseal_sealed_params params = small_segments();
    parseal_sealed *stream = NULL;
    uint8_t plain[LEN], sealed[OUT], opened[OUT];
    memset(plain, 0x5c, LEN);
    assert_ok(parseal_sealed_seal_create(&stream, f->ctx, &params, key, 32));
    const size_t size = run_with_bad_calls(stream, plain, LEN, sealed);
    parseal_sealed_destroy(stream);
    assert_ok(parseal_sealed_open_create(&stream, f->ctx, &params, key, 32));
    assert_int_equal(run_with_bad_calls(stream, sealed, size, opened), LEN);
    parseal_sealed_destroy(stream);
    assert_bytes(opened, plain, LEN);
}

typedef parseal_status (*whole_function)(parseal_ctx *, const parseal_sealed_params *,
                                         const uint8_t *, size_t, const void *, size_t, void *,
                                         size_t, size_t *);

static void refuse_whole(const fixture *f, whole_function function, const uint8_t *in, size_t len,
                         size_t out_len)
{
    const parseal_sealed_params params = small_segments();
    uint8_t out[OUT];
    size_t written = 99;
    memset(out, UNTOUCHED, OUT);
    assert_error(function(NULL, &params, key, 32, in, len, out, OUT, &written), PARSEAL_ERR_ARG,
                 "ctx");
    assert_error(function(f->ctx, &params, NULL, 32, in, len, out, OUT, &written), PARSEAL_ERR_ARG,
                 "key");
    assert_error(function(f->ctx, &params, key, 31, in, len, out, OUT, &written), PARSEAL_ERR_SIZE,
                 "key_len");
    assert_error(function(f->ctx, &params, key, 32, NULL, len, out, OUT, &written), PARSEAL_ERR_ARG,
                 "in");
    assert_error(function(f->ctx, &params, key, 32, in, len, NULL, OUT, &written), PARSEAL_ERR_ARG,
                 "out");
    assert_error(function(f->ctx, &params, key, 32, in, len, out, out_len - 1, &written),
                 PARSEAL_ERR_SIZE, "out_size");
    assert_error(function(f->ctx, &params, key, 32, in, len, out, OUT, NULL), PARSEAL_ERR_ARG,
                 "written");
    assert_error(function(f->ctx, &params, key, 32, in, len, (void *)(uintptr_t)in, OUT, &written),
                 PARSEAL_ERR_ALIAS, "out");
    assert_filled(out, OUT, UNTOUCHED);
    assert_int_equal(written, 99);
}

static void whole(void **state)
{
    fixture *f = *state;
    const parseal_sealed_params params = small_segments();
    uint8_t plain[LEN] = {0}, sealed[OUT];
    size_t size = 0;
    assert_ok(parseal_sealed_seal(f->ctx, &params, key, 32, plain, LEN, sealed, OUT, &size));
    refuse_whole(f, parseal_sealed_seal, plain, LEN, size);
    refuse_whole(f, parseal_sealed_open, sealed, size, LEN);
    /* Nothing needs no buffers. */
    assert_ok(parseal_sealed_seal(f->ctx, &params, key, 32, NULL, 0, sealed, OUT, &size));
    assert_int_equal(size, 56);
    assert_ok(parseal_sealed_open(f->ctx, &params, key, 32, sealed, size, NULL, 0, &size));
    assert_int_equal(size, 0);
}

static void sizes(void **state)
{
    /* What 2^32 segments of 100 bytes hold, and take. */
    const uint64_t most = (UINT64_C(1) << 32) * 84 - 40, sealed = (UINT64_C(1) << 32) * 100;
    parseal_sealed_params params = small_segments();
    uint64_t size = 0;
    (void)state;
    assert_error(parseal_sealed_size(&params, 1, NULL), PARSEAL_ERR_ARG, "size");
    assert_error(parseal_sealed_opened_size(&params, 100, NULL), PARSEAL_ERR_ARG, "len");
    assert_ok(parseal_sealed_size(&params, most, &size));
    assert_int_equal(size, sealed);
    assert_ok(parseal_sealed_opened_size(&params, sealed, &size));
    assert_int_equal(size, most);
    assert_error(parseal_sealed_size(&params, most + 1, &size), PARSEAL_ERR_SIZE, "len");
    assert_error(parseal_sealed_size(&params, UINT64_MAX, &size), PARSEAL_ERR_SIZE, "len");
    assert_error(parseal_sealed_opened_size(&params, sealed + 17, &size), PARSEAL_ERR_SIZE,
                 "sealed_size");
    assert_error(parseal_sealed_opened_size(&params, UINT64_MAX, &size), PARSEAL_ERR_SIZE,
                 "sealed_size");
    params.segment_size = PARSEAL_SEALED_SEGMENT_MAX;
    assert_error(parseal_sealed_size(&params, UINT64_MAX, &size), PARSEAL_ERR_SIZE, "len");
    params.segment_size = SEGMENT;
    static const uint64_t none[] = {0, 1, 40, 55, 101, 116, 201, 216};
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_error(parseal_sealed_opened_size(&params, none[i], &size), PARSEAL_ERR_AUTH,
                     "sealed_size");
    assert_int_equal(size, most);
    assert_ok(parseal_sealed_opened_size(NULL, 56, &size));
    assert_int_equal(size, 0);
    assert_ok(parseal_sealed_opened_size(&params, 117, &size));
    assert_int_equal(size, 45);
}

/* A stream keeps copies of what it was made from, and a reference to the context. */
static void lifetime(void **state)
{
    parseal_ctx *ctx = run_ctx(1);
    parseal_sealed_params params = small_segments();
    parseal_sealed *streams[2] = {NULL, NULL};
    uint8_t copy[32], aad[3] = "abc", plain[LEN] = {7}, sealed[OUT], opened[OUT];
    size_t n = 0, last = 0, size = 0;
    (void)state;
    memcpy(copy, key, sizeof copy);
    params.aad = aad;
    params.aad_len = sizeof aad;
    assert_ok(parseal_sealed_seal_create(&streams[0], ctx, &params, copy, 32));
    assert_ok(parseal_sealed_open_create(&streams[1], ctx, &params, copy, 32));
    memset(copy, 0, sizeof copy);
    memset(aad, 0, sizeof aad);
    memset(&params, 0, sizeof params);
    parseal_ctx_destroy(ctx);
    assert_ok(parseal_sealed_update(streams[0], plain, LEN, sealed, OUT, &n));
    assert_ok(parseal_sealed_final(streams[0], sealed + n, OUT - n, &last));
    size = n + last;
    assert_ok(parseal_sealed_update(streams[1], sealed, size, opened, OUT, &n));
    assert_ok(parseal_sealed_final(streams[1], opened + n, OUT - n, &last));
    assert_int_equal(n + last, LEN);
    assert_bytes(opened, plain, LEN);
    for (int i = 0; i < 2; i++)
        parseal_sealed_destroy(streams[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(bad_params), WITH_FIXTURE(create),    WITH_FIXTURE(bad_calls_change_nothing),
        WITH_FIXTURE(whole),      cmocka_unit_test(sizes), cmocka_unit_test(lifetime),
    };
    return RUN_SUITE("sealed_errors", tests);
}
