/* The CUDA kernels of masks, run by the emulator, against the format written down in ref_mask.c. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_mask.h"
#include "ring.h"
#include "run.h"
#include "vector_kernels.h"

enum { SEEDS_MAX = 9 };

typedef struct {
    uint64_t first, n;
    uint32_t shift, seeds, blocks;
} call;

/* acc and seeds are random; acc is added to, or overwritten. */
static void check(rng *r, const parseal_ring *ring, const call *c, bool write)
{
    const size_t size = (size_t)c->n * ring->element_size;
    parseal_seed seeds[SEEDS_MAX];
    random_seeds(r, seeds, c->seeds);
    mask_seed *on_device = device_seeds(seeds, c->seeds);
    array acc = array_random(r, size, (size_t)c->shift * ring->element_size);
    array want = array_copy(&acc, 0);
    if (write)
        memset(want.bytes, 0, size);
    ref_mask_apply(seeds, c->seeds, ring, want.bytes, c->n, c->first);

    const mask_seed *seeds_arg = on_device;
    uint32_t n_seeds = c->seeds, write_arg = write;
    ring_params params = device_ring(ring);
    uint8_t *acc_arg = acc.bytes;
    uint64_t first = c->first, count = c->n;
    void *args[] = {&seeds_arg, &n_seeds, &params, &acc_arg, &first, &count, &write_arg};
    run_kernel(ring->element_size == 4 ? "mask_apply32" : "mask_apply64",
               blocks_touched(first, count, ring->element_size), c->blocks, args);
    assert_bytes(acc.bytes, want.bytes, size);
    array_free(&acc);
    array_free(&want);
    free(on_device);
}

static void check_rings(const char *name, const call *calls, size_t n)
{
    rng r = rng_for(name);
    for (size_t i = 0; i < N_RINGS; i++)
        for (size_t k = 0; k < n; k++)
            check(&r, &RINGS[i], &calls[k], (i + k) % 2 != 0);
}

/* Ends of warps and of 16-byte pieces, elements before the first and after the last. */
static void ragged(void **state)
{
    (void)state;
    static const call calls[] = {
        {0, 1, 0, 1, 1},    {15, 1, 0, 2, 1},  {7, 2, 1, 1, 1},     {1, 511, 0, 1, 1},
        {0, 508, 0, 1, 1},  {0, 254, 0, 1, 1}, {0, 512, 0, 2, 1},   {0, 513, 0, 1, 1},
        {17, 600, 3, 1, 1}, {5, 700, 1, 2, 1}, {16, 1024, 1, 1, 1}, {4, 1100, 0, 2, 1},
        {8, 1030, 2, 1, 1},
    };
    check_rings("emu mask ragged", calls, COUNT_OF(calls));
}

/* More seeds than one, none, and slices up to the last block that the format has. */
static void seeds_and_slices(void **state)
{
    (void)state;
    const uint64_t end = (UINT64_C(1) << 32) * 8;
    const call calls[] = {
        {0, 530, 0, 0, 1},       {3, 530, 1, SEEDS_MAX, 1}, {32, 600, 0, SEEDS_MAX, 1},
        {end - 40, 40, 0, 2, 1}, {end - 533, 533, 0, 1, 1},
    };
    check_rings("emu mask seeds", calls, COUNT_OF(calls));
}

/* Where a candidate in 16 is rejected, lanes are a seed or two apart, and the last ones alone;
 * where one in 512 is, a warp's only one may be that of a lane which attempts again. */
static void apart(void **state)
{
    (void)state;
    static const parseal_ring rings[] = {{UINT64_C(15) << 16, 4, 0},
                                         {UINT64_C(15) << 60, 8, 0},
                                         {UINT64_C(511) << 23, 4, 0},
                                         {UINT64_C(511) << 55, 8, 0}};
    rng r = rng_for("emu mask apart");
    for (size_t i = 0; i < COUNT_OF(rings); i++)
        for (uint32_t seeds = 1; seeds <= SEEDS_MAX; seeds += 2)
            for (uint64_t n = 1000; n <= 3000; n += 1000) {
                const call c = {n, n, 0, seeds, 1};
                check(&r, &rings[i], &c, false);
            }
}

/* Warps that take more than one turn, and blocks without work. */
static void many_blocks(void **state)
{
    (void)state;
    static const call calls[] = {{64, 9001, 0, 1, 1}, {3, 9001, 0, 1, 2}};
    static const size_t rings[] = {6, 8, 10, 15, 16, 18};
    rng r = rng_for("emu mask blocks");
    for (size_t i = 0; i < COUNT_OF(rings); i++)
        for (size_t k = 0; k < COUNT_OF(calls); k++)
            check(&r, &RINGS[rings[i]], &calls[k], k % 2 != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ragged),
        cmocka_unit_test(seeds_and_slices),
        cmocka_unit_test(apart),
        cmocka_unit_test(many_blocks),
    };
    return RUN_SUITE("emulated CUDA masks", tests);
}
