/* acc[i] = (acc[i] + sum_j sign_j PRG(seed_j)[first + i]) mod m, format `chacha20`.
 *
 * A lane has a 64-byte block of keystream, 16 elements of 4 bytes or 8 of 8, whose sums stay in
 * registers over all seeds. Then the warp's lanes exchange their 2 KiB (blocks.h), and acc is read
 * and written once, 512 contiguous bytes at a time. Warps stride over the blocks that
 * [first, first + count) touches.
 *
 * Where m is no power of two each lane goes through the seeds at its own pace: one that has to
 * attempt again does so beside others that are a seed further, and nobody waits until all are done.
 *
 * Constant time, but for how often a lane attempts. That tells only which candidates were at or
 * above m; these are thrown away, and are independent of the ones used.
 */
#define CHACHA20_UNROLL UNROLL
#include "kernels/common/ring.h"
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/chacha20.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/ptx.h"

enum { THREADS = 256 };

/* A span is the vector, counted in blocks of keystream. */
typedef struct {
    u64 first_block, blocks;
    u64 offset; /* The first element has this number in the first block. */
} mask_span;

FN mask_span span_of(u64 first, u64 count, u32 per_block)
{
    mask_span span;
    span.first_block = first / per_block;
    span.blocks = (first + count - 1) / per_block - span.first_block + 1;
    span.offset = first % per_block;
    return span;
}

/* ----------------------------------------------------------------------------------- 4 bytes -- */

/* Sums up mod 2^32, for a modulus that is a power of two. */
FN void sum_wrapping32(u32 sum[16], const mask_seed *seeds, u32 n_seeds, u32 counter)
{
    u32 x[16];
    for (u32 j = 0; j < n_seeds; j++) {
        const u32 sign = (u32)seeds[j].sign;
        chacha20_block(x, &seeds[j], 0, counter);
        UNROLL
        for (int i = 0; i < 16; i++)
            sum[i] += sign * x[i];
    }
}

/* sum - gap mod m for a gap in [0, m]. A gap of m - x adds x, and one of m changes nothing. */
FN u32 subtract32(u32 modulus, u32 sum, u32 gap)
{
    const u32 rest = sum - gap;
    return sum < gap ? rest + modulus : rest;
}

FN void sum_modular32(u32 sum[16], const mask_seed *seeds, u32 n_seeds, u32 counter,
                      ring_params ring)
{
    const u32 low_bits = (u32)ring.low_bits, modulus = (u32)ring.modulus, all = 0xffff;
    u32 x[16], j = 0, attempt = 0, wanted = all;
    while (warp_any(j < n_seeds)) {
        const mask_seed *seed = &seeds[j < n_seeds ? j : n_seeds - 1];
        const u32 add = mask32(seed->sign > 0), offset = (modulus + 1) & add;
        u32 rejected = wanted ^ all;
        chacha20_block(x, seed, attempt, counter);
        UNROLL
        for (int i = 0; i < 16; i++) {
            x[i] &= low_bits;
            rejected |= x[i] >= modulus;
        }
        if (!warp_any(rejected != 0 || j >= n_seeds)) {
            UNROLL
            for (int i = 0; i < 16; i++)
                sum[i] = subtract32(modulus, sum[i], (x[i] ^ add) + offset);
            j++;
            continue;
        }
        wanted = j < n_seeds ? wanted : 0;
        UNROLL
        for (int i = 0; i < 16; i++) {
            const bool taken = x[i] < modulus && (wanted >> i & 1) != 0;
            sum[i] = subtract32(modulus, sum[i], taken ? (x[i] ^ add) + offset : modulus);
            wanted &= ~((u32)taken << i);
        }
        attempt = wanted != 0 ? attempt + 1 : 0;
        j += wanted == 0;
        wanted = wanted != 0 ? wanted : all;
    }
}

FN u32 finish32(ring_params ring, u32 sum, u32 before)
{
    return ring.power_of_two ? (sum + before) & (u32)ring.low_bits
                             : ring_add32((u32)ring.modulus, sum, ring_reduce32(ring, before));
}

FN uint4 finish_piece32(ring_params ring, uint4 sum, uint4 before)
{
    uint4 piece;
    piece.x = finish32(ring, sum.x, before.x);
    piece.y = finish32(ring, sum.y, before.y);
    piece.z = finish32(ring, sum.z, before.z);
    piece.w = finish32(ring, sum.w, before.w);
    return piece;
}

KERNEL(THREADS, 4)
mask_apply32(const mask_seed *seeds, u32 n_seeds, ring_params ring, u8 *acc, u64 first, u64 count,
             u32 write)
{
    SHARED(uint4, pieces, THREADS * 4);
    const mask_span span = span_of(first, count, 16);
    u32 *const elements = (u32 *)acc;
    const u64 step = (u64)block_count() * THREADS;
    for (u64 at = (u64)block_id() * THREADS + thread_id() / 32 * 32; at < span.blocks; at += step) {
        const u32 counter = (u32)(span.first_block + at + lane_id());
        /* The warp begins with this element. Before acc's first it wraps, and is above count. */
        const u64 begin = 16 * at - span.offset;
        u32 sum[16];
        UNROLL
        for (int i = 0; i < 16; i++)
            sum[i] = 0;
        if (ring.power_of_two)
            sum_wrapping32(sum, seeds, n_seeds, counter);
        else
            sum_modular32(sum, seeds, n_seeds, counter, ring);
        put_block(pieces, sum);
        warp_sync();
        if (begin < count && count - begin >= 512 && (u64)(elements + begin) % 16 == 0) {
            uint4 *to = (uint4 *)(elements + begin) + lane_id();
            UNROLL
            for (u32 k = 0; k < 4; k++) {
                const uint4 before = write ? no_piece() : load_streaming(to + 32 * k);
                const uint4 piece = get_piece(pieces, 32 * k + lane_id());
                store_streaming(to + 32 * k, finish_piece32(ring, piece, before));
            }
        } else {
            for (u32 k = 0; k < 16; k++) {
                const u32 i = 32 * k + lane_id();
                const u32 mask = get_word(pieces, i);
                if (begin + i < count)
                    elements[begin + i] = finish32(ring, mask, write ? 0 : elements[begin + i]);
            }
        }
        warp_sync();
    }
    wipe_block(pieces);
}

/* ----------------------------------------------------------------------------------- 8 bytes -- */

FN u64 pair(const u32 x[16], int i)
{
    return (u64)x[2 * i + 1] << 32 | x[2 * i];
}

/* Sums up mod 2^64, for a modulus that is a power of two. */
FN void sum_wrapping64(u64 sum[8], const mask_seed *seeds, u32 n_seeds, u32 counter)
{
    u32 x[16];
    for (u32 j = 0; j < n_seeds; j++) {
        const u64 sign = (u64)(int64_t)seeds[j].sign;
        chacha20_block(x, &seeds[j], 0, counter);
        UNROLL
        for (int i = 0; i < 8; i++)
            sum[i] += sign * pair(x, i);
    }
}

FN u64 subtract64(u64 modulus, u64 sum, u64 gap)
{
    const u64 rest = sum - gap;
    return sum < gap ? rest + modulus : rest;
}

FN void sum_modular64(u64 sum[8], const mask_seed *seeds, u32 n_seeds, u32 counter,
                      ring_params ring)
{
    const u32 all = 0xff;
    u32 x[16], j = 0, attempt = 0, wanted = all;
    while (warp_any(j < n_seeds)) {
        const mask_seed *seed = &seeds[j < n_seeds ? j : n_seeds - 1];
        const u64 add = mask64(seed->sign > 0), offset = (ring.modulus + 1) & add;
        u32 rejected = wanted ^ all;
        chacha20_block(x, seed, attempt, counter);
        UNROLL
        for (int i = 0; i < 8; i++)
            rejected |= (pair(x, i) & ring.low_bits) >= ring.modulus;
        if (!warp_any(rejected != 0 || j >= n_seeds)) {
            UNROLL
            for (int i = 0; i < 8; i++)
                sum[i] =
                    subtract64(ring.modulus, sum[i], ((pair(x, i) & ring.low_bits) ^ add) + offset);
            j++;
            continue;
        }
        wanted = j < n_seeds ? wanted : 0;
        UNROLL
        for (int i = 0; i < 8; i++) {
            const u64 e = pair(x, i) & ring.low_bits;
            const bool taken = e < ring.modulus && (wanted >> i & 1) != 0;
            sum[i] = subtract64(ring.modulus, sum[i], taken ? (e ^ add) + offset : ring.modulus);
            wanted &= ~((u32)taken << i);
        }
        attempt = wanted != 0 ? attempt + 1 : 0;
        j += wanted == 0;
        wanted = wanted != 0 ? wanted : all;
    }
}

FN u64 finish64(ring_params ring, u64 sum, u64 before)
{
    return ring.power_of_two ? (sum + before) & ring.low_bits
                             : ring_add(ring, ring_reduce(ring, before), sum);
}

FN uint4 finish_piece64(ring_params ring, uint4 sum, uint4 before)
{
    const u64 low = finish64(ring, (u64)sum.y << 32 | sum.x, (u64)before.y << 32 | before.x);
    const u64 high = finish64(ring, (u64)sum.w << 32 | sum.z, (u64)before.w << 32 | before.z);
    uint4 piece;
    piece.x = (u32)low;
    piece.y = (u32)(low >> 32);
    piece.z = (u32)high;
    piece.w = (u32)(high >> 32);
    return piece;
}

KERNEL(THREADS, 4)
mask_apply64(const mask_seed *seeds, u32 n_seeds, ring_params ring, u8 *acc, u64 first, u64 count,
             u32 write)
{
    SHARED(uint4, pieces, THREADS * 4);
    const mask_span span = span_of(first, count, 8);
    u64 *const elements = (u64 *)acc;
    const u64 step = (u64)block_count() * THREADS;
    for (u64 at = (u64)block_id() * THREADS + thread_id() / 32 * 32; at < span.blocks; at += step) {
        const u32 counter = (u32)(span.first_block + at + lane_id());
        const u64 begin = 8 * at - span.offset;
        u64 sum[8];
        UNROLL
        for (int i = 0; i < 8; i++)
            sum[i] = 0;
        if (ring.power_of_two)
            sum_wrapping64(sum, seeds, n_seeds, counter);
        else
            sum_modular64(sum, seeds, n_seeds, counter, ring);
        u32 words[16];
        UNROLL
        for (int i = 0; i < 8; i++) {
            words[2 * i] = (u32)sum[i];
            words[2 * i + 1] = (u32)(sum[i] >> 32);
        }
        put_block(pieces, words);
        warp_sync();
        if (begin < count && count - begin >= 256 && (u64)(elements + begin) % 16 == 0) {
            uint4 *to = (uint4 *)(elements + begin) + lane_id();
            UNROLL
            for (u32 k = 0; k < 4; k++) {
                const uint4 before = write ? no_piece() : load_streaming(to + 32 * k);
                const uint4 piece = get_piece(pieces, 32 * k + lane_id());
                store_streaming(to + 32 * k, finish_piece64(ring, piece, before));
            }
        } else {
            for (u32 k = 0; k < 8; k++) {
                const u32 i = 32 * k + lane_id();
                const u64 mask = get_pair(pieces, i);
                if (begin + i < count)
                    elements[begin + i] = finish64(ring, mask, write ? 0 : elements[begin + i]);
            }
        }
        warp_sync();
    }
    wipe_block(pieces);
}
