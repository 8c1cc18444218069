/* Two AES blocks in a 256-bit register: VAES, VPCLMULQDQ, AVX2. */
#ifndef PARSEAL_FALLBACK_X86_VEC256_H
#define PARSEAL_FALLBACK_X86_VEC256_H

#include "fallback/x86/block.h"

typedef __m256i vec;

enum { VEC_BLOCKS = 2, VEC_BYTES = 32 };

static inline vec vec_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline void vec_store(void *p, vec x)
{
    _mm256_storeu_si256(p, x);
}

/* p aligned to 16. Memory of malloc rarely has more; the pieces meet again in the write buffer. */
static inline void vec_stream(void *p, vec x)
{
    block *to = p;
    if ((uintptr_t)p % VEC_BYTES == 0) {
        _mm256_stream_si256((__m256i *)to, x);
        return;
    }
    _mm_stream_si128(to, _mm256_castsi256_si128(x));
    _mm_stream_si128(to + 1, _mm256_extracti128_si256(x, 1));
}

/* n <= VEC_BYTES; the rest is zero. */
static inline vec vec_load_partial(const void *p, size_t n)
{
    uint8_t bytes[32] = {0};
    memcpy(bytes, p, n);
    return _mm256_loadu_si256((const __m256i *)bytes);
}

static inline void vec_store_partial(void *p, vec x, size_t n)
{
    uint8_t bytes[32];
    _mm256_storeu_si256((__m256i *)bytes, x);
    memcpy(p, bytes, n);
}

static inline vec vec_zero(void)
{
    return _mm256_setzero_si256();
}

static inline vec vec_broadcast(block x)
{
    return _mm256_broadcastsi128_si256(x);
}

/* x in the first block, zeros in the other. */
static inline vec vec_first_block(block x)
{
    return _mm256_zextsi128_si256(x);
}

/* j in dword 0 of block j */
static inline vec vec_block_numbers(void)
{
    return _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0);
}

static inline vec vec_add32(vec a, vec b)
{
    return _mm256_add_epi32(a, b);
}

static inline vec vec_add64(vec a, vec b)
{
    return _mm256_add_epi64(a, b);
}

static inline vec vec_and(vec a, vec b)
{
    return _mm256_and_si256(a, b);
}

static inline vec vec_xor(vec a, vec b)
{
    return _mm256_xor_si256(a, b);
}

static inline vec vec_xor3(vec a, vec b, vec c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

/* Each block's bytes, last first. */
static inline vec vec_reverse(vec x)
{
    return _mm256_shuffle_epi8(x, vec_broadcast(block_reversal()));
}

static inline vec vec_swap_halves(vec x)
{
    return _mm256_shuffle_epi32(x, 0x4e);
}

/* AES rounds: begin takes the first round key, round r the keys r - 1 and r, last the last two;
 * `text` is XORed in with the last key. (Where a round's key comes first, as on Arm, the other of
 * the two is used.) */
static inline vec vec_aes_begin(vec x, vec key)
{
    return vec_xor(x, key);
}

#define vec_aes_round(x, previous_key, key) _mm256_aesenc_epi128(x, key)

#define vec_aes_last(x, previous_key, key, text) _mm256_aesenclast_epi128(x, vec_xor(key, text))

#define vec_clmul(a, b, halves) _mm256_clmulepi64_epi128(a, b, halves)

/* The XOR of both blocks. */
static inline block vec_fold(vec x)
{
    return _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

#endif
