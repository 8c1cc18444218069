#include "vector_kernels.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "emulator.h"
#include "kernels/kernels.h"
#include "ring.h"
#include "run.h"

/* Where AddressSanitizer sees what is done behind an array, no guard bytes are there. */
enum { ALIGNMENT = 16, BEFORE = 32, AFTER = RUN_ADDRESS_SANITIZER ? 0 : 16, KEYSTREAM_BLOCK = 64 };

static const struct {
    const char *name;
    uint32_t threads, shared, items;
} KERNELS[] = {
#define ROW(program, name, threads, shared, items) {#name, threads, shared, items},
    CUDA_KERNELS(ROW)
#undef ROW
};

void run_kernel(const char *name, uint64_t items, uint32_t blocks, void **args)
{
    for (size_t i = 0; i < COUNT_OF(KERNELS); i++) {
        if (strcmp(KERNELS[i].name, name) != 0)
            continue;
        const uint64_t wanted = (items + KERNELS[i].items - 1) / KERNELS[i].items;
        if (emulator_launch(name, wanted < blocks ? (uint32_t)wanted : blocks, KERNELS[i].threads,
                            KERNELS[i].shared, args) != 0)
            fail_msg("%s", emulator_error());
        return;
    }
    fail_msg("no kernel %s", name);
}

ring_params device_ring(const parseal_ring *ring)
{
    return (ring_params){
        .modulus = ring->modulus,
        .low_bits = UINT64_MAX >> (64 - ring_bits(ring)),
        .reciprocal = ring->modulus != 0 ? (u64)(((u128)1 << 64) / ring->modulus) : 0,
        .power_of_two = (ring->modulus & (ring->modulus - 1)) == 0,
        .element_size = ring->element_size,
    };
}

mask_seed *device_seeds(const parseal_seed *seeds, size_t n)
{
    mask_seed *copy = calloc(n + 1, sizeof *copy);
    assert_non_null(copy);
    for (size_t i = 0; i < n; i++) {
        memcpy(copy[i].key, seeds[i].key, sizeof copy[i].key);
        memcpy(copy[i].stream_id, seeds[i].stream_id, sizeof copy[i].stream_id);
        copy[i].sign = seeds[i].sign;
    }
    return copy;
}

uint64_t blocks_touched(uint64_t first, uint64_t n, uint32_t element_size)
{
    const uint64_t each = KEYSTREAM_BLOCK / element_size;
    return (first + n - 1) / each - first / each + 1;
}

array array_new(size_t size, size_t shift)
{
    array a = {.size = size};
    const size_t all = BEFORE + shift + size + AFTER;
    assert_int_equal(posix_memalign((void **)&a.memory, ALIGNMENT, all), 0);
    memset(a.memory, UNTOUCHED, all);
    a.bytes = a.memory + BEFORE + shift;
    return a;
}

array array_random(rng *r, size_t size, size_t shift)
{
    array a = array_new(size, shift);
    rng_fill(r, a.bytes, size);
    return a;
}

array array_copy(const array *from, size_t shift)
{
    array a = array_new(from->size, shift);
    memcpy(a.bytes, from->bytes, from->size);
    return a;
}

void array_free(array *a)
{
    assert_filled(a->memory, (size_t)(a->bytes - a->memory), UNTOUCHED);
    assert_filled(a->bytes + a->size, AFTER, UNTOUCHED);
    free(a->memory);
    *a = (array){0};
}
