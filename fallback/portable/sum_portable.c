/* acc = acc + sum_j v_j mod m, in blocks that stay in the first-level cache over all inputs. An
 * element's sum has 64 bits. It is reduced once, in the end, where it may wrap or cannot overflow,
 * and else after each input. Constant time: no branch or address depends on values. */
#include <sodium.h>

#include "fallback/impl.h"
#include "fallback/math/elements.h"
#include "fallback/math/ring.h"

enum { BLOCK = 512 };

/* Mod a power of two sums wrap; of 4-byte inputs of any value up to 2^32 stay exact in 64 bits. */
static void add_lazily(uint64_t *sum, const uint8_t *v, uint32_t element_size, size_t count)
{
    if (element_size == 4)
        for (size_t i = 0; i < count; i++)
            sum[i] += load_le32(v + 4 * i);
    else
        for (size_t i = 0; i < count; i++)
            sum[i] += load_le64(v + 8 * i);
}

static void add_reduced(uint64_t *sum, const uint8_t *v, const ring *r, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] = ring_add(r, sum[i], ring_reduce(r, load_le64(v + 8 * i)));
}

static void sum(uint64_t modulus, uint32_t element_size, void *acc, const void *const *v, size_t n,
                size_t offset, size_t count)
{
    const ring r = ring_init(modulus);
    const bool lazy = r.power_of_two || element_size == 4;
    uint64_t block[BLOCK];

    for (size_t done = 0; done < count;) {
        const size_t run = count - done < BLOCK ? count - done : BLOCK;
        uint8_t *p = (uint8_t *)acc + (offset + done) * element_size;
        elements_load(block, p, element_size, run);
        if (!lazy)
            for (size_t i = 0; i < run; i++)
                block[i] = ring_reduce(&r, block[i]);
        for (size_t j = 0; j < n; j++) {
            const uint8_t *input = (const uint8_t *)v[j] + (offset + done) * element_size;
            if (lazy)
                add_lazily(block, input, element_size, run);
            else
                add_reduced(block, input, &r, run);
        }
        if (lazy)
            for (size_t i = 0; i < run; i++)
                block[i] = ring_reduce(&r, block[i]);
        elements_store(p, block, element_size, run);
        done += run;
    }
    sodium_memzero(block, sizeof block);
}

const sum_impl sum_portable = {.name = "portable", .sum = sum};
