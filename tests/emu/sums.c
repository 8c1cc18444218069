/* The CUDA kernels of sums, run by the emulator, against 128-bit arithmetic. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_vec.h"
#include "ring.h"
#include "run.h"
#include "vector_kernels.h"

enum { ALIGNED = 0, ACC_SHIFTED = 1, INPUT_SHIFTED = 2, ALL_SHIFTED = 3 };

typedef struct {
    uint64_t n;
    uint32_t vectors, blocks;
    unsigned shifted;
    bool largest; /* all bits of all inputs set: as many carries as there are */
} call;

static void check(rng *r, const parseal_ring *ring, const call *c)
{
    const uint32_t size = ring->element_size;
    const size_t bytes = (size_t)c->n * size;
    array in[SUM_INPUTS_MAX];
    const void *from[SUM_INPUTS_MAX];
    vec_inputs inputs;
    memset(&inputs, 0xff, sizeof inputs);
    for (uint32_t j = 0; j < c->vectors; j++) {
        const bool shifted =
            c->shifted == ALL_SHIFTED || (c->shifted == INPUT_SHIFTED && j == c->vectors - 1);
        in[j] = array_random(r, bytes, shifted ? size : 0);
        if (c->largest)
            memset(in[j].bytes, 0xff, bytes);
        from[j] = in[j].bytes;
        inputs.address[j] = (uintptr_t)in[j].bytes;
    }
    array acc = array_random(r, bytes, c->shifted & ACC_SHIFTED ? size : 0);
    if (c->largest)
        memset(acc.bytes, 0xff, bytes);
    array want = array_copy(&acc, 0);
    ref_sum(ring, want.bytes, from, c->vectors, c->n);

    ring_params params = device_ring(ring);
    uint8_t *acc_arg = acc.bytes;
    uint64_t count = c->n;
    uint32_t n = c->vectors;
    void *args[] = {&params, &acc_arg, &count, &n, &inputs};
    run_kernel(size == 4 ? "sum32" : "sum64", count, c->blocks, args);
    assert_bytes(acc.bytes, want.bytes, bytes);
    for (uint32_t j = 0; j < c->vectors; j++)
        array_free(&in[j]);
    array_free(&acc);
    array_free(&want);
}

static void every_count(void **state)
{
    (void)state;
    static const uint32_t vectors[] = {0, 0, 1, 2, 3, 7, 8, 9, 16, 33, SUM_INPUTS_MAX};
    rng r = rng_for("emu sums counts");
    for (size_t i = 0; i < N_RINGS; i++)
        for (size_t k = 0; k < COUNT_OF(vectors); k++) {
            const call c = {.n =
                                vectors[k] == 0 ? 700 : 70 + k, /* a thread's second element, too */
                            .vectors = vectors[k],
                            .blocks = 1,
                            .shifted = (unsigned)(i + k) % 4,
                            .largest = k % 3 == 0};
            check(&r, &RINGS[i], &c);
        }
}

static void most_carries(void **state)
{
    (void)state;
    rng r = rng_for("emu sums carries");
    for (size_t i = 0; i < N_RINGS; i++)
        for (uint32_t vectors = SUM_INPUTS_MAX - 2; vectors <= SUM_INPUTS_MAX; vectors++) {
            const call c = {.n = 9, .vectors = vectors, .blocks = 1, .largest = true};
            check(&r, &RINGS[i], &c);
        }
}

static void every_length(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1, 2, 3, 4, 5, 1023, 1024, 1025, 2049, 5001};
    rng r = rng_for("emu sums lengths");
    for (size_t k = 0; k < COUNT_OF(lengths); k++)
        for (size_t i = k % 2; i < N_RINGS; i += 2) {
            const call c = {.n = lengths[k],
                            .vectors = (uint32_t)rng_range(&r, 1, 9),
                            .blocks = (uint32_t)rng_range(&r, 1, 3),
                            .shifted = (unsigned)rng_below(&r, 4)};
            check(&r, &RINGS[i], &c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_count),
        cmocka_unit_test(most_carries),
        cmocka_unit_test(every_length),
    };
    return RUN_SUITE("emulated CUDA sums", tests);
}
