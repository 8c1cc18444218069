/* One AES block in a register, and the AES key schedule: ARMv8 AES. */
#ifndef PARSEAL_FALLBACK_ARM_BLOCK_H
#define PARSEAL_FALLBACK_ARM_BLOCK_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8x16_t block;

static inline block block_load(const void *p)
{
    return vld1q_u8(p);
}

static inline void block_store(void *p, block x)
{
    vst1q_u8(p, x);
}

static inline block block_xor(block a, block b)
{
    return veorq_u8(a, b);
}

static inline block block_and(block a, block b)
{
    return vandq_u8(a, b);
}

/* hi and lo are the halves of a 128-bit integer. */
static inline block block_set(uint64_t hi, uint64_t lo)
{
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(lo), vcreate_u64(hi)));
}

static inline uint64_t block_low(block x)
{
    return vgetq_lane_u64(vreinterpretq_u64_u8(x), 0);
}

static inline uint64_t block_high(block x)
{
    return vgetq_lane_u64(vreinterpretq_u64_u8(x), 1);
}

static inline block block_reverse(block x)
{
    const block in_halves = vrev64q_u8(x);
    return vextq_u8(in_halves, in_halves, 8);
}

/* AESE adds the round key first; AESMC is the second half of a round. */
static inline block block_aes(const block *round_key, uint32_t rounds, block x)
{
    for (uint32_t r = 0; r + 1 < rounds; r++)
        x = vaesmcq_u8(vaeseq_u8(x, round_key[r]));
    return veorq_u8(vaeseq_u8(x, round_key[rounds - 1]), round_key[rounds]);
}

/* ------------------------------------------------------- key schedule (FIPS 197 section 5.2) -- */

/* Returns SubWord of dword 3 in every dword. With four equal columns and no key an AES round
 * without MixColumns is the S-box alone. */
static inline uint32x4_t block_sub_word(block x)
{
    const uint32x4_t columns = vdupq_laneq_u32(vreinterpretq_u32_u8(x), 3);
    return vreinterpretq_u32_u8(vaeseq_u8(vreinterpretq_u8_u32(columns), vdupq_n_u8(0)));
}

static inline block block_expand(block key, uint32x4_t assist)
{
    const block zero = vdupq_n_u8(0);
    key = veorq_u8(key, vextq_u8(zero, key, 12));
    key = veorq_u8(key, vextq_u8(zero, key, 8));
    return veorq_u8(key, vreinterpretq_u8_u32(assist));
}

/* Does RotWord, SubWord and Rcon of dword 3. RotWord and SubWord may change places. */
static inline uint32x4_t block_rotated(block x, uint32_t rcon)
{
    const uint32x4_t s = block_sub_word(x);
    return veorq_u32(vsriq_n_u32(vshlq_n_u32(s, 24), s, 8), vdupq_n_u32(rcon));
}

/* rcon x mod x^8 + x^4 + x^3 + x + 1. */
static inline uint32_t block_next_rcon(uint32_t rcon)
{
    return rcon << 1 ^ (rcon >> 7) * 0x11b;
}

static inline void block_expand_key128(block *w, const uint8_t *bytes)
{
    uint32_t rcon = 1;
    w[0] = block_load(bytes);
    for (int i = 1; i <= 10; i++, rcon = block_next_rcon(rcon))
        w[i] = block_expand(w[i - 1], block_rotated(w[i - 1], rcon));
}

static inline void block_expand_key256(block *w, const uint8_t *bytes)
{
    uint32_t rcon = 1;
    w[0] = block_load(bytes);
    w[1] = block_load(bytes + 16);
    for (int i = 2; i < 14; i += 2, rcon = block_next_rcon(rcon)) {
        w[i] = block_expand(w[i - 2], block_rotated(w[i - 1], rcon));
        w[i + 1] = block_expand(w[i - 1], block_sub_word(w[i]));
    }
    w[14] = block_expand(w[12], block_rotated(w[13], rcon));
}

#include "fallback/template/block_parts.h"

#endif
