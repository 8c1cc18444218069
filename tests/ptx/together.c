/* What lanes do together in the interpreter, and how they come together: shfl, vote, bar and mma of
 * the PTX manual, branches and guards. */
#include <string.h>

#include "check.h"
#include "rng.h"
#include "run.h"
#include "texts.h"

enum { LANES = 32 };

/* Lane l gives 100 + l; which lane it gets from, and whether that is one of its segment. */
typedef struct {
    const char *text;
    int32_t (*from)(int32_t lane); /* or -1: of another segment, so that it keeps its own */
} shuffle;

#define SHUFFLE(mode, b, c)                                                       \
    BODY("add.s32 %r5, %r0, 100;\nshfl.sync." mode ".b32 %r6|%p1, %r5, " b ", " c \
         ", 0xffffffff;\nselp.u32 %r7, 1, 0, %p1;\nst.global.v2.u32 [%rd1], {%r6, %r7};")

static int32_t next_in_all(int32_t lane)
{
    return (lane + 5) % 32;
}

static int32_t xor_3(int32_t lane)
{
    return lane ^ 3;
}

/* Segments of 8: c is the mask 11000 and the clamp 111. */
static int32_t third_of_eight(int32_t lane)
{
    return lane / 8 * 8 + 3;
}

static int32_t up_by_2(int32_t lane)
{
    return lane < 2 ? -1 : lane - 2;
}

static int32_t down_by_3_of_eight(int32_t lane)
{
    return lane % 8 + 3 < 8 ? lane + 3 : -1;
}

static int32_t up_by_5_of_16(int32_t lane)
{
    return lane % 16 < 5 ? -1 : lane - 5;
}

static int32_t xor_9_of_eight(int32_t lane)
{
    return (lane ^ 9) / 8 > lane / 8 ? -1 : lane ^ 9;
}

static void shuffles(void **state)
{
    (void)state;
    static const shuffle rows[] = {
        {KERNEL("", "",
                "add.s32 %r5, %r0, 100;\nadd.s32 %r8, %r0, 5;\n"
                "shfl.sync.idx.b32 %r6|%p1, %r5, %r8, 31, -1;\nselp.u32 %r7, 1, 0, %p1;\n"
                "st.global.v2.u32 [%rd1], {%r6, %r7};"),
         next_in_all},
        {SHUFFLE("bfly", "3", "31"), xor_3},
        {SHUFFLE("idx", "3", "0x1807"), third_of_eight},
        {SHUFFLE("up", "2", "0"), up_by_2},
        {SHUFFLE("up", "5", "0x1000"), up_by_5_of_16},
        {SHUFFLE("down", "3", "0x1807"), down_by_3_of_eight},
        {SHUFFLE("bfly", "9", "0x1807"), xor_9_of_eight},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint32_t at[LANES][2];
        run_text(rows[i].text, 1, LANES, 0, at);
        for (int32_t l = 0; l < LANES; l++) {
            const int32_t from = rows[i].from(l);
            assert_int_equal(at[l][0], 100 + (from < 0 ? l : from));
            assert_int_equal(at[l][1], from >= 0);
        }
    }
}

/* Lanes 0, 3, 6... vote yes; then only the lower half takes part. */
static void votes(void **state)
{
    (void)state;
    uint32_t at[LANES][2];
    run_text(BODY("rem.u32 %r5, %r0, 3;\nsetp.eq.s32 %p1, %r5, 0;\n"
                  "vote.sync.ballot.b32 %r6, %p1, 0xffffffff;\nsetp.gt.u32 %p2, %r0, 15;\n"
                  "mov.u32 %r7, 0;\n@%p2 bra DONE;\n"
                  "vote.sync.ballot.b32 %r7, !%p1, 0xffff;\n"
                  "DONE:\nst.global.v2.u32 [%rd1], {%r6, %r7};"),
             1, LANES, 0, at);
    for (uint32_t l = 0; l < LANES; l++) {
        assert_int_equal(at[l][0], 0x49249249);
        assert_int_equal(at[l][1], l < 16 ? 0x6db6 : 0);
    }
    uint32_t two[2 * LANES][2];
    run_text(BODY("setp.eq.s32 %p1, %r0, 40;\nsetp.lt.u32 %p2, %r0, 32;\n"
                  "vote.sync.any.pred %p3, %p1, -1;\nvote.sync.all.pred %p4, %p2, -1;\n"
                  "selp.u32 %r6, 1, 0, %p3;\nselp.u32 %r7, 1, 0, %p4;\n"
                  "st.global.v2.u32 [%rd1], {%r6, %r7};"),
             1, 2 * LANES, 0, two);
    for (uint32_t t = 0; t < 2 * LANES; t++) {
        assert_int_equal(two[t][0], t >= 32);
        assert_int_equal(two[t][1], t < 32);
    }
}

/* Bits of a row of A and of a column of B from the lanes' words, by "Matrix Fragments for
 * mma.m16n8k256". */
static uint32_t bit_of_a(uint32_t lanes[LANES][10], uint32_t row, uint32_t k)
{
    return lanes[4 * (row % 8) + k % 128 / 32][row / 8 + 2 * (k / 128)] >> (k % 32) & 1;
}

static uint32_t bit_of_b(uint32_t lanes[LANES][10], uint32_t column, uint32_t k)
{
    return lanes[4 * column + k % 128 / 32][4 + k / 128] >> (k % 32) & 1;
}

static void products_of_matrices(void **state)
{
    (void)state;
    rng r = rng_for("ptx mma");
    uint32_t lanes[LANES][10], before[LANES][10]; /* A, B, C */
    rng_fill(&r, lanes, sizeof lanes);
    memcpy(before, lanes, sizeof lanes);
    run_text(
        BODY("mul.wide.u32 %rd3, %r0, 40;\nadd.s64 %rd3, %rd3, %rd0;\n"
             "ld.global.u32 %r4, [%rd3];\nld.global.u32 %r5, [%rd3+4];\n"
             "ld.global.u32 %r6, [%rd3+8];\nld.global.u32 %r7, [%rd3+12];\n"
             "ld.global.u32 %r8, [%rd3+16];\nld.global.u32 %r9, [%rd3+20];\n"
             "ld.global.u32 %r10, [%rd3+24];\nld.global.u32 %r11, [%rd3+28];\n"
             "ld.global.u32 %r12, [%rd3+32];\nld.global.u32 %r13, [%rd3+36];\n"
             "mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc {%r10, %r11, %r12, %r13}, "
             "{%r4, %r5, %r6, %r7}, {%r8, %r9}, {%r10, %r11, %r12, %r13};\n"
             "st.global.u32 [%rd3+24], %r10;\nst.global.u32 [%rd3+28], %r11;\n"
             "st.global.u32 [%rd3+32], %r12;\nst.global.u32 [%rd3+36], %r13;"),
        1, LANES, 0, lanes);
    for (uint32_t row = 0; row < 16; row++)
        for (uint32_t column = 0; column < 8; column++) {
            const uint32_t lane = 4 * (row % 8) + column / 2, i = 6 + 2 * (row / 8) + column % 2;
            uint32_t sum = before[lane][i];
            for (uint32_t k = 0; k < 256; k++)
                sum += bit_of_a(before, row, k) & bit_of_b(before, column, k);
            assert_int_equal(lanes[lane][i], sum);
        }
}

/* The Collatz steps of 1 + t take each lane another number of turns, and a guard adds to odd
 * ones. */
static void branches(void **state)
{
    (void)state;
    enum { THREADS = 77 };
    uint32_t at[THREADS][2];
    run_text(BODY("add.s32 %r5, %r0, 1;\nmov.u32 %r6, 0;\nmov.u32 %r7, 0;\n"
                  "LOOP:\nsetp.eq.s32 %p1, %r5, 1;\n@%p1 bra DONE;\nadd.s32 %r6, %r6, 1;\n"
                  "and.b32 %r8, %r5, 1;\nsetp.ne.s32 %p2, %r8, 0;\n@%p2 add.s32 %r7, %r7, 10;\n"
                  "@!%p2 bra EVEN;\nmad.lo.s32 %r5, %r5, 3, 1;\nbra.uni LOOP;\n"
                  "EVEN:\nshr.u32 %r5, %r5, 1;\nbra.uni LOOP;\n"
                  "DONE:\nst.global.v2.u32 [%rd1], {%r6, %r7};"),
             1, THREADS, 0, at);
    for (uint32_t t = 0; t < THREADS; t++) {
        uint32_t steps = 0, odd = 0;
        for (uint32_t x = t + 1; x != 1; x = x % 2 != 0 ? 3 * x + 1 : x / 2, steps++)
            odd += x % 2;
        assert_int_equal(at[t][0], steps);
        assert_int_equal(at[t][1], 10 * odd);
    }
}

/* Lanes that come apart and wait for each other at two barriers of the warp in turn. */
static void barriers_of_a_warp(void **state)
{
    (void)state;
    uint32_t at[LANES][2];
    run_text(KERNEL("", ".shared .align 4 .b8 words[128];",
                    "shl.b32 %r5, %r0, 2;\nmov.u32 %r6, words;\nadd.s32 %r5, %r5, %r6;\n"
                    "setp.lt.u32 %p1, %r0, 9;\n@%p1 bra FEW;\nst.shared.u32 [%r5], 7;\n"
                    "bra.uni JOIN;\nFEW:\nst.shared.u32 [%r5], %r0;\nJOIN:\nbar.warp.sync -1;\n"
                    "xor.b32 %r7, %r5, 64;\nld.shared.u32 %r8, [%r7];\nbar.warp.sync -1;\n"
                    "st.shared.u32 [%r7], %r8;\nst.global.v2.u32 [%rd1], {%r8, %r0};"),
             1, LANES, 0, at);
    for (uint32_t l = 0; l < LANES; l++) {
        const uint32_t other = l ^ 16;
        assert_int_equal(at[l][0], other < 9 ? other : 7);
        assert_int_equal(at[l][1], l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shuffles),
        cmocka_unit_test(votes),
        cmocka_unit_test(products_of_matrices),
        cmocka_unit_test(branches),
        cmocka_unit_test(barriers_of_a_warp),
    };
    return RUN_SUITE("lanes together in PTX", tests);
}
