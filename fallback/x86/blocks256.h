/* Two AES blocks in a 256-bit register: VAES, VPCLMULQDQ, AVX2. */
#ifndef PARSEAL_FALLBACK_X86_BLOCKS256_H
#define PARSEAL_FALLBACK_X86_BLOCKS256_H

#include "fallback/x86/block.h"

typedef __m256i blocks;

enum { BLOCKS_COUNT = 2, BLOCKS_BYTES = 32 };

static inline blocks blocks_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline void blocks_store(void *p, blocks x)
{
    _mm256_storeu_si256(p, x);
}

/* p must be aligned to 16 bytes, as memory of malloc rarely has more. The pieces meet again in the
 * write buffer. */
static inline void blocks_store_past_caches(void *p, blocks x)
{
    block *to = p;
    if ((uintptr_t)p % BLOCKS_BYTES == 0) {
        _mm256_stream_si256((__m256i *)to, x);
        return;
    }
    _mm_stream_si128(to, _mm256_castsi256_si128(x));
    _mm_stream_si128(to + 1, _mm256_extracti128_si256(x, 1));
}

/* Loads n <= BLOCKS_BYTES bytes; the rest is zero. */
static inline blocks blocks_load_partial(const void *p, size_t n)
{
    if (n <= 16)
        return _mm256_zextsi128_si256(block_load_partial(p, n));
    return _mm256_set_m128i(block_load_partial((const block *)p + 1, n - 16), block_load(p));
}

static inline void blocks_store_partial(void *p, blocks x, size_t n)
{
    const block first = _mm256_castsi256_si128(x);
    if (n <= 16) {
        block_store_partial(p, first, n);
        return;
    }
    block_store(p, first);
    block_store_partial((block *)p + 1, _mm256_extracti128_si256(x, 1), n - 16);
}

/* Returns x with zeros for the bytes from n on. */
static inline blocks blocks_keep_bytes(blocks x, size_t n)
{
    const size_t first = n < 16 ? n : 16;
    const block kept = block_keep_bytes(_mm256_castsi256_si128(x), first);
    return _mm256_set_m128i(block_keep_bytes(_mm256_extracti128_si256(x, 1), n - first), kept);
}

static inline blocks blocks_zero(void)
{
    return _mm256_setzero_si256();
}

static inline blocks blocks_broadcast(block x)
{
    return _mm256_broadcastsi128_si256(x);
}

/* Returns x in the first block, and zeros in the other. */
static inline blocks blocks_first_block(block x)
{
    return _mm256_zextsi128_si256(x);
}

/* Returns j in dword 0 of block j. */
static inline blocks blocks_block_numbers(void)
{
    return _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0);
}

static inline blocks blocks_add32(blocks a, blocks b)
{
    return _mm256_add_epi32(a, b);
}

static inline blocks blocks_add64(blocks a, blocks b)
{
    return _mm256_add_epi64(a, b);
}

static inline blocks blocks_and(blocks a, blocks b)
{
    return _mm256_and_si256(a, b);
}

static inline blocks blocks_xor(blocks a, blocks b)
{
    return _mm256_xor_si256(a, b);
}

static inline blocks blocks_xor3(blocks a, blocks b, blocks c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

/* Returns the first block of a and the second one of b; n is 1. */
static inline blocks blocks_alternate(blocks a, blocks b, int n)
{
    (void)n;
    return _mm256_blend_epi32(a, b, 0xf0);
}

/* Returns each block's bytes, last first. */
static inline blocks blocks_reverse(blocks x)
{
    return _mm256_shuffle_epi8(x, blocks_broadcast(block_reversal()));
}

static inline blocks blocks_swap_halves(blocks x)
{
    return _mm256_shuffle_epi32(x, 0x4e);
}

/* Returns the low halves of each block of a and of b, a's first; or the high halves. */
static inline blocks blocks_low_halves(blocks a, blocks b)
{
    return _mm256_unpacklo_epi64(a, b);
}

static inline blocks blocks_high_halves(blocks a, blocks b)
{
    return _mm256_unpackhi_epi64(a, b);
}

/* An AES round takes two keys: `begin` the first, round r the keys r - 1 and r, `last` the last
 * two. `text` is XORed in with the last key. (Here round r uses key r. On Arm, where an instruction
 * adds its key first, it uses key r - 1.) */
static inline blocks blocks_aes_begin(blocks x, blocks key)
{
    return blocks_xor(x, key);
}

#define blocks_aes_round(x, previous_key, key) ((void)(previous_key), _mm256_aesenc_epi128(x, key))

#define blocks_aes_last(x, previous_key, key, text) \
    _mm256_aesenclast_epi128(x, blocks_xor(key, text))

#define blocks_clmul(a, b, halves) _mm256_clmulepi64_epi128(a, b, halves)

/* Returns the XOR of both blocks. */
static inline block blocks_fold(blocks x)
{
    return _mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

#endif
