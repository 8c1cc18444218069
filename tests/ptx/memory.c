/* Loads, stores and atomic additions of the interpreter, against the PTX manual's "Data Movement
 * and Conversion Instructions". */
#include <string.h>

#include "check.h"
#include "emu/emulator.h"
#include "interpreter.h"
#include "run.h"
#include "texts.h"

enum { LANES = 32 };

/* Smaller values than a register are extended by what their type says. */
static void widths(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t want;
    } rows[] = {
        {BODY("ld.global.u8 %r5, [%rd1+3];\ncvt.u64.u32 %rd3, %r5;\nst.global.u64 [%rd1], %rd3;"),
         0x95},
        {BODY("ld.global.s8 %r5, [%rd1+3];\ncvt.u64.u32 %rd3, %r5;\nst.global.u64 [%rd1], %rd3;"),
         0xffffff95},
        {BODY("ld.global.u8 %rs5, [%rd1+3];\ncvt.u64.u16 %rd3, %rs5;\nst.global.u64 [%rd1], %rd3;"),
         0x95},
        {BODY(
             "ld.global.u16 %rs5, [%rd1+2];\ncvt.u64.u16 %rd3, %rs5;\nst.global.u64 [%rd1], %rd3;"),
         0x95a6},
        {BODY("ld.global.s32 %rd3, [%rd1];\nst.global.u64 [%rd1], %rd3;"), 0xffffffff95a6b7c8},
        {BODY("ld.global.u32 %rd3, [%rd1+4];\nst.global.u64 [%rd1], %rd3;"), 0x11223344},
        {BODY(
             "ld.global.nc.u64 %rd3, [%rd1];\nadd.s64 %rd3, %rd3, 1;\nst.global.u64 [%rd1], %rd3;"),
         0x1122334495a6b7c9},
        {BODY("ld.global.f32 %r5, [%rd1];\nst.global.f32 [%rd1+4], %r5;"), 0x95a6b7c895a6b7c8},
        {BODY("mov.u32 %r5, 0x12345678;\nst.global.u8 [%rd1+1], %r5;"), 0x1122334495a678c8},
        {BODY("mov.u32 %r5, 0x12345678;\nst.global.u16 [%rd1+6], %r5;"), 0x5678334495a6b7c8},
        {BODY("add.s64 %rd3, %rd1, 8;\nst.global.u32 [%rd3+-4], 7;"), 0x0000000795a6b7c8},
        {BODY("ld.global.v2.u32 {%r5, %r6}, [%rd1];\nst.global.v2.u32 [%rd1], {%r6, %r5};"),
         0x95a6b7c811223344},
        {BODY("ld.global.u64 %rd3, [%rd1];\nmov.b64 {%r5, %r6}, %rd3;\nmov.b64 %rd3, {%r6, %r5};\n"
              "st.global.u64 [%rd1], %rd3;"),
         0x95a6b7c811223344},
        {BODY("ld.global.u64 %rd3, [%rd1];\n{ .reg .b32 tmp; mov.b64 {tmp, %r5}, %rd3; }\n"
              "st.global.u32 [%rd1], %r5;"),
         0x1122334411223344},
        {BODY("mov.f32 %r5, 0fBF800000;\nmov.f64 %rd3, 0d3FF0000000000000;\n"
              "st.global.u64 [%rd1], %rd3;\nst.global.u32 [%rd1], %r5;"),
         0x3ff00000bf800000},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t at[LANES];
        for (size_t l = 0; l < LANES; l++)
            at[l] = 0x1122334495a6b7c8;
        run_text(rows[i].text, 1, LANES, 0, at);
        for (size_t l = 0; l < LANES; l++)
            if (at[l] != rows[i].want)
                fail_msg("lane %zu: %016llx, not %016llx\n%s", l, (unsigned long long)at[l],
                         (unsigned long long)rows[i].want, rows[i].text);
    }
}

static void vectors_of_four(void **state)
{
    (void)state;
    _Alignas(16) uint32_t at[LANES][4];
    for (uint32_t i = 0; i < 4 * LANES; i++)
        at[i / 4][i % 4] = i;
    run_text(BODY("mul.wide.u32 %rd3, %r0, 16;\nadd.s64 %rd3, %rd3, %rd0;\n"
                  "ld.global.cs.v4.u32 {%r5, %r6, %r7, %r8}, [%rd3];\n"
                  "st.global.cs.v4.u32 [%rd3], {%r8, %r5, %r6, %r7};"),
             1, LANES, 0, at);
    for (uint32_t i = 0; i < 4 * LANES; i++)
        assert_int_equal(at[i / 4][(i + 1) % 4], i);
}

/* A static array of 24 bytes, and behind it, aligned to 16, the one whose size the launch gives: 32
 * bytes for each of the 3 warps. Thread t's words are at its place, and read at the place of thread
 * 95 - t. */
static void shared_memory(void **state)
{
    (void)state;
    enum { THREADS = 96 };
    uint64_t at[THREADS];
    run_text(KERNEL(".extern .shared .align 16 .b8 dynamic[];\n", ".shared .align 8 .b8 fixed[24];",
                    "mov.u32 %r5, dynamic;\nmov.u32 %r6, fixed;\nshl.b32 %r7, %r0, 4;\n"
                    "add.s32 %r7, %r7, %r5;\nadd.s32 %r8, %r0, 1000;\n"
                    "st.shared.v2.u32 [%r7], {%r0, %r8};\nst.shared.u64 [%r7+8], %rd1;\n"
                    "setp.ne.s32 %p1, %r0, 40;\n@%p1 bra SKIP;\nst.shared.u32 [%r6+20], %r2;\n"
                    "SKIP:\nbar.sync 0;\nsub.s32 %r9, 95, %r0;\nshl.b32 %r9, %r9, 4;\n"
                    "add.s32 %r9, %r9, %r5;\nld.shared.v2.u32 {%r10, %r11}, [%r9];\n"
                    "ld.shared.u32 %r12, [fixed+20];\nadd.s32 %r11, %r11, %r12;\n"
                    "mov.b64 %rd3, {%r10, %r11};\nst.global.u64 [%rd1], %rd3;\n"
                    "sub.s32 %r13, %r5, %r6;\nsetp.eq.s32 %p2, %r0, 0;\n"
                    "@%p2 st.global.u32 [%rd1], %r13;"),
             1, THREADS, 16 * THREADS, at);
    for (uint64_t t = 1; t < THREADS; t++)
        assert_int_equal(at[t], (95 - t) | (95 - t + 1000 + THREADS) << 32);
    assert_int_equal(at[0], 32 | (uint64_t)(95 + 1000 + THREADS) << 32);
}

/* Parameters lie at the alignment of their types; an aggregate is read through its address, too. */
static void parameters_and_constants(void **state)
{
    (void)state;
    static const char text[] =
        ".const .align 4 .b8 table[12] = {1, 2, 3, 4, 250, 251, 252, 253, 9, 9, 9, 9};\n"
        ".visible .entry two(\n.param .u32 first,\n.param .u64 .ptr .align 1 at,\n"
        ".param .align 8 .b8 pair[24],\n.param .f32 last\n)\n.maxntid 64, 1, 1\n{\n"
        ".reg .b32 %r<9>;\n.reg .b64 %rd<9>;\n"
        "ld.param.u64 %rd0, [at];\nld.param.u32 %r0, [first];\nld.param.v2.u32 {%r1, %r2}, "
        "[pair+8];\n"
        "mov.b64 %rd1, pair;\nld.param.u64 %rd2, [%rd1+16];\nld.param.f32 %r3, [last];\n"
        "mov.u64 %rd3, table;\nld.const.u32 %r4, [%rd3+4];\n"
        "st.global.v2.u32 [%rd0], {%r0, %r1};\nst.global.v2.u32 [%rd0+8], {%r2, %r3};\n"
        "st.global.u64 [%rd0+16], %rd2;\nst.global.u32 [%rd0+24], %r4;\nret;\n}\n";
    uint32_t first = 11, out[7], *at = out;
    uint64_t pair[3] = {1, UINT64_C(33) << 32 | 22, UINT64_C(55) << 32 | 44};
    float last = 1.0f;
    assert_int_equal(interpreter_read("parameters", text), 0);
    assert_int_equal(emulator_launch("two", 1, 1, 0, (void *[]){&first, &at, pair, &last}), 0);
    static const uint32_t want[] = {11, 22, 33, 0x3f800000, 44, 55, 0xfdfcfbfa};
    assert_memory_equal(out, want, sizeof want);
}

/* Each lane gets what the sum was before its turn: all of them once, in any order. */
static void check_sums(const char *text)
{
    enum { THREADS = 64, BLOCKS = 2, ALL = THREADS * BLOCKS };
    uint64_t at[ALL + 1] = {0};
    run_text(text, BLOCKS, THREADS, 0, at);
    bool seen[ALL] = {false};
    for (size_t i = 0; i < ALL; i++) {
        const uint32_t ticket = (uint32_t)at[i];
        assert_true(ticket < ALL && !seen[ticket]);
        seen[ticket] = true;
    }
    assert_true(at[ALL] == ((uint64_t)ALL << 32 | ALL));
}

/* Without qualifiers atom and red are relaxed, and for the threads of one GPU. */
static void atomic_sums(void **state)
{
#define SUM(how)                                                                    \
    BODY("atom" how ".global.add.u64 %rd3, [%rd0+1024], 1;\nst.global.u64 [%rd1], " \
         "%rd3;\nred" how ".global.add.u64 [%rd0+1024], 0x100000000;")
    (void)state;
    check_sums(SUM(""));
    check_sums(SUM(".relaxed"));
    check_sums(SUM(".relaxed.gpu"));
#undef SUM
}

/* Of all threads that would put their number, one finds what it expects, and the others that
 * one's. */
static void check_replacement(const char *text)
{
    enum { THREADS = 64 };
    uint64_t at[THREADS + 1] = {[THREADS] = UINT64_MAX};
    run_text(text, 1, THREADS, 0, at);
    size_t first = THREADS;
    for (size_t i = 0; i < THREADS; i++)
        if (at[i] == UINT64_MAX) {
            assert_int_equal(first, THREADS);
            first = i;
        }
    assert_in_range(first, 0, THREADS - 1);
    for (size_t i = 0; i < THREADS; i++)
        assert_true(i == first || at[i] == first);
    assert_true(at[THREADS] == first);
}

static void atomic_replacement(void **state)
{
#define REPLACEMENT(how)                                                                   \
    BODY("mov.u32 %r5, %tid.x;\ncvt.u64.u32 %rd4, %r5;\natom" how ".global.cas.b64 %rd3, " \
         "[%rd0+512], -1, %rd4;\nst.global.u64 [%rd1], %rd3;")
    (void)state;
    check_replacement(REPLACEMENT(""));
    check_replacement(REPLACEMENT(".relaxed"));
    check_replacement(REPLACEMENT(".relaxed.gpu"));
#undef REPLACEMENT
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),        cmocka_unit_test(vectors_of_four),
        cmocka_unit_test(shared_memory), cmocka_unit_test(parameters_and_constants),
        cmocka_unit_test(atomic_sums),   cmocka_unit_test(atomic_replacement),
    };
    return RUN_SUITE("memory in PTX", tests);
}
