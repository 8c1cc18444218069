/* The ChaCha20 block function by itself, on the portable implementation's own interface: RFC 8439
 * section 2.3.2, whose nonce masks cannot have. */
#include <string.h>

#include "check.h"
#include "fallback/portable/chacha20.h"
#include "hex.h"
#include "run.h"

static void rfc8439_section_2_3_2(void **state)
{
    (void)state;
    static const uint32_t nonce[3] = {0x09000000, 0x4a000000, 0};
    uint8_t keystream[CHACHA20_BYTES], want[64];
    uint32_t key[8];
    for (uint32_t i = 0; i < 8; i++)
        key[i] = 0x03020100u + i * 0x04040404u;
    hex_decode("10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
               "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e",
               want, sizeof want);
    chacha20_blocks(keystream, key, nonce, 1);
    assert_bytes(keystream, want, sizeof want);
    for (uint32_t b = 1; b < CHACHA20_BLOCKS; b++) { /* Any block of the run begins another run. */
        uint8_t run[CHACHA20_BYTES];
        chacha20_blocks(run, key, nonce, 1 + b);
        assert_bytes(run, keystream + b * 64, 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rfc8439_section_2_3_2)};
    return RUN_SUITE("chacha20_block", tests);
}
