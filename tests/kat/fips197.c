/* AES by itself (FIPS 197), on the portable implementation's own interface. */
#include <string.h>

#include "check.h"
#include "fallback/portable/aes_bitsliced.h"
#include "hex.h"
#include "run.h"

static void example_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *key, *in, *out;
    } cases[] = {
        /* appendix B */
        {"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734",
         "3925841d02dc09fbdc118597196a0b32"},
        /* appendix C.1 and C.3 */
        {"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
         "69c4e0d86a7b0430d8cdb78070b4c55a"},
        {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t bytes[32], in[16], want[16], out[16];
        aes_key key;
        size_t len = hex_decode(cases[i].key, bytes, sizeof bytes);
        hex_decode(cases[i].in, in, sizeof in);
        hex_decode(cases[i].out, want, sizeof want);
        aes_key_init(&key, bytes, len);
        assert_int_equal(key.rounds, len == 16 ? 10 : 14);
        aes_encrypt_block(&key, in, out);
        assert_bytes(out, want, sizeof out);
    }
}

/* Appendix A.1 and A.3 give the last round keys. */
static void key_expansion(void **state)
{
    (void)state;
    static const struct {
        const char *key, *last;
    } cases[] = {
        {"2b7e151628aed2a6abf7158809cf4f3c", "d014f9a8c9ee2589e13f0cc8b6630ca6"},
        {"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
         "fe4890d1e6188d0b046df344706c631e"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t bytes[32], want[16];
        aes_key key;
        size_t len = hex_decode(cases[i].key, bytes, sizeof bytes);
        hex_decode(cases[i].last, want, sizeof want);
        aes_key_init(&key, bytes, len);
        assert_bytes(key.round_key[key.rounds], want, sizeof want);
    }
}

static uint8_t gf256_multiply(uint8_t a, uint8_t b)
{
    unsigned product = 0;
    for (unsigned shifted = a, k = 0; k < 8; k++) {
        product ^= (b >> k & 1) != 0 ? shifted : 0;
        shifted = shifted << 1 ^ ((shifted & 0x80) != 0 ? 0x11bu : 0);
    }
    return (uint8_t)product;
}

/* Section 5.1.1 takes the inverse in GF(2^8), then the affine map. */
static uint8_t sub_byte(uint8_t x)
{
    uint8_t inverse = 0;
    for (unsigned y = 1; y < 256; y++)
        if (gf256_multiply(x, (uint8_t)y) == 1)
            inverse = (uint8_t)y;
    unsigned out = 0x63;
    for (unsigned k = 0; k < 5; k++)
        out ^= (unsigned)inverse << k | (unsigned)inverse >> (8 - k);
    return (uint8_t)out;
}

static void s_box(void **state)
{
    (void)state;
    assert_int_equal(sub_byte(0x53), 0xed); /* This is the standard's own example. */
    for (unsigned base = 0; base < 256; base += 64) {
        uint64_t planes[8] = {0};
        for (unsigned j = 0; j < 64; j++)
            for (unsigned p = 0; p < 8; p++)
                planes[p] |= (uint64_t)((base + j) >> p & 1) << j;
        aes_sub_bytes(planes);
        for (unsigned j = 0; j < 64; j++) {
            unsigned out = 0;
            for (unsigned p = 0; p < 8; p++)
                out |= (unsigned)(planes[p] >> j & 1) << p;
            assert_int_equal(out, sub_byte((uint8_t)(base + j)));
        }
    }
}

/* SP 800-38D's 32-bit counter wraps without touching the nonce. AES itself gives the blocks. */
static void counter_mode(void **state)
{
    (void)state;
    enum { BLOCKS = 150 };
    uint8_t in[BLOCKS * 16], out[sizeof in], first[16], want[16], counter_block[16];
    uint8_t bytes[32] = {9, 8, 7};
    aes_key key;
    aes_key_init(&key, bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < 12; i++)
        counter_block[i] = (uint8_t)(0xf0 + i);
    const uint32_t start = UINT32_MAX - 70;
    aes_ctr(&key, counter_block, start, first, in, out, sizeof in);
    for (uint32_t b = 0; b <= BLOCKS; b++) {
        uint32_t counter = start + b;
        for (unsigned k = 0; k < 4; k++)
            counter_block[12 + k] = (uint8_t)(counter >> (24 - 8 * k));
        aes_encrypt_block(&key, counter_block, want);
        for (size_t k = 0; b > 0 && k < 16; k++)
            want[k] ^= in[(b - 1) * 16 + k];
        assert_bytes(b == 0 ? first : out + (size_t)(b - 1) * 16, want, 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_vectors),
        cmocka_unit_test(key_expansion),
        cmocka_unit_test(s_box),
        cmocka_unit_test(counter_mode),
    };
    return RUN_SUITE("fips197", tests);
}
