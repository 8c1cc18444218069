/* RFC 8439's keystream blocks, seen through masks: over all 32-bit words a mask is the keystream
 * itself, under a nonce that begins with four zero bytes. */
#include <string.h>

#include "check.h"
#include "hex.h"
#include "run.h"

#define ZEROS_8  "0000000000000000"
#define ZEROS_28 "00000000000000000000000000000000000000000000000000000000"

typedef struct {
    const char *where, *key, *stream; /* The nonce is 0000 0000 || stream. */
    uint64_t counter;
    const char *keystream;
} rfc_case;

static const rfc_case cases[] = {
    {"A.1 test vector 1", ZEROS_28 "00000000", ZEROS_8, 0,
     "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
     "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"},
    {"A.1 test vector 2", ZEROS_28 "00000000", ZEROS_8, 1,
     "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
     "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"},
    {"A.1 test vector 3", ZEROS_28 "00000001", ZEROS_8, 1,
     "3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a"
     "8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0"},
    {"A.1 test vector 4", "00ff0000" ZEROS_28, ZEROS_8, 2,
     "72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca"
     "13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096"},
    {"A.1 test vector 5", ZEROS_28 "00000000", "0000000000000002", 0,
     "c2c64d378cd536374ae204b9ef933fcd1a8b2288b3dfa49672ab765b54ee27c7"
     "8a970e0e955c14f3a88e741b97c286f75f8fc299e8148362fa198a39531bed6d"},
    {"2.4.2, first block", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "0000004a00000000", 1,
     "224f51f3401bd9e12fde276fb8631ded8c131f823d2c06e27e4fcaec9ef3cf78"
     "8a3b0aa372600a92b57974cded2b9334794cba40c63e34cdea212c4cf07d41b7"},
    {"2.4.2, second block", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
     "0000004a00000000", 2,
     "69a6749f3f630f4122cafe28ec4dc47e26d4346d70b98c73f3e9c53ac40c5945"
     "398b6eda1a832c89c167eacd901d7e2bf363"},
};

static void run_case(parseal_ctx *ctx, const rfc_case *c, uint32_t word)
{
    uint8_t want[64], got[64];
    parseal_seed seed = {.sign = 1};
    hex_decode(c->key, seed.key, sizeof seed.key);
    hex_decode(c->stream, seed.stream_id, sizeof seed.stream_id);
    size_t size = hex_decode(c->keystream, want, sizeof want) / word * word;
    parseal_ring words = {word == 4 ? UINT64_C(1) << 32 : 0, word, 0};
    parseal_seeds *set = NULL;
    assert_ok(parseal_seeds_create(&set, ctx, &seed, 1));
    parseal_vec out = parseal_host_vec(got, size / word, word);
    memset(got, UNTOUCHED, sizeof got);
    assert_ok(parseal_mask_write(set, &words, &out, c->counter * 64 / word, NULL));
    assert_bytes(got, want, size);
    parseal_seeds_destroy(set);
}

static void rfc8439_keystream(void **state)
{
    (void)state;
    parseal_ctx *ctx = run_ctx(1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        print_message("RFC 8439 %s\n", cases[i].where);
        run_case(ctx, &cases[i], 4);
        run_case(ctx, &cases[i], 8);
    }
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rfc8439_keystream)};
    return RUN_SUITE_PER_IMPL("chacha20", OF(PARSEAL_PRIMITIVE_MASK), tests);
}
