/* The test cases of "The Galois/Counter Mode of Operation" (McGrew, Viega), appendix B, that have
 * 96-bit IVs and 128- or 256-bit keys: 1 to 4 and 13 to 16. */
#include <string.h>

#include "check.h"
#include "hex.h"
#include "run.h"

enum { BYTES_MAX = 64 };

#define ZERO_KEY   "00000000000000000000000000000000"
#define KEY        "feffe9928665731c6d6a8f9467308308"
#define ZERO_IV    "000000000000000000000000"
#define IV         "cafebabefacedbaddecaf888"
#define ZERO_BLOCK "00000000000000000000000000000000"
#define AAD        "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define TEXT_60                                                    \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a31" \
    "8a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define TEXT_64 TEXT_60 "1aafd255"
#define CIPHER_128_60                                              \
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329ac" \
    "a12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"
#define CIPHER_128_64 CIPHER_128_60 "473f5985"
#define CIPHER_256_60                                              \
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555" \
    "d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
#define CIPHER_256_64 CIPHER_256_60 "898015ad"

typedef struct {
    int number;
    int32_t alg;
    const char *key, *iv, *text, *aad, *cipher, *tag;
} spec_case;

static const spec_case cases[] = {
    {1, PARSEAL_AES128GCM, ZERO_KEY, ZERO_IV, "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {2, PARSEAL_AES128GCM, ZERO_KEY, ZERO_IV, ZERO_BLOCK, "", "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"},
    {3, PARSEAL_AES128GCM, KEY, IV, TEXT_64, "", CIPHER_128_64, "4d5c2af327cd64a62cf35abd2ba6fab4"},
    {4, PARSEAL_AES128GCM, KEY, IV, TEXT_60, AAD, CIPHER_128_60,
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {13, PARSEAL_AES256GCM, ZERO_KEY ZERO_KEY, ZERO_IV, "", "", "",
     "530f8afbc74536b9a963b4f1c4cb738b"},
    {14, PARSEAL_AES256GCM, ZERO_KEY ZERO_KEY, ZERO_IV, ZERO_BLOCK, "",
     "cea7403d4d606b6e074ec5d3baf39d18", "d0d1c8a799996bf0265b98b5d48ab919"},
    {15, PARSEAL_AES256GCM, KEY KEY, IV, TEXT_64, "", CIPHER_256_64,
     "b094dac5d93471bdec1a502270e3cc6c"},
    {16, PARSEAL_AES256GCM, KEY KEY, IV, TEXT_60, AAD, CIPHER_256_60,
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void run_case(parseal_ctx *ctx, const spec_case *c)
{
    uint8_t key[32], aad[BYTES_MAX], text[BYTES_MAX], cipher[BYTES_MAX], tag[16], out[BYTES_MAX];
    parseal_msg msg = {.in = text, .out = out, .aad = aad};
    hex_decode(c->key, key, sizeof key);
    hex_decode(c->iv, msg.nonce, PARSEAL_AES256GCM_NONCEBYTES);
    hex_decode(c->cipher, cipher, sizeof cipher);
    hex_decode(c->tag, tag, sizeof tag);
    msg.len = hex_decode(c->text, text, sizeof text);
    msg.aad_len = hex_decode(c->aad, aad, sizeof aad);
    parseal_keys *keys = NULL;
    assert_ok(parseal_keys_create(&keys, ctx, c->alg, key, 1, NULL));

    assert_ok(parseal_seal(keys, &msg, 1));
    assert_bytes(out, cipher, msg.len);
    assert_bytes(msg.tag, tag, sizeof tag);
    assert_int_equal(msg.status, PARSEAL_ITEM_OK);

    msg.in = cipher;
    memset(out, UNTOUCHED, sizeof out);
    assert_ok(parseal_open(keys, &msg, 1, NULL));
    assert_bytes(out, text, msg.len);
    assert_int_equal(msg.status, PARSEAL_ITEM_OK);
    parseal_keys_destroy(keys);
}

static void gcm_spec_cases(void **state)
{
    (void)state;
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        print_message("test case %d\n", cases[i].number);
        run_case(ctx, &cases[i]);
    }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gcm_spec_cases)};
    return RUN_SUITE_PER_IMPL("gcm_spec", OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
