/* GHASH by itself, on the portable implementation's own interface: the intermediate values of the
 * GCM specification's test cases, and the field's laws against a multiplication bit by bit. */
#include <string.h>

#include "check.h"
#include "fallback/portable/ghash_holes.h"
#include "hex.h"
#include "rng.h"
#include "run.h"

/* Multiplies bit by bit, by SP 800-38D's algorithm 1. */
static void multiply(uint8_t x[16], const uint8_t y[16])
{
    uint8_t z[16] = {0};
    uint8_t v[16];
    memcpy(v, y, 16);
    for (unsigned i = 0; i < 128; i++) {
        bool bit = (x[i / 8] >> (7 - i % 8) & 1) != 0;
        for (unsigned k = 0; bit && k < 16; k++)
            z[k] ^= v[k];
        bool low = (v[15] & 1) != 0;
        for (unsigned k = 16; k-- > 0;)
            v[k] = (uint8_t)(v[k] >> 1 | (k > 0 ? v[k - 1] << 7 : 0));
        v[0] ^= low ? 0xe1 : 0;
    }
    memcpy(x, z, 16);
}

static void hash(uint8_t y[16], const uint8_t h[16], const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i += 16) {
        for (size_t k = 0; k < 16 && i + k < len; k++)
            y[k] ^= data[i + k];
        multiply(y, h);
    }
}

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
        uint8_t h[16], data[128], want[16], y[16] = {0};
        ghash_key key;
        hex_decode(cases[i].h, h, sizeof h);
        hex_decode(cases[i].y, want, sizeof want);
        size_t len = hex_decode(cases[i].data, data, sizeof data);
        ghash_key_init(&key, h);
        ghash_update(&key, y, data, len);
        assert_bytes(y, want, sizeof y);
    }
}

static void any_length(void **state)
{
    (void)state;
    rng r = rng_for("ghash");
    for (size_t len = 0; len < 400; len++) {
        uint8_t h[16], data[400], y[16], want[16];
        ghash_key key;
        rng_fill(&r, h, sizeof h);
        rng_fill(&r, data, len);
        rng_fill(&r, y, sizeof y);
        memcpy(want, y, sizeof y);
        hash(want, h, data, len);
        ghash_key_init(&key, h);
        ghash_update(&key, y, data, len);
        assert_bytes(y, want, sizeof y);
    }
}

static void products_and_powers(void **state)
{
    (void)state;
    rng r = rng_for("powers");
    const uint8_t one[16] = {0x80};
    for (unsigned i = 0; i < 200; i++) {
        uint8_t h[16], x[16], want[16], power[16];
        rng_fill(&r, h, sizeof h);
        rng_fill(&r, x, sizeof x);
        memcpy(want, x, sizeof x);
        multiply(want, h);
        gf128_multiply(x, h);
        assert_bytes(x, want, sizeof x);

        memcpy(want, one, sizeof one);
        for (unsigned k = 0; k < i; k++)
            multiply(want, h);
        gf128_power(power, h, i);
        assert_bytes(power, want, sizeof power);
    }
}

/* x^(2^128) = x takes the largest exponents. */
static void fermat(void **state)
{
    (void)state;
    rng r = rng_for("fermat");
    uint8_t h[16], power[16];
    rng_fill(&r, h, sizeof h);
    gf128_power(power, h, UINT64_C(1) << 63);
    for (unsigned i = 63; i < 128; i++)
        gf128_multiply(power, power);
    assert_bytes(power, h, sizeof power);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spec_values),
        cmocka_unit_test(any_length),
        cmocka_unit_test(products_and_powers),
        cmocka_unit_test(fermat),
    };
    return RUN_SUITE("ghash", tests);
}
