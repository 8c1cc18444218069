/* acc[e] = (acc[e] + sum_i P_i[e]) mod m over the items i that are authentic. P_i is what counter
 * mode (SP 800-38D section 6.5) makes of item i's ciphertext: elements of `bits` bits side by side
 * (format 4.4). No plaintext gets to memory. Bitsliced: constant time on any device.
 *
 * A work-group takes a tile of the vector, which is up to 2048 blocks of every item, and goes
 * through the items: nobody else adds to its elements. Work-item l decrypts 32 blocks, those of
 * number l, l + 64, ... Pieces of 512 blocks then pass through local memory, where neighbouring
 * work-items find the bits of neighbouring elements. An element may begin in the piece before,
 * whose bits are still there.
 */
#include "kernels/common/pack.h"
#include "kernels/common/ring.h"
#include "kernels/opencl/aead_blocks.h"

enum { ROWS = 8, PIECES = CRYPT_GROUP / ROWS, PIECE_BLOCKS = ROWS * GROUP_SIZE };
enum { PIECE_WORDS = 4 * PIECE_BLOCKS, PIECE_BITS = 32 * PIECE_WORDS, KEPT = 2 * PIECE_WORDS };

/* Returns the place of a tile's word in local memory. 32 work-items that each put a word of their
 * block, or that read neighbouring words, meet all banks. */
FN uint place_of(uint word)
{
    const uint w = word % KEPT;
    return w ^ (w >> 5 & 3);
}

FN u64 element_at(__local const u32 *kept, uint bits, uint e)
{
    const uint word = e * bits / 32, shift = e * bits % 32;
    const u32 word1 = shift + bits > 32 ? kept[place_of(word + 1)] : 0;
    const u32 word2 = shift + bits > 64 ? kept[place_of(word + 2)] : 0;
    return pack_element(kept[place_of(word)], word1, word2, shift, bits);
}

/* s = the plaintext of a work-item's blocks, and zeros where there are none. */
static void decrypt(u32 s[128], GLOBAL const uchar *in, ulong len, ulong first_block)
{
    UNROLL
    for (uint j = 0; j < CRYPT_GROUP; j++) {
        const ulong at = BLOCK * (first_block + GROUP_SIZE * j + get_local_id(0));
        u32 block[4] = {0, 0, 0, 0};
        if (at < len)
            load_block(block, in + at, len - at);
        UNROLL
        for (int w = 0; w < 4; w++)
            s[32 * w + j] ^= block[w];
    }
}

/* Puts the work-item's blocks of piece p into local memory. */
FN void put_blocks(__local u32 *kept, const u32 s[128], uint p)
{
    UNROLL
    for (uint j = 0; j < ROWS; j++) {
        const uint at = PIECE_WORDS * p + 4 * (GROUP_SIZE * j + (uint)get_local_id(0));
        UNROLL
        for (uint w = 0; w < 4; w++)
            kept[place_of(at + w)] = s[32 * w + ROWS * p + j];
    }
}

FN void add_element(GLOBAL uchar *acc, ring_params ring, ring_wide wide, ulong e, u64 addend)
{
    if (ring.element_size == 4) {
        GLOBAL u32 *x = (GLOBAL u32 *)acc + e;
        *x = (u32)ring_reduce(ring, *x + addend);
    } else {
        GLOBAL u64 *x = (GLOBAL u64 *)acc + e;
        *x = ring_add_any(ring, wide, *x, addend);
    }
}

KERNEL void aead_add(GLOBAL const aead_item *items, uint n, GLOBAL const aead_key *keys,
                     GLOBAL const uchar *nonces, ulong nonces_at, GLOBAL const uchar *in,
                     ulong in_at, GLOBAL const uchar *verdicts, ulong verdicts_at, ring_params ring,
                     add_shape shape, GLOBAL uchar *acc, ulong acc_at)
{
    __local u32 kept[KEPT];
    const uint lane = (uint)get_local_id(0);
    const ulong first = get_group_id(0) * (ulong)shape.tile_elements;
    const ulong first_block = get_group_id(0) * (ulong)shape.tile_blocks;
    const ulong left = shape.count - first;
    const uint elements = left < shape.tile_elements ? (uint)left : shape.tile_elements;
    ring_wide wide;
    ring_wide_init(&wide, ring, 1);
    for (uint i = 0; i < n; i++) {
        u32 s[128], nonce[3];
        if (((GLOBAL const int *)(verdicts + verdicts_at))[i] != ITEM_OK)
            continue;
        load_nonce(nonce, nonces, nonces_at, i);
        keystream(s, keys + items[i].key, nonce, (u32)(2 + first_block + lane), GROUP_SIZE);
        decrypt(s, in + in_at + items[i].in_offset, items[i].len, first_block);
        UNROLL
        for (uint p = 0; p < PIECES; p++) {
            const uint begin = PIECE_BITS * p / shape.bits + lane;
            const uint end = min(PIECE_BITS * (p + 1) / shape.bits, elements);
            barrier(CLK_LOCAL_MEM_FENCE); /* Until here the piece before the last is read. */
            put_blocks(kept, s, p);
            barrier(CLK_LOCAL_MEM_FENCE);
            for (uint e = begin; e < end; e += GROUP_SIZE)
                add_element(acc + acc_at, ring, wide, first + e, element_at(kept, shape.bits, e));
        }
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (uint k = lane; k < KEPT; k += GROUP_SIZE)
        kept[k] = 0;
}
