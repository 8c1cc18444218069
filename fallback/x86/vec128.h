/* One AES block in a 128-bit register: AES-NI, PCLMULQDQ, SSSE3. */
#ifndef PARSEAL_FALLBACK_X86_VEC128_H
#define PARSEAL_FALLBACK_X86_VEC128_H

#include "fallback/x86/block.h"

typedef block vec;

enum { VEC_BLOCKS = 1, VEC_BYTES = 16 };

static inline vec vec_load(const void *p)
{
    return _mm_loadu_si128(p);
}

static inline void vec_store(void *p, vec x)
{
    _mm_storeu_si128(p, x);
}

/* p aligned to 16 */
static inline void vec_stream(void *p, vec x)
{
    _mm_stream_si128(p, x);
}

/* n <= VEC_BYTES; the rest is zero. */
static inline vec vec_load_partial(const void *p, size_t n)
{
    uint8_t bytes[16] = {0};
    memcpy(bytes, p, n);
    return _mm_loadu_si128((const __m128i *)bytes);
}

static inline void vec_store_partial(void *p, vec x, size_t n)
{
    uint8_t bytes[16];
    _mm_storeu_si128((__m128i *)bytes, x);
    memcpy(p, bytes, n);
}

static inline vec vec_zero(void)
{
    return _mm_setzero_si128();
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
    return _mm_setzero_si128();
}

static inline vec vec_add32(vec a, vec b)
{
    return _mm_add_epi32(a, b);
}

static inline vec vec_add64(vec a, vec b)
{
    return _mm_add_epi64(a, b);
}

static inline vec vec_and(vec a, vec b)
{
    return _mm_and_si128(a, b);
}

static inline vec vec_xor(vec a, vec b)
{
    return _mm_xor_si128(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return _mm_xor_si128(_mm_xor_si128(a, b), c);
}

/* Each block's bytes, last first. */
static inline vec vec_reverse(vec x)
{
    return _mm_shuffle_epi8(x, vec_broadcast(block_reversal()));
}

static inline vec vec_swap_halves(vec x)
{
    return _mm_shuffle_epi32(x, 0x4e);
}

/* AES rounds: begin takes the first round key, round r the keys r - 1 and r, last the last two;
 * `text` is XORed in with the last key. (Where a round's key comes first, as on Arm, the other of
 * the two is used.) */
static inline vec vec_aes_begin(vec x, vec key)
{
    return vec_xor(x, key);
}

#define vec_aes_round(x, previous_key, key) _mm_aesenc_si128(x, key)

#define vec_aes_last(x, previous_key, key, text) _mm_aesenclast_si128(x, vec_xor(key, text))

#define vec_clmul(a, b, halves) _mm_clmulepi64_si128(a, b, halves)

static inline block vec_fold(vec x)
{
    return x;
}

#endif
