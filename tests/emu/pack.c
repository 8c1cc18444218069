/* The CUDA kernels of packing, run by the emulator, against a packing bit by bit and sums in
 * 128-bit arithmetic. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_vec.h"
#include "ring.h"
#include "run.h"
#include "vector_kernels.h"

typedef struct {
    uint32_t bits, element_size, shift, blocks; /* the stream begins `shift` bytes further */
    uint64_t n;
    uint32_t skipped; /* The elements begin so many elements behind a multiple of 16. */
} call;

static size_t stream_bytes(const call *c)
{
    return (size_t)((c->n * c->bits + 7) / 8);
}

/* What is above the low bits of an element is not packed. */
static void check_pack(rng *r, const call *c)
{
    array elements = array_random(r, (size_t)c->n * c->element_size, c->skipped * c->element_size);
    array packed = array_random(r, stream_bytes(c), c->shift);
    array want = array_new(stream_bytes(c), 0);
    ref_pack(c->bits, c->element_size, elements.bytes, want.bytes, c->n);

    const uint8_t *from = elements.bytes;
    uint8_t *to = packed.bytes;
    uint32_t element_size = c->element_size, bits = c->bits;
    uint64_t count = c->n;
    void *args[] = {&from, &element_size, &to, &bits, &count};
    run_kernel("pack", count, c->blocks, args);
    assert_bytes(packed.bytes, want.bytes, stream_bytes(c));
    array_free(&elements);
    array_free(&packed);
    array_free(&want);
}

static void check_unpack(rng *r, const call *c)
{
    array packed = array_random(r, stream_bytes(c), c->shift);
    array elements = array_random(r, (size_t)c->n * c->element_size, c->skipped * c->element_size);
    array want = array_new((size_t)c->n * c->element_size, 0);
    ref_unpack(c->bits, c->element_size, packed.bytes, want.bytes, c->n);

    const uint8_t *from = packed.bytes;
    uint8_t *to = elements.bytes;
    uint32_t element_size = c->element_size, bits = c->bits;
    uint64_t count = c->n;
    void *args[] = {&from, &to, &element_size, &bits, &count};
    run_kernel("unpack", count, c->blocks, args);
    assert_bytes(elements.bytes, want.bytes, elements.size);
    array_free(&packed);
    array_free(&elements);
    array_free(&want);
}

static void check(rng *r, const call *c)
{
    check_pack(r, c);
    check_unpack(r, c);
}

/* Every width at every alignment of the stream, with 4 bytes an element where they suffice. */
static void every_width(void **state)
{
    (void)state;
    rng r = rng_for("emu pack widths");
    for (uint32_t bits = 1; bits <= 64; bits++)
        for (uint32_t shift = 0; shift < 4; shift++)
            for (uint32_t size = bits <= 32 ? 4 : 8; size <= 8; size += 4) {
                call c = {bits, size, shift, 1, rng_range(&r, 1, 120), (uint32_t)rng_below(&r, 4)};
                check(&r, &c);
                c.n = rng_range(&r, 121, 400); /* These have a middle. */
                check(&r, &c);
            }
}

static void short_streams(void **state)
{
    (void)state;
    rng r = rng_for("emu pack short");
    for (uint64_t n = 1; n <= 40; n++) {
        const uint32_t bits = (uint32_t)rng_range(&r, 1, 64);
        const call c = {
            bits, bits <= 32 && n % 2 != 0 ? 4 : 8, (uint32_t)n % 8, 1, n, (uint32_t)n / 8 % 4};
        check(&r, &c);
    }
}

/* Around the 2048 elements that a block takes a time. */
static void several_blocks(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {2047, 2048, 2049, 4097, 6200};
    static const uint32_t widths[] = {1, 3, 20, 32, 33, 63, 64};
    rng r = rng_for("emu pack blocks");
    for (size_t k = 0; k < COUNT_OF(lengths); k++)
        for (size_t i = 0; i < COUNT_OF(widths); i++)
            for (uint32_t skipped = 0; skipped < 2; skipped++) {
                const call c = {widths[i],
                                widths[i] <= 32 && k % 2 == 0 ? 4 : 8,
                                (uint32_t)rng_below(&r, 4),
                                (uint32_t)rng_range(&r, 1, 3),
                                lengths[k],
                                skipped};
                check(&r, &c);
            }
}

/* -------------------------------------------------------------------------------------- sums -- */

typedef struct {
    const parseal_ring *ring;
    uint64_t n;
    uint32_t bits, skipped, streams, blocks;
    bool largest; /* all bits of acc and of all streams set: as many carries as there are */
} sum_call;

/* Streams begin at every place in a word. */
static void check_sum(rng *r, const sum_call *c)
{
    const uint32_t size = c->ring->element_size;
    const size_t bytes = (size_t)((c->n * c->bits + 7) / 8);
    array packed[SUM_INPUTS_MAX], unpacked[SUM_INPUTS_MAX];
    const void *from[SUM_INPUTS_MAX];
    vec_inputs inputs;
    memset(&inputs, 0xff, sizeof inputs);
    array acc = array_random(r, (size_t)c->n * size, (size_t)c->skipped * size);
    if (c->largest)
        memset(acc.bytes, 0xff, acc.size);
    for (uint32_t j = 0; j < c->streams; j++) {
        packed[j] = array_random(r, bytes, j % 7);
        unpacked[j] = array_new(acc.size, 0);
        if (c->largest)
            memset(packed[j].bytes, 0xff, bytes);
        ref_unpack(c->bits, size, packed[j].bytes, unpacked[j].bytes, c->n);
        from[j] = unpacked[j].bytes;
        inputs.address[j] = (uintptr_t)packed[j].bytes;
    }
    array want = array_copy(&acc, 0);
    ref_sum(c->ring, want.bytes, from, c->streams, c->n);

    ring_params params = device_ring(c->ring);
    uint8_t *acc_arg = acc.bytes;
    uint64_t count = c->n;
    uint32_t bits = c->bits, n = c->streams;
    void *args[] = {&params, &acc_arg, &count, &bits, &n, &inputs};
    run_kernel(size == 4 ? "packed_sum32" : "packed_sum64", count, c->blocks, args);
    assert_bytes(acc.bytes, want.bytes, acc.size);
    for (uint32_t j = 0; j < c->streams; j++) {
        array_free(&packed[j]);
        array_free(&unpacked[j]);
    }
    array_free(&acc);
    array_free(&want);
}

/* The next ring from `at` on whose elements have so many bits. */
static const parseal_ring *ring_for(uint32_t bits, size_t at)
{
    while (8 * RINGS[at % N_RINGS].element_size < bits)
        at++;
    return &RINGS[at % N_RINGS];
}

static void sums(void **state)
{
    (void)state;
    rng r = rng_for("emu pack sums");
    for (uint32_t bits = 1; bits <= 64; bits++)
        for (size_t i = 0; i < N_RINGS; i++) {
            if (8 * RINGS[i].element_size < bits)
                continue;
            const sum_call c = {.ring = &RINGS[i],
                                .n = rng_range(&r, 1, (bits + i) % 3 == 0 ? 130 : 300),
                                .bits = bits,
                                .skipped = (uint32_t)rng_below(&r, 4),
                                .streams = (uint32_t)rng_below(&r, 5),
                                .blocks = 1};
            check_sum(&r, &c);
        }
}

static void most_carries(void **state)
{
    (void)state;
    static const uint32_t widths[] = {31, 32, 63, 64};
    rng r = rng_for("emu pack carries");
    for (size_t i = 0; i < N_RINGS; i++)
        for (size_t k = 0; k < COUNT_OF(widths); k++) {
            const sum_call c = {.ring = ring_for(widths[k], i),
                                .n = 150,
                                .bits = widths[k],
                                .streams = SUM_INPUTS_MAX - (uint32_t)k % 2,
                                .blocks = 1,
                                .largest = true};
            check_sum(&r, &c);
        }
}

/* Threads that take more than one turn. */
static void sums_on_several_blocks(void **state)
{
    (void)state;
    static const uint32_t widths[] = {5, 32, 33, 64};
    rng r = rng_for("emu pack sums blocks");
    for (size_t k = 0; k < COUNT_OF(widths); k++)
        for (uint32_t blocks = 1; blocks <= 3; blocks++) {
            const sum_call c = {.ring = ring_for(widths[k], 5 * blocks + k),
                                .n = 2500,
                                .bits = widths[k],
                                .skipped = blocks,
                                .streams = 3,
                                .blocks = blocks};
            check_sum(&r, &c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width),    cmocka_unit_test(short_streams),
        cmocka_unit_test(several_blocks), cmocka_unit_test(sums),
        cmocka_unit_test(most_carries),   cmocka_unit_test(sums_on_several_blocks),
    };
    return RUN_SUITE("emulated CUDA packing", tests);
}
