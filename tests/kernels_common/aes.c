/* kernels/common/aes.h as C, on all lanes, against FIPS 197 and the CPU backend's own AES. */
#include <string.h>

#include "check.h"
#include "fallback/portable/aes_bitsliced.h"
#include "hex.h"
#include "kernels/common/aes.h"
#include "rng.h"
#include "run.h"

enum { LANES = 32, BLOCK = 16 };

static const size_t key_sizes[] = {16, 32};

static u32 load_word(const uint8_t *p)
{
    return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static void store_word(uint8_t *p, u32 word)
{
    for (unsigned k = 0; k < 4; k++)
        p[k] = (uint8_t)(word >> (8 * k));
}

static void expand(aead_key *key, const uint8_t *bytes, size_t len)
{
    u32 words[8];
    for (size_t i = 0; i < len / 4; i++)
        words[i] = load_word(bytes + 4 * i);
    memset(key, UNTOUCHED, sizeof *key);
    aes_expand_key(key, words, (u32)(len / 4));
}

/* Encrypts block j in lane j, and gives it back. */
static void encrypt(const aead_key *key, uint8_t blocks[LANES][BLOCK])
{
    u32 s[128];
    for (size_t w = 0; w < 4; w++) {
        for (size_t j = 0; j < LANES; j++)
            s[32 * w + j] = load_word(blocks[j] + 4 * w);
        transpose32(s + 32 * w);
    }
    aes_encrypt(s, key);
    for (size_t w = 0; w < 4; w++) {
        transpose32(s + 32 * w);
        for (size_t j = 0; j < LANES; j++)
            store_word(blocks[j] + 4 * w, s[32 * w + j]);
    }
}

static void transpose(void **state)
{
    (void)state;
    rng r = rng_for("transpose");
    for (unsigned round = 0; round < 50; round++) {
        u32 a[32], before[32];
        rng_fill(&r, before, sizeof before);
        memcpy(a, before, sizeof a);
        transpose32(a);
        for (unsigned i = 0; i < 32; i++)
            for (unsigned j = 0; j < 32; j++)
                assert_int_equal(a[j] >> i & 1, before[i] >> j & 1);
    }
}

/* Every byte goes through the S-box in every lane. */
static void s_box(void **state)
{
    (void)state;
    for (unsigned base = 0; base < 256; base++) {
        u32 x[8] = {0};
        uint64_t want[8] = {0};
        for (unsigned j = 0; j < LANES; j++) {
            for (unsigned b = 0; b < 8; b++) {
                u32 bit = (base + j) >> b & 1;
                x[b] |= bit << j;
                want[b] |= (uint64_t)bit << j;
            }
        }
        aes_sbox(x);
        aes_sub_bytes(want);
        for (unsigned b = 0; b < 8; b++)
            assert_int_equal(x[b], (u32)want[b]);
    }
}

static void sub_word(void **state)
{
    (void)state;
    assert_int_equal(aes_sub_word(load_word((const uint8_t[]){0x00, 0x53, 0xff, 0x01})),
                     load_word((const uint8_t[]){0x63, 0xed, 0x16, 0x7c}));
}

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
        uint8_t bytes[32], blocks[LANES][BLOCK], want[BLOCK];
        aead_key key;
        expand(&key, bytes, hex_decode(cases[i].key, bytes, sizeof bytes));
        for (size_t j = 0; j < LANES; j++)
            hex_decode(cases[i].in, blocks[j], BLOCK);
        hex_decode(cases[i].out, want, sizeof want);
        encrypt(&key, blocks);
        for (size_t j = 0; j < LANES; j++)
            assert_bytes(blocks[j], want, BLOCK);
    }
}

static void key_expansion(void **state)
{
    (void)state;
    rng r = rng_for("key expansion");
    for (unsigned i = 0; i < 400; i++) {
        uint8_t bytes[32], round_key[BLOCK];
        const size_t len = key_sizes[i % COUNT_OF(key_sizes)];
        aes_key want;
        aead_key key;
        rng_fill(&r, bytes, sizeof bytes);
        aes_key_init(&want, bytes, len);
        expand(&key, bytes, len);
        assert_int_equal(key.rounds, want.rounds);
        for (size_t n = 0; n <= want.rounds; n++) {
            for (size_t w = 0; w < 4; w++)
                store_word(round_key + 4 * w, key.round_key[n][w]);
            assert_bytes(round_key, want.round_key[n], BLOCK);
        }
        /* Nothing is written behind the last round key. */
        assert_filled(key.round_key[want.rounds + 1],
                      (AES_ROUNDS_MAX - want.rounds) * sizeof key.round_key[0], UNTOUCHED);
        assert_filled(key.power, sizeof key.power, UNTOUCHED);
    }
}

/* There are one block, two, ... up to all lanes. What the lanes beyond hold must not matter. */
static void lanes(void **state)
{
    (void)state;
    rng r = rng_for("lanes");
    for (size_t k = 0; k < COUNT_OF(key_sizes); k++) {
        for (size_t used = 1; used <= LANES; used++) {
            uint8_t bytes[32], in[LANES][BLOCK], others[LANES][BLOCK], want[BLOCK];
            aes_key reference;
            aead_key key;
            rng_fill(&r, bytes, sizeof bytes);
            rng_fill(&r, in, sizeof in);
            rng_fill(&r, others, sizeof others);
            memcpy(others, in, used * BLOCK);
            aes_key_init(&reference, bytes, key_sizes[k]);
            expand(&key, bytes, key_sizes[k]);
            uint8_t out[LANES][BLOCK];
            memcpy(out, in, sizeof out);
            encrypt(&key, out);
            encrypt(&key, others);
            assert_bytes(others, out, used * BLOCK);
            for (size_t j = 0; j < LANES; j++) {
                aes_encrypt_block(&reference, in[j], want);
                assert_bytes(out[j], want, BLOCK);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transpose),     cmocka_unit_test(s_box),
        cmocka_unit_test(sub_word),      cmocka_unit_test(example_vectors),
        cmocka_unit_test(key_expansion), cmocka_unit_test(lanes),
    };
    return RUN_SUITE("common aes", tests);
}
