/* Seeded orders: what the manual leaves open differs from seed to seed, what barriers order does
 * not, and what two blocks do to the same global memory is found. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "emu/emulator.h"
#include "run.h"
#include "texts.h"

enum { THREADS = 64, SEEDS = 20 };

static void seed(unsigned n)
{
    char text[16];
    snprintf(text, sizeof text, "%u", n);
    assert_int_equal(n == 0 ? unsetenv("PARSEAL_PTX_SEED") : setenv("PARSEAL_PTX_SEED", text, 1),
                     0);
}

/* Each thread draws a ticket, and after `between` another; both go to its 8 bytes. */
#define TICKETS(between)                                                              \
    BODY("atom.global.add.u64 %rd3, [%rd0+512], 1;\ncvt.u32.u64 %r5, %rd3;\n" between \
         "\natom.global.add.u64 %rd4, [%rd0+512], 1;\ncvt.u32.u64 %r6, %rd4;\n"       \
         "st.global.v2.u32 [%rd1], {%r5, %r6};")

typedef struct {
    uint32_t pair[THREADS][2];
    uint64_t count;
} tickets;

static tickets drawn(const char *text, unsigned with_seed)
{
    tickets t;
    memset(&t, 0, sizeof t);
    seed(with_seed);
    run_text(text, 1, THREADS, 0, &t);
    assert_int_equal(t.count, 2 * THREADS);
    return t;
}

/* Did a thread of [first, first + n) draw its second ticket before another its first? */
static bool overtaken(const tickets *t, size_t first, size_t n)
{
    uint32_t last_first = 0, first_second = 2 * THREADS;
    for (size_t i = first; i < first + n; i++) {
        last_first = t->pair[i][0] > last_first ? t->pair[i][0] : last_first;
        first_second = t->pair[i][1] < first_second ? t->pair[i][1] : first_second;
    }
    return first_second < last_first;
}

static void lanes_run_apart(void **state)
{
    (void)state;
    unsigned apart = 0, second_warp_first = 0;
    for (unsigned n = 0; n <= SEEDS; n++) {
        const tickets free = drawn(TICKETS(""), n), again = drawn(TICKETS(""), n);
        if (n == 0) {
            assert_false(overtaken(&free, 0, 32));
            assert_memory_equal(&free, &again, sizeof free);
        }
        apart += overtaken(&free, 0, 32);
        second_warp_first += free.pair[32][0] < free.pair[0][0];
        const tickets warp = drawn(TICKETS("bar.warp.sync -1;"), n);
        assert_false(overtaken(&warp, 0, 32));
        assert_false(overtaken(&warp, 32, 32));
        const tickets shuffled = drawn(TICKETS("shfl.sync.idx.b32 %r7, %r0, 0, 31, -1;"), n);
        assert_false(overtaken(&shuffled, 0, 32));
        const tickets together = drawn(TICKETS("bar.sync 0;"), n);
        assert_false(overtaken(&together, 0, THREADS));
    }
    assert_in_range(apart, 3, SEEDS);
    assert_in_range(second_warp_first, 3, SEEDS - 3);
}

/* Two blocks of 32 threads; which of them race, and with what, is looked for when the order is
 * seeded. */
static void races_of_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {BODY("st.global.u64 [%rd1], %rd1;"), NULL},
        {BODY("ld.global.u64 %rd3, [%rd0];\nst.global.u64 [%rd1+8], %rd3;"), NULL},
        {BODY("red.global.add.u64 [%rd0], 1;"), NULL},
        {BODY("cvt.u64.u32 %rd3, %r3;\nadd.s64 %rd3, %rd3, %rd0;\nst.global.u8 [%rd3], %r3;"),
         NULL},
        {BODY("setp.eq.s32 %p1, %r0, 0;\n@%p1 st.global.u32 [%rd0], 1;"),
         "race: global memory is written, which a thread of another block has written"},
        {BODY("setp.eq.s32 %p1, %r3, 0;\n@%p1 st.global.u8 [%rd0+3], 1;\n"
              "ld.global.u32 %r5, [%rd0];"),
         "race: global memory is "},
        {BODY(
             "setp.eq.s32 %p1, %r1, 0;\n@%p1 bra ADD;\nld.global.u64 %rd3, [%rd0];\nbra.uni DONE;\n"
             "ADD:\nred.global.add.u64 [%rd0], 1;\nDONE:"),
         "race: global memory is "},
        {BODY("xor.b32 %r5, %r3, 32;\nmul.wide.u32 %rd3, %r5, 8;\nadd.s64 %rd3, %rd3, %rd0;\n"
              "ld.global.u64 %rd4, [%rd1];\nst.global.u64 [%rd3], %rd4;"),
         "race: global memory is "},
        {BODY("xor.b32 %r5, %r3, 1;\nmul.wide.u32 %rd3, %r5, 8;\nadd.s64 %rd3, %rd3, %rd0;\n"
              "st.global.u64 [%rd1], %rd3;\nld.global.u64 %rd4, [%rd3];"),
         "which another thread has "},
        {BODY("xor.b32 %r5, %r3, 1;\nmul.wide.u32 %rd3, %r5, 8;\nadd.s64 %rd3, %rd3, %rd0;\n"
              "st.global.u64 [%rd1], %rd3;\nbar.warp.sync -1;\nld.global.u64 %rd4, [%rd3];"),
         NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (unsigned n = 0; n <= SEEDS; n++) {
            uint64_t at[THREADS + 1] = {0};
            seed(n);
            const int result = try_text(rows[i].text, 2, 32, 0, at);
            const bool races = n != 0 && rows[i].says != NULL;
            if (races != (result != 0) || (races && strstr(emulator_error(), rows[i].says) == NULL))
                fail_msg("seed %u: \"%s\"\n%s", n, emulator_error(), rows[i].text);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_run_apart),
        cmocka_unit_test(races_of_blocks),
    };
    return RUN_SUITE("orders of PTX", tests);
}
