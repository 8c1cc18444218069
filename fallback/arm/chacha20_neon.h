/* The rounds of ChaCha20 on one set of four blocks: NEON. Constant time: no branch or address
 * depends on the state. */
#ifndef PARSEAL_FALLBACK_ARM_CHACHA20_NEON_H
#define PARSEAL_FALLBACK_ARM_CHACHA20_NEON_H

#include "fallback/arm/lanes_neon.h"

enum { KERNEL_SETS = 1 };

static inline void quarter_round(lanes *x, int a, int b, int c, int d)
{
    x[a] = lanes_add32(x[a], x[b]);
    x[d] = lanes_rotate32(lanes_xor(x[d], x[a]), 16);
    x[c] = lanes_add32(x[c], x[d]);
    x[b] = lanes_rotate32(lanes_xor(x[b], x[c]), 12);
    x[a] = lanes_add32(x[a], x[b]);
    x[d] = lanes_rotate32(lanes_xor(x[d], x[a]), 8);
    x[c] = lanes_add32(x[c], x[d]);
    x[b] = lanes_rotate32(lanes_xor(x[b], x[c]), 7);
}

static inline void columns(lanes *x)
{
    for (int i = 0; i < 4; i++)
        quarter_round(x, i, 4 + i, 8 + i, 12 + i);
}

static inline void diagonals(lanes *x)
{
    for (int i = 0; i < 4; i++)
        quarter_round(x, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
}

/* See template/chacha20.h. Where all blocks have one attempt, `attempt` is not read. */
static inline void kernel_chacha20(lanes *x, const uint32_t *start, const uint32_t *input,
                                   const lanes *counter, const lanes *attempt, bool one_attempt)
{
    lanes s[16]; /* The compiler keeps these in registers, but not what it cannot know alone. */
    for (int i = 0; i < 16; i++)
        s[i] = i % 4 == 0 || (i % 4 == 1 && !one_attempt) ? x[i] : lanes_set32(start[i]);
    diagonals(s);
    for (int round = 2; round < 20; round += 2) {
        columns(s);
        diagonals(s);
    }
    for (int i = 0; i < 16; i++)
        x[i] = lanes_add32(s[i], i == 12                   ? *counter
                                 : i == 13 && !one_attempt ? *attempt
                                                           : lanes_set32(input[i]));
}

#endif
