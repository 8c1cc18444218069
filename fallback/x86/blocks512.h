/* Four AES blocks in a 512-bit register: VAES, VPCLMULQDQ, AVX-512 F, BW, DQ, VL. */
#ifndef PARSEAL_FALLBACK_X86_BLOCKS512_H
#define PARSEAL_FALLBACK_X86_BLOCKS512_H

#include "fallback/x86/block.h"

typedef __m512i blocks;

enum { BLOCKS_COUNT = 4, BLOCKS_BYTES = 64 };

static inline blocks blocks_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

static inline void blocks_store(void *p, blocks x)
{
    _mm512_storeu_si512(p, x);
}

/* p must be aligned to 16 bytes, as memory of malloc rarely has more. The pieces meet again in the
 * write buffer. */
static inline void blocks_store_past_caches(void *p, blocks x)
{
    block *to = p;
    if ((uintptr_t)p % BLOCKS_BYTES == 0) {
        _mm512_stream_si512((__m512i *)to, x);
        return;
    }
    _mm_stream_si128(to, _mm512_castsi512_si128(x));
    _mm_stream_si128(to + 1, _mm512_extracti32x4_epi32(x, 1));
    _mm_stream_si128(to + 2, _mm512_extracti32x4_epi32(x, 2));
    _mm_stream_si128(to + 3, _mm512_extracti32x4_epi32(x, 3));
}

static inline __mmask64 blocks_first_bytes(size_t n)
{
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

static inline blocks blocks_load_partial(const void *p, size_t n)
{
    return _mm512_maskz_loadu_epi8(blocks_first_bytes(n), p);
}

static inline void blocks_store_partial(void *p, blocks x, size_t n)
{
    _mm512_mask_storeu_epi8(p, blocks_first_bytes(n), x);
}

/* Returns x with zeros for the bytes from n on. */
static inline blocks blocks_keep_bytes(blocks x, size_t n)
{
    return _mm512_maskz_mov_epi8(blocks_first_bytes(n), x);
}

static inline blocks blocks_zero(void)
{
    return _mm512_setzero_si512();
}

static inline blocks blocks_broadcast(block x)
{
    return _mm512_broadcast_i32x4(x);
}

/* Returns x in the first block, and zeros in the others. */
static inline blocks blocks_first_block(block x)
{
    return _mm512_zextsi128_si512(x);
}

/* Returns j in dword 0 of block j. */
static inline blocks blocks_block_numbers(void)
{
    return _mm512_set_epi32(0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0);
}

static inline blocks blocks_add32(blocks a, blocks b)
{
    return _mm512_add_epi32(a, b);
}

static inline blocks blocks_add64(blocks a, blocks b)
{
    return _mm512_add_epi64(a, b);
}

static inline blocks blocks_and(blocks a, blocks b)
{
    return _mm512_and_si512(a, b);
}

static inline blocks blocks_xor(blocks a, blocks b)
{
    return _mm512_xor_si512(a, b);
}

static inline blocks blocks_xor3(blocks a, blocks b, blocks c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

/* Returns n blocks of a, the next n of b, and so on; n is 1 or 2. */
static inline blocks blocks_alternate(blocks a, blocks b, int n)
{
    return _mm512_mask_blend_epi64(n == 1 ? 0xcc : 0xf0, a, b);
}

/* Returns each block's bytes, last first. */
static inline blocks blocks_reverse(blocks x)
{
    return _mm512_shuffle_epi8(x, blocks_broadcast(block_reversal()));
}

static inline blocks blocks_swap_halves(blocks x)
{
    return _mm512_shuffle_epi32(x, (_MM_PERM_ENUM)0x4e);
}

/* Returns the low halves of each block of a and of b, a's first; or the high halves. */
static inline blocks blocks_low_halves(blocks a, blocks b)
{
    return _mm512_unpacklo_epi64(a, b);
}

static inline blocks blocks_high_halves(blocks a, blocks b)
{
    return _mm512_unpackhi_epi64(a, b);
}

/* An AES round takes two keys: `begin` the first, round r the keys r - 1 and r, `last` the last
 * two. `text` is XORed in with the last key. (Here round r uses key r. On Arm, where an instruction
 * adds its key first, it uses key r - 1.) */
static inline blocks blocks_aes_begin(blocks x, blocks key)
{
    return blocks_xor(x, key);
}

#define blocks_aes_round(x, previous_key, key) ((void)(previous_key), _mm512_aesenc_epi128(x, key))

#define blocks_aes_last(x, previous_key, key, text) \
    _mm512_aesenclast_epi128(x, blocks_xor(key, text))

#define blocks_clmul(a, b, halves) _mm512_clmulepi64_epi128(a, b, halves)

/* Returns the XOR of all blocks. */
static inline block blocks_fold(blocks x)
{
    const __m256i half =
        _mm256_xor_si256(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm_xor_si128(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
}

#endif
