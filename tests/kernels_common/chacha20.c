/* kernels/common/chacha20.h as C, against RFC 8439, libsodium and the CPU backend's ChaCha20. */
#include <sodium.h>
#include <string.h>

#include "check.h"
#include "fallback/math/bytes.h"
#include "fallback/portable/chacha20.h"
#include "hex.h"
#include "kernels/common/chacha20.h"
#include "rng.h"
#include "run.h"

enum { BLOCK = 64, KEY = 32, NONCE = 12 };

static void block_bytes(uint8_t bytes[BLOCK], const mask_seed *seed, u32 attempt, u32 counter)
{
    u32 x[16];
    chacha20_block(x, seed, attempt, counter);
    for (size_t i = 0; i < COUNT_OF(x); i++)
        store_le32(bytes + 4 * i, x[i]);
}

/* Section 2.3.2's nonce is a seed's attempt and stream. */
static void example_block(void **state)
{
    (void)state;
    mask_seed seed = {.stream_id = {0x4a000000, 0}, .sign = 1};
    uint8_t got[BLOCK], want[BLOCK];
    for (u32 i = 0; i < COUNT_OF(seed.key); i++)
        seed.key[i] = 0x03020100u + i * 0x04040404u;
    hex_decode("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
               "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
               want, sizeof want);
    block_bytes(got, &seed, 0x09000000, 1);
    assert_bytes(got, want, sizeof want);
}

static void check_block(const uint8_t key[KEY], const uint8_t nonce[NONCE], u32 counter)
{
    const uint8_t zeros[BLOCK] = {0};
    uint8_t got[BLOCK], want[BLOCK], blocks[CHACHA20_BYTES];
    uint32_t words[3];
    mask_seed seed = {.sign = -1};
    for (size_t i = 0; i < COUNT_OF(seed.key); i++)
        seed.key[i] = load_le32(key + 4 * i);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        words[i] = load_le32(nonce + 4 * i);
    seed.stream_id[0] = words[1];
    seed.stream_id[1] = words[2];
    block_bytes(got, &seed, words[0], counter);
    assert_int_equal(
        crypto_stream_chacha20_ietf_xor_ic(want, zeros, sizeof zeros, nonce, counter, key), 0);
    assert_bytes(got, want, sizeof want);
    chacha20_blocks(blocks, seed.key, words, counter);
    assert_bytes(got, blocks, sizeof got);
}

static void random_blocks(void **state)
{
    (void)state;
    rng r = rng_for("common chacha20");
    uint8_t key[KEY], nonce[NONCE];
    for (unsigned i = 0; i < 2000; i++) {
        rng_fill(&r, key, sizeof key);
        rng_fill(&r, nonce, sizeof nonce);
        check_block(key, nonce, (u32)rng_u64(&r));
    }
}

/* Words are all zeros and all ones, and the counter is at its ends. */
static void extremes(void **state)
{
    (void)state;
    static const u32 counters[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    uint8_t key[KEY], nonce[NONCE];
    for (unsigned i = 0; i < 4; i++) {
        memset(key, (i & 1) != 0 ? 0xff : 0, sizeof key);
        memset(nonce, (i & 2) != 0 ? 0xff : 0, sizeof nonce);
        for (size_t k = 0; k < COUNT_OF(counters); k++)
            check_block(key, nonce, counters[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_block),
        cmocka_unit_test(random_blocks),
        cmocka_unit_test(extremes),
    };
    return RUN_SUITE("common chacha20", tests);
}
