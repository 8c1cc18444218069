/* ChaCha20: word i of block j is x[i][j], so that each line of a quarter round is a loop over
 * blocks, which compilers turn into vector code. Constant time: additions, XORs and fixed rotations
 * only. */
#include "fallback/portable/chacha20.h"

#include <string.h>

#include "fallback/math/bytes.h"

typedef uint32_t lanes[CHACHA20_BLOCKS];

static inline uint32_t rotate(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

static inline void quarter_round(lanes a, lanes b, lanes c, lanes d)
{
    for (int j = 0; j < CHACHA20_BLOCKS; j++) {
        a[j] += b[j];
        d[j] = rotate(d[j] ^ a[j], 16);
        c[j] += d[j];
        b[j] = rotate(b[j] ^ c[j], 12);
        a[j] += b[j];
        d[j] = rotate(d[j] ^ a[j], 8);
        c[j] += d[j];
        b[j] = rotate(b[j] ^ c[j], 7);
    }
}

void chacha20_blocks(uint8_t keystream[CHACHA20_BYTES], const uint32_t key[8],
                     const uint32_t nonce[3], uint32_t counter)
{
    const uint32_t input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key[0], key[1],
                                key[2],     key[3],     key[4],     key[5],     key[6], key[7],
                                counter,    nonce[0],   nonce[1],   nonce[2]};
    _Alignas(64) lanes x[16]; /* so that its place in a line is the same under any caller */

    for (uint32_t i = 0; i < 16; i++)
        for (uint32_t j = 0; j < CHACHA20_BLOCKS; j++)
            x[i][j] = input[i] + (i == 12 ? j : 0);
    for (int round = 0; round < 20; round += 2) {
        quarter_round(x[0], x[4], x[8], x[12]);
        quarter_round(x[1], x[5], x[9], x[13]);
        quarter_round(x[2], x[6], x[10], x[14]);
        quarter_round(x[3], x[7], x[11], x[15]);
        quarter_round(x[0], x[5], x[10], x[15]);
        quarter_round(x[1], x[6], x[11], x[12]);
        quarter_round(x[2], x[7], x[8], x[13]);
        quarter_round(x[3], x[4], x[9], x[14]);
    }
    for (uint32_t j = 0; j < CHACHA20_BLOCKS; j++)
        for (uint32_t i = 0; i < 16; i++)
            store_le32(keystream + 64 * j + 4 * i, x[i][j] + input[i] + (i == 12 ? j : 0));
}
