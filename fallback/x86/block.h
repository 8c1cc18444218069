/* One AES block in a register, and the AES key schedule: AES-NI, SSSE3. */
#ifndef PARSEAL_FALLBACK_X86_BLOCK_H
#define PARSEAL_FALLBACK_X86_BLOCK_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef __m128i block;

static inline block block_load(const void *p)
{
    return _mm_loadu_si128(p);
}

static inline void block_store(void *p, block x)
{
    _mm_storeu_si128(p, x);
}

static inline block block_xor(block a, block b)
{
    return _mm_xor_si128(a, b);
}

static inline block block_and(block a, block b)
{
    return _mm_and_si128(a, b);
}

/* hi and lo are the halves of a 128-bit integer. */
static inline block block_set(uint64_t hi, uint64_t lo)
{
    return _mm_set_epi64x((long long)hi, (long long)lo);
}

static inline uint64_t block_low(block x)
{
    return (uint64_t)_mm_cvtsi128_si64(x);
}

static inline uint64_t block_high(block x)
{
    return (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(x, x));
}

static inline block block_reversal(void)
{
    return _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

static inline block block_reverse(block x)
{
    return _mm_shuffle_epi8(x, block_reversal());
}

/* Stores past the caches are not ordered. This makes them visible before anything stored later. */
static inline void past_caches_end(void)
{
    _mm_sfence();
}

static inline block block_aes(const block *round_key, uint32_t rounds, block x)
{
    x = _mm_xor_si128(x, round_key[0]);
    for (uint32_t r = 1; r < rounds; r++)
        x = _mm_aesenc_si128(x, round_key[r]);
    return _mm_aesenclast_si128(x, round_key[rounds]);
}

/* ------------------------------------------------------- key schedule (FIPS 197 section 5.2) -- */

static inline block block_expand(block key, block assist)
{
    key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
    return _mm_xor_si128(key, assist);
}

/* Both take dword 3 to every dword: with four equal columns the last round of AES is the S-box and
 * the key alone, which many CPUs compute in a quarter of the time of AESKEYGENASSIST. RotWord comes
 * before SubWord, with which it may change places. */
static inline block block_rotated(block x, int rcon)
{
    const block columns = _mm_shuffle_epi8(x, _mm_set1_epi32(0x0c0f0e0d));
    return _mm_aesenclast_si128(columns, _mm_set1_epi32(rcon));
}

static inline block block_unrotated(block x)
{
    return _mm_aesenclast_si128(_mm_shuffle_epi32(x, 0xff), _mm_setzero_si128());
}

static inline void block_expand_key128(block *w, const uint8_t *bytes)
{
    w[0] = block_load(bytes);
#define STEP(i, rcon) w[i] = block_expand(w[(i)-1], block_rotated(w[(i)-1], rcon))
    STEP(1, 0x01);
    STEP(2, 0x02);
    STEP(3, 0x04);
    STEP(4, 0x08);
    STEP(5, 0x10);
    STEP(6, 0x20);
    STEP(7, 0x40);
    STEP(8, 0x80);
    STEP(9, 0x1b);
    STEP(10, 0x36);
#undef STEP
}

static inline void block_expand_key256(block *w, const uint8_t *bytes)
{
    w[0] = block_load(bytes);
    w[1] = block_load(bytes + 16);
#define EVEN(i, rcon) w[i] = block_expand(w[(i)-2], block_rotated(w[(i)-1], rcon))
#define ODD(i)        w[i] = block_expand(w[(i)-2], block_unrotated(w[(i)-1]))
    EVEN(2, 0x01);
    ODD(3);
    EVEN(4, 0x02);
    ODD(5);
    EVEN(6, 0x04);
    ODD(7);
    EVEN(8, 0x08);
    ODD(9);
    EVEN(10, 0x10);
    ODD(11);
    EVEN(12, 0x20);
    ODD(13);
    EVEN(14, 0x40);
#undef EVEN
#undef ODD
}

#include "fallback/template/block_parts.h"

#endif
