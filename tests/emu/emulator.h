/* Runs CUDA kernels on the CPU: block after block, a fibre for each thread of a block. */
#ifndef PARSEAL_TESTS_EMULATOR_H
#define PARSEAL_TESTS_EMULATOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 0, or -1 where there is no such kernel or it did what no kernel may: not all threads of a block
 * reach a barrier, or of a warp what warps do together; two threads use a word of shared memory,
 * one of them to write, with nothing between that orders them, as barriers do, and shuffles and
 * ballots do not; one is read that the block has not written; an index is beyond a shared array, an
 * address not aligned. args: pointers to the arguments, as for cuLaunchKernel. */
int emulator_launch(const char *kernel, uint32_t blocks, uint32_t threads, uint32_t dynamic_shared,
                    void **args);

/* What the last launch did wrong, where, and by which thread; "" if nothing. */
const char *emulator_error(void);

/* Whether the kernel is there: a compiler may not know its instructions. */
int emulator_has(const char *kernel);

#ifdef __cplusplus
}
#endif

#endif
