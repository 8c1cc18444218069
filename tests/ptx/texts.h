/* Small kernels in PTX for the tests of the interpreter. */
#ifndef PARSEAL_TESTS_PTX_TEXTS_H
#define PARSEAL_TESTS_PTX_TEXTS_H

#include <stdint.h>

/* A kernel "one" of a pointer, which is in %rd0, with registers of all kinds; thread in %r0, block
 * in %r1, and the address of the thread's own 8 bytes of what the pointer points to in %rd1. */
#define KERNEL(before, declarations, body)                                \
    before ".visible .entry one(\n.param .u64 at\n)\n{\n"                 \
           ".reg .pred %p<10>;\n.reg .b16 %rs<10>;\n"                     \
           ".reg .b32 %r<20>;\n.reg .b64 %rd<20>;\n" declarations         \
           "\nld.param.u64 %rd0, [at];\nmov.u32 %r0, %tid.x;\n"           \
           "mov.u32 %r1, %ctaid.x;\nmov.u32 %r2, %ntid.x;\n"              \
           "mad.lo.s32 %r3, %r1, %r2, %r0;\nmul.wide.u32 %rd2, %r3, 8;\n" \
           "add.s64 %rd1, %rd0, %rd2;\n" body "\nret;\n}\n"
#define BODY(body) KERNEL("", "", body)

/* Reads the text and runs its kernel "one" on 32-bit words or whatever `at` points to; shared:
 * bytes of dynamic shared memory. The second fails the test when anything is refused. */
int try_text(const char *text, uint32_t blocks, uint32_t threads, uint32_t shared, void *at);
void run_text(const char *text, uint32_t blocks, uint32_t threads, uint32_t shared, void *at);

#endif
