/* Leaving one stack for another: what the C library's swapcontext does, without its system calls,
 * which otherwise take most of the emulator's time. For emulator.cpp alone. */
#ifndef PARSEAL_TESTS_FIBRE_SWITCH_H
#define PARSEAL_TESTS_FIBRE_SWITCH_H

#include <cstddef>

#if defined(__x86_64__) && defined(__ELF__)

#include <cstdint>

/* Keeps the registers that a call preserves on the old stack, whose end goes to *from. */
extern "C" void emulator_switch_stack(void **from, void *to);
asm(R"(
    .text
    .globl emulator_switch_stack
    .hidden emulator_switch_stack
    .type emulator_switch_stack, @function
emulator_switch_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
    .size emulator_switch_stack, . - emulator_switch_stack
)");

namespace emulated
{

struct stack_state {
    void *end;
};

inline void start_on(stack_state &state, char *stack, size_t size, void (*entry)())
{
    enum { PRESERVED = 6 };
    void **end = reinterpret_cast<void **>((reinterpret_cast<uintptr_t>(stack) + size) & ~15ul);
    *--end = nullptr; /* entry returns to nobody */
    *--end = reinterpret_cast<void *>(entry);
    for (int i = 0; i < PRESERVED; i++)
        *--end = nullptr;
    state.end = end;
}

inline void switch_stack(stack_state &from, const stack_state &to)
{
    emulator_switch_stack(&from.end, to.end);
}

} // namespace emulated

#else

#include <ucontext.h>

namespace emulated
{

using stack_state = ucontext_t;

inline void start_on(stack_state &state, char *stack, size_t size, void (*entry)())
{
    getcontext(&state);
    state.uc_stack.ss_sp = stack;
    state.uc_stack.ss_size = size;
    state.uc_link = nullptr;
    makecontext(&state, entry, 0);
}

inline void switch_stack(stack_state &from, const stack_state &to)
{
    swapcontext(&from, &to);
}

} // namespace emulated

#endif
#endif
