/* kernels/common/pack.h as C: packed words, and elements of packed bytes, against packing that goes
 * bit by bit. */
#include <string.h>

#include "check.h"
#include "fallback/math/bytes.h"
#include "kernels/common/pack.h"
#include "ref_vec.h"
#include "rng.h"
#include "run.h"

enum { COUNT = 41, STREAM_MAX = COUNT * 8 };

static void ones(void **state)
{
    (void)state;
    u64 want = 0;
    for (u32 bits = 1; bits <= 64; bits++) {
        want = want << 1 | 1;
        assert_int_equal(pack_ones(bits), want);
    }
}

static void move(void **state)
{
    (void)state;
    rng r = rng_for("common pack move");
    for (i32 by = -63; by <= 63; by++) {
        const u64 x = rng_u64(&r);
        u64 want = x;
        for (i32 k = 0; k < by; k++)
            want *= 2;
        for (i32 k = 0; k > by; k--)
            want /= 2;
        assert_int_equal(pack_move(x, by), want);
    }
}

/* Every word gathers what falls into it of the elements, which have bits above theirs. */
static void words(void **state)
{
    (void)state;
    rng r = rng_for("common pack words");
    for (u32 bits = 1; bits <= 64; bits++) {
        u64 elements[COUNT];
        uint8_t stored[sizeof elements], want[STREAM_MAX], got[STREAM_MAX + 4];
        rng_fill(&r, elements, sizeof elements);
        for (size_t i = 0; i < COUNT; i++)
            store_le64(stored + 8 * i, elements[i]);
        ref_pack(bits, 8, stored, want, COUNT);
        const u64 bytes = ((u64)COUNT * bits + 7) / 8;
        for (u64 begin = 0; begin < 8 * bytes; begin += 32) {
            u64 word = 0;
            for (u64 i = begin / bits; i < COUNT && i * bits < begin + 32; i++)
                word |= pack_move(elements[i] & pack_ones(bits), (i32)(i * bits) - (i32)begin);
            store_le32(got + begin / 8, (u32)word);
        }
        assert_bytes(got, want, bytes);
    }
}

static void elements_of_bytes(void **state)
{
    (void)state;
    rng r = rng_for("common pack elements");
    for (u32 bits = 1; bits <= 64; bits++) {
        uint8_t packed[STREAM_MAX], want[COUNT * 8], got[COUNT * 8];
        rng_fill(&r, packed, sizeof packed);
        ref_unpack(bits, 8, packed, want, COUNT);
        for (u32 i = 0; i < COUNT; i++)
            store_le64(got + 8 * (size_t)i, pack_load(packed, bits, i));
        assert_bytes(got, want, sizeof want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ones),
        cmocka_unit_test(move),
        cmocka_unit_test(words),
        cmocka_unit_test(elements_of_bytes),
    };
    return RUN_SUITE("common pack", tests);
}
