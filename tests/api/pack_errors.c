/* parseal_packed_size, parseal_pack, parseal_unpack: every error, and that it changes nothing. */
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

static void packed_size(void **state)
{
    (void)state;
    static const struct {
        uint64_t n;
        uint32_t bits;
        uint64_t size;
    } good[] = {
        {0, 1, 0},
        {1, 1, 1},
        {8, 1, 1},
        {9, 1, 2},
        {3, 17, 7},
        {UINT64_MAX, 1, UINT64_C(1) << 61},
        {UINT64_MAX, 8, UINT64_MAX},
        {UINT64_MAX / 8, 64, UINT64_MAX / 8 * 8},
        /* n * bits passes 2^64, the size does not */
        {UINT64_C(1) << 60, 64, UINT64_C(1) << 63},
        {UINT64_C(1) << 61, 63, (UINT64_C(1) << 58) * 63},
    };
    static const struct {
        uint64_t n;
        uint32_t bits;
    } too_large[] = {
        {UINT64_MAX, 9}, {UINT64_MAX, 64}, {UINT64_MAX / 8 + 1, 64}, {UINT64_MAX / 9 * 8 + 16, 9}};
    uint64_t size = 12345;
    for (size_t i = 0; i < COUNT_OF(too_large); i++)
        assert_error(parseal_packed_size(too_large[i].n, too_large[i].bits, &size),
                     PARSEAL_ERR_SIZE, "n");
    assert_error(parseal_packed_size(1, 0, &size), PARSEAL_ERR_ARG, "bits");
    assert_error(parseal_packed_size(1, 65, &size), PARSEAL_ERR_ARG, "bits");
    assert_error(parseal_packed_size(1, UINT32_MAX, &size), PARSEAL_ERR_ARG, "bits");
    assert_int_equal(size, 12345);
    assert_error(parseal_packed_size(1, 1, NULL), PARSEAL_ERR_ARG, "size");
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_ok(parseal_packed_size(good[i].n, good[i].bits, &size));
        assert_int_equal(size, good[i].size);
    }
}

enum { N = 16, BITS = 13, PACKED = N * BITS / 8 };

/* A good call of either function. */
typedef struct {
    const fixture *f;
    uint32_t bits, element_size;
    uint64_t elements[N];
    uint8_t packed[64];
    parseal_vec vec;
    parseal_buf buf;
    bool unpack;
} call;

static void call_init(call *c, const fixture *f, bool unpack)
{
    memset(c, 0, sizeof *c);
    memset(c->elements, UNTOUCHED, sizeof c->elements);
    memset(c->packed, UNTOUCHED, sizeof c->packed);
    c->f = f;
    c->bits = BITS;
    c->element_size = 4;
    c->vec = parseal_host_vec(c->elements, N, 4);
    c->buf = parseal_host_buf(c->packed, PACKED);
    c->unpack = unpack;
}

static parseal_status run_call(const call *c, parseal_ctx *ctx, const parseal_vec *vec,
                               const parseal_buf *buf, void *stream)
{
    if (c->unpack)
        return parseal_unpack(ctx, c->bits, c->element_size, buf, vec, stream);
    return parseal_pack(ctx, c->bits, c->element_size, vec, buf, stream);
}

static parseal_status with_vec(void *arg, const parseal_vec *vec)
{
    call *c = arg;
    return run_call(c, c->f->ctx, vec, &c->buf, NULL);
}

static parseal_status with_buf(void *arg, const parseal_buf *buf)
{
    call *c = arg;
    return run_call(c, c->f->ctx, &c->vec, buf, NULL);
}

static parseal_status as_it_is(const call *c)
{
    return run_call(c, c->f->ctx, &c->vec, &c->buf, NULL);
}

static void check_widths(call *c)
{
    static const uint32_t widths[] = {0, 33, 64, 65, UINT32_MAX};
    static const uint32_t element_sizes[] = {0, 1, 5, 16, UINT32_MAX};
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        c->bits = widths[i];
        assert_error(as_it_is(c), PARSEAL_ERR_ARG, "bits");
    }
    c->bits = BITS;
    for (size_t i = 0; i < COUNT_OF(element_sizes); i++) {
        c->element_size = element_sizes[i];
        assert_error(as_it_is(c), PARSEAL_ERR_ARG, "element_size");
    }
    c->element_size = 4;
}

static void check_call(const fixture *f, bool unpack)
{
    call c;
    call_init(&c, f, unpack);
    check_widths(&c);
    refuse_bad_vecs(with_vec, &c, &c.vec, 4, "elements");
    refuse_bad_bufs(with_buf, &c, &c.buf, 1, "packed");
    assert_error(with_buf(&c, NULL), PARSEAL_ERR_ARG, "packed");
    for (int off = -1; off <= 1; off += 2) {
        c.buf.size = (uint64_t)(PACKED + off);
        assert_error(as_it_is(&c), PARSEAL_ERR_SIZE, "packed");
    }
    c.buf.size = PACKED;
    assert_error(run_call(&c, NULL, &c.vec, &c.buf, NULL), PARSEAL_ERR_ARG, "ctx");
    assert_stream_refused(run_call(&c, f->ctx, &c.vec, &c.buf, nowhere()));
    static const size_t overlaps[] = {0, 1, N * 4 - 1}; /* in no way "in place": other lengths */
    for (size_t i = 0; i < COUNT_OF(overlaps); i++) {
        c.buf = parseal_host_buf((uint8_t *)c.elements + overlaps[i], PACKED);
        assert_error(as_it_is(&c), PARSEAL_ERR_ALIAS, "packed");
    }
    assert_filled(c.elements, sizeof c.elements, UNTOUCHED);
    assert_filled(c.packed, sizeof c.packed, UNTOUCHED);

    c.vec = parseal_host_vec(NULL, 0, 4); /* nothing to do */
    c.buf = parseal_host_buf(NULL, 0);
    assert_ok(as_it_is(&c));
    call_init(&c, f, unpack);
    assert_ok(as_it_is(&c));
}

static void pack(void **state)
{
    check_call(*state, false);
}

static void unpack(void **state)
{
    check_call(*state, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_size),
        WITH_FIXTURE(pack),
        WITH_FIXTURE(unpack),
    };
    return RUN_SUITE("pack_errors", tests);
}
