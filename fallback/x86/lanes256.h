/* Eight 32-bit lanes, or four of 64 bits: AVX2. */
#ifndef PARSEAL_FALLBACK_X86_LANES256_H
#define PARSEAL_FALLBACK_X86_LANES256_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

typedef __m256i lanes;

enum { LANES = 8 };

static inline lanes lanes_set32(uint32_t x)
{
    return _mm256_set1_epi32((int)x);
}

static inline lanes lanes_set64(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}

static inline lanes lanes_numbers(void)
{
    return _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0);
}

static inline lanes lanes_load(const void *p)
{
    return _mm256_loadu_si256(p);
}

static inline void lanes_store(void *p, lanes x)
{
    _mm256_storeu_si256(p, x);
}

/* p is aligned to a vector. */
static inline void lanes_store_past_caches(void *p, lanes x)
{
    _mm256_stream_si256(p, x);
}

static inline void lanes_past_caches_end(void)
{
    _mm_sfence();
}

static inline lanes lanes_and(lanes a, lanes b)
{
    return _mm256_and_si256(a, b);
}

static inline lanes lanes_or(lanes a, lanes b)
{
    return _mm256_or_si256(a, b);
}

static inline lanes lanes_xor(lanes a, lanes b)
{
    return _mm256_xor_si256(a, b);
}

static inline lanes lanes_add32(lanes a, lanes b)
{
    return _mm256_add_epi32(a, b);
}

static inline lanes lanes_sub32(lanes a, lanes b)
{
    return _mm256_sub_epi32(a, b);
}

static inline lanes lanes_add64(lanes a, lanes b)
{
    return _mm256_add_epi64(a, b);
}

static inline lanes lanes_sub64(lanes a, lanes b)
{
    return _mm256_sub_epi64(a, b);
}

/* Returns the products of the low halves of 64-bit lanes. */
static inline lanes lanes_multiply32(lanes a, lanes b)
{
    return _mm256_mul_epu32(a, b);
}

/* `by` is a constant. */
#define lanes_shift_left64(x, by)  _mm256_slli_epi64(x, by)
#define lanes_shift_right64(x, by) _mm256_srli_epi64(x, by)

/* `by` is any number; from 64 on the result is zero. */
static inline lanes lanes_shift_left64_by(lanes x, uint32_t by)
{
    return _mm256_sll_epi64(x, _mm_cvtsi32_si128((int)by));
}

static inline lanes lanes_shift_right64_by(lanes x, uint32_t by)
{
    return _mm256_srl_epi64(x, _mm_cvtsi32_si128((int)by));
}

#define lanes_rotate32(x, by) \
    _mm256_or_si256(_mm256_slli_epi32(x, by), _mm256_srli_epi32(x, 32 - (by)))

/* Returns all ones where a < b, unsigned. */
static inline lanes lanes_less32(lanes a, lanes b)
{
    return _mm256_xor_si256(_mm256_cmpeq_epi32(_mm256_max_epu32(a, b), a), _mm256_set1_epi32(-1));
}

static inline lanes lanes_less64(lanes a, lanes b)
{
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_cmpgt_epi64(_mm256_xor_si256(b, sign), _mm256_xor_si256(a, sign));
}

/* x + (a < b ? m : 0), unsigned. */
static inline lanes lanes_add_if_less32(lanes x, lanes a, lanes b, lanes m)
{
    return _mm256_add_epi32(x, _mm256_and_si256(lanes_less32(a, b), m));
}

static inline lanes lanes_min32(lanes a, lanes b)
{
    return _mm256_min_epu32(a, b);
}

static inline lanes lanes_add_if_less64(lanes x, lanes a, lanes b, lanes m)
{
    return _mm256_add_epi64(x, _mm256_and_si256(lanes_less64(a, b), m));
}

/* x + (x < 0 ? m : 0), signed. */
static inline lanes lanes_add_if_negative64(lanes x, lanes m)
{
    const lanes negative = _mm256_cmpgt_epi64(_mm256_setzero_si256(), x);
    return _mm256_add_epi64(x, _mm256_and_si256(negative, m));
}

/* x + (a < b), unsigned. */
static inline lanes lanes_count_less32(lanes x, lanes a, lanes b)
{
    return _mm256_sub_epi32(x, lanes_less32(a, b));
}

static inline lanes lanes_count_less64(lanes x, lanes a, lanes b)
{
    return _mm256_sub_epi64(x, lanes_less64(a, b));
}

/* x >= m ? other : x, unsigned. */
static inline lanes lanes_replace_from32(lanes x, lanes m, lanes other)
{
    return _mm256_blendv_epi8(other, x, lanes_less32(x, m));
}

static inline lanes lanes_replace_from64(lanes x, lanes m, lanes other)
{
    return _mm256_blendv_epi8(other, x, lanes_less64(x, m));
}

static inline bool lanes_any_from32(const lanes *x, int n, lanes m)
{
    lanes all = _mm256_set1_epi32(-1);
    for (int i = 0; i < n; i++)
        all = _mm256_and_si256(all, lanes_less32(x[i], m));
    return _mm256_movemask_epi8(all) != -1;
}

static inline bool lanes_any_from64(const lanes *x, int n, lanes m)
{
    lanes all = _mm256_set1_epi32(-1);
    for (int i = 0; i < n; i++)
        all = _mm256_and_si256(all, lanes_less64(x[i], m));
    return _mm256_movemask_epi8(all) != -1;
}

#define lanes_unpack_low32(a, b)  _mm256_unpacklo_epi32(a, b)
#define lanes_unpack_high32(a, b) _mm256_unpackhi_epi32(a, b)
#define lanes_unpack_low64(a, b)  _mm256_unpacklo_epi64(a, b)
#define lanes_unpack_high64(a, b) _mm256_unpackhi_epi64(a, b)

/* Stores the 128-bit quarters L of p0 .. p3, L = 0 and 1, one after the other at to + L *
 * stride. */
static inline void lanes_store_quarters(uint8_t *to, size_t stride, lanes p0, lanes p1, lanes p2,
                                        lanes p3)
{

#define Q(p, o)                                                    \
    _mm_storeu_si128((void *)(to + o), _mm256_castsi256_si128(p)); \
    _mm_storeu_si128((void *)(to + stride + o), _mm256_extracti128_si256(p, 1));
    Q(p0, 0) Q(p1, 16) Q(p2, 32) Q(p3, 48)
}

#endif
