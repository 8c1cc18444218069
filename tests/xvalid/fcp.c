/* Masks of parseal/fcp.h against a reference that goes through the keystream byte by byte. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "guard.h"
#include "ref_fcp.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { KEYS = 6, N_MAX = 9001, LONG = 70001, WAVES = 270001, TEXT = 40 };

typedef struct {
    rng r;
    uint8_t bytes[KEYS][PARSEAL_FCP_KEYBYTES], session[TEXT], name[TEXT];
    parseal_fcp_key keys[KEYS];
    guard_buf buf;
    uint64_t *sum;
    uint8_t *want;
} bench;

static void bench_open(bench *t, const char *name, size_t n_max)
{
    t->r = rng_for(name);
    rng_fill(&t->r, t->bytes, sizeof t->bytes);
    rng_fill(&t->r, t->session, sizeof t->session);
    rng_fill(&t->r, t->name, sizeof t->name);
    guard_open(&t->buf, n_max * 8);
    t->sum = malloc(n_max * sizeof *t->sum);
    t->want = malloc(n_max * 8);
    assert_true(t->sum != NULL && t->want != NULL);
}

static void bench_close(bench *t)
{
    guard_close(&t->buf);
    free(t->sum);
    free(t->want);
}

/* Draws a mask with any number of any keys, legacy ones too, and any texts. */
static parseal_fcp_mask random_mask(bench *t, uint64_t modulus, uint64_t n, size_t *n_keys)
{
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    mask.modulus = modulus;
    mask.n = n;
    mask.session_id = t->session;
    mask.session_id_len = (size_t)rng_below(&t->r, TEXT + 1);
    mask.name = t->name;
    mask.name_len = (size_t)rng_below(&t->r, TEXT + 1);
    *n_keys = (size_t)rng_below(&t->r, KEYS + 1);
    for (size_t j = 0; j < *n_keys; j++) {
        t->keys[j].key = t->bytes[rng_below(&t->r, KEYS)]; /* One may come twice. */
        t->keys[j].len =
            rng_below(&t->r, 4) != 0 ? PARSEAL_FCP_KEYBYTES : (size_t)rng_range(&t->r, 1, 17);
        t->keys[j].sign = rng_below(&t->r, 2) != 0 ? 1 : -1;
    }
    return mask;
}

/* Checks elements [first, first + n), added to any values or written over them. */
static void check_slice(bench *t, const parseal_seeds *set, const parseal_ring *ring,
                        uint64_t first, uint64_t n, bool write)
{
    const uint32_t size = ring->element_size;
    const guard_side side = (guard_side)rng_below(&t->r, GUARD_SIDES);
    uint8_t *p = guard_place_aligned(&t->buf, side, (size_t)n * size, size);
    rng_fill(&t->r, p, (size_t)n * size);
    for (uint64_t i = 0; i < n; i++) {
        const u128 before = write ? 0 : elem_load(p, i, size);
        elem_store(t->want, i, size, ring_reduce(ring, before + t->sum[first + i]));
    }
    parseal_vec vec = parseal_host_vec(p, n, size);
    if (write)
        assert_ok(parseal_mask_write(set, ring, &vec, first, NULL));
    else
        assert_ok(parseal_mask_apply(set, ring, &vec, first, NULL));
    assert_bytes(p, t->want, (size_t)n * size);
    guard_check(&t->buf);
}

static void check_modulus(bench *t, parseal_ctx *ctx, uint64_t modulus, uint64_t n, size_t slices)
{
    const parseal_ring ring = {modulus, modulus <= UINT64_C(1) << 32 ? 4 : 8, 0};
    size_t n_keys;
    const parseal_fcp_mask mask = random_mask(t, modulus, n, &n_keys);
    parseal_seeds *set = NULL;
    if (run_backend() != PARSEAL_BACKEND_CPU && (modulus & (modulus - 1)) != 0) {
        assert_error(parseal_fcp_seeds_create(&set, ctx, &mask, t->keys, n_keys),
                     PARSEAL_ERR_UNSUPPORTED, "modulus");
        return;
    }
    ref_fcp_sum(&mask, t->keys, n_keys, t->sum);
    assert_ok(parseal_fcp_seeds_create(&set, ctx, &mask, t->keys, n_keys));
    check_slice(t, set, &ring, 0, n, true);
    check_slice(t, set, &ring, 0, n, false);
    for (size_t i = 0; i < slices; i++) {
        const uint64_t first = rng_below(&t->r, n + 1);
        check_slice(t, set, &ring, first, rng_below(&t->r, n - first + 1), i % 2 != 0);
    }
    parseal_seeds_destroy(set);
}

/* Returns a width's power of two, one more, one less, or something between. */
static uint64_t modulus_of(rng *r, uint32_t bits, int kind)
{
    const uint64_t power = UINT64_C(1) << bits;
    return kind == 0   ? power
           : kind == 1 ? power + 1
           : kind == 2 ? power - 1
                       : power + rng_below(r, power);
}

static void every_width(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, 2, 3, 15, 16, 17, 31, 33, 64, 100, 255, 513, 1025};
    static bench t;
    const size_t step = run_slow() ? 7 : 3; /* Each modulus takes others. */
    parseal_ctx *ctx = run_ctx(1);
    bench_open(&t, "widths", N_MAX);
    for (uint32_t bits = 1; bits <= 62; bits++)
        for (int kind = 0; kind < 4; kind++) {
            const uint64_t modulus = modulus_of(&t.r, bits, kind);
            if (modulus < 2 || modulus > PARSEAL_FCP_MODULUS_MAX)
                continue;
            for (size_t k = (bits + (uint32_t)kind) % step; k < COUNT_OF(lengths); k += step)
                check_modulus(&t, ctx, modulus, lengths[k], 3);
        }
    bench_close(&t);
    parseal_ctx_destroy(ctx);
}

static const uint64_t moduli[] = {2,
                                  UINT64_C(1) << 20,
                                  UINT64_C(1) << 32,
                                  532021,
                                  (UINT64_C(1) << 31) + 11,
                                  UINT64_C(4294967291),
                                  UINT64_C(1) << 40,
                                  UINT64_C(1) << 62,
                                  (UINT64_C(1) << 47) + 5,
                                  (UINT64_C(1) << 61) - 1,
                                  (UINT64_C(1) << 61) + 1};

/* Lengths lie around the tiles of 1024 and 2048 elements. */
static void tiles(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1023, 1024, 2047, 2048, 2049, 4096, N_MAX};
    static bench t;
    parseal_ctx *ctx = run_ctx(1);
    bench_open(&t, "tiles", N_MAX);
    for (size_t i = 0; i < COUNT_OF(moduli); i++)
        for (size_t k = 0; k < run_share(COUNT_OF(lengths), 4); k++)
            check_modulus(&t, ctx, moduli[i], lengths[k], 4);
    bench_close(&t);
    parseal_ctx_destroy(ctx);
}

/* Threads that share the keys do so in waves of 2^18 elements of 4 bytes, or half as many of 8. */
static void waves(void **state)
{
    (void)state;
    static bench t;
    parseal_ctx *ctx = run_ctx(2);
    bench_open(&t, "waves", WAVES);
    for (size_t i = 0; i < run_share(4, 2) && !run_emulated(); i++)
        check_modulus(&t, ctx, i % 2 == 0 ? 532021 : (UINT64_C(1) << 61) - 1, WAVES, 1);
    bench_close(&t);
    parseal_ctx_destroy(ctx);
}

static void any_number_of_threads(void **state)
{
    (void)state;
    static const uint32_t threads[] = {2, 3, 7};
    static bench t;
    bench_open(&t, "threads", LONG);
    for (size_t k = 0; k < COUNT_OF(threads) && !run_emulated(); k++) {
        parseal_ctx *ctx = run_ctx(threads[k]);
        for (size_t i = 0; i < COUNT_OF(moduli); i += run_slow() ? 3 : 1)
            check_modulus(&t, ctx, moduli[i], LONG - rng_below(&t.r, 5000), 2);
        parseal_ctx_destroy(ctx);
    }
    bench_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width),
        cmocka_unit_test(tiles),
        cmocka_unit_test(any_number_of_threads),
        cmocka_unit_test(waves),
    };
    if (!ref_fcp_exists())
        return run_skip("the reference needs OpenSSL");
    return RUN_SUITE_PER_IMPL("masks of fcp", OF(PARSEAL_PRIMITIVE_FCP), tests);
}
