/* Seed sets and masks: every error, and that it changes nothing. */
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

static void seeds_create(void **state)
{
    fixture *f = *state;
    const parseal_seed seed = {.sign = 1};
    parseal_seeds *const before = nowhere();
    parseal_seeds *set = before;
    assert_error(parseal_seeds_create(NULL, f->ctx, &seed, 1), PARSEAL_ERR_ARG, "set");
    assert_error(parseal_seeds_create(&set, NULL, &seed, 1), PARSEAL_ERR_ARG, "ctx");
    assert_error(parseal_seeds_create(&set, f->ctx, NULL, 1), PARSEAL_ERR_ARG, "seeds");
    static const size_t counts[] = {(size_t)INT32_MAX + 1, SIZE_MAX / sizeof seed, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        assert_error(parseal_seeds_create(&set, f->ctx, &seed, counts[i]), PARSEAL_ERR_SIZE, "n");
    static const int32_t signs[] = {0, 2, -2, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        parseal_seed seeds[2] = {{.sign = -1}, {.sign = signs[i]}};
        assert_error(parseal_seeds_create(&set, f->ctx, seeds, 2), PARSEAL_ERR_ARG,
                     "seeds[1].sign");
    }
    assert_ptr_equal(set, before);
}

enum { N = 16 };

typedef parseal_status (*mask_function)(const parseal_seeds *, const parseal_ring *,
                                        const parseal_vec *, uint64_t, void *);

/* A call of one of the two functions with one argument varied. */
typedef struct {
    mask_function function;
    const parseal_seeds *seeds;
    parseal_ring ring;
    parseal_vec vec;
} call;

static parseal_status with_vec(void *arg, const parseal_vec *vec)
{
    call *c = arg;
    return c->function(c->seeds, &c->ring, vec, 0, NULL);
}

static parseal_status with_ring(void *arg, const parseal_ring *ring)
{
    call *c = arg;
    return c->function(c->seeds, ring, &c->vec, 0, NULL);
}

static void check_first(call *c)
{
    uint64_t end = (UINT64_C(1) << 38) / c->ring.element_size;
    const uint64_t bad[] = {end - N + 1, end, end + 1, UINT64_MAX - N + 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_error(c->function(c->seeds, &c->ring, &c->vec, bad[i], NULL), PARSEAL_ERR_SIZE,
                     "first");
}

static void mask_calls(void **state)
{
    fixture *f = *state;
    static const struct {
        mask_function function;
        const char *name;
    } functions[] = {{parseal_mask_apply, "acc"}, {parseal_mask_write, "out"}};
    uint64_t data[N];
    memset(data, UNTOUCHED, sizeof data);
    for (size_t i = 0; i < COUNT_OF(functions); i++) {
        for (uint32_t size = 4; size <= 8; size += 4) {
            call c = {functions[i].function, f->seeds, {1000003, size, 0}, {{0}, 0}};
            c.vec = parseal_host_vec(data, N, size);
            assert_error(c.function(NULL, &c.ring, &c.vec, 0, NULL), PARSEAL_ERR_ARG, "seeds");
            assert_stream_refused(c.function(f->seeds, &c.ring, &c.vec, 0, nowhere()));
            refuse_bad_rings(with_ring, &c);
            refuse_bad_vecs(with_vec, &c, &c.vec, size, functions[i].name);
            check_first(&c);
        }
    }
    assert_filled(data, sizeof data, UNTOUCHED);
}

/* No elements, no seeds. */
static void nothing_to_do(void **state)
{
    fixture *f = *state;
    parseal_seeds *none = NULL;
    const parseal_ring ring = {100, 4, 0};
    parseal_vec empty = parseal_host_vec(NULL, 0, 4);
    assert_ok(parseal_seeds_create(&none, f->ctx, NULL, 0));
    assert_ok(parseal_mask_apply(f->seeds, &ring, &empty, 0, NULL));
    assert_ok(parseal_mask_write(none, &ring, &empty, UINT64_C(1) << 36, NULL));
    uint32_t data[3] = {0, 0, 0};
    memset(data, 0xff, sizeof data);
    parseal_vec vec = parseal_host_vec(data, 3, 4);
    assert_ok(parseal_mask_apply(none, &ring, &vec, 0, NULL)); /* reduced: 2^32 - 1 mod 100 */
    for (size_t i = 0; i < 3; i++) {
        const uint8_t want[4] = {95, 0, 0, 0};
        assert_bytes(&data[i], want, sizeof want);
    }
    assert_ok(parseal_mask_write(none, &ring, &vec, 0, NULL));
    assert_filled(data, sizeof data, 0);
    parseal_seeds_destroy(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(seeds_create),
        WITH_FIXTURE(mask_calls),
        WITH_FIXTURE(nothing_to_do),
    };
    return RUN_SUITE("mask_errors", tests);
}
