/* kernels/common/ring.h as C, against 128-bit arithmetic. */
#include "ring.h"

#include "device_ring.h"
#include "rng.h"
#include "run.h"

enum { RANDOM = 2000, NEAR = 3 };

static ring_params params_of(const parseal_ring *ring)
{
    const u128 modulus = ring_modulus(ring);
    return (ring_params){
        .modulus = ring->modulus,
        .low_bits = UINT64_MAX >> (64 - ring_bits(ring)),
        .reciprocal = ring->modulus != 0 ? (u64)(((u128)1 << 64) / modulus) : 0,
        .power_of_two = (ring->modulus & (ring->modulus - 1)) == 0,
        .element_size = ring->element_size,
    };
}

/* Draws values around the multiples of m, and around all powers of two, where quotients change. */
static u64 hard_value(rng *r, const parseal_ring *ring)
{
    const u64 any = rng_u64(r), near = rng_below(r, 2 * NEAR + 1) - NEAR;
    switch (rng_below(r, 4)) {
    case 0:
        return any;
    case 1:
        return near;
    case 2:
        return ((u64)1 << any % 64) + near;
    default:
        return ring->modulus != 0 ? any / ring->modulus * ring->modulus + near : near;
    }
}

static void reduce(void **state)
{
    (void)state;
    rng r = rng_for("common ring reduce");
    for (size_t i = 0; i < N_RINGS; i++) {
        const ring_params params = params_of(&RINGS[i]);
        assert_int_equal(device_reduce(params, UINT64_MAX), ring_reduce(&RINGS[i], UINT64_MAX));
        for (unsigned k = 0; k < RANDOM; k++) {
            const u64 x = hard_value(&r, &RINGS[i]);
            assert_int_equal(device_reduce(params, x), ring_reduce(&RINGS[i], x));
        }
    }
}

/* b may be m itself, as m less an element is what is added to subtract it. */
static void add(void **state)
{
    (void)state;
    rng r = rng_for("common ring add");
    for (size_t i = 0; i < N_RINGS; i++) {
        const ring_params params = params_of(&RINGS[i]);
        for (unsigned k = 0; k < RANDOM && !params.power_of_two; k++) {
            const u64 m = params.modulus;
            const u64 a = k % 8 == 0 ? m - 1 : ring_reduce(&RINGS[i], hard_value(&r, &RINGS[i]));
            const u64 b = k % 4 == 0 ? m : ring_reduce(&RINGS[i], hard_value(&r, &RINGS[i]));
            const u64 want = ring_reduce(&RINGS[i], (u128)a + b);
            assert_int_equal(device_add(params, a, b), want);
            if (m <= UINT32_MAX)
                assert_int_equal(device_add32((u32)m, (u32)a, (u32)b), want);
        }
    }
}

static void reduce32(void **state)
{
    (void)state;
    rng r = rng_for("common ring reduce 32");
    for (size_t i = 0; i < N_RINGS; i++) {
        const ring_params params = params_of(&RINGS[i]);
        if (params.power_of_two || params.modulus > UINT32_MAX)
            continue;
        assert_int_equal(device_reduce32(params, UINT32_MAX), UINT32_MAX % params.modulus);
        for (unsigned k = 0; k < RANDOM; k++) {
            const u32 x = (u32)hard_value(&r, &RINGS[i]);
            assert_int_equal(device_reduce32(params, x), x % params.modulus);
        }
    }
}

/* Carries have all lengths, and are the largest and the smallest of each too. */
static void reduce_wide(void **state)
{
    (void)state;
    rng r = rng_for("common ring wide");
    for (size_t i = 0; i < N_RINGS; i++) {
        const ring_params params = params_of(&RINGS[i]);
        for (unsigned k = 0; k < 4 * RANDOM && !params.power_of_two; k++) {
            const u32 bits = 1 + k % 32, most = UINT32_MAX >> (32 - bits);
            const u32 near = (u32)rng_below(&r, NEAR), any = (u32)rng_u64(&r) & most;
            const u32 choice[] = {any, most, near & most, most - (near & most)};
            const u32 carries = choice[rng_below(&r, 4)];
            const u64 x = k < 32 ? UINT64_MAX : hard_value(&r, &RINGS[i]);
            assert_int_equal(device_reduce_wide(params, bits, carries, x),
                             ring_reduce(&RINGS[i], (u128)carries << 64 | x));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reduce),
        cmocka_unit_test(add),
        cmocka_unit_test(reduce32),
        cmocka_unit_test(reduce_wide),
    };
    return RUN_SUITE("common ring", tests);
}
