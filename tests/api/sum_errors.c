/* parseal_vec_sum: every error, and that it changes nothing. */
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

enum { N = 16 };

/* A good call, and what it works on. */
typedef struct {
    parseal_ctx *ctx;
    parseal_ring ring;
    uint64_t data[3][N];
    parseal_vec acc, v[2];
} call;

static void call_init(call *c, const fixture *f, uint32_t size)
{
    memset(c, 0, sizeof *c);
    memset(c->data, UNTOUCHED, sizeof c->data);
    c->ctx = f->ctx;
    c->ring = (parseal_ring){1000003, size, 0};
    c->acc = parseal_host_vec(c->data[0], N, size);
    c->v[0] = parseal_host_vec(c->data[1], N, size);
    c->v[1] = parseal_host_vec(c->data[2], N, size);
}

static parseal_status with_acc(void *arg, const parseal_vec *acc)
{
    call *c = arg;
    return parseal_vec_sum(c->ctx, &c->ring, acc, NULL, 0, NULL);
}

static parseal_status with_input(void *arg, const parseal_vec *v)
{
    call *c = arg;
    parseal_vec both[2] = {c->v[0], {{0}, 0}};
    if (v == NULL)
        return parseal_vec_sum(c->ctx, &c->ring, &c->acc, NULL, 2, NULL);
    both[1] = *v;
    return parseal_vec_sum(c->ctx, &c->ring, &c->acc, both, 2, NULL);
}

static parseal_status with_ring(void *arg, const parseal_ring *ring)
{
    call *c = arg;
    return parseal_vec_sum(c->ctx, ring, &c->acc, c->v, 2, NULL);
}

static void bad_arguments(void **state)
{
    fixture *f = *state;
    for (uint32_t size = 4; size <= 8; size += 4) {
        call c;
        call_init(&c, f, size);
        assert_error(parseal_vec_sum(NULL, &c.ring, &c.acc, c.v, 2, NULL), PARSEAL_ERR_ARG, "ctx");
        assert_stream_refused(parseal_vec_sum(c.ctx, &c.ring, &c.acc, c.v, 2, nowhere()));
        refuse_bad_rings(with_ring, &c);
        refuse_bad_vecs(with_acc, &c, &c.acc, size, "acc");
        refuse_bad_vecs(with_input, &c, &c.v[1], size, "v");
        static const size_t counts[] = {(size_t)INT32_MAX + 1, SIZE_MAX};
        for (size_t i = 0; i < COUNT_OF(counts); i++)
            assert_error(parseal_vec_sum(c.ctx, &c.ring, &c.acc, c.v, counts[i], NULL),
                         PARSEAL_ERR_SIZE, "n");
        c.v[1] = parseal_host_vec(c.data[2], N - 1, size);
        assert_error(parseal_vec_sum(c.ctx, &c.ring, &c.acc, c.v, 2, NULL), PARSEAL_ERR_SIZE,
                     "v[1]");
        assert_filled(c.data, sizeof c.data, UNTOUCHED);
    }
}

/* The text names the input by its index, however many digits that has. */
static void named_inputs(void **state)
{
    fixture *f = *state;
    static const struct {
        size_t j;
        const char *name;
    } cases[] = {{0, "v[0].n"}, {9, "v[9].n"}, {10, "v[10].n"}, {1009, "v[1009].n"}};
    call c;
    call_init(&c, f, 4);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parseal_vec v[1010];
        for (size_t j = 0; j < COUNT_OF(v); j++)
            v[j] = c.v[0];
        v[cases[i].j] = parseal_host_vec(c.data[2], N - 1, 4);
        assert_error(parseal_vec_sum(c.ctx, &c.ring, &c.acc, v, COUNT_OF(v), NULL),
                     PARSEAL_ERR_SIZE, cases[i].name);
    }
    assert_filled(c.data, sizeof c.data, UNTOUCHED);
}

static void aliasing(void **state)
{
    fixture *f = *state;
    call c;
    call_init(&c, f, 4);
    const uint8_t *data = (const uint8_t *)c.data;
    c.acc = parseal_host_vec(data + 4 * N, N, 4);
    static const size_t offsets[] = {4, 4 * N, 8 * N - 4}; /* acc itself is no exception */
    for (size_t i = 0; i < COUNT_OF(offsets); i++) {
        c.v[1] = parseal_host_vec(data + offsets[i], N, 4);
        assert_error(parseal_vec_sum(f->ctx, &c.ring, &c.acc, c.v, 2, NULL), PARSEAL_ERR_ALIAS,
                     "v[1]");
    }
    assert_filled(c.data, sizeof c.data, UNTOUCHED);
    c.v[0] = parseal_host_vec(data, N, 4); /* neighbours are fine */
    c.v[1] = parseal_host_vec(data + 8 * N, N, 4);
    assert_ok(parseal_vec_sum(f->ctx, &c.ring, &c.acc, c.v, 2, NULL));
}

static void nothing_to_do(void **state)
{
    fixture *f = *state;
    const parseal_ring ring = {0, 8, 0};
    parseal_vec empty = parseal_host_vec(NULL, 0, 8);
    parseal_vec inputs[2] = {empty, empty};
    assert_ok(parseal_vec_sum(f->ctx, &ring, &empty, NULL, 0, NULL));
    assert_ok(parseal_vec_sum(f->ctx, &ring, &empty, inputs, 2, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(bad_arguments),
        WITH_FIXTURE(named_inputs),
        WITH_FIXTURE(aliasing),
        WITH_FIXTURE(nothing_to_do),
    };
    return RUN_SUITE("sum_errors", tests);
}
