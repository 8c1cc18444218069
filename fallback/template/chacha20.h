/* Units of ChaCha20's keystream (RFC 8439 section 2.3) on vectors of 32-bit lanes, for every
 * instruction set. The including file has included the kernel with its lanes (chacha20_256.h,
 * chacha20_512.h, chacha20_neon.h), and defines SETS.
 *
 * A set is LANES blocks, whose vector i holds word i of every block; a unit is SETS sets. Blocks
 * differ in word 12, the counter, and where the caller says so in word 13, the attempt. What the
 * first round makes of the other columns is the same for all blocks, so that is done once: three
 * quarter rounds of 80, or two.
 *
 * kernel_chacha20(x, start, input, counter, attempt, one_attempt) of a kernel makes KERNEL_SETS
 * sets from there on: x = the keystream, given the state after those quarter rounds (and the first
 * additions of the others), the input, and words 12 and 13 of each block.
 */
#ifndef PARSEAL_FALLBACK_TEMPLATE_CHACHA20_H
#define PARSEAL_FALLBACK_TEMPLATE_CHACHA20_H

#include <string.h>

#include "fallback/impl.h"
#include "fallback/math/bytes.h"

#define INLINE static inline __attribute__((always_inline))

enum { UNIT_BLOCKS = SETS * LANES, UNIT_BYTES = 64 * UNIT_BLOCKS, VECTORS = 16 * SETS };

/* A number for each of a unit's blocks: their counters, say. */
typedef union {
    lanes vector[SETS];
    uint32_t block[UNIT_BLOCKS];
} block_numbers;

/* A row of the state is a vector of its own here, so that four columns take no longer than one. It
 * is loaded and stored whole: to read at once what was just written in parts would hold up the
 * core until all stores before are done. */
typedef uint32_t row __attribute__((vector_size(16)));

INLINE row rotate_row(row x, int by)
{
    return x << by | x >> (32 - by);
}

INLINE void store_row(uint32_t to[4], row x)
{
    memcpy(to, &x, sizeof x);
}

/* Does the first quarter round of the columns that `common` has all ones for, and the first
 * addition of the others. */
INLINE void begin_columns(uint32_t start[16], row a, row b, row c, row d, row common)
{
    row e = a + b, f = b, g = c, h = rotate_row(d ^ e, 16);
    const row sum = e;
    g += h;
    f = rotate_row(f ^ g, 12);
    e += f;
    h = rotate_row(h ^ e, 8);
    g += h;
    f = rotate_row(f ^ g, 7);
    store_row(start, (e & common) | (sum & ~common));
    store_row(start + 4, (f & common) | (b & ~common));
    store_row(start + 8, (g & common) | (c & ~common));
    store_row(start + 12, (h & common) | (d & ~common));
}

INLINE void run_kernel(lanes x[VECTORS], const mask_seed *seed, uint32_t one_attempt,
                       const lanes *counter, const lanes *attempt)
{
    const row a = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    const row common = {0, attempt == NULL ? UINT32_MAX : 0, UINT32_MAX, UINT32_MAX};
    const row d = {0, one_attempt, load_le32(seed->stream_id), load_le32(seed->stream_id + 4)};
    uint32_t input[16], start[16];
    row b, c;
    memcpy(&b, seed->key, sizeof b);
    memcpy(&c, seed->key + 16, sizeof c);
    store_row(input, a);
    store_row(input + 4, b);
    store_row(input + 8, c);
    store_row(input + 12, d);
    begin_columns(start, a, b, c, d, common);
    for (int set = 0; set < SETS; set += KERNEL_SETS)
        kernel_chacha20(x + 16 * set, start, input, counter + set,
                        attempt == NULL ? NULL : attempt + set, attempt == NULL);
}

/* x = the keystream of blocks counter .. counter + UNIT_BLOCKS - 1 under the nonce
 * LE32(attempt) || stream_id. */
INLINE void chacha20(lanes x[VECTORS], const mask_seed *seed, uint32_t attempt, uint32_t counter)
{
    lanes counters[SETS];
    for (int set = 0; set < SETS; set++)
        counters[set] = lanes_add32(lanes_set32(counter + (uint32_t)set * LANES), lanes_numbers());
    run_kernel(x, seed, attempt, counters, NULL);
}

/* x = the keystream of blocks that lie anywhere, under the nonces LE32(attempt) || stream_id. */
INLINE void chacha20_anywhere(lanes x[VECTORS], const mask_seed *seed, const block_numbers *attempt,
                              const block_numbers *counter)
{
    run_kernel(x, seed, 0, counter->vector, attempt->vector);
}

#endif
