/* One block of ChaCha20, RFC 8439 section 2.3, in 16 registers. Constant time. */
#ifndef PARSEAL_KERNELS_CHACHA20_H
#define PARSEAL_KERNELS_CHACHA20_H

#include "kernels/common/launch.h"

/* This stands before the loop over double rounds: nothing, or UNROLL where the includer says so. */
#ifndef CHACHA20_UNROLL
#define CHACHA20_UNROLL
#endif

#define CHACHA20_ROTATE(x, n) ((x) << (n) | (x) >> (32 - (n)))
#define CHACHA20_QUARTER(a, b, c, d)    \
    do {                                \
        a += b;                         \
        d = CHACHA20_ROTATE(d ^ a, 16); \
        c += d;                         \
        b = CHACHA20_ROTATE(b ^ c, 12); \
        a += b;                         \
        d = CHACHA20_ROTATE(d ^ a, 8);  \
        c += d;                         \
        b = CHACHA20_ROTATE(b ^ c, 7);  \
    } while (0)

/* A quarter round of a column, which an includer may do in another way. */
#ifndef CHACHA20_COLUMN
#define CHACHA20_COLUMN CHACHA20_QUARTER
#endif

/* x = the block with this counter under the nonce LE32(attempt) || stream_id. */
FN void chacha20_block(u32 x[16], const mask_seed *seed, u32 attempt, u32 counter)
{
    x[0] = 0x61707865;
    x[1] = 0x3320646e;
    x[2] = 0x79622d32;
    x[3] = 0x6b206574;
    for (int i = 0; i < 8; i++)
        x[4 + i] = seed->key[i];
    x[12] = counter;
    x[13] = attempt;
    x[14] = seed->stream_id[0];
    x[15] = seed->stream_id[1];
    CHACHA20_UNROLL
    for (int round = 0; round < 20; round += 2) {
        CHACHA20_COLUMN(x[0], x[4], x[8], x[12]);
        CHACHA20_COLUMN(x[1], x[5], x[9], x[13]);
        CHACHA20_COLUMN(x[2], x[6], x[10], x[14]);
        CHACHA20_COLUMN(x[3], x[7], x[11], x[15]);
        CHACHA20_QUARTER(x[0], x[5], x[10], x[15]);
        CHACHA20_QUARTER(x[1], x[6], x[11], x[12]);
        CHACHA20_QUARTER(x[2], x[7], x[8], x[13]);
        CHACHA20_QUARTER(x[3], x[4], x[9], x[14]);
    }
    x[0] += 0x61707865;
    x[1] += 0x3320646e;
    x[2] += 0x79622d32;
    x[3] += 0x6b206574;
    for (int i = 0; i < 8; i++)
        x[4 + i] += seed->key[i];
    x[12] += counter;
    x[13] += attempt;
    x[14] += seed->stream_id[0];
    x[15] += seed->stream_id[1];
}

#endif
