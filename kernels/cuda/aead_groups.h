/* Counter mode by groups (aead_crypt.cu, aead_seal.cu): 256 counters that share all but their last
 * byte, of which a message, or a part of one, has all or some. Constant time: branches depend on
 * lengths and offsets. */
#ifndef PARSEAL_KERNELS_CUDA_AEAD_GROUPS_H
#define PARSEAL_KERNELS_CUDA_AEAD_GROUPS_H

#include "kernels/cuda/aead_memory.h"
#include "kernels/cuda/aes_tables.h"

enum { CRYPT_THREADS = 512, WARPS = CRYPT_THREADS / LANES, GROUP = 256, STRIDES = GROUP / LANES };

/* A unit is what a message, or a part of one, has of a group: blocks skip to end - 1. */
typedef struct {
    const u8 *from; /* block number `skip` */
    u8 *to;
    u64 left; /* bytes from there on */
    u32 skip, end;
    u32 counter; /* the counter of block number 0 */
} crypt_unit;

FN crypt_unit unit_of(const aead_item *item, u64 index, const u8 *in, u8 *out)
{
    const u64 start = 2 + item->first_block; /* the counter of the item's first block */
    const u64 base = (start / GROUP + index) * GROUP;
    const u64 block = base < start ? 0 : base - start, left = item->len - BLOCK * block;
    crypt_unit u;
    u.skip = base < start ? (u32)(start - base) : 0;
    u.end = left > BLOCK * (u64)(GROUP - u.skip) ? (u32)GROUP : u.skip + (u32)blocks_of(left);
    u.from = in + item->in_offset + BLOCK * block;
    u.to = out + item->out_offset + BLOCK * block;
    u.left = left;
    u.counter = (u32)base;
    return u;
}

FN u32 is_there(const crypt_unit *u, u32 p)
{
    return p >= u->skip && p < u->end;
}

/* Returns how many bytes block p has. */
FN u32 size_of(const crypt_unit *u, u32 p)
{
    const u64 left = u->left - BLOCK * (u64)(p - u->skip);
    return left < BLOCK ? (u32)left : BLOCK;
}

/* What takes the blocks that have been written, one by one: here, nothing does. */
typedef struct {
    u32 unused;
} no_taker;

FN void take_block(no_taker *taker, u32 i, uint4 block, u32 size)
{
    (void)taker;
    (void)i;
    (void)block;
    (void)size;
}

/* out = in ^ s for those of the blocks p, p + 32, ... that there are. All are read before the first
 * is written. */
template <u32 count, class Taker>
FN void crypt_blocks(const crypt_unit *u, u32 s[count][4], u32 p, Taker *taker)
{
    const u32 aligned = is_aligned(u->from) && is_aligned(u->to);
    uint4 data[count];
    UNROLL
    for (u32 i = 0; i < count; i++) {
        const u32 at = p + LANES * i;
        const uint4 zero = {0, 0, 0, 0};
        data[i] = zero;
        if (aligned && is_there(u, at) && size_of(u, at) == BLOCK)
            data[i] = load_streaming(u->from + BLOCK * (u64)(at - u->skip));
    }
    UNROLL
    for (u32 i = 0; i < count; i++) {
        const u32 at = p + LANES * i;
        if (!is_there(u, at))
            continue;
        const u32 size = size_of(u, at);
        const u64 offset = BLOCK * (u64)(at - u->skip);
        if (!aligned || size < BLOCK)
            data[i] = load_bytes(u->from + offset, size);
        data[i].x ^= s[i][0];
        data[i].y ^= s[i][1];
        data[i].z ^= s[i][2];
        data[i].w ^= s[i][3];
        if (aligned && size == BLOCK)
            store_streaming(u->to + offset, data[i]);
        else
            store_bytes(u->to + offset, data[i], size);
        take_block(taker, i, data[i], size);
    }
}

/* Encrypts `count` blocks of every lane, of which the group's block p is the first. */
template <bool wide, u32 count, class Tables, class Keys, class Taker>
FN void crypt_strides(Tables &table, Keys &key, u32 at, u32 rounds, const aes_group *g,
                      const crypt_unit *u, u32 p, Taker *taker)
{
    const u32 own = aes_own_copies(table);
    u32 s[count][4];
    UNROLL
    for (u32 i = 0; i < count; i++)
        aes_after_round2<wide>(table, s[i], g, p + LANES * i, own);
    aes_from_round3<wide, count>(table, s, key, at, rounds, own);
    crypt_blocks<count>(u, s, p, taker);
}

/* Returns what the unit's counters have in common. */
template <bool wide, class Tables, class Keys>
FN aes_group begin_group(Tables &table, Keys &key, u32 at, const u32 nonce[3], const crypt_unit *u)
{
    const u32 block[4] = {nonce[0], nonce[1], nonce[2], ghash_swap_bytes(u->counter)};
    return aes_begin_group<wide>(table, block, key, at, aes_own_copies(table));
}

#endif
