/* kernels/common/fcp.h as C: numbers of 1 to 8 bytes at every place of a keystream. */
#include "kernels/common/fcp.h"
#include "check.h"
#include "rng.h"
#include "run.h"

enum { WORDS = 32 };

static void candidates(void **state)
{
    (void)state;
    rng r = rng_for("common fcp");
    uint8_t stream[4 * WORDS];
    u32 words[WORDS];
    rng_fill(&r, stream, sizeof stream);
    for (size_t i = 0; i < WORDS; i++)
        words[i] = (u32)stream[4 * i] | (u32)stream[4 * i + 1] << 8 | (u32)stream[4 * i + 2] << 16 |
                   (u32)stream[4 * i + 3] << 24;
    for (u32 bytes = 1; bytes <= 8; bytes++)
        for (u32 at = 0; at + bytes <= sizeof stream; at++) {
            u64 want = 0;
            for (u32 k = 0; k < bytes; k++)
                want = want << 8 | stream[at + k];
            assert_int_equal(fcp_candidate(words, WORDS, at, bytes), want);
        }
}

static void swaps(void **state)
{
    (void)state;
    assert_int_equal(fcp_swap_bytes(0x01020304), 0x04030201);
    assert_int_equal(fcp_swap_bytes(0xfffefdfc), 0xfcfdfeff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(candidates), cmocka_unit_test(swaps)};
    return RUN_SUITE("common fcp", tests);
}
