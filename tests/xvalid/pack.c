/* Packing against a loop over single bits, for every width. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { N_MAX = 1000, PACKED_MAX = N_MAX * 8 + 16 };

typedef struct {
    parseal_ctx *ctx;
    uint64_t elements[N_MAX], back[N_MAX], want[N_MAX];
    uint8_t packed[PACKED_MAX], expected[PACKED_MAX];
} bench;

/* `packed` starts at an odd address as often as not. */
static void check_pack(bench *t, rng *r, uint32_t bits, uint32_t size, uint64_t n)
{
    uint64_t bytes;
    size_t gap = (size_t)rng_below(r, 9);
    assert_ok(parseal_packed_size(n, bits, &bytes));
    assert_int_equal(bytes, (n * bits + 7) / 8);
    rng_fill(r, t->elements, (size_t)n * size); /* What is above `bits` must not show. */
    memset(t->packed, UNTOUCHED, sizeof t->packed);
    memset(t->expected, UNTOUCHED, sizeof t->expected);
    ref_pack(bits, size, t->elements, t->expected + gap, n);
    parseal_vec in = parseal_host_vec(t->elements, n, size);
    parseal_buf packed = parseal_host_buf(t->packed + gap, bytes);
    assert_ok(parseal_pack(t->ctx, bits, size, &in, &packed, NULL));
    assert_bytes(t->packed, t->expected, (size_t)bytes + 16);

    if (n * bits % 8 != 0) /* Padding is not looked at. */
        t->packed[gap + bytes - 1] |= (uint8_t)(0xff << (n * bits % 8));
    memset(t->back, UNTOUCHED, sizeof t->back);
    memset(t->want, UNTOUCHED, sizeof t->want);
    ref_unpack(bits, size, t->expected + gap, t->want, n);
    parseal_vec out = parseal_host_vec(t->back, n, size);
    assert_ok(parseal_unpack(t->ctx, bits, size, &packed, &out, NULL));
    assert_bytes(t->back, t->want, sizeof t->back);
}

static void every_width(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {127, 128, 129, 255, 256, 257, 511, 513, 999};
    rng r = rng_for("pack");
    bench *t = malloc(sizeof *t);
    assert_non_null(t);
    t->ctx = run_ctx(1);
    for (uint32_t bits = 1; bits <= 64; bits++) {
        for (uint32_t size = bits <= 32 ? 4 : 8; size <= 8; size += 4) {
            for (uint64_t n = 0; n <= 70; n++)
                check_pack(t, &r, bits, size, n);
            for (size_t k = 0; k < COUNT_OF(lengths); k++)
                check_pack(t, &r, bits, size, lengths[k]);
        }
    }
    parseal_ctx_destroy(t->ctx);
    free(t);
}

static void any_number_of_threads(void **state)
{
    (void)state;
    enum { LARGE = 150001 };
    static const uint32_t widths[] = {1, 7, 17, 20, 31, 32, 33, 53, 64};
    static const uint32_t threads[] = {1, 2, 3, 7};
    rng r = rng_for("threads");
    uint64_t *elements = malloc(LARGE * 8);
    uint64_t *back = malloc(LARGE * 8);
    uint64_t *want = malloc(LARGE * 8);
    uint8_t *packed = malloc(LARGE * 8);
    uint8_t *expected = malloc(LARGE * 8);
    assert_true(elements && back && want && packed && expected);
    for (size_t b = 0; b < COUNT_OF(widths); b++) {
        uint32_t size = widths[b] <= 32 && b % 2 == 0 ? 4 : 8;
        uint64_t bytes = ((uint64_t)LARGE * widths[b] + 7) / 8;
        rng_fill(&r, elements, LARGE * size);
        ref_pack(widths[b], size, elements, expected, LARGE);
        ref_unpack(widths[b], size, expected, want, LARGE);
        for (size_t k = 0; k < COUNT_OF(threads); k++) {
            parseal_ctx *ctx = run_ctx(threads[k]);
            parseal_vec in = parseal_host_vec(elements, LARGE, size);
            parseal_vec out = parseal_host_vec(back, LARGE, size);
            parseal_buf buf = parseal_host_buf(packed, bytes);
            memset(packed, UNTOUCHED, (size_t)bytes);
            memset(back, UNTOUCHED, LARGE * size);
            assert_ok(parseal_pack(ctx, widths[b], size, &in, &buf, NULL));
            assert_bytes(packed, expected, (size_t)bytes);
            assert_ok(parseal_unpack(ctx, widths[b], size, &buf, &out, NULL));
            assert_bytes(back, want, LARGE * size);
            parseal_ctx_destroy(ctx);
        }
    }
    free(elements);
    free(back);
    free(want);
    free(packed);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width),
        cmocka_unit_test(any_number_of_threads),
    };
    return RUN_SUITE_PER_IMPL("pack", OF(PARSEAL_PRIMITIVE_PACK), tests);
}
