/* Sixteen 32-bit lanes, or eight of 64 bits: AVX-512 F. */
#ifndef PARSEAL_FALLBACK_X86_LANES512_H
#define PARSEAL_FALLBACK_X86_LANES512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

typedef __m512i lanes;

enum { LANES = 16 };

static inline lanes lanes_set32(uint32_t x)
{
    return _mm512_set1_epi32((int)x);
}

static inline lanes lanes_set64(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}

static inline lanes lanes_numbers(void)
{
    return _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
}

static inline lanes lanes_load(const void *p)
{
    return _mm512_loadu_si512(p);
}

static inline void lanes_store(void *p, lanes x)
{
    _mm512_storeu_si512(p, x);
}

/* p is aligned to a vector. */
static inline void lanes_store_past_caches(void *p, lanes x)
{
    _mm512_stream_si512(p, x);
}

static inline void lanes_past_caches_end(void)
{
    _mm_sfence();
}

static inline lanes lanes_and(lanes a, lanes b)
{
    return _mm512_and_si512(a, b);
}

static inline lanes lanes_or(lanes a, lanes b)
{
    return _mm512_or_si512(a, b);
}

static inline lanes lanes_xor(lanes a, lanes b)
{
    return _mm512_xor_si512(a, b);
}

static inline lanes lanes_add32(lanes a, lanes b)
{
    return _mm512_add_epi32(a, b);
}

static inline lanes lanes_sub32(lanes a, lanes b)
{
    return _mm512_sub_epi32(a, b);
}

static inline lanes lanes_add64(lanes a, lanes b)
{
    return _mm512_add_epi64(a, b);
}

static inline lanes lanes_sub64(lanes a, lanes b)
{
    return _mm512_sub_epi64(a, b);
}

/* Returns the products of the low halves of 64-bit lanes. */
static inline lanes lanes_multiply32(lanes a, lanes b)
{
    return _mm512_mul_epu32(a, b);
}

/* `by` is a constant. */
#define lanes_shift_left64(x, by)  _mm512_slli_epi64(x, by)
#define lanes_shift_right64(x, by) _mm512_srli_epi64(x, by)

/* `by` is any number; from 64 on the result is zero. */
static inline lanes lanes_shift_left64_by(lanes x, uint32_t by)
{
    return _mm512_sll_epi64(x, _mm_cvtsi32_si128((int)by));
}

static inline lanes lanes_shift_right64_by(lanes x, uint32_t by)
{
    return _mm512_srl_epi64(x, _mm_cvtsi32_si128((int)by));
}

#define lanes_rotate32(x, by) _mm512_rol_epi32(x, by)

/* x + (a < b ? m : 0), unsigned. */
static inline lanes lanes_add_if_less32(lanes x, lanes a, lanes b, lanes m)
{
    return _mm512_mask_add_epi32(x, _mm512_cmplt_epu32_mask(a, b), x, m);
}

static inline lanes lanes_min32(lanes a, lanes b)
{
    return _mm512_min_epu32(a, b);
}

static inline lanes lanes_add_if_less64(lanes x, lanes a, lanes b, lanes m)
{
    return _mm512_mask_add_epi64(x, _mm512_cmplt_epu64_mask(a, b), x, m);
}

/* x + (x < 0 ? m : 0), signed. */
static inline lanes lanes_add_if_negative64(lanes x, lanes m)
{
    return _mm512_mask_add_epi64(x, _mm512_movepi64_mask(x), x, m);
}

/* x + (a < b), unsigned. */
static inline lanes lanes_count_less32(lanes x, lanes a, lanes b)
{
    return lanes_add_if_less32(x, a, b, lanes_set32(1));
}

static inline lanes lanes_count_less64(lanes x, lanes a, lanes b)
{
    return lanes_add_if_less64(x, a, b, lanes_set64(1));
}

/* x >= m ? other : x, unsigned. */
static inline lanes lanes_replace_from32(lanes x, lanes m, lanes other)
{
    return _mm512_mask_mov_epi32(x, _mm512_cmpge_epu32_mask(x, m), other);
}

static inline lanes lanes_replace_from64(lanes x, lanes m, lanes other)
{
    return _mm512_mask_mov_epi64(x, _mm512_cmpge_epu64_mask(x, m), other);
}

static inline bool lanes_any_from32(const lanes *x, int n, lanes m)
{
    __mmask16 any = 0;
    for (int i = 0; i < n; i++)
        any |= _mm512_cmpge_epu32_mask(x[i], m);
    return any != 0;
}

static inline bool lanes_any_from64(const lanes *x, int n, lanes m)
{
    __mmask8 any = 0;
    for (int i = 0; i < n; i++)
        any |= _mm512_cmpge_epu64_mask(x[i], m);
    return any != 0;
}

#define lanes_unpack_low32(a, b)  _mm512_unpacklo_epi32(a, b)
#define lanes_unpack_high32(a, b) _mm512_unpackhi_epi32(a, b)
#define lanes_unpack_low64(a, b)  _mm512_unpacklo_epi64(a, b)
#define lanes_unpack_high64(a, b) _mm512_unpackhi_epi64(a, b)

/* Stores the 128-bit quarters L of p0 .. p3 one after the other at to + L * stride. */
static inline void lanes_store_quarters(uint8_t *to, size_t stride, lanes p0, lanes p1, lanes p2,
                                        lanes p3)
{
    const lanes i01 = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0),
                i23 = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
    const lanes a = _mm512_permutex2var_epi64(p0, i01, p1),
                b = _mm512_permutex2var_epi64(p0, i23, p1);
    const lanes c = _mm512_permutex2var_epi64(p2, i01, p3),
                d = _mm512_permutex2var_epi64(p2, i23, p3);
    _mm256_storeu_si256((void *)to, _mm512_castsi512_si256(a));
    _mm256_storeu_si256((void *)(to + 32), _mm512_castsi512_si256(c));
    _mm256_storeu_si256((void *)(to + stride), _mm512_extracti64x4_epi64(a, 1));
    _mm256_storeu_si256((void *)(to + stride + 32), _mm512_extracti64x4_epi64(c, 1));
    _mm256_storeu_si256((void *)(to + 2 * stride), _mm512_castsi512_si256(b));
    _mm256_storeu_si256((void *)(to + 2 * stride + 32), _mm512_castsi512_si256(d));
    _mm256_storeu_si256((void *)(to + 3 * stride), _mm512_extracti64x4_epi64(b, 1));
    _mm256_storeu_si256((void *)(to + 3 * stride + 32), _mm512_extracti64x4_epi64(d, 1));
}

#endif
