/* acc[e] = (acc[e] + sum_i P_i[e]) mod m over the items i that are authentic. P_i is what counter
 * mode (SP 800-38D section 6.5) makes of item i's ciphertext: elements of `bits` bits side by side
 * (format 4.4). No plaintext gets to memory.
 *
 * A warp takes a tile of the vector, which is up to 256 blocks of every item, and goes through the
 * items: nobody else adds to its elements. A lane decrypts eight blocks, lane l those of number l,
 * l + 32, ..., by tables (aes_tables.h); the counters of a group share rounds 1 and 2. Then a
 * stride of 32 blocks at a time passes through shared memory, where neighbouring lanes find the
 * bits of neighbouring elements. An element may begin in the stride before, whose bits are still
 * there. What shared memory holds is each warp's own, and is overwritten in the end.
 *
 * Constant time: secrets index the tables of aes_tables.h only, whose every lookup takes the same
 * time. Branches depend on lengths, offsets and verdicts.
 */
#include "kernels/common/pack.h"
#include "kernels/common/ring.h"
#include "kernels/cuda/aead_memory.h"
#include "kernels/cuda/aes_tables.h"

enum { THREADS = 512, WARPS = THREADS / LANES, GROUP = 256, STRIDES = GROUP / LANES };
enum { STRIDE_WORDS = 4 * LANES, STRIDE_BITS = 32 * STRIDE_WORDS, KEPT = 2 * STRIDE_WORDS };

/* A warp works with this. */
struct adder {
    ring_params ring;
    ring_wide wide; /* It reduces a carry, and is set for elements of 8 bytes only. */
    add_shape shape;
    u32 round_keys, own; /* places in shared memory: the warp's round keys, the lane's tables */
};

/* A tile is `elements` elements of the vector from `first` on, in blocks from first_block on. */
struct add_tile {
    u64 first, first_block;
    u32 elements;
};

FN add_tile tile_at(const add_shape &shape, u64 unit)
{
    add_tile t;
    t.first = unit * shape.tile_elements;
    t.first_block = unit * shape.tile_blocks;
    const u64 left = shape.count - t.first;
    t.elements = left < shape.tile_elements ? (u32)left : shape.tile_elements;
    return t;
}

/* --------------------------------------------------------------------------------- plaintext -- */

/* Returns the place of a tile's word in shared memory. Lanes that each put a word of their block,
 * or that read neighbouring words, meet all banks. */
FN u32 place_of(u32 word)
{
    const u32 w = word % KEPT;
    return KEPT * (thread_id() / LANES) + (w ^ (w >> 5 & 3));
}

template <class Kept> FN void put_block(Kept &kept, u32 block, const u32 w[4])
{
    UNROLL
    for (u32 k = 0; k < 4; k++)
        kept[place_of(4 * block + k)] = w[k];
}

template <class Kept> FN void wipe_kept(Kept &kept)
{
    warp_sync();
    UNROLL
    for (u32 k = 0; k < KEPT / LANES; k++)
        kept[place_of(LANES * k + lane_id())] = 0;
}

template <class Kept> FN u64 element_at(Kept &kept, u32 bits, u32 e)
{
    const u32 word = e * bits / 32, shift = e * bits % 32;
    const u32 word1 = shift + bits > 32 ? kept[place_of(word + 1)] : 0;
    const u32 word2 = shift + bits > 64 ? kept[place_of(word + 2)] : 0;
    return pack_element(kept[place_of(word)], word1, word2, shift, bits);
}

FN u32 sum_of(const adder &a, u32 x, u64 addend)
{
    return (u32)ring_reduce(a.ring, x + addend);
}

FN u64 sum_of(const adder &a, u64 x, u64 addend)
{
    return ring_add_any(a.ring, a.wide, x, addend);
}

/* Adds the elements that end in stride j to acc. */
template <class Element, class Kept>
FN void add_stride(const adder &a, const add_tile &t, Kept &kept, u32 j, Element *acc)
{
    const u32 begin = STRIDE_BITS * j / a.shape.bits, all = STRIDE_BITS * (j + 1) / a.shape.bits;
    const u32 end = all < t.elements ? all : t.elements;
    for (u32 e = begin + lane_id(); e < end; e += LANES)
        acc[t.first + e] = sum_of(a, acc[t.first + e], element_at(kept, a.shape.bits, e));
}

/* ----------------------------------------------------------------------------------- decrypt -- */

/* s = the keystream of the tile's blocks lane, lane + 32, ..., whose counters are of two groups. */
template <bool wide, class Tables, class Keys>
FN void keystream(const adder &a, Tables &table, Keys &key, u32 rounds, const u32 nonce[3],
                  u32 counter, u32 s[STRIDES][4])
{
    const u32 base = counter / GROUP * GROUP;
    u32 block[4] = {nonce[0], nonce[1], nonce[2], ghash_swap_bytes(base)};
    const aes_group g0 = aes_begin_group<wide>(table, block, key, a.round_keys, a.own);
    block[3] = ghash_swap_bytes(base + GROUP);
    const aes_group g1 = aes_begin_group<wide>(table, block, key, a.round_keys, a.own);
    UNROLL
    for (u32 i = 0; i < STRIDES; i++) {
        const u32 number = counter - base + LANES * i + lane_id();
        const aes_group g = number < GROUP ? g0 : g1;
        aes_after_round2<wide>(table, s[i], &g, number % GROUP, a.own);
    }
    aes_from_round3<wide, STRIDES>(table, s, key, a.round_keys, rounds, a.own);
}

/* Turns the keystream s of the block at p and of every 32nd after it into the plaintext. All of
 * them are there, whole and aligned. */
FN void decrypt_aligned(const u8 *p, u32 s[STRIDES][4])
{
    UNROLL
    for (u32 i = 0; i < STRIDES; i++)
        xor_block(s[i], load_streaming(p + BLOCK * LANES * i));
}

/* Does the same for blocks anywhere, of which the last can be short, and all can be missing: those
 * become zeros. The row to do is the first of s, so that no register has an index; all have been it
 * in the end. */
FN void decrypt_anywhere(const u8 *in, u64 len, u64 at, u32 s[STRIDES][4])
{
    const u32 aligned = is_aligned(in);
    NO_UNROLL
    for (u32 i = 0; i < STRIDES; i++, at += BLOCK * LANES) {
        uint4 done = {0, 0, 0, 0};
        if (at < len) {
            xor_block(s[0], load_block(in + at, aligned, len - at, at > 0));
            done = vector_of(s[0]);
        }
        UNROLL
        for (u32 k = 0; k + 1 < STRIDES; k++)
            words_of(s[k], vector_of(s[k + 1]));
        words_of(s[STRIDES - 1], done);
    }
}

/* Turns the keystream s of the tile's blocks lane, lane + 32, ... into the plaintext, and into
 * zeros where there are no blocks. */
FN void decrypt(const add_tile &t, const u8 *in, u64 len, u32 s[STRIDES][4])
{
    const u64 at = BLOCK * (t.first_block + lane_id());
    if (is_aligned(in) && BLOCK * (t.first_block + GROUP) <= len)
        decrypt_aligned(in + at, s);
    else
        decrypt_anywhere(in, len, at, s);
}

template <bool wide, class Element, class Tables, class Keys, class Kept>
FN void add_all(adder &a, Tables &table, Keys &key, Kept &kept, const aead_item *items, u32 n,
                const aead_key *keys, const u8 *nonces, const u8 *in, const i32 *verdicts,
                Element *acc)
{
    const u32 warp = thread_id() / LANES;
    const u64 tiles = (a.shape.count - 1) / a.shape.tile_elements + 1;
    a.round_keys = ROUND_KEYS * warp;
    aes_fill_tables<wide>(table);
    a.own = aes_own_copies(table);
    for (u64 unit = (u64)block_id() * WARPS + warp; unit < tiles;
         unit += (u64)block_count() * WARPS) {
        const add_tile t = tile_at(a.shape, unit);
        NO_UNROLL
        for (u32 i = 0; i < n; i++) {
            const aead_key *own = keys + items[i].key;
            u32 nonce[3], s[STRIDES][4];
            if (verdicts[i] != ITEM_OK)
                continue;
            load_round_keys(key, a.round_keys, own->round_key);
            load_nonce(nonce, nonces, i);
            keystream<wide>(a, table, key, own->rounds, nonce, (u32)(2 + t.first_block), s);
            decrypt(t, in + items[i].in_offset, items[i].len, s);
            UNROLL
            for (u32 j = 0; j < STRIDES; j++) {
                warp_sync(); /* Until here lanes may still read the stride before the last. */
                put_block(kept, LANES * j + lane_id(), s[j]);
                warp_sync();
                add_stride(a, t, kept, j, acc);
            }
        }
    }
    wipe_round_keys(key, a.round_keys);
    wipe_kept(kept);
}

/* Dynamic shared memory holds one table, 32 KiB, or for the wide kernels four, 128 KiB. */
#define ADD_KERNEL(name, Element, wide_tables)                                                 \
    KERNEL(THREADS, 1)                                                                         \
    name(const aead_item *items, u32 n, const aead_key *keys, const u8 *nonces, const u8 *in,  \
         const i32 *verdicts, ring_params ring, add_shape shape, u8 *acc)                      \
    {                                                                                          \
        DYNAMIC_SHARED(u32, table);                                                            \
        SHARED(uint4, round_keys, WARPS *ROUND_KEYS);                                          \
        SHARED(u32, kept, WARPS *KEPT);                                                        \
        adder a = {};                                                                          \
        a.ring = ring;                                                                         \
        a.shape = shape;                                                                       \
        if (sizeof(Element) == 8 && !ring.power_of_two)                                        \
            ring_wide_init(&a.wide, ring, 1);                                                  \
        add_all<wide_tables>(a, table, round_keys, kept, items, n, keys, nonces, in, verdicts, \
                             (Element *)acc);                                                  \
    }

ADD_KERNEL(aead_add32, u32, false)
ADD_KERNEL(aead_add64, u64, false)
ADD_KERNEL(aead_add32_wide, u32, true)
ADD_KERNEL(aead_add64_wide, u64, true)
