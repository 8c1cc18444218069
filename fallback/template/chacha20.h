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
 * sets from the first diagonal round on: x = the keystream, given the state after the first column
 * round in `start`, and in x for column 0 and, unless one_attempt, column 1; the input; and
 * words 12 and 13 of each block.
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

/* Does the first quarter round of all columns of one block. */
INLINE void begin_columns(uint32_t start[16], row a, row b, row c, row d)
{
    a += b;
    d = rotate_row(d ^ a, 16);
    c += d;
    b = rotate_row(b ^ c, 12);
    a += b;
    d = rotate_row(d ^ a, 8);
    c += d;
    b = rotate_row(b ^ c, 7);
    store_row(start, a);
    store_row(start + 4, b);
    store_row(start + 8, c);
    store_row(start + 12, d);
}

/* Does the first quarter round of a column in which blocks differ, for all sets side by side. */
INLINE void begin_column(lanes *x, const uint32_t *input, const lanes *last)
{
    const lanes sum = lanes_set32(input[0] + input[4]), b = lanes_set32(input[4]);
    const lanes c = lanes_set32(input[8]);
    for (int set = 0; set < SETS; set++) {
        lanes *s = x + 16 * set;
        s[12] = lanes_rotate32(lanes_xor(last[set], sum), 16);
        s[8] = lanes_add32(c, s[12]);
        s[4] = lanes_rotate32(lanes_xor(b, s[8]), 12);
        s[0] = lanes_add32(sum, s[4]);
        s[12] = lanes_rotate32(lanes_xor(s[12], s[0]), 8);
        s[8] = lanes_add32(s[8], s[12]);
        s[4] = lanes_rotate32(lanes_xor(s[4], s[8]), 7);
    }
}

INLINE void run_kernel(lanes x[VECTORS], const mask_seed *seed, uint32_t one_attempt,
                       const lanes *counter, const lanes *attempt)
{
    const row a = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    const row d = {0, one_attempt, load_le32(seed->stream_id), load_le32(seed->stream_id + 4)};
    uint32_t input[16], start[16];
    row b, c;
    memcpy(&b, seed->key, sizeof b);
    memcpy(&c, seed->key + 16, sizeof c);
    store_row(input, a);
    store_row(input + 4, b);
    store_row(input + 8, c);
    store_row(input + 12, d);
    begin_columns(start, a, b, c, d);
    begin_column(x, input, counter);
    if (attempt != NULL)
        begin_column(x + 1, input + 1, attempt);
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
