/* Elements of b bits side by side, little-endian (format 4.4), from any byte on.
 *
 * Packed bytes are written and read in the aligned 32-bit words of memory that they touch. A word
 * at their ends that holds other bytes too is written and read in bytes.
 *
 *   pack         A block takes 2048 elements at a time, which are 64 b packed words. The elements
 *                wait in shared memory, where neighbouring threads, which make a word each, find
 *                them in different banks, or nearly so where b is below 4.
 *   unpack       A thread takes four elements, which it stores as 16 or 32 bytes.
 *   packed_sum   A thread takes four elements of all inputs, adds them to acc and reduces the sums.
 *
 * Away from the ends whole words are loaded and stored without a question for each.
 *
 * Constant time: branches and addresses depend on b and positions only.
 */
#include "kernels/common/pack.h"
#include "kernels/common/ring.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/ptx.h"

enum { THREADS = 256, TILE = 2048, BEFORE = 32, AFTER = 104, CARRY_BITS = 7, GROUP = 4 };

/* Packed bytes as words of memory: they are bytes [lead, lead + bytes) of `words`. */
struct word_stream {
    u32 *words;
    u32 lead;
    u64 bytes;
};

FN word_stream stream_of(const u8 *packed, u32 bits, u64 count)
{
    word_stream s;
    s.lead = (u32)((u64)packed & 3);
    s.words = (u32 *)(packed - s.lead);
    s.bytes = count / 8 * bits + (count % 8 * bits + 7) / 8;
    return s;
}

/* Returns whether byte k of the word is one of the packed bytes. */
FN bool has_byte(const word_stream &s, u64 word, u32 k)
{
    return 4 * word + k - s.lead < s.bytes;
}

FN bool has_word(const word_stream &s, u64 word)
{
    return has_byte(s, word, 0) && has_byte(s, word, 3);
}

FN u32 load_word(const word_stream &s, u64 word)
{
    u32 x = 0;
    if (has_word(s, word))
        return s.words[word];
    for (u32 k = 0; k < 4; k++)
        if (has_byte(s, word, k))
            x |= (u32)((const u8 *)&s.words[word])[k] << (8 * k);
    return x;
}

FN void store_word(const word_stream &s, u64 word, u32 x)
{
    if (has_word(s, word)) {
        s.words[word] = x;
        return;
    }
    for (u32 k = 0; k < 4; k++)
        if (has_byte(s, word, k))
            ((u8 *)&s.words[word])[k] = (u8)(x >> (8 * k));
}

FN u64 load_element(const u8 *elements, u32 element_size, u64 i)
{
    return element_size == 4 ? ((const u32 *)elements)[i] : ((const u64 *)elements)[i];
}

/* Loads or stores elements [i, i + GROUP), which begin at a multiple of 16. */
FN void load_group(const u8 *elements, u32 element_size, u64 i, u64 x[GROUP])
{
    const u8 *at = elements + element_size * i;
    const uint4 low = load_streaming(at);
    if (element_size == 4) {
        x[0] = low.x;
        x[1] = low.y;
        x[2] = low.z;
        x[3] = low.w;
        return;
    }
    const uint4 high = load_streaming(at + 16);
    x[0] = (u64)low.y << 32 | low.x;
    x[1] = (u64)low.w << 32 | low.z;
    x[2] = (u64)high.y << 32 | high.x;
    x[3] = (u64)high.w << 32 | high.z;
}

FN void store_group(u8 *elements, u32 element_size, u64 i, const u64 x[GROUP])
{
    u8 *at = elements + element_size * i;
    uint4 low, high;
    if (element_size == 4) {
        low.x = (u32)x[0];
        low.y = (u32)x[1];
        low.z = (u32)x[2];
        low.w = (u32)x[3];
        store_streaming(at, low);
        return;
    }
    low.x = (u32)x[0];
    low.y = (u32)(x[0] >> 32);
    low.z = (u32)x[1];
    low.w = (u32)(x[1] >> 32);
    high.x = (u32)x[2];
    high.y = (u32)(x[2] >> 32);
    high.z = (u32)x[3];
    high.w = (u32)(x[3] >> 32);
    store_streaming(at, low);
    store_streaming(at + 16, high);
}

/* Groups of elements that begin at a multiple of 16 (elements of 4 bytes may be at any multiple of
 * 4), and whose packed words are whole: before the first of them are more than 32 bits, and behind
 * the first bit of the last one's last element more than the three words that may be loaded for it.
 */
struct middle {
    u64 begin, groups; /* elements [begin, begin + GROUP groups) */
};

FN middle middle_of(const u8 *elements, u32 element_size, u64 count)
{
    const u64 begin = BEFORE + GROUP - ((u64)elements / element_size & (GROUP - 1));
    return {begin, count > begin + AFTER ? (count - begin - AFTER) / GROUP : 0};
}

/* Returns how many elements are not in the middle, and the k-th of them. */
FN u64 ends_of(const middle &m, u64 count)
{
    return count - GROUP * m.groups;
}

FN u64 end_element(const middle &m, u64 k)
{
    return k < m.begin ? k : k + GROUP * m.groups;
}

/* -------------------------------------------------------------------------------------- pack -- */

/* A tile's elements are in shared memory as words: their low halves, and if b is above 32 their
 * high halves behind these. Threads that are 32 elements apart, as with b = 1, are four words apart
 * modulo the banks, and groups stay aligned. */
enum { PLACES = (TILE + BEFORE) / 32 * 36 };

FN u32 place_of(u32 i)
{
    return i + i / 32 * 4;
}

/* This is the same for all tiles of a call. */
struct packing {
    const u8 *elements;
    u32 element_size, bits;
    u64 count;
    word_stream to;
    /* n / bits = n reciprocal / 2^32 for all n with n bits < 2^32. */
    u32 reciprocal;
};

/* Loads tile t and, before it, elements that its first word may have bits of. */
template <bool WIDE, class Tile> FN void load_ends(const packing &p, u64 t, Tile &tile)
{
    for (u32 i = thread_id(); i < TILE + BEFORE; i += THREADS) {
        const u64 e = TILE * t + i - BEFORE; /* It wraps before the first element. */
        const u64 x =
            e < p.count ? load_element(p.elements, p.element_size, e) & pack_ones(p.bits) : 0;
        tile[place_of(i)] = (u32)x;
        if (WIDE)
            tile[PLACES + place_of(i)] = (u32)(x >> 32);
    }
}

/* Does the same where all of them are there, and begin at a multiple of 16. */
template <bool WIDE, class Tile> FN void load_inside(const packing &p, u64 t, Tile &tile)
{
    for (u32 i = GROUP * thread_id(); i < TILE + BEFORE; i += GROUP * THREADS) {
        u64 x[GROUP];
        uint4 low, high;
        load_group(p.elements, p.element_size, TILE * t + i - BEFORE, x);
        const u64 ones = pack_ones(p.bits);
        low.x = (u32)x[0] & (u32)ones;
        low.y = (u32)x[1] & (u32)ones;
        low.z = (u32)x[2] & (u32)ones;
        low.w = (u32)x[3] & (u32)ones;
        store_shared16(tile, place_of(i), low);
        if (WIDE) {
            high.x = (u32)((x[0] & ones) >> 32);
            high.y = (u32)((x[1] & ones) >> 32);
            high.z = (u32)((x[2] & ones) >> 32);
            high.w = (u32)((x[3] & ones) >> 32);
            store_shared16(tile, PLACES + place_of(i), high);
        }
    }
}

/* Returns the tile's word k. */
template <bool WIDE, class Tile> FN u32 packed_word(const packing &p, Tile &tile, u32 k)
{
    const u32 bits = p.bits, begin = 32 * k + BEFORE * bits - 8 * p.to.lead;
    u32 i = bits > 1 ? (u32)((u64)begin * p.reciprocal >> 32) : begin;
    i32 at = (i32)(i * bits - begin);
    if (WIDE) {
        u64 x = 0;
        for (; at < 32; at += (i32)bits, i++)
            x |= pack_move((u64)tile[PLACES + place_of(i)] << 32 | tile[place_of(i)], at);
        return (u32)x;
    }
    u32 x = tile[place_of(i)] >> -at;
    for (at += (i32)bits, i++; at < 32; at += (i32)bits, i++)
        x |= tile[place_of(i)] << at;
    return x;
}

template <bool WIDE, class Tile> FN void pack_tiles(const packing &p, Tile &tile)
{
    const u32 tile_words = TILE / 32 * p.bits;
    const u64 words = (p.to.lead + p.to.bytes + 3) / 4;
    const bool aligned = ((u64)p.elements & 15) == 0;
    for (u64 t = block_id(); t * tile_words < words; t += block_count()) {
        const u64 first = t * tile_words, last = first + tile_words - 1;
        if (aligned && t > 0 && TILE * (t + 1) <= p.count)
            load_inside<WIDE>(p, t, tile);
        else
            load_ends<WIDE>(p, t, tile);
        block_sync();
        if (has_word(p.to, first) && has_word(p.to, last)) {
            for (u32 k = thread_id(); k < tile_words; k += THREADS)
                p.to.words[first + k] = packed_word<WIDE>(p, tile, k);
        } else {
            for (u32 k = thread_id(); k < tile_words; k += THREADS)
                store_word(p.to, first + k, packed_word<WIDE>(p, tile, k));
        }
        block_sync();
    }
}

KERNEL(THREADS, 3)
pack(const u8 *elements, u32 element_size, u8 *packed, u32 bits, u64 count)
{
    SHARED(u32, tile, 2 * PLACES);
    const packing p = {elements,
                       element_size,
                       bits,
                       count,
                       stream_of(packed, bits, count),
                       bits > 1 ? 0xffffffff / bits + 1 : 0};
    if (bits > 32)
        pack_tiles<true>(p, tile);
    else
        pack_tiles<false>(p, tile);
}

/* ------------------------------------------------------------------------------------ unpack -- */

/* Returns element i. */
FN u64 unpacked(const word_stream &s, u32 bits, u64 i)
{
    const u64 bit = i * bits + 8 * s.lead, word = bit / 32;
    const u32 shift = (u32)(bit % 32);
    const u32 word1 = shift + bits > 32 ? load_word(s, word + 1) : 0;
    const u32 word2 = shift + bits > 64 ? load_word(s, word + 2) : 0;
    return pack_element(load_word(s, word), word1, word2, shift, bits);
}

/* Stores elements [i, i + GROUP), which are in the middle, in x. */
template <bool WIDE> FN void unpack_group(const word_stream &s, u32 bits, u64 i, u64 x[GROUP])
{
    const u64 bit = i * bits + 8 * s.lead;
    const u32 *words = s.words + bit / 32;
    u32 at = (u32)(bit % 32);
    UNROLL
    for (u32 k = 0; k < GROUP; k++, at += bits) {
        const u32 *word = words + at / 32;
        if (WIDE)
            x[k] = pack_element(word[0], word[1], word[2], at % 32, bits);
        else
            x[k] = (u32)(((u64)word[1] << 32 | word[0]) >> (at % 32)) & (u32)pack_ones(bits);
    }
}

template <bool WIDE>
FN void unpack_middle(const word_stream &s, u8 *elements, u32 element_size, u32 bits,
                      const middle &m)
{
    for (u64 g = (u64)block_id() * THREADS + thread_id(); g < m.groups;
         g += (u64)block_count() * THREADS) {
        u64 x[GROUP];
        unpack_group<WIDE>(s, bits, m.begin + GROUP * g, x);
        store_group(elements, element_size, m.begin + GROUP * g, x);
    }
}

KERNEL(THREADS, 4)
unpack(const u8 *packed, u8 *elements, u32 element_size, u32 bits, u64 count)
{
    const word_stream s = stream_of(packed, bits, count);
    const middle m = middle_of(elements, element_size, count);
    if (bits > 32)
        unpack_middle<true>(s, elements, element_size, bits, m);
    else
        unpack_middle<false>(s, elements, element_size, bits, m);
    for (u64 k = (u64)block_id() * THREADS + thread_id(); k < ends_of(m, count);
         k += (u64)block_count() * THREADS) {
        const u64 i = end_element(m, k), x = unpacked(s, bits, i);
        if (element_size == 4)
            ((u32 *)elements)[i] = (u32)x;
        else
            ((u64 *)elements)[i] = x;
    }
}

/* -------------------------------------------------------------------------------- packed sum -- */

/* Adds elements [i, i + GROUP) of an input to sum, and counts the carries. */
template <bool WIDE>
FN void add_group(const word_stream &s, u32 bits, u64 i, u64 sum[GROUP], u32 carries[GROUP])
{
    u64 x[GROUP];
    unpack_group<WIDE>(s, bits, i, x);
    UNROLL
    for (u32 k = 0; k < GROUP; k++) {
        sum[k] += x[k];
        carries[k] += sum[k] < x[k];
    }
}

/* Sums of so few elements of 4 bytes have no carry, and need no `wide`. */
FN u64 sum_mod(const ring_params &ring, const ring_wide &wide, u32 element_size, u64 sum,
               u32 carries)
{
    if (element_size == 4)
        return ring_reduce(ring, sum);
    return ring.power_of_two ? sum & ring.low_bits : ring_reduce_wide(ring, wide, carries, sum);
}

template <bool WIDE>
FN void sum_middle(const ring_params &ring, const ring_wide &wide, u8 *acc, u32 element_size,
                   u64 count, u32 bits, u32 n, const vec_inputs &v, const middle &m)
{
    for (u64 g = (u64)block_id() * THREADS + thread_id(); g < m.groups;
         g += (u64)block_count() * THREADS) {
        const u64 i = m.begin + GROUP * g;
        u64 sum[GROUP];
        u32 carries[GROUP] = {};
        load_group(acc, element_size, i, sum);
        for (u32 j = 0; j < n; j++)
            add_group<WIDE>(stream_of((const u8 *)v.address[j], bits, count), bits, i, sum,
                            carries);
        UNROLL
        for (u32 k = 0; k < GROUP; k++)
            sum[k] = sum_mod(ring, wide, element_size, sum[k], carries[k]);
        store_group(acc, element_size, i, sum);
    }
}

FN void sum_ends(const ring_params &ring, const ring_wide &wide, u8 *acc, u32 element_size,
                 u64 count, u32 bits, u32 n, const vec_inputs &v, const middle &m)
{
    for (u64 e = (u64)block_id() * THREADS + thread_id(); e < ends_of(m, count);
         e += (u64)block_count() * THREADS) {
        const u64 i = end_element(m, e);
        u64 sum = load_element(acc, element_size, i);
        u32 carries = 0;
        for (u32 j = 0; j < n; j++) {
            const u64 x = unpacked(stream_of((const u8 *)v.address[j], bits, count), bits, i);
            sum += x;
            carries += sum < x;
        }
        sum = sum_mod(ring, wide, element_size, sum, carries);
        if (element_size == 4)
            ((u32 *)acc)[i] = (u32)sum;
        else
            ((u64 *)acc)[i] = sum;
    }
}

KERNEL(THREADS, 4)
packed_sum32(ring_params ring, u8 *acc, u64 count, u32 bits, u32 n, vec_inputs v)
{
    const middle m = middle_of(acc, 4, count);
    const ring_wide wide = {};
    sum_middle<false>(ring, wide, acc, 4, count, bits, n, v, m);
    sum_ends(ring, wide, acc, 4, count, bits, n, v, m);
}

KERNEL(THREADS, 3)
packed_sum64(ring_params ring, u8 *acc, u64 count, u32 bits, u32 n, vec_inputs v)
{
    const middle m = middle_of(acc, 8, count);
    ring_wide wide = {};
    if (!ring.power_of_two)
        ring_wide_init(&wide, ring, CARRY_BITS);
    if (bits > 32)
        sum_middle<true>(ring, wide, acc, 8, count, bits, n, v, m);
    else
        sum_middle<false>(ring, wide, acc, 8, count, bits, n, v, m);
    sum_ends(ring, wide, acc, 8, count, bits, n, v, m);
}
