/* One AES block in a 128-bit register: ARMv8 AES and PMULL. Little-endian aarch64. */
#ifndef PARSEAL_FALLBACK_ARM_BLOCKS_ARMV8_H
#define PARSEAL_FALLBACK_ARM_BLOCKS_ARMV8_H

#include "fallback/arm/block.h"

typedef block blocks;

enum { BLOCKS_COUNT = 1, BLOCKS_BYTES = 16 };

static inline blocks blocks_load(const void *p)
{
    return vld1q_u8(p);
}

static inline void blocks_store(void *p, blocks x)
{
    vst1q_u8(p, x);
}

/* This is an ordinary store: the one that spares the caches (STNP) takes two registers, and is only
 * a hint. */
static inline void blocks_store_past_caches(void *p, blocks x)
{
    vst1q_u8(p, x);
}

static inline void past_caches_end(void)
{
}

/* Loads n <= BLOCKS_BYTES bytes; the rest is zero. */
static inline blocks blocks_load_partial(const void *p, size_t n)
{
    return block_load_partial(p, n);
}

static inline void blocks_store_partial(void *p, blocks x, size_t n)
{
    block_store_partial(p, x, n);
}

/* Returns x with zeros for the bytes from n on. */
static inline blocks blocks_keep_bytes(blocks x, size_t n)
{
    return block_keep_bytes(x, n);
}

static inline blocks blocks_zero(void)
{
    return vdupq_n_u8(0);
}

static inline blocks blocks_broadcast(block x)
{
    return x;
}

static inline blocks blocks_first_block(block x)
{
    return x;
}

/* Returns j in dword 0 of block j. */
static inline blocks blocks_block_numbers(void)
{
    return vdupq_n_u8(0);
}

static inline blocks blocks_add32(blocks a, blocks b)
{
    return vreinterpretq_u8_u32(vaddq_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
}

static inline blocks blocks_add64(blocks a, blocks b)
{
    return vreinterpretq_u8_u64(vaddq_u64(vreinterpretq_u64_u8(a), vreinterpretq_u64_u8(b)));
}

static inline blocks blocks_and(blocks a, blocks b)
{
    return vandq_u8(a, b);
}

static inline blocks blocks_xor(blocks a, blocks b)
{
    return veorq_u8(a, b);
}

static inline blocks blocks_xor3(blocks a, blocks b, blocks c)
{
    return veorq_u8(veorq_u8(a, b), c);
}

/* Returns n blocks of a, the next n of b, and so on, which a register of one block is too small
 * for. */
static inline blocks blocks_alternate(blocks a, blocks b, int n)
{
    (void)b;
    (void)n;
    return a;
}

/* Returns the block's bytes, last first. */
static inline blocks blocks_reverse(blocks x)
{
    return block_reverse(x);
}

static inline blocks blocks_swap_halves(blocks x)
{
    return vextq_u8(x, x, 8);
}

/* Returns the low halves of a and b, a's first; or the high halves. */
static inline blocks blocks_low_halves(blocks a, blocks b)
{
    return vreinterpretq_u8_u64(vzip1q_u64(vreinterpretq_u64_u8(a), vreinterpretq_u64_u8(b)));
}

static inline blocks blocks_high_halves(blocks a, blocks b)
{
    return vreinterpretq_u8_u64(vzip2q_u64(vreinterpretq_u64_u8(a), vreinterpretq_u64_u8(b)));
}

/* An AES round takes two keys: `begin` the first, round r the keys r - 1 and r, `last` the last
 * two. `text` is XORed in with the last key. AESE adds its key before the S-box, so here round r
 * uses key r - 1. */
static inline blocks blocks_aes_begin(blocks x, blocks key)
{
    (void)key;
    return x;
}

static inline blocks blocks_aes_round(blocks x, blocks previous_key, blocks key)
{
    (void)key;
    return vaesmcq_u8(vaeseq_u8(x, previous_key));
}

static inline blocks blocks_aes_last(blocks x, blocks previous_key, blocks key, blocks text)
{
    return veorq_u8(vaeseq_u8(x, previous_key), veorq_u8(key, text));
}

static inline poly64_t blocks_half(blocks x, int high)
{
    const poly64x2_t halves = vreinterpretq_p64_u8(x);
    return high ? vgetq_lane_p64(halves, 1) : vgetq_lane_p64(halves, 0);
}

/* As on x86, the low digit of `halves`, a constant, says which half of a is multiplied, and the
 * high digit which of b. */
static inline blocks blocks_clmul(blocks a, blocks b, int halves)
{
    if (halves == 0x11)
        return vreinterpretq_u8_p128(
            vmull_high_p64(vreinterpretq_p64_u8(a), vreinterpretq_p64_u8(b)));
    return vreinterpretq_u8_p128(
        vmull_p64(blocks_half(a, halves & 0x01), blocks_half(b, halves & 0x10)));
}

/* Returns the XOR of all blocks. */
static inline block blocks_fold(blocks x)
{
    return x;
}

#endif
