/* Machine code in NVIDIA's cubins (ELF files of sm_70 to sm_120), without a disassembler. */
#ifndef PARSEAL_TESTS_CUBIN_H
#define PARSEAL_TESTS_CUBIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Instructions by what executes them. `dot` are dot products of bytes, which the pipe of `fma`
 * executes too. `wide` are those of `fma` that make products of 64 bits, or their high halves, at
 * half the rate; `shared16` are the loads of `shared` that read 16 bytes a lane. `clmad` are the
 * carry-less multiplications. */
typedef struct {
    unsigned all, alu, fma, wide, dot, shared, shared16, global, local, tensor, clmad;
} cubin_counts;

enum { CUBIN_LOOPS_MAX = 64 };

/* A kernel: the whole, and its innermost loops in the order of their places, with what the next
 * larger loop has beside each of them. Only loops of more than a few instructions are listed. */
typedef struct {
    char name[64];
    cubin_counts whole, loop[CUBIN_LOOPS_MAX], around[CUBIN_LOOPS_MAX];
    unsigned loops;
} cubin_kernel;

/* The kernels of a file, sorted by name; -1 where it cannot be read or is no cubin. The list is to
 * be freed. */
int cubin_read(const char *path, unsigned arch, cubin_kernel **kernels);

#endif
