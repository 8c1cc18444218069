/* CUDA's kernels for vectors, run by the emulator. */
#ifndef PARSEAL_TESTS_EMU_VECTOR_KERNELS_H
#define PARSEAL_TESTS_EMU_VECTOR_KERNELS_H

#include "kernels/common/launch.h"
#include "rng.h"
#include "test.h"

/* Runs a kernel of CUDA_KERNELS_VECTORS on as many blocks as the items want, but at most `blocks`;
 * the arguments are pointers to what the kernel takes. */
void run_kernel(const char *name, uint64_t items, uint32_t blocks, void **args);

ring_params device_ring(const parseal_ring *ring);

/* Seeds as the kernels take them; to be freed. */
mask_seed *device_seeds(const parseal_seed *seeds, size_t n);

/* Blocks of 64 bytes of keystream that elements [first, first + n) touch. */
uint64_t blocks_touched(uint64_t first, uint64_t n, uint32_t element_size);

/* `size` bytes at `shift` bytes after a multiple of 16, with guard bytes before and behind them,
 * which array_free wants to find again; under AddressSanitizer nothing is behind them. */
typedef struct {
    uint8_t *memory, *bytes;
    size_t size;
} array;

array array_new(size_t size, size_t shift);
array array_random(rng *r, size_t size, size_t shift);
array array_copy(const array *from, size_t shift);
void array_free(array *a);

#endif
