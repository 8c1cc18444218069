/* The interpreter of PTX for tests in C; kernels are launched by emulator_launch of emu/emulator.h,
 * which says here, too, what a kernel did that none may. What is run is PTX, which ptxas has not
 * made machine code of yet. */
#ifndef PARSEAL_TESTS_PTX_INTERPRETER_H
#define PARSEAL_TESTS_PTX_INTERPRETER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Adds the kernels of a text. Returns 0, or -1 where something in it is not known: emulator_error
 * then says what, in which line. A kernel goes before an older one of the same name. */
int interpreter_read(const char *name, const char *text);

/* The name of the n-th operation that computes a result from values of one lane, or NULL. */
const char *interpreter_operation(size_t n);

/* The most blocks with which a kernel has run in a seeded order. A driver with the interpreter in
 * it exports this. */
uint32_t interpreter_seeded_blocks(const char *kernel);

#ifdef __cplusplus
}
#endif

#endif
