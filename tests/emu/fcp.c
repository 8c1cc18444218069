/* The CUDA kernels of fcp's masks, run by the emulator, against AES of the CPU backend's portable
 * code: groups of elements that are cut at both ends, and fewer blocks than the work asks for. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fallback/portable/aes_bitsliced.h"
#include "ring.h"
#include "run.h"
#include "vector_kernels.h"

enum { KEY = 32, BLOCK = 16, GROUP = 16, KEYS_MAX = 300 };

/* Keys with signs, as the host hands them over. */
static fcp_key *random_keys(rng *r, u32 n)
{
    fcp_key *keys = calloc((size_t)n + 1, sizeof *keys);
    assert_non_null(keys);
    for (u32 j = 0; j < n; j++) {
        rng_fill(r, keys[j].round_key, KEY);
        keys[j].sign = rng_below(r, 2) == 0 ? -1 : 1;
    }
    return keys;
}

static void expand(fcp_key *keys, u32 n, u32 blocks)
{
    void *args[] = {&keys, &n};
    run_kernel("fcp_expand", n, blocks, args);
}

/* ------------------------------------------------------------------------------------ expand -- */

static void check_keys(u32 n, u32 blocks)
{
    rng r = rng_for("emu fcp keys");
    fcp_key *keys = random_keys(&r, n), *raw = random_keys(&r, n);
    memcpy(raw, keys, n * sizeof *keys);
    expand(keys, n, blocks);
    for (u32 j = 0; j < n; j++) {
        aes_key want;
        aes_key_init(&want, (const uint8_t *)raw[j].round_key, KEY);
        assert_bytes(keys[j].round_key, want.round_key, sizeof want.round_key);
        assert_int_equal(keys[j].sign, raw[j].sign);
    }
    free(keys);
    free(raw);
}

/* More than a block takes at once. */
static void expanded_keys(void **state)
{
    (void)state;
    check_keys(1, 1);
    check_keys(KEYS_MAX, 1);
    check_keys(KEYS_MAX, 3);
}

/* ------------------------------------------------------------------------------------- masks -- */

typedef struct {
    uint64_t first, n;
    u32 bits, keys, shift, blocks; /* acc begins `shift` elements behind a multiple of 16 bytes */
    bool write;
} call;

/* acc[i] += sign mask[first + i] mod 2^64 for one key. */
static void add_mask(const fcp_key *key, const call *c, uint64_t *acc)
{
    const uint64_t bytes = (c->bits + 7) / 8, begin = c->first / GROUP * GROUP;
    const size_t size = (size_t)((c->first - begin + c->n) * bytes);
    static const uint8_t nonce[12];
    uint8_t *stream = calloc(1, size);
    aes_key expanded;
    assert_non_null(stream);
    aes_key_init(&expanded, (const uint8_t *)key->round_key, KEY);
    aes_ctr(&expanded, nonce, (uint32_t)(begin * bytes / BLOCK), NULL, stream, stream, size);
    for (uint64_t i = 0; i < c->n; i++) {
        uint64_t value = 0;
        for (uint64_t k = 0; k < bytes; k++)
            value = value << 8 | stream[(c->first - begin + i) * bytes + k];
        acc[i] += key->sign > 0 ? value : 0 - value;
    }
    free(stream);
}

static void check_mask(rng *r, const call *c)
{
    const u32 size = c->bits <= 32 ? 4 : 8;
    const parseal_ring ring = {UINT64_C(1) << c->bits, size, 0};
    fcp_key *keys = random_keys(r, c->keys);
    array acc = array_random(r, (size_t)c->n * size, (size_t)c->shift * size);
    array want = array_copy(&acc, 0);
    uint64_t *sum = calloc((size_t)c->n, sizeof *sum);
    assert_non_null(sum);
    for (u32 j = 0; j < c->keys; j++)
        add_mask(keys + j, c, sum);
    for (uint64_t i = 0; i < c->n; i++) {
        const uint64_t before = c->write ? 0 : elem_load(acc.bytes, i, size);
        elem_store(want.bytes, i, size, (before + sum[i]) % ring.modulus);
    }

    ring_params params = device_ring(&ring);
    uint64_t first = c->first, count = c->n;
    u32 n_keys = c->keys, bytes = (c->bits + 7) / 8, write = c->write;
    if (n_keys > 0)
        expand(keys, n_keys, 1);
    void *args[] = {&keys, &n_keys, &params, &bytes, &acc.bytes, &first, &count, &write};
    run_kernel(size == 4 ? "fcp_mask32" : "fcp_mask64",
               (first + count - 1) / GROUP - first / GROUP + 1, c->blocks, args);
    assert_bytes(acc.bytes, want.bytes, acc.size);
    array_free(&acc);
    array_free(&want);
    free(sum);
    free(keys);
}

/* Every number of bytes that an element may have. Vectors end before, at and behind a group's and a
 * warp's end. */
static void every_width(void **state)
{
    static const u32 widths[] = {1, 8, 13, 16, 20, 24, 31, 32, 33, 40, 47, 48, 50, 56, 62};
    static const struct {
        uint64_t first, n;
    } parts[] = {{0, 1}, {0, 15}, {0, 16}, {5, 11}, {15, 2}, {3, 40}, {16, 530}, {1003, 300}};
    rng r = rng_for("emu fcp widths");
    (void)state;
    for (size_t i = 0; i < COUNT_OF(widths); i++)
        for (size_t k = 0; k < COUNT_OF(parts); k++) {
            const call c = {.first = parts[k].first,
                            .n = parts[k].n,
                            .bits = widths[i],
                            .keys = (u32)k % 3,
                            .shift = (u32)(i + k) % 2 * (u32)(parts[k].first % GROUP),
                            .blocks = 1,
                            .write = k % 3 == 1};
            check_mask(&r, &c);
        }
}

/* Aligned groups and others; counters with all of their bytes. */
static void every_place(void **state)
{
    static const u32 widths[] = {32, 17, 62, 40};
    static const uint64_t firsts[] = {0, 32, 0x7fffff0, 0x1ffffe00};
    rng r = rng_for("emu fcp places");
    (void)state;
    for (size_t i = 0; i < COUNT_OF(widths); i++)
        for (u32 shift = 0; shift < 4; shift++)
            for (int write = 0; write < 2; write++) {
                const call c = {firsts[shift], 75, widths[i], 2, shift, 1, write != 0};
                check_mask(&r, &c);
            }
}

/* Warps that take more than one turn, and blocks without work. */
static void many_blocks(void **state)
{
    static const u32 widths[] = {7, 34};
    rng r = rng_for("emu fcp blocks");
    (void)state;
    for (size_t i = 0; i < COUNT_OF(widths); i++)
        for (u32 blocks = 1; blocks <= 2; blocks++) {
            const call c = {9, 17000, widths[i], 1, 9 % GROUP, blocks, i == 0};
            check_mask(&r, &c);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expanded_keys),
        cmocka_unit_test(every_width),
        cmocka_unit_test(every_place),
        cmocka_unit_test(many_blocks),
    };
    return RUN_SUITE("emulated CUDA masks of fcp", tests);
}
