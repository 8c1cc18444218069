/* Elements of b bits side by side, little-endian (format 4.4), from any byte on.
 *
 * Packed bytes are written and read in the aligned 32-bit words of memory that they touch. A word
 * at their ends that holds other bytes too is written and read in bytes.
 *
 *   pack         A block takes 2048 elements at a time, which are 64 b packed words. The elements
 *                wait in shared memory, where neighbouring threads, which make a word each, find
 *                them in different banks however small b is.
 *   unpack       A thread takes one element.
 *   packed_sum   A thread takes one element of all inputs, adds it to acc and reduces the sum.
 *
 * Constant time: branches and addresses depend on b and positions only.
 */
#include "kernels/common/pack.h"
#include "kernels/common/ring.h"
#include "kernels/cuda/device.h"

enum { THREADS = 256, TILE = 2048, BEFORE = 32, CARRY_BITS = 7 };

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

/* Returns the place in shared memory of the tile's element i. Threads that are 32 elements apart,
 * as with b = 1, do not meet in a bank. */
FN u32 place_of(u32 i)
{
    return i + i / 32;
}

KERNEL(THREADS, 4)
pack(const u8 *elements, u32 element_size, u8 *packed, u32 bits, u64 count)
{
    SHARED(u64, tile, TILE + BEFORE + (TILE + BEFORE) / 32);
    const word_stream s = stream_of(packed, bits, count);
    const u32 tile_words = TILE / 32 * bits;
    const u64 words = (s.lead + s.bytes + 3) / 4;
    /* n / bits = n reciprocal / 2^32 for all n with n bits < 2^32. */
    const u32 reciprocal = bits > 1 ? 0xffffffff / bits + 1 : 0;
    for (u64 t = block_id(); t * tile_words < words; t += block_count()) {
        /* The tile's first word may have bits of elements before it, from where BEFORE begins. */
        for (u32 i = thread_id(); i < TILE + BEFORE; i += THREADS) {
            const u64 e = TILE * t + i - BEFORE; /* It wraps before the first element. */
            tile[place_of(i)] =
                e < count ? load_element(elements, element_size, e) & pack_ones(bits) : 0;
        }
        block_sync();
        for (u32 k = thread_id(); k < tile_words; k += THREADS) {
            const u32 begin = 32 * k + BEFORE * bits - 8 * s.lead;
            const u32 first = bits > 1 ? (u32)((u64)begin * reciprocal >> 32) : begin;
            u64 x = 0;
            u32 i = first;
            for (i32 at = (i32)(first * bits - begin); at < 32; at += (i32)bits)
                x |= pack_move(tile[place_of(i++)], at);
            store_word(s, t * tile_words + k, (u32)x);
        }
        block_sync();
    }
}

/* Returns element i. */
FN u64 unpacked(const word_stream &s, u32 bits, u64 i)
{
    const u64 bit = i * bits + 8 * s.lead, word = bit / 32;
    const u32 shift = (u32)(bit % 32);
    const u32 word1 = shift + bits > 32 ? load_word(s, word + 1) : 0;
    const u32 word2 = shift + bits > 64 ? load_word(s, word + 2) : 0;
    return pack_element(load_word(s, word), word1, word2, shift, bits);
}

KERNEL(THREADS, 4)
unpack(const u8 *packed, u8 *elements, u32 element_size, u32 bits, u64 count)
{
    const word_stream s = stream_of(packed, bits, count);
    for (u64 i = (u64)block_id() * THREADS + thread_id(); i < count;
         i += (u64)block_count() * THREADS) {
        const u64 x = unpacked(s, bits, i);
        if (element_size == 4)
            ((u32 *)elements)[i] = (u32)x;
        else
            ((u64 *)elements)[i] = x;
    }
}

KERNEL(THREADS, 4)
packed_sum32(ring_params ring, u8 *acc, u64 count, u32 bits, u32 n, vec_inputs v)
{
    for (u64 i = (u64)block_id() * THREADS + thread_id(); i < count;
         i += (u64)block_count() * THREADS) {
        u64 sum = ((const u32 *)acc)[i];
        for (u32 j = 0; j < n; j++)
            sum += unpacked(stream_of((const u8 *)v.address[j], bits, count), bits, i);
        ((u32 *)acc)[i] = (u32)ring_reduce(ring, sum);
    }
}

KERNEL(THREADS, 4)
packed_sum64(ring_params ring, u8 *acc, u64 count, u32 bits, u32 n, vec_inputs v)
{
    ring_wide wide = {};
    if (!ring.power_of_two)
        ring_wide_init(&wide, ring, CARRY_BITS);
    for (u64 i = (u64)block_id() * THREADS + thread_id(); i < count;
         i += (u64)block_count() * THREADS) {
        u64 sum = ((const u64 *)acc)[i];
        u32 carries = 0;
        for (u32 j = 0; j < n; j++) {
            const u64 x = unpacked(stream_of((const u8 *)v.address[j], bits, count), bits, i);
            sum += x;
            carries += sum < x;
        }
        ((u64 *)acc)[i] =
            ring.power_of_two ? sum & ring.low_bits : ring_reduce_wide(ring, wide, carries, sum);
    }
}
