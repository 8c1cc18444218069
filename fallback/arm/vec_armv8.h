/* One AES block in a 128-bit register: ARMv8 AES and PMULL. Little-endian aarch64. */
#ifndef PARSEAL_FALLBACK_ARM_VEC_ARMV8_H
#define PARSEAL_FALLBACK_ARM_VEC_ARMV8_H

#include "fallback/arm/block.h"

typedef block vec;

enum { VEC_BLOCKS = 1, VEC_BYTES = 16 };

static inline vec vec_load(const void *p)
{
    return vld1q_u8(p);
}

static inline void vec_store(void *p, vec x)
{
    vst1q_u8(p, x);
}

/* An ordinary store: the one that spares the caches (STNP) takes two registers, and is a hint. */
static inline void vec_stream(void *p, vec x)
{
    vst1q_u8(p, x);
}

static inline void vec_stream_end(void)
{
}

/* n <= VEC_BYTES; the rest is zero. */
static inline vec vec_load_partial(const void *p, size_t n)
{
    uint8_t bytes[16] = {0};
    memcpy(bytes, p, n);
    return vld1q_u8(bytes);
}

static inline void vec_store_partial(void *p, vec x, size_t n)
{
    uint8_t bytes[16];
    vst1q_u8(bytes, x);
    memcpy(p, bytes, n);
}

static inline vec vec_zero(void)
{
    return vdupq_n_u8(0);
}

static inline vec vec_broadcast(block x)
{
    return x;
}

static inline vec vec_first_block(block x)
{
    return x;
}

/* j in dword 0 of block j */
static inline vec vec_block_numbers(void)
{
    return vdupq_n_u8(0);
}

static inline vec vec_add32(vec a, vec b)
{
    return vreinterpretq_u8_u32(vaddq_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
}

static inline vec vec_add64(vec a, vec b)
{
    return vreinterpretq_u8_u64(vaddq_u64(vreinterpretq_u64_u8(a), vreinterpretq_u64_u8(b)));
}

static inline vec vec_and(vec a, vec b)
{
    return vandq_u8(a, b);
}

static inline vec vec_xor(vec a, vec b)
{
    return veorq_u8(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return veorq_u8(veorq_u8(a, b), c);
}

/* The block's bytes, last first. */
static inline vec vec_reverse(vec x)
{
    return block_reverse(x);
}

static inline vec vec_swap_halves(vec x)
{
    return vextq_u8(x, x, 8);
}

/* AES rounds: begin takes the first round key, round r the keys r - 1 and r, last the last two;
 * `text` is XORed in with the last key. AESE adds its key before the S-box: the previous one. */
static inline vec vec_aes_begin(vec x, vec key)
{
    (void)key;
    return x;
}

static inline vec vec_aes_round(vec x, vec previous_key, vec key)
{
    (void)key;
    return vaesmcq_u8(vaeseq_u8(x, previous_key));
}

static inline vec vec_aes_last(vec x, vec previous_key, vec key, vec text)
{
    return veorq_u8(vaeseq_u8(x, previous_key), veorq_u8(key, text));
}

static inline poly64_t vec_half(vec x, int high)
{
    const poly64x2_t halves = vreinterpretq_p64_u8(x);
    return high ? vgetq_lane_p64(halves, 1) : vgetq_lane_p64(halves, 0);
}

/* As on x86: the low digit of `halves`, a constant, is the half of a, the high digit that of b. */
static inline vec vec_clmul(vec a, vec b, int halves)
{
    if (halves == 0x11)
        return vreinterpretq_u8_p128(
            vmull_high_p64(vreinterpretq_p64_u8(a), vreinterpretq_p64_u8(b)));
    return vreinterpretq_u8_p128(vmull_p64(vec_half(a, halves & 0x01), vec_half(b, halves & 0x10)));
}

/* The XOR of all blocks. */
static inline block vec_fold(vec x)
{
    return x;
}

#endif
