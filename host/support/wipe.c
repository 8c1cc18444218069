#include "host/support/wipe.h"

#include <stdint.h>
#include <string.h>

/* Registers that the calling conventions let a function change are cleared: a secret left in one
 * would otherwise be stored by code that saves registers next, such as a signal's frame or lazy
 * binding. No instruction is run that the machine or its operating system does not know. Other
 * architectures have only portable code here, and their registers are left to be overwritten. */

#if defined(__x86_64__) || defined(__i386__)

#if defined(__x86_64__)
/* In the System V convention a function may change every vector register, and these general
 * ones. */
static void wipe_general(void)
{
    __asm__ volatile("xorl %%eax, %%eax\n\t"
                     "xorl %%ecx, %%ecx\n\t"
                     "xorl %%edx, %%edx\n\t"
                     "xorl %%esi, %%esi\n\t"
                     "xorl %%edi, %%edi\n\t"
                     "xorl %%r8d, %%r8d\n\t"
                     "xorl %%r9d, %%r9d\n\t"
                     "xorl %%r10d, %%r10d\n\t"
                     "xorl %%r11d, %%r11d"
                     :
                     :
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc");
}

/* Clears registers 0 to 15 whole, as VZEROALL would, but in a third of its time. */
#define CLEAR_LOW_REGISTERS               \
    "vpxor %%xmm0, %%xmm0, %%xmm0\n\t"    \
    "vpxor %%xmm1, %%xmm1, %%xmm1\n\t"    \
    "vpxor %%xmm2, %%xmm2, %%xmm2\n\t"    \
    "vpxor %%xmm3, %%xmm3, %%xmm3\n\t"    \
    "vpxor %%xmm4, %%xmm4, %%xmm4\n\t"    \
    "vpxor %%xmm5, %%xmm5, %%xmm5\n\t"    \
    "vpxor %%xmm6, %%xmm6, %%xmm6\n\t"    \
    "vpxor %%xmm7, %%xmm7, %%xmm7\n\t"    \
    "vpxor %%xmm8, %%xmm8, %%xmm8\n\t"    \
    "vpxor %%xmm9, %%xmm9, %%xmm9\n\t"    \
    "vpxor %%xmm10, %%xmm10, %%xmm10\n\t" \
    "vpxor %%xmm11, %%xmm11, %%xmm11\n\t" \
    "vpxor %%xmm12, %%xmm12, %%xmm12\n\t" \
    "vpxor %%xmm13, %%xmm13, %%xmm13\n\t" \
    "vpxor %%xmm14, %%xmm14, %%xmm14\n\t" \
    "vpxor %%xmm15, %%xmm15, %%xmm15\n\t" \
    "vzeroupper"

/* Functions of their own, since only a target attribute lets the compiler know the registers. */
__attribute__((noinline, target("avx"))) static void wipe_ymm(void)
{
    __asm__ volatile(CLEAR_LOW_REGISTERS
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

__attribute__((noinline, target("avx512f"))) static void wipe_zmm(void)
{
    __asm__ volatile("vpxord %%zmm16, %%zmm16, %%zmm16\n\t"
                     "vpxord %%zmm17, %%zmm17, %%zmm17\n\t"
                     "vpxord %%zmm18, %%zmm18, %%zmm18\n\t"
                     "vpxord %%zmm19, %%zmm19, %%zmm19\n\t"
                     "vpxord %%zmm20, %%zmm20, %%zmm20\n\t"
                     "vpxord %%zmm21, %%zmm21, %%zmm21\n\t"
                     "vpxord %%zmm22, %%zmm22, %%zmm22\n\t"
                     "vpxord %%zmm23, %%zmm23, %%zmm23\n\t"
                     "vpxord %%zmm24, %%zmm24, %%zmm24\n\t"
                     "vpxord %%zmm25, %%zmm25, %%zmm25\n\t"
                     "vpxord %%zmm26, %%zmm26, %%zmm26\n\t"
                     "vpxord %%zmm27, %%zmm27, %%zmm27\n\t"
                     "vpxord %%zmm28, %%zmm28, %%zmm28\n\t"
                     "vpxord %%zmm29, %%zmm29, %%zmm29\n\t"
                     "vpxord %%zmm30, %%zmm30, %%zmm30\n\t"
                     "vpxord %%zmm31, %%zmm31, %%zmm31\n\t" CLEAR_LOW_REGISTERS
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16",
                       "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",
                       "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31");
}

static void wipe_xmm(void)
{
    __asm__ volatile("pxor %%xmm0, %%xmm0\n\t"
                     "pxor %%xmm1, %%xmm1\n\t"
                     "pxor %%xmm2, %%xmm2\n\t"
                     "pxor %%xmm3, %%xmm3\n\t"
                     "pxor %%xmm4, %%xmm4\n\t"
                     "pxor %%xmm5, %%xmm5\n\t"
                     "pxor %%xmm6, %%xmm6\n\t"
                     "pxor %%xmm7, %%xmm7\n\t"
                     "pxor %%xmm8, %%xmm8\n\t"
                     "pxor %%xmm9, %%xmm9\n\t"
                     "pxor %%xmm10, %%xmm10\n\t"
                     "pxor %%xmm11, %%xmm11\n\t"
                     "pxor %%xmm12, %%xmm12\n\t"
                     "pxor %%xmm13, %%xmm13\n\t"
                     "pxor %%xmm14, %%xmm14\n\t"
                     "pxor %%xmm15, %%xmm15"
                     :
                     :
                     : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                       "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void wipe_registers(void)
{
    if (__builtin_cpu_supports("avx512f"))
        wipe_zmm();
    else if (__builtin_cpu_supports("avx"))
        wipe_ymm();
    else
        wipe_xmm();
    wipe_general();
}

#else

/* The vector registers are no clobbers, as the compiler may not know them; no code here uses
 * one. */
static void wipe_registers(void)
{
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile("vzeroall");
    else if (__builtin_cpu_supports("sse2"))
        __asm__ volatile("pxor %xmm0, %xmm0\n\t"
                         "pxor %xmm1, %xmm1\n\t"
                         "pxor %xmm2, %xmm2\n\t"
                         "pxor %xmm3, %xmm3\n\t"
                         "pxor %xmm4, %xmm4\n\t"
                         "pxor %xmm5, %xmm5\n\t"
                         "pxor %xmm6, %xmm6\n\t"
                         "pxor %xmm7, %xmm7");
    __asm__ volatile("xorl %%ecx, %%ecx\n\t"
                     "xorl %%edx, %%edx"
                     :
                     :
                     : "ecx", "edx", "cc");
}

#endif

#elif defined(__aarch64__)

/* The low halves of v8 to v15 belong to the caller. The compiler saves and restores them, and
 * restoring clears the high halves. */
static void wipe_registers(void)
{
    __asm__ volatile("movi v0.2d, #0\n\t"
                     "movi v1.2d, #0\n\t"
                     "movi v2.2d, #0\n\t"
                     "movi v3.2d, #0\n\t"
                     "movi v4.2d, #0\n\t"
                     "movi v5.2d, #0\n\t"
                     "movi v6.2d, #0\n\t"
                     "movi v7.2d, #0\n\t"
                     "movi v8.2d, #0\n\t"
                     "movi v9.2d, #0\n\t"
                     "movi v10.2d, #0\n\t"
                     "movi v11.2d, #0\n\t"
                     "movi v12.2d, #0\n\t"
                     "movi v13.2d, #0\n\t"
                     "movi v14.2d, #0\n\t"
                     "movi v15.2d, #0\n\t"
                     "movi v16.2d, #0\n\t"
                     "movi v17.2d, #0\n\t"
                     "movi v18.2d, #0\n\t"
                     "movi v19.2d, #0\n\t"
                     "movi v20.2d, #0\n\t"
                     "movi v21.2d, #0\n\t"
                     "movi v22.2d, #0\n\t"
                     "movi v23.2d, #0\n\t"
                     "movi v24.2d, #0\n\t"
                     "movi v25.2d, #0\n\t"
                     "movi v26.2d, #0\n\t"
                     "movi v27.2d, #0\n\t"
                     "movi v28.2d, #0\n\t"
                     "movi v29.2d, #0\n\t"
                     "movi v30.2d, #0\n\t"
                     "movi v31.2d, #0"
                     :
                     :
                     : "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11",
                       "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22",
                       "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
    __asm__ volatile("mov x0, xzr\n\t"
                     "mov x1, xzr\n\t"
                     "mov x2, xzr\n\t"
                     "mov x3, xzr\n\t"
                     "mov x4, xzr\n\t"
                     "mov x5, xzr\n\t"
                     "mov x6, xzr\n\t"
                     "mov x7, xzr\n\t"
                     "mov x8, xzr\n\t"
                     "mov x9, xzr\n\t"
                     "mov x10, xzr\n\t"
                     "mov x11, xzr\n\t"
                     "mov x12, xzr\n\t"
                     "mov x13, xzr\n\t"
                     "mov x14, xzr\n\t"
                     "mov x15, xzr\n\t"
                     "mov x16, xzr\n\t"
                     "mov x17, xzr"
                     :
                     :
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
                       "x12", "x13", "x14", "x15", "x16", "x17");
}

#else

static void wipe_registers(void)
{
}

#endif

/* Registers are wiped before the stack, as the code that wipes the stack may store them there. */
void wipe_stack_to(size_t depth)
{
    uint8_t below[depth];
    wipe_registers();
    memset(below, 0, depth);
    __asm__ volatile("" : : "r"(below) : "memory");
}

void wipe_stack(void)
{
    wipe_stack_to(WIPE_STACK);
}
