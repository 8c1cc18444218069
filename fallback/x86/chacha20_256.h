/* The rounds of ChaCha20 on one set of eight blocks: AVX2.
 *
 * The state is 16 vectors, and a rotation that does not move whole bytes needs one more than the
 * registers have room for. Words 8 and 11 share a register: of a round's four quarter rounds the
 * one that needs the first comes first, and then the others side by side, of which one needs the
 * second, which is kept in memory until then. Compilers keep more in memory; so this is assembly.
 *
 * Eight blocks take 1,247 operations: 1,280 for the rounds, less 49 that are done once for all
 * blocks (template/chacha20.h), and 16 for the last addition. Three ports need 416 cycles for them;
 * a Sapphire Rapids was measured at 540, as chains of dependent operations hold it up. Two sets in
 * turn, kept in memory, took 590.
 *
 * Constant time: no branch or address depends on the state.
 */
#ifndef PARSEAL_FALLBACK_X86_CHACHA20_256_H
#define PARSEAL_FALLBACK_X86_CHACHA20_256_H

#include "fallback/x86/lanes256.h"

enum { KERNEL_SETS = 1 };

/* clang-format off */
#define ADD(a, b)    "vpaddd %%ymm" #b ", %%ymm" #a ", %%ymm" #a "\n\t"
#define XOR(a, b)    "vpxor %%ymm" #b ", %%ymm" #a ", %%ymm" #a "\n\t"
#define BYTES(a, by) "vpshufb %[rotate" #by "], %%ymm" #a ", %%ymm" #a "\n\t"
#define BITS(a, by)                                                                            \
    "vpslld $" #by ", %%ymm" #a ", %%ymm15\n\t"                                                \
    "vpsrld $32-" #by ", %%ymm" #a ", %%ymm" #a "\n\t"                                         \
    "vpor %%ymm15, %%ymm" #a ", %%ymm" #a "\n\t"

/* A quarter round, and three that are independent of each other. */
#define QUARTER_ROUND(a, b, c, d)                                                              \
    ADD(a, b) XOR(d, a) BYTES(d, 16) ADD(c, d) XOR(b, c) BITS(b, 12)                           \
    ADD(a, b) XOR(d, a) BYTES(d, 8) ADD(c, d) XOR(b, c) BITS(b, 7)
#define ADD3(a0, a1, a2, b0, b1, b2) ADD(a0, b0) ADD(a1, b1) ADD(a2, b2)
#define XOR3(a0, a1, a2, b0, b1, b2) XOR(a0, b0) XOR(a1, b1) XOR(a2, b2)
#define BYTES3(a0, a1, a2, by)       BYTES(a0, by) BYTES(a1, by) BYTES(a2, by)
#define BITS3(a0, a1, a2, by)        BITS(a0, by) BITS(a1, by) BITS(a2, by)
#define QUARTER_ROUNDS(a0, a1, a2, b0, b1, b2, c0, c1, c2, d0, d1, d2)                         \
    ADD3(a0, a1, a2, b0, b1, b2) XOR3(d0, d1, d2, a0, a1, a2) BYTES3(d0, d1, d2, 16)           \
    ADD3(c0, c1, c2, d0, d1, d2) XOR3(b0, b1, b2, c0, c1, c2) BITS3(b0, b1, b2, 12)            \
    ADD3(a0, a1, a2, b0, b1, b2) XOR3(d0, d1, d2, a0, a1, a2) BYTES3(d0, d1, d2, 8)            \
    ADD3(c0, c1, c2, d0, d1, d2) XOR3(b0, b1, b2, c0, c1, c2) BITS3(b0, b1, b2, 7)

/* Word i is in register i up to word 10, and in i - 1 from word 12 on. Register 8 has word 8 or
 * 11; the other one is in its place of x. */
#define TAKE_8  "vmovdqa %%ymm8, 32*11(%[x])\n\t" "vmovdqa 32*8(%[x]), %%ymm8\n\t"
#define TAKE_11 "vmovdqa %%ymm8, 32*8(%[x])\n\t" "vmovdqa 32*11(%[x]), %%ymm8\n\t"
#define COLUMNS                                                                                \
    QUARTER_ROUND(0, 4, 8, 11) TAKE_11                                                         \
    QUARTER_ROUNDS(1, 2, 3, 5, 6, 7, 9, 10, 8, 12, 13, 14)
#define DIAGONALS                                                                              \
    QUARTER_ROUND(1, 6, 8, 11) TAKE_8                                                          \
    QUARTER_ROUNDS(0, 3, 2, 5, 4, 7, 10, 9, 8, 14, 13, 12)

/* Word i, which is register r: the same for all blocks, or a vector. */
#define BEGIN(i, r)            "vpbroadcastd 4*" #i "(%[start]), %%ymm" #r "\n\t"
#define BEGIN_EACH(i, r)       "vmovdqa 32*" #i "(%[x]), %%ymm" #r "\n\t"
#define END(i, r)                                                                              \
    "vpbroadcastd 4*" #i "(%[input]), %%ymm15\n\t" ADD(r, 15) STORE(i, r)
#define END_EACH(i, r, from)                                                                   \
    "vpaddd (%[" #from "]), %%ymm" #r ", %%ymm" #r "\n\t" STORE(i, r)
#define STORE(i, r)            "vmovdqa %%ymm" #r ", 32*" #i "(%[x])\n\t"

/* BEGIN_1 and end_13: how words of column 1 begin, and how word 13 ends. */
#define KERNEL(BEGIN_1, end_13)                                                                \
    __asm__ volatile(                                                                          \
        BEGIN_EACH(0, 0) BEGIN_1(1, 1) BEGIN(2, 2) BEGIN(3, 3)                                 \
        BEGIN_EACH(4, 4) BEGIN_1(5, 5) BEGIN(6, 6) BEGIN(7, 7)                                 \
        BEGIN_1(9, 9) BEGIN(10, 10) BEGIN(11, 8)                                               \
        BEGIN_EACH(12, 11) BEGIN_1(13, 12) BEGIN(14, 13) BEGIN(15, 14)                         \
        DIAGONALS                                                                              \
        "movl $9, %k[left]\n\t"                                                                \
        ".p2align 5\n"                                                                         \
        "1:\n\t" COLUMNS DIAGONALS                                                             \
        "decl %k[left]\n\t"                                                                    \
        "jnz 1b\n\t"                                                                           \
        END(0, 0) END(1, 1) END(2, 2) END(3, 3) END(4, 4) END(5, 5) END(6, 6)                  \
        END(7, 7) END(8, 8) END(9, 9) END(10, 10)                                              \
        END_EACH(12, 11, counter) end_13 END(14, 13) END(15, 14)                               \
        "vmovdqa 32*11(%[x]), %%ymm8\n\t" END(11, 8)                                           \
        : [left] "=&r"(left)                                                                   \
        : [x] "r"(x), [start] "r"(start), [input] "r"(input), [counter] "r"(counter),          \
          [attempt] "r"(attempt), [rotate16] "m"(rotate16), [rotate8] "m"(rotate8)             \
        : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",      \
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory")
/* clang-format on */

/* The standard wants no compiler to take strings this long, but gcc and clang do. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"

/* See template/chacha20.h. Where all blocks have one attempt, `attempt` is not read. */
static __attribute__((noinline)) void kernel_chacha20(lanes *x, const uint32_t *start,
                                                      const uint32_t *input, const lanes *counter,
                                                      const lanes *attempt, bool one_attempt)
{
    static const _Alignas(32)
        uint8_t rotate16[32] = {2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13,
                                2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13};
    static const _Alignas(32)
        uint8_t rotate8[32] = {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14,
                               3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14};
    uint64_t left;
    if (one_attempt)
        KERNEL(BEGIN, END(13, 12));
    else
        KERNEL(BEGIN_EACH, END_EACH(13, 12, attempt));
}

#pragma GCC diagnostic pop

#undef ADD
#undef XOR
#undef BYTES
#undef BITS
#undef QUARTER_ROUND
#undef ADD3
#undef XOR3
#undef BYTES3
#undef BITS3
#undef QUARTER_ROUNDS
#undef TAKE_8
#undef TAKE_11
#undef COLUMNS
#undef DIAGONALS
#undef BEGIN
#undef BEGIN_EACH
#undef END
#undef END_EACH
#undef STORE
#undef KERNEL

#endif
