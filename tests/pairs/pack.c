/* Every implementation packs to the same bytes, and unpacks to the same elements. */
#include <stdlib.h>

#include "check.h"
#include "impls.h"
#include "rng.h"

enum { N_MAX = 20011, SHIFT_MAX = 8, IN_MAX = (N_MAX + SHIFT_MAX) * 8 };

typedef struct {
    impl_set impls;
    guard_buf packed; /* the bytes that are unpacked */
    uint8_t in[IN_MAX];
    rng r;
} bench;

static bench *bench_open(const char *name, force_way way, uint32_t threads)
{
    bench *t = malloc(sizeof *t);
    assert_non_null(t);
    t->r = rng_for(name);
    impls_open(&t->impls, PARSEAL_PRIMITIVE_PACK, way, threads, N_MAX * 8);
    guard_open(&t->packed, N_MAX * 8);
    rng_fill(&t->r, t->in, sizeof t->in);
    return t;
}

static void bench_close(bench *t)
{
    guard_close(&t->packed);
    impls_close(&t->impls);
    free(t);
}

typedef struct {
    const bench *t;
    uint32_t bits, element_size;
    uint64_t n, packed_size;
    const uint8_t *in;
} pack_call;

static void call_pack(void *arg, size_t impl, void *out)
{
    const pack_call *c = arg;
    const parseal_vec elements = parseal_host_vec(c->in, c->n, c->element_size);
    const parseal_buf packed = parseal_host_buf(out, c->packed_size);
    assert_ok(
        parseal_pack(c->t->impls.ctx[impl], c->bits, c->element_size, &elements, &packed, NULL));
}

static void call_unpack(void *arg, size_t impl, void *out)
{
    const pack_call *c = arg;
    const parseal_vec elements = parseal_host_vec(out, c->n, c->element_size);
    const parseal_buf packed = parseal_host_buf(c->in, c->packed_size);
    assert_ok(
        parseal_unpack(c->t->impls.ctx[impl], c->bits, c->element_size, &packed, &elements, NULL));
}

static void check(bench *t, uint32_t bits, uint32_t element_size, uint64_t n)
{
    const size_t gap = rng_below(&t->r, SHIFT_MAX);
    pack_call c = {t, bits, element_size, n, 0, NULL};
    assert_ok(parseal_packed_size(n, bits, &c.packed_size));
    c.in = t->in + gap * element_size;
    impls_agree(&t->impls, call_pack, &c, NULL, c.packed_size, gap);

    /* The input ends where nothing may be read, so it begins at any address. */
    c.in = guard_place(&t->packed, GUARD_AFTER, c.packed_size, 0);
    rng_fill(&t->r, t->packed.p, c.packed_size);
    impls_agree(&t->impls, call_unpack, &c, NULL, n * element_size, gap * element_size);
}

static void every_width(void **state)
{
    (void)state;
    bench *t = bench_open("widths", BY_OPTION, 1);
    for (uint32_t bits = 1; bits <= 64; bits++)
        for (uint32_t size = bits <= 32 ? 4 : 8; size <= 8; size += 4)
            for (uint64_t n = 0; n <= 600; n += n < 200 ? repeat_step(3) : 7 * repeat_step(3))
                check(t, bits, size, n);
    bench_close(t);
}

/* Lengths lie around the pieces of 8192 elements that a call is cut into, and go over threads. */
static void long_vectors(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1007, 1024, 2041, 8191, 8192, 8193, N_MAX};
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        bench *t = bench_open("long", BY_ENVIRONMENT, threads);
        for (uint32_t bits = 1; bits <= 64; bits++)
            for (size_t k = 0; k < COUNT_OF(lengths); k += repeat_step(2))
                check(t, bits, bits <= 32 && k % 2 == 0 ? 4 : 8, lengths[k]);
        bench_close(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width),
        cmocka_unit_test(long_vectors),
    };
    return RUN_SUITE("packing by every implementation", tests);
}
