/* The kernels of AES-GCM share this: blocks of messages in memory, and the way from a unit of work
 * to its item. Constant time: branches depend on lengths, offsets and lanes only. */
#ifndef PARSEAL_KERNELS_CUDA_AEAD_MEMORY_H
#define PARSEAL_KERNELS_CUDA_AEAD_MEMORY_H

#include "kernels/common/ghash.h"
#include "kernels/common/launch.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/unaligned.h"

enum { ITEM_UNSET = 0, ITEM_OK = 1, ITEM_BAD_TAG = 2, LANES = 32 };

FN u64 blocks_of(u64 size)
{
    return size / BLOCK + (size % BLOCK != 0);
}

FN void words_of(u32 w[4], uint4 v)
{
    w[0] = v.x;
    w[1] = v.y;
    w[2] = v.z;
    w[3] = v.w;
}

FN uint4 vector_of(const u32 w[4])
{
    const uint4 v = {w[0], w[1], w[2], w[3]};
    return v;
}

FN void xor_block(u32 s[4], uint4 block)
{
    s[0] ^= block.x;
    s[1] ^= block.y;
    s[2] ^= block.z;
    s[3] ^= block.w;
}

FN void load_nonce(u32 w[3], const u8 *nonces, u64 message)
{
    const u8 *p = nonces + 12 * message;
    UNROLL
    for (u32 i = 0; i < 3; i++)
        w[i] = (u32)p[4 * i] | (u32)p[4 * i + 1] << 8 | (u32)p[4 * i + 2] << 16 |
               (u32)p[4 * i + 3] << 24;
}

/* Returns the last item whose units begin at or before `unit`. All lanes ask for the same one and
 * search together: each step leaves a 33rd of what was left. */
FN u32 find_item(const u64 *begin, u32 n, u64 unit)
{
    u32 low = 0, count = n; /* It is one of low ... low + count - 1. */
    NO_UNROLL
    while (count > 1) {
        const u32 step = (count - 1) / (LANES + 1) + 1; /* A sum with count could wrap. */
        const u32 at = (lane_id() + 1) * step;
        const u32 passed = warp_ballot(at < count && begin[low + at] <= unit);
        const u32 steps = count_ones(passed); /* begin[] ascends: the ones are the lowest bits. */
        const u32 rest = count - steps * step;
        low += steps * step;
        count = rest < step ? rest : step;
    }
    return low;
}

/* A tile is a piece of an item's aad or data that is hashed by itself. */
typedef struct {
    const u8 *from;
    u32 size; /* bytes; 0 where there is no such tile */
    u32 key;
    u32 aligned; /* Is `from` a multiple of 16? */
} hash_tile;

/* Returns how many tiles `size` bytes are. As `tile` is a power of two, no division is needed. */
FN u64 tiles_of(u64 size, u32 tile)
{
    return (size >> (63 - clz64(tile))) + ((size & (tile - 1)) != 0);
}

/* Returns tile number `index` of an item, whose aad's tiles come first. */
FN hash_tile tile_of(const aead_item *item, u64 index, u32 tile, const u8 *data, u32 use_out_offset,
                     const u8 *aad)
{
    const u64 aad_tiles = tiles_of(item->aad_len, tile);
    const u32 of_aad = index < aad_tiles;
    const u64 offset = (of_aad ? index : index - aad_tiles) * tile;
    const u64 left = (of_aad ? item->aad_len : item->len) - offset;
    const u8 *begin = of_aad ? aad + item->aad_offset
                             : data + (use_out_offset ? item->out_offset : item->in_offset);
    const u8 *from = begin + offset;
    const hash_tile t = {from, left < tile ? (u32)left : tile, item->key, is_aligned(from)};
    return t;
}

/* Returns block b of a tile, and zeros before its first. */
FN uint4 tile_block(const hash_tile *t, i32 b)
{
    const uint4 zero = {0, 0, 0, 0};
    const u32 offset = BLOCK * (u32)b;
    return b < 0 ? zero : load_block(t->from + offset, t->aligned, t->size - offset, b > 0);
}

/* A warp has its own round keys in shared memory, from `at` on. */
enum { ROUND_KEYS = 15 };

template <class Keys> FN void load_round_keys(Keys &key, u32 at, const u32 round_key[ROUND_KEYS][4])
{
    warp_sync(); /* Until here lanes may still read the key before this. */
    if (lane_id() < ROUND_KEYS)
        key[at + lane_id()] = load_words(round_key[lane_id()]);
    warp_sync();
}

template <class Keys> FN void wipe_round_keys(Keys &key, u32 at)
{
    const uint4 zero = {0, 0, 0, 0};
    warp_sync();
    if (lane_id() < ROUND_KEYS)
        key[at + lane_id()] = zero;
}

/* tile_hash is where a tile's hash is kept until it is weighed, message_work where a message's sum
 * and E(J0) are. */
FN u32 *tile_hash(u8 *work, u32 n, u64 unit)
{
    return (u32 *)(work + 32 * (u64)n + BLOCK * unit);
}

FN u32 *message_work(u8 *work, u64 message)
{
    return (u32 *)(work + 32 * message);
}

#endif
