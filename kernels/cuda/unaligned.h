/* Blocks of 16 bytes at any address. Where that is no multiple of 16, a block's bytes come from the
 * two aligned blocks that it lies in, when those may be read. Else it is loaded, and always stored,
 * by three aligned words and the bytes around them, or byte by byte. Constant time: branches depend
 * on addresses and lengths. */
#ifndef PARSEAL_KERNELS_CUDA_UNALIGNED_H
#define PARSEAL_KERNELS_CUDA_UNALIGNED_H

#include "kernels/cuda/ptx.h"

enum { BLOCK = 16 };

FN u32 is_aligned(const void *p)
{
    return ((u64)(size_t)p & (BLOCK - 1)) == 0;
}

FN uint4 load_words(const u32 *p)
{
    return *(const uint4 *)p;
}

/* Returns the four bytes of two words from number `first` on, 0 to 4. */
FN u32 bytes_from(u32 low, u32 high, u32 first)
{
    return byte_permute(low, high, 0x3210 + 0x1111 * first);
}

FN u32 choose(u32 condition, u32 a, u32 b)
{
    return condition ? a : b;
}

/* ------------------------------------------------------------------------------ whole blocks -- */

/* Returns the block at p from the two aligned ones that it lies in, so that up to 15 bytes before
 * and behind it are read as well. */
FN uint4 load_across(const u8 *p)
{
    const u32 at = (u32)(size_t)p % BLOCK, by_two = at & 8, by_one = at & 4, first = at % 4;
    const uint4 a = load_words((const u32 *)(p - at)), b = load_words((const u32 *)(p - at) + 4);
    const u32 t[6] = {choose(by_two, a.z, a.x), choose(by_two, a.w, a.y), choose(by_two, b.x, a.z),
                      choose(by_two, b.y, a.w), choose(by_two, b.z, b.x), choose(by_two, b.w, b.y)};
    u32 w[5];
    UNROLL
    for (u32 k = 0; k < 5; k++)
        w[k] = choose(by_one, t[k + 1], t[k]);
    const uint4 v = {bytes_from(w[0], w[1], first), bytes_from(w[1], w[2], first),
                     bytes_from(w[2], w[3], first), bytes_from(w[3], w[4], first)};
    return v;
}

/* The word that p's lowest bytes lie in has `first` bytes before it. Of the word that is put
 * together from a block's bytes before and behind its three whole words, this is where byte j is,
 * counted from the beginning of the first. */
FN u32 edge_place(u32 j, u32 first)
{
    return j < first ? BLOCK + j : j;
}

/* Returns the block at p, and reads nothing else. */
FN uint4 load_pieces(const u8 *p)
{
    const u32 first = (u32)(size_t)p % 4;
    const u8 *base = p - first;
    const u32 *word = (const u32 *)base;
    u32 edge = 0;
    UNROLL
    for (u32 j = 0; j < 4; j++)
        edge |= (u32)base[edge_place(j, first)] << (8 * j);
    const u32 x = word[1], y = word[2], z = word[3];
    const uint4 v = {bytes_from(edge, x, first), bytes_from(x, y, first), bytes_from(y, z, first),
                     bytes_from(z, edge, first)};
    return v;
}

FN void store_pieces(u8 *p, uint4 v)
{
    const u32 first = (u32)(size_t)p % 4, rest = 4 - first; /* bytes of v.x in the first word */
    const u32 edge = bytes_from(v.w, v.x, rest);
    u8 *base = p - first;
    u32 *word = (u32 *)base;
    word[1] = bytes_from(v.x, v.y, rest);
    word[2] = bytes_from(v.y, v.z, rest);
    word[3] = bytes_from(v.z, v.w, rest);
    UNROLL
    for (u32 j = 0; j < 4; j++)
        base[edge_place(j, first)] = (u8)(edge >> (8 * j));
}

/* Returns the block at p. `inner`: the 15 bytes before it and behind it may be read. */
FN uint4 load_whole(const u8 *p, u32 inner)
{
    if (is_aligned(p))
        return load_streaming(p);
    return inner ? load_across(p) : load_pieces(p);
}

FN void store_whole(u8 *p, uint4 v)
{
    if (is_aligned(p))
        store_streaming(p, v);
    else
        store_pieces(p, v);
}

/* ------------------------------------------------------------------------------ parts of one -- */

FN u32 load_byte(const u8 *p, u32 size, u32 i)
{
    return i < size ? (u32)p[i] : 0;
}

/* Returns a block of which `size` bytes are there as four little-endian words, zeros after them. */
FN uint4 load_bytes(const u8 *p, u32 size)
{
    uint4 v = {0, 0, 0, 0};
    NO_UNROLL
    for (u32 i = 0; i < BLOCK; i++) { /* Bytes come in from above: no register has an index. */
        v.x = v.x >> 8 | v.y << 24;
        v.y = v.y >> 8 | v.z << 24;
        v.z = v.z >> 8 | v.w << 24;
        v.w = v.w >> 8 | load_byte(p, size, i) << 24;
    }
    return v;
}

FN void store_bytes(u8 *p, uint4 v, u32 size)
{
    NO_UNROLL
    for (u32 i = 0; i < size; i++) {
        p[i] = (u8)v.x;
        v.x = v.x >> 8 | v.y << 24;
        v.y = v.y >> 8 | v.z << 24;
        v.z = v.z >> 8 | v.w << 24;
        v.w = v.w >> 8;
    }
}

/* ----------------------------------------------------------------------------------- either -- */

/* Returns a block at which `left` bytes of its tile or message are left, zeros after them.
 * `follows`: that has a block before it. Where it is not aligned its first block, and those at
 * which less than 32 bytes are left, are put together byte by byte: less code beside the aligned
 * loads matters more. */
FN uint4 load_block(const u8 *p, u32 aligned, u64 left, u32 follows)
{
    if (aligned && left >= BLOCK)
        return load_streaming(p);
    if (follows && left >= 2 * BLOCK)
        return load_across(p);
    return load_bytes(p, left < BLOCK ? (u32)left : BLOCK);
}

FN void store_block(u8 *p, uint4 v, u32 size)
{
    if (size == BLOCK)
        store_whole(p, v);
    else
        store_bytes(p, v, size);
}

#endif
