/* Counter mode by groups (aead_crypt.cu, aead_seal.cu): 256 counters that share all but their last
 * byte, of which a message, or a part of one, has all or some. Constant time: branches depend on
 * lengths and offsets. */
#ifndef PARSEAL_KERNELS_CUDA_AEAD_GROUPS_H
#define PARSEAL_KERNELS_CUDA_AEAD_GROUPS_H

#include "kernels/cuda/aead_memory.h"
#include "kernels/cuda/aes_tables.h"

enum { CRYPT_THREADS = 512, WARPS = CRYPT_THREADS / LANES, GROUP = 256, STRIDES = GROUP / LANES };

/* A unit is what a message, or a part of one, has of a group: blocks skip to end - 1, of which the
 * last can be short. */
typedef struct {
    const u8 *from; /* block number `skip` */
    u8 *to;
    u32 size; /* bytes */
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
    const u32 most = BLOCK * (GROUP - u.skip);
    u.size = left < most ? (u32)left : most;
    u.end = u.skip + (u32)blocks_of(u.size);
    u.from = in + item->in_offset + BLOCK * block;
    u.to = out + item->out_offset + BLOCK * block;
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
    const u32 left = u->size - BLOCK * (p - u->skip);
    return left < BLOCK ? left : BLOCK;
}

FN u32 is_whole(const crypt_unit *u, u32 p)
{
    return is_there(u, p) && size_of(u, p) == BLOCK;
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

/* out = in ^ s for those of the blocks p, p + 32, ... that there are, all of them whole and
 * aligned, and read before the first is written. */
template <u32 count, class Taker>
FN void crypt_aligned(const crypt_unit *u, u32 s[count][4], u32 p, Taker *taker)
{
    uint4 data[count] = {};
    UNROLL
    for (u32 i = 0; i < count; i++) {
        const u32 at = p + LANES * i;
        if (is_there(u, at))
            data[i] = load_streaming(u->from + BLOCK * (u64)(at - u->skip));
    }
    UNROLL
    for (u32 i = 0; i < count; i++) {
        const u32 at = p + LANES * i;
        if (!is_there(u, at))
            continue;
        xor_block(s[i], data[i]);
        store_streaming(u->to + BLOCK * (u64)(at - u->skip), vector_of(s[i]));
        take_block(taker, i, vector_of(s[i]), BLOCK);
    }
}

/* Returns what there is of block p, and zeros after it. */
FN uint4 load_any(const crypt_unit *u, u32 p)
{
    const u8 *from = u->from + BLOCK * (u64)(p - u->skip);
    if (!is_whole(u, p))
        return load_bytes(from, size_of(u, p));
    return load_whole(from, p > u->skip && is_whole(u, p + 1));
}

/* Does the same for blocks anywhere, of which the last can be short, row after row. What a lane
 * reads includes bytes of the unit's blocks before and behind its own, which may lie where they are
 * written to. So no lane writes before all have read, and none reads before all have written the
 * row before. The row to do is the first of s, so that no register has an index. */
template <u32 count, class Taker>
FN void crypt_anywhere(const crypt_unit *u, u32 s[count][4], u32 p, Taker *taker)
{
    NO_UNROLL
    for (u32 i = 0; i < count; i++) {
        const u32 at = p + LANES * i, there = is_there(u, at), size = there ? size_of(u, at) : 0;
        warp_sync();
        if (there)
            xor_block(s[0], load_any(u, at));
        warp_sync();
        if (there) {
            store_block(u->to + BLOCK * (u64)(at - u->skip), vector_of(s[0]), size);
            take_block(taker, i, vector_of(s[0]), size);
        }
        UNROLL
        for (u32 k = 0; k + 1 < count; k++)
            words_of(s[k], vector_of(s[k + 1]));
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
    if (is_aligned(u->from) && is_aligned(u->to) && is_whole(u, u->end - 1))
        crypt_aligned<count>(u, s, p, taker);
    else
        crypt_anywhere<count>(u, s, p, taker);
}

/* Returns what the unit's counters have in common. */
template <bool wide, class Tables, class Keys>
FN aes_group begin_group(Tables &table, Keys &key, u32 at, const u32 nonce[3], const crypt_unit *u)
{
    const u32 block[4] = {nonce[0], nonce[1], nonce[2], ghash_swap_bytes(u->counter)};
    return aes_begin_group<wide>(table, block, key, at, aes_own_copies(table));
}

#endif
