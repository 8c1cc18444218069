/* What the interpreter refuses: texts with something that it does not know, and kernels that do
 * what the PTX manual forbids or leaves undefined. */
#include <string.h>

#include "check.h"
#include "emu/emulator.h"
#include "interpreter.h"
#include "run.h"
#include "texts.h"

static void unknown_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {BODY("add.sat.s32 %r4, %r0, 1;"), "text:17: add.sat.s32: unknown"},
        {BODY("add.s32 %r4, %r0;"), "add.s32: another number of operands"},
        {BODY("add.s32 %r4, %r0, %rd0;"), "a register of another size: %rd0"},
        {BODY("add.s32 %r4, %r0, %tid.y;"), "neither declared nor a number: %tid.y"},
        {BODY("setp.eq.s32 %r4, %r0, 1;"), "not a predicate: %r4"},
        {BODY("bra NOWHERE;"), "no label NOWHERE"},
        {BODY("bar.sync 1;"), "a barrier of a part of the block"},
        {BODY("ld.local.u32 %r4, [%rd0];"), "ld.local.u32: unknown"},
        {BODY("ld.u32 %r4, [%rd0];"), "ld.u32: unknown"},
        {BODY("ld.global.u64 %r4, [%rd0];"), "a register of another size: %r4"},
        {BODY("ld.global.v2.u32 %r4, [%rd0];"), "a vector of another size"},
        {BODY("ld.global.u32 %r4, [nobody];"), "an address of what? nobody"},
        {BODY("st.const.u32 [%rd0], %r0;"), "st.const.u32: unknown"},
        {BODY("atom.global.max.u64 %rd4, [%rd0], 1;"), "atom.global.max.u64: unknown"},
        {BODY("atom.acquire.gpu.global.add.u64 %rd4, [%rd0], 1;"),
         "atom.acquire.gpu.global.add.u64: unknown"},
        {BODY("red.relaxed.sys.global.add.u64 [%rd0], 1;"),
         "red.relaxed.sys.global.add.u64: unknown"},
        {BODY("shfl.sync.rotate.b32 %r4, %r0, 1, 31, -1;"), "shfl.sync.rotate.b32: unknown"},
        {BODY("vote.sync.uni.pred %p1, %p2, -1;"), "vote.sync.uni.pred: unknown"},
        {BODY("add.s32 %r4, %r0, 1"), "no semicolon ends it"},
        {".visible .func one", "text:1: unknown: .visible"},
        {".visible .entry one(\n.param .u64 at\n)\n{\nret;\n", "the text ends in a kernel"},
        {".const .align 4 .b8 table[4] = {1, 2, 3};", "fewer bytes than the constant has"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (interpreter_read("text", rows[i].text) == 0)
            fail_msg("it is read\n%s", rows[i].text);
        if (strstr(emulator_error(), rows[i].says) == NULL)
            fail_msg("\"%s\", not \"%s\"\n%s", emulator_error(), rows[i].says, rows[i].text);
    }
}

#define SHARED(body)                                                                   \
    KERNEL("", ".shared .align 16 .b8 words[256];",                                    \
           "mov.u32 %r5, words;\nshl.b32 %r6, %r0, 2;\nadd.s32 %r7, %r5, %r6;\n"       \
           "st.shared.u32 [%r7], %r0;\nxor.b32 %r8, %r7, 4;\nxor.b32 %r9, %r7, 128;\n" \
           "setp.eq.s32 %p1, %r0, 9;\nsetp.lt.u32 %p2, %r0, 32;\n" body)

/* Launched with 64 threads. The first of each kind is what is allowed. */
static void forbidden_launches(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {
        {SHARED("bar.sync 0;\nld.shared.u32 %r4, [%r9];"), NULL},
        {SHARED("ld.shared.u32 %r4, [%r9];"), "nobody has written"},
        {SHARED("bar.sync 0;\n@%p1 st.shared.u32 [%r5], 1;\nld.shared.u32 %r4, [%r9];"),
         "race: shared memory is"},
        {SHARED("bar.warp.sync -1;\nld.shared.u32 %r4, [%r8];"), NULL},
        {SHARED("ld.shared.u32 %r4, [%r8];"), "race: shared memory is read, which another thread"},
        {SHARED("vote.sync.ballot.b32 %r4, %p1, -1;\nld.shared.u32 %r4, [%r8];"),
         "race: shared memory is read, which another thread"},
        {SHARED("bar.sync 0;\nld.shared.u32 %r4, [%r8];\nst.shared.u32 [%r7], 1;"),
         "race: shared memory is written, which another thread has read"},
        {SHARED("bar.sync 0;\nld.shared.u32 %r4, [%r5+8];\n@%p1 st.shared.u32 [%r5+8], 1;"),
         "race: shared memory is written, which another thread has read"},
        {SHARED("ld.shared.u32 %r4, [%r7+256];"), "of shared memory, which has 256"},
        {SHARED("mov.u32 %r4, 0;\nst.shared.u32 [%r4], %r0;"), "of shared memory, which has 256"},
        {SHARED("st.shared.u32 [%r7+2], %r0;"), "which is not aligned"},
        {BODY("ld.global.v2.u32 {%r4, %r5}, [%rd1+4];"), "which is not aligned"},
        {BODY("ld.param.u32 %r4, [at+8];"), "outside of parameters or constants"},
        {BODY("add.s32 %r4, %r5, 1;"), "a register is read that the lanes ffffffff have not"},
        {BODY("setp.eq.s32 %p1, %r0, 3;\n@%p1 mov.u32 %r4, 1;\nadd.s32 %r4, %r4, 1;"),
         "a register is read that the lanes fffffff7 have not"},
        {BODY("@%p1 add.s32 %r4, %r0, 1;"), "the guard is a predicate that nobody has written"},
        {BODY("selp.b32 %r4, 1, 0, %p1;"), "a register is read"},
        {BODY("div.u32 %r4, 12, %r0;"), "a division by zero"},
        {BODY("rem.u64 %rd4, %rd0, 0;"), "the remainder of a division by zero"},
        {BODY("shfl.sync.idx.b32 %r4, %r0, 3, 31, -1;"), NULL},
        {SHARED("@%p1 bra DONE;\nshfl.sync.idx.b32 %r4, %r0, 9, 31, 0xfffffdff;\nDONE:"),
         "takes from lane 9, which takes no part"},
        {SHARED("@%p1 bra DONE;\nshfl.sync.idx.b32 %r4, %r0, 3, 31, -1;\nDONE:"),
         "the lanes fffffdff of warp 0 wait for each other"},
        {SHARED("@!%p1 bra GO;\nret;\nGO:\nshfl.sync.idx.b32 %r4, %r0, 3, 31, -1;"),
         "are to take part, of which 00000200 have ended"},
        {SHARED("@%p1 bra WAIT;\nbar.warp.sync -1;\nWAIT:\nbar.warp.sync 0x200;"),
         "wait for each other"},
        {SHARED("@%p1 bar.warp.sync -1;"), "not all lanes that come here take part"},
        {SHARED("selp.b32 %r4, 0x200, -1, %p1;\nbar.warp.sync %r4;"),
         "lanes name different members"},
        {SHARED("bar.warp.sync 0xfffffdff;"), "come where only fffffdff take part"},
        {SHARED("@%p2 bra DONE;\nbar.sync 0;\nDONE:"), "waits here, and warp 0 has ended"},
        {SHARED("@%p2 bra LAST;\nbar.sync 0;\nbra DONE;\nLAST:\nbar.sync 0;\nDONE:"),
         "at another barrier"},
        {SHARED("@%p1 bra DONE;\nbar.sync 0;\nDONE:"), "wait for each other"},
        {".visible .entry one(\n.param .u64 at\n)\n.maxntid 32, 1, 1\n{\nret;\n}\n",
         "1 blocks of 64 threads, of which it allows 32"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        _Alignas(16) uint64_t at[64] = {0};
        const int result = try_text(rows[i].text, 1, 64, 0, at);
        const bool as_said = rows[i].says == NULL
                                 ? result == 0
                                 : result != 0 && strstr(emulator_error(), rows[i].says) != NULL;
        if (!as_said)
            fail_msg("\"%s\", not \"%s\"\n%s", emulator_error(),
                     rows[i].says == NULL ? "" : rows[i].says, rows[i].text);
    }
    assert_int_equal(emulator_launch("nobody", 1, 64, 0, NULL), -1);
    assert_string_equal(emulator_error(), "nobody: no such kernel");
}

/* The message has the place in the PTX, and in the source where the text names it. */
static void places(void **state)
{
    (void)state;
    uint64_t at[32] = {0};
    assert_int_equal(try_text(".file 1 \"/somewhere/kernels/cuda/mask.cu\"\n"
                              ".visible .entry one(\n.param .u64 at\n)\n{\n.reg .b32 %r<4>;\n"
                              ".loc 1 47 3\nadd.s32 %r1, %r2, 1;\nret;\n}\n",
                              3, 32, 0, at),
                     -1);
    assert_string_equal(emulator_error(),
                        "one, block 0, text:8 (kernels/cuda/mask.cu:47): a register is read that "
                        "the lanes ffffffff have not written");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_texts),
        cmocka_unit_test(forbidden_launches),
        cmocka_unit_test(places),
    };
    return RUN_SUITE("what the interpreter of PTX refuses", tests);
}
