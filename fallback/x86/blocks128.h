/* One AES block in a 128-bit register: AES-NI, PCLMULQDQ, SSSE3. */
#ifndef PARSEAL_FALLBACK_X86_BLOCKS128_H
#define PARSEAL_FALLBACK_X86_BLOCKS128_H

#include "fallback/x86/block.h"

typedef block blocks;

enum { BLOCKS_COUNT = 1, BLOCKS_BYTES = 16 };

static inline blocks blocks_load(const void *p)
{
    return _mm_loadu_si128(p);
}

static inline void blocks_store(void *p, blocks x)
{
    _mm_storeu_si128(p, x);
}

/* p must be aligned to 16 bytes. */
static inline void blocks_store_past_caches(void *p, blocks x)
{
    _mm_stream_si128(p, x);
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
    return _mm_setzero_si128();
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
    return _mm_setzero_si128();
}

static inline blocks blocks_add32(blocks a, blocks b)
{
    return _mm_add_epi32(a, b);
}

static inline blocks blocks_add64(blocks a, blocks b)
{
    return _mm_add_epi64(a, b);
}

static inline blocks blocks_and(blocks a, blocks b)
{
    return _mm_and_si128(a, b);
}

static inline blocks blocks_xor(blocks a, blocks b)
{
    return _mm_xor_si128(a, b);
}

static inline blocks blocks_xor3(blocks a, blocks b, blocks c)
{
    return _mm_xor_si128(_mm_xor_si128(a, b), c);
}

/* Returns n blocks of a, the next n of b, and so on, which a register of one block is too small
 * for. */
static inline blocks blocks_alternate(blocks a, blocks b, int n)
{
    (void)b;
    (void)n;
    return a;
}

/* Returns each block's bytes, last first. */
static inline blocks blocks_reverse(blocks x)
{
    return _mm_shuffle_epi8(x, blocks_broadcast(block_reversal()));
}

static inline blocks blocks_swap_halves(blocks x)
{
    return _mm_shuffle_epi32(x, 0x4e);
}

/* Returns the low halves of each block of a and of b, a's first; or the high halves. */
static inline blocks blocks_low_halves(blocks a, blocks b)
{
    return _mm_unpacklo_epi64(a, b);
}

static inline blocks blocks_high_halves(blocks a, blocks b)
{
    return _mm_unpackhi_epi64(a, b);
}

/* An AES round takes two keys: `begin` the first, round r the keys r - 1 and r, `last` the last
 * two. `text` is XORed in with the last key. (Here round r uses key r. On Arm, where an instruction
 * adds its key first, it uses key r - 1.) */
static inline blocks blocks_aes_begin(blocks x, blocks key)
{
    return blocks_xor(x, key);
}

#define blocks_aes_round(x, previous_key, key) ((void)(previous_key), _mm_aesenc_si128(x, key))

#define blocks_aes_last(x, previous_key, key, text) _mm_aesenclast_si128(x, blocks_xor(key, text))

#define blocks_clmul(a, b, halves) _mm_clmulepi64_si128(a, b, halves)

static inline block blocks_fold(blocks x)
{
    return x;
}

#endif
