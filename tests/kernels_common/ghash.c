/* kernels/common/ghash.h as C, against the GCM specification and the CPU backend's own GHASH. */
#include <string.h>

#include "check.h"
#include "fallback/portable/ghash_holes.h"
#include "hex.h"
#include "kernels/common/ghash.h"
#include "rng.h"
#include "run.h"

enum { BLOCK = 16, SUM_MAX = 32 };

static void load(u32 x[4], const uint8_t block[BLOCK])
{
    u32 words[4];
    for (size_t i = 0; i < 4; i++) {
        const uint8_t *p = block + 4 * i;
        words[i] = (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
    }
    ghash_turn(x, words);
}

static void store(uint8_t block[BLOCK], const u32 x[4])
{
    u32 words[4];
    ghash_turn(words, x);
    for (size_t i = 0; i < BLOCK; i++)
        block[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
}

static void check_product(const uint8_t a[BLOCK], const uint8_t b[BLOCK])
{
    uint8_t want[BLOCK], got[BLOCK];
    u32 x[4], y[4];
    memcpy(want, a, sizeof want);
    gf128_multiply(want, b);
    load(x, a);
    load(y, b);
    ghash_multiply(x, y);
    store(got, x);
    assert_bytes(got, want, sizeof want);
}

static void byte_order(void **state)
{
    (void)state;
    uint8_t block[BLOCK], back[BLOCK];
    u32 x[4];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (uint8_t)i;
    load(x, block);
    assert_int_equal(x[3], 0x00010203);
    assert_int_equal(x[0], 0x0c0d0e0f);
    store(back, x);
    assert_bytes(back, block, sizeof block);
}

/* Blocks are hashed one by one, as SP 800-38D has it. */
static void spec_values(void **state)
{
    (void)state;
    static const struct {
        const char *h, *data, *y;
    } cases[] = {
        /* Test case 2 hashes the ciphertext, then the block of lengths. */
        {"66e94bd4ef8a2c3b884cfa59ca342b2e",
         "0388dace60b6a392f328c2b971b2fe7800000000000000000000000000000080",
         "f38cbb1ad69223dcc3457ae5b6b0f885"},
        /* Test case 4 hashes aad and ciphertext, each padded, then the lengths. */
        {"b83b533708bf535d0aa6e52980d53b78",
         "feedfacedeadbeeffeedfacedeadbeefabaddad2000000000000000000000000"
         "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
         "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e09100000000"
         "00000000000000a000000000000001e0",
         "698e57f70e6ecc7fd9463b7260a9ae5f"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t h[BLOCK], data[128], want[BLOCK], got[BLOCK];
        u32 power[4], block[4], y[4] = {0};
        hex_decode(cases[i].h, h, sizeof h);
        hex_decode(cases[i].y, want, sizeof want);
        const size_t len = hex_decode(cases[i].data, data, sizeof data);
        load(power, h);
        for (size_t at = 0; at < len; at += BLOCK) {
            load(block, data + at);
            for (size_t k = 0; k < 4; k++)
                y[k] ^= block[k];
            ghash_multiply(y, power);
        }
        store(got, y);
        assert_bytes(got, want, sizeof want);
    }
}

/* Every power of x is multiplied by every other. */
static void single_bits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8 * BLOCK; i++) {
        for (unsigned k = 0; k < 8 * BLOCK; k++) {
            uint8_t a[BLOCK] = {0}, b[BLOCK] = {0};
            a[i / 8] = (uint8_t)(1u << i % 8);
            b[k / 8] = (uint8_t)(1u << k % 8);
            check_product(a, b);
        }
    }
}

/* Factors of all ones fill the holes as far as they can be. */
static void products(void **state)
{
    (void)state;
    rng r = rng_for("common ghash");
    uint8_t a[BLOCK], b[BLOCK], ones[BLOCK];
    const uint8_t zero[BLOCK] = {0};
    memset(ones, 0xff, sizeof ones);
    check_product(ones, ones);
    for (unsigned i = 0; i < 2000; i++) {
        rng_fill(&r, a, sizeof a);
        rng_fill(&r, b, sizeof b);
        check_product(a, b);
        check_product(a, ones);
        check_product(ones, b);
        check_product(zero, b);
    }
}

/* n blocks are multiplied by H^n ... H^1, and all added up before they are reduced. */
static void check_sum(const uint8_t h[BLOCK], const uint8_t *data, size_t n)
{
    uint8_t want[BLOCK] = {0}, got[BLOCK], power[BLOCK];
    ghash_key key;
    ghash_sum sum;
    u32 x[4], y[4];
    ghash_key_init(&key, h);
    ghash_update(&key, want, data, n * BLOCK);
    ghash_zero(&sum);
    for (size_t i = 0; i < n; i++) {
        gf128_power(power, h, n - i);
        load(x, data + i * BLOCK);
        load(y, power);
        ghash_add(&sum, x, y);
    }
    ghash_reduce(y, &sum);
    store(got, y);
    assert_bytes(got, want, sizeof want);
}

static void sums(void **state)
{
    (void)state;
    rng r = rng_for("common ghash sums");
    uint8_t h[BLOCK], data[SUM_MAX * BLOCK];
    for (size_t n = 0; n <= SUM_MAX; n++) {
        rng_fill(&r, h, sizeof h);
        memset(data, 0xff, sizeof data);
        check_sum(h, data, n);
        rng_fill(&r, data, sizeof data);
        check_sum(h, data, n);
    }
}

/* A key's powers are H, H^2, H^3, ... and H, H^2, H^4, ..., made as the kernels make them. */
static void powers(void **state)
{
    (void)state;
    rng r = rng_for("common ghash powers");
    uint8_t h[BLOCK], want[BLOCK], got[BLOCK];
    u32 one[4], power[4], square[4];
    rng_fill(&r, h, sizeof h);
    load(one, h);
    load(power, h);
    load(square, h);
    for (unsigned k = 0; k < 40; k++) {
        gf128_power(want, h, k + 1);
        store(got, power);
        assert_bytes(got, want, sizeof want);
        gf128_power(want, h, UINT64_C(1) << k);
        store(got, square);
        assert_bytes(got, want, sizeof want);
        ghash_multiply(power, one);
        const u32 same[4] = {square[0], square[1], square[2], square[3]};
        ghash_multiply(square, same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_order), cmocka_unit_test(spec_values), cmocka_unit_test(single_bits),
        cmocka_unit_test(products),   cmocka_unit_test(sums),        cmocka_unit_test(powers),
    };
    return RUN_SUITE("common ghash", tests);
}
