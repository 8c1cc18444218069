/* parseal_packed_sum: every error, and that it changes nothing. */
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

enum { N = 16, BITS = 13, PACKED = N * BITS / 8, INPUTS = 2 };

/* A good call. */
typedef struct {
    const fixture *f;
    uint32_t bits;
    parseal_ring ring;
    uint64_t elements[N];
    uint8_t bytes[64];
    parseal_vec acc;
    parseal_buf packed[INPUTS];
} call;

static void call_init(call *c, const fixture *f)
{
    memset(c, 0, sizeof *c);
    memset(c->elements, UNTOUCHED, sizeof c->elements);
    memset(c->bytes, UNTOUCHED, sizeof c->bytes);
    c->f = f;
    c->bits = BITS;
    c->ring = (parseal_ring){1000003, 4, 0};
    c->acc = parseal_host_vec(c->elements, N, 4);
    c->packed[0] = c->packed[1] = parseal_host_buf(c->bytes, PACKED);
}

static parseal_status as_it_is(const call *c)
{
    return parseal_packed_sum(c->f->ctx, c->bits, &c->ring, &c->acc, c->packed, INPUTS, NULL);
}

static parseal_status with_acc(void *arg, const parseal_vec *acc)
{
    const call *c = arg;
    return parseal_packed_sum(c->f->ctx, c->bits, &c->ring, acc, c->packed, INPUTS, NULL);
}

static parseal_status with_ring(void *arg, const parseal_ring *ring)
{
    const call *c = arg;
    return parseal_packed_sum(c->f->ctx, c->bits, ring, &c->acc, c->packed, INPUTS, NULL);
}

static parseal_status with_second(void *arg, const parseal_buf *buf)
{
    call c = *(call *)arg;
    c.packed[1] = *buf;
    return as_it_is(&c);
}

static void errors(void **state)
{
    static const uint32_t widths[] = {0, 33, 64, UINT32_MAX};
    static const size_t overlaps[] = {0, 1, N * 4 - 1};
    const fixture *f = *state;
    call c;
    call_init(&c, f);
    refuse_bad_vecs(with_acc, &c, &c.acc, 4, "acc");
    refuse_bad_rings(with_ring, &c);
    refuse_bad_bufs(with_second, &c, &c.packed[1], 1, "packed[1]");
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        c.bits = widths[i];
        assert_error(as_it_is(&c), PARSEAL_ERR_ARG, "bits");
    }
    c.bits = BITS;
    for (int off = -1; off <= 1; off += 2) {
        c.packed[1].size = (uint64_t)(PACKED + off);
        assert_error(as_it_is(&c), PARSEAL_ERR_SIZE, "packed[1].size");
    }
    for (size_t i = 0; i < COUNT_OF(overlaps); i++) {
        c.packed[1] = parseal_host_buf((uint8_t *)c.elements + overlaps[i], PACKED);
        assert_error(as_it_is(&c), PARSEAL_ERR_ALIAS, "packed[1]");
    }
    call_init(&c, f);
    assert_error(parseal_packed_sum(NULL, BITS, &c.ring, &c.acc, c.packed, INPUTS, NULL),
                 PARSEAL_ERR_ARG, "ctx");
    assert_error(parseal_packed_sum(f->ctx, BITS, &c.ring, &c.acc, NULL, 1, NULL), PARSEAL_ERR_ARG,
                 "packed");
    assert_error(
        parseal_packed_sum(f->ctx, BITS, &c.ring, &c.acc, c.packed, (size_t)INT32_MAX + 1, NULL),
        PARSEAL_ERR_SIZE, "n");
    assert_stream_refused(
        parseal_packed_sum(f->ctx, BITS, &c.ring, &c.acc, c.packed, INPUTS, nowhere()));
    assert_filled(c.elements, sizeof c.elements, UNTOUCHED);
    assert_filled(c.bytes, sizeof c.bytes, UNTOUCHED);
}

/* No elements; no inputs, which reduces: 0xa5a5a5a5 mod 256. */
static void nothing_to_do(void **state)
{
    const fixture *f = *state;
    const parseal_ring ring = {256, 4, 0};
    call c;
    call_init(&c, f);
    const parseal_vec none = parseal_host_vec(NULL, 0, 4);
    const parseal_buf empty = parseal_host_buf(NULL, 0);
    assert_ok(parseal_packed_sum(f->ctx, BITS, &c.ring, &none, &empty, 1, NULL));
    assert_ok(parseal_packed_sum(f->ctx, BITS, &ring, &c.acc, NULL, 0, NULL));
    for (size_t i = 0; i < N; i++) {
        const uint8_t want[4] = {UNTOUCHED, 0, 0, 0};
        assert_bytes((const uint8_t *)c.elements + 4 * i, want, sizeof want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_FIXTURE(errors), WITH_FIXTURE(nothing_to_do)};
    return RUN_SUITE("packed_sum_errors", tests);
}
