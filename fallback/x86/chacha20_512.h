/* The rounds of ChaCha20 on two sets of sixteen blocks: AVX-512 F.
 *
 * The state of two sets is 32 vectors, which is all registers there are. Compilers keep some of
 * them in memory, and take a sixth more time; so this is assembly. Every operation works in place,
 * and the state's word i is register i (set 0) or 16 + i (set 1).
 *
 * Sixteen blocks take 939 operations: 960 for the rounds, less 37 that are done once for all blocks
 * (template/chacha20.h), and 16 for the last addition. Two ports for 512-bit integers need 470
 * cycles for them; a Sapphire Rapids was measured at 487. Two sets go side by side since one has
 * only four chains of dependent operations, which is too few where an operation takes two cycles
 * (Zen 5), or one more to come from another port (Sapphire Rapids: 507 cycles at best).
 *
 * Constant time: no branch or address depends on the state.
 */
#ifndef PARSEAL_FALLBACK_X86_CHACHA20_512_H
#define PARSEAL_FALLBACK_X86_CHACHA20_512_H

#include "fallback/x86/lanes512.h"

enum { KERNEL_SETS = 2 };

/* clang-format off */
#define ADD(a, b)     "vpaddd %%zmm" #b ", %%zmm" #a ", %%zmm" #a "\n\t"
#define XOR(a, b)     "vpxord %%zmm" #b ", %%zmm" #a ", %%zmm" #a "\n\t"
#define ROTATE(a, by) "vprold $" #by ", %%zmm" #a ", %%zmm" #a "\n\t"

#define ADD4(a0, a1, a2, a3, b0, b1, b2, b3) ADD(a0, b0) ADD(a1, b1) ADD(a2, b2) ADD(a3, b3)
#define XOR4(a0, a1, a2, a3, b0, b1, b2, b3) XOR(a0, b0) XOR(a1, b1) XOR(a2, b2) XOR(a3, b3)
#define ROTATE4(a0, a1, a2, a3, by) ROTATE(a0, by) ROTATE(a1, by) ROTATE(a2, by) ROTATE(a3, by)

/* Four quarter rounds of one set, which are independent of each other. */
#define QUARTER_ROUNDS(a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3, d0, d1, d2, d3)         \
    ADD4(a0, a1, a2, a3, b0, b1, b2, b3)                                                       \
    XOR4(d0, d1, d2, d3, a0, a1, a2, a3) ROTATE4(d0, d1, d2, d3, 16)                           \
    ADD4(c0, c1, c2, c3, d0, d1, d2, d3)                                                       \
    XOR4(b0, b1, b2, b3, c0, c1, c2, c3) ROTATE4(b0, b1, b2, b3, 12)                           \
    ADD4(a0, a1, a2, a3, b0, b1, b2, b3)                                                       \
    XOR4(d0, d1, d2, d3, a0, a1, a2, a3) ROTATE4(d0, d1, d2, d3, 8)                            \
    ADD4(c0, c1, c2, c3, d0, d1, d2, d3)                                                       \
    XOR4(b0, b1, b2, b3, c0, c1, c2, c3) ROTATE4(b0, b1, b2, b3, 7)

#define COLUMNS                                                                                \
    QUARTER_ROUNDS( 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15)             \
    QUARTER_ROUNDS(16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31)
#define DIAGONALS                                                                              \
    QUARTER_ROUNDS( 0,  1,  2,  3,  5,  6,  7,  4, 10, 11,  8,  9, 15, 12, 13, 14)             \
    QUARTER_ROUNDS(16, 17, 18, 19, 21, 22, 23, 20, 26, 27, 24, 25, 31, 28, 29, 30)

/* Word i of set 0, and of set 1, which is register j: the same for all blocks, or a vector each. */
#define BEGIN(i, j)                                                                            \
    "vpbroadcastd 4*" #i "(%[start]), %%zmm" #i "\n\t" "vmovdqa64 %%zmm" #i ", %%zmm" #j "\n\t"
#define END(i, j)                                                                              \
    "vpaddd 4*" #i "(%[input])%{1to16%}, %%zmm" #i ", %%zmm" #i "\n\t"                         \
    "vpaddd 4*" #i "(%[input])%{1to16%}, %%zmm" #j ", %%zmm" #j "\n\t"                         \
    STORE(i) STORE(j)
#define BEGIN_EACH(i, j)                                                                       \
    "vmovdqa64 64*" #i "(%[x]), %%zmm" #i "\n\t" "vmovdqa64 64*" #j "(%[x]), %%zmm" #j "\n\t"
#define END_EACH(i, j, from)                                                                   \
    "vpaddd (%[" #from "]), %%zmm" #i ", %%zmm" #i "\n\t"                                      \
    "vpaddd 64(%[" #from "]), %%zmm" #j ", %%zmm" #j "\n\t"                                    \
    STORE(i) STORE(j)
#define STORE(i) "vmovdqa64 %%zmm" #i ", 64*" #i "(%[x])\n\t"

/* BEGIN_1 and end_13: how words of column 1 begin, and how word 13 ends. */
#define KERNEL(BEGIN_1, end_13)                                                                \
    __asm__ volatile(                                                                          \
        BEGIN_EACH(0, 16) BEGIN_1(1, 17) BEGIN(2, 18) BEGIN(3, 19)                             \
        BEGIN_EACH(4, 20) BEGIN_1(5, 21) BEGIN(6, 22) BEGIN(7, 23)                             \
        BEGIN_EACH(8, 24) BEGIN_1(9, 25) BEGIN(10, 26) BEGIN(11, 27)                           \
        BEGIN_EACH(12, 28) BEGIN_1(13, 29) BEGIN(14, 30) BEGIN(15, 31)                         \
        DIAGONALS                                                                              \
        "movl $9, %k[left]\n\t"                                                                \
        ".p2align 5\n"                                                                         \
        "1:\n\t" COLUMNS DIAGONALS                                                             \
        "decl %k[left]\n\t"                                                                    \
        "jnz 1b\n\t"                                                                           \
        END(0, 16) END(1, 17) END(2, 18) END(3, 19) END(4, 20) END(5, 21)                      \
        END(6, 22) END(7, 23) END(8, 24) END(9, 25) END(10, 26) END(11, 27)                    \
        END_EACH(12, 28, counter) end_13 END(14, 30) END(15, 31)                               \
        : [left] "=&r"(left)                                                                   \
        : [x] "r"(x), [start] "r"(start), [input] "r"(input), [counter] "r"(counter),          \
          [attempt] "r"(attempt)                                                               \
        : "zmm0", "zmm1", "zmm2", "zmm3", "zmm4", "zmm5", "zmm6", "zmm7", "zmm8", "zmm9",      \
          "zmm10", "zmm11", "zmm12", "zmm13", "zmm14", "zmm15", "zmm16", "zmm17", "zmm18",     \
          "zmm19", "zmm20", "zmm21", "zmm22", "zmm23", "zmm24", "zmm25", "zmm26", "zmm27",     \
          "zmm28", "zmm29", "zmm30", "zmm31", "cc", "memory")
/* clang-format on */

/* The standard wants no compiler to take strings this long, but gcc and clang do. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* See template/chacha20.h. Where all blocks have one attempt, `attempt` is not read. */
static __attribute__((noinline)) void kernel_chacha20(lanes *x, const uint32_t *start,
                                                      const uint32_t *input, const lanes *counter,
                                                      const lanes *attempt, bool one_attempt)
{
    uint64_t left;
    if (one_attempt)
        KERNEL(BEGIN, END(13, 29));
    else
        KERNEL(BEGIN_EACH, END_EACH(13, 29, attempt));
}

#pragma GCC diagnostic pop

#undef ADD
#undef XOR
#undef ROTATE
#undef ADD4
#undef XOR4
#undef ROTATE4
#undef QUARTER_ROUNDS
#undef COLUMNS
#undef DIAGONALS
#undef BEGIN
#undef END
#undef BEGIN_EACH
#undef END_EACH
#undef STORE
#undef KERNEL

#endif
