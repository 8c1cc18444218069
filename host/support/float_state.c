#include "host/support/float_state.h"

#if defined(__x86_64__)

/* The state that programs start with: all exceptions masked, nearest, neither FTZ nor DAZ, no flag
 * raised (Intel SDM volume 1, 10.2.3); for x87 also the full precision (8.1.5). */
static const uint32_t mxcsr_default = 0x1f80, mxcsr_flags = 0x003f;
static const uint16_t x87_default = 0x037f;

float_state float_state_set(void)
{
    float_state before;
    __asm__ volatile("stmxcsr %0" : "=m"(before.mxcsr)::"memory");
    __asm__ volatile("fnstcw %0" : "=m"(before.x87_control)::"memory");
    if ((before.mxcsr & ~mxcsr_flags) != mxcsr_default) /* Flags do not change results. */
        __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr_default) : "memory");
    if (before.x87_control != x87_default)
        __asm__ volatile("fldcw %0" ::"m"(x87_default) : "memory");
    return before;
}

void float_state_restore(const float_state *before)
{
    /* The state is restored without a look at it: which flags are raised depends on the numbers. */
    __asm__ volatile("ldmxcsr %0" ::"m"(before->mxcsr) : "memory");
    if (before->x87_control != x87_default)
        __asm__ volatile("fldcw %0" ::"m"(before->x87_control) : "memory");
}

#elif defined(__aarch64__)

/* FPCR 0 rounds to nearest, without flushing and without traps (Arm ARM, C5.2.8). */
float_state float_state_set(void)
{
    float_state before;
    __asm__ volatile("mrs %0, fpcr\n\tmrs %1, fpsr"
                     : "=r"(before.control), "=r"(before.status)::"memory");
    if (before.control != 0)
        __asm__ volatile("msr fpcr, xzr" ::: "memory");
    return before;
}

void float_state_restore(const float_state *before)
{
    if (before->control != 0)
        __asm__ volatile("msr fpcr, %0" ::"r"(before->control) : "memory");
    __asm__ volatile("msr fpsr, %0" ::"r"(before->status) : "memory");
}

#else

float_state float_state_set(void)
{
    float_state before;
    (void)fegetenv(&before.environment);
    (void)fesetenv(FE_DFL_ENV);
    return before;
}

void float_state_restore(const float_state *before)
{
    (void)fesetenv(&before->environment);
}

#endif
