/* Four 32-bit lanes, or two of 64 bits: NEON. Little-endian aarch64. */
#ifndef PARSEAL_FALLBACK_ARM_LANES_NEON_H
#define PARSEAL_FALLBACK_ARM_LANES_NEON_H

#include <arm_neon.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint32x4_t lanes;

enum { LANES = 4 };

#define LANES_AS64(x)   vreinterpretq_u64_u32(x)
#define LANES_FROM64(x) vreinterpretq_u32_u64(x)

static inline lanes lanes_set32(uint32_t x)
{
    return vdupq_n_u32(x);
}

static inline lanes lanes_set64(uint64_t x)
{
    return LANES_FROM64(vdupq_n_u64(x));
}

static inline lanes lanes_numbers(void)
{
    static const uint32_t numbers[LANES] = {0, 1, 2, 3};
    return vld1q_u32(numbers);
}

static inline lanes lanes_load(const void *p)
{
    return vreinterpretq_u32_u8(vld1q_u8(p));
}

/* Stores bytes, so that p need not be aligned. */
static inline void lanes_store(void *p, lanes x)
{
    vst1q_u8(p, vreinterpretq_u8_u32(x));
}

/* This is an ordinary store: the one that spares the caches (STNP) takes two registers, and is only
 * a hint. */
static inline void lanes_store_past_caches(void *p, lanes x)
{
    lanes_store(p, x);
}

static inline void lanes_past_caches_end(void)
{
}

static inline lanes lanes_and(lanes a, lanes b)
{
    return vandq_u32(a, b);
}

static inline lanes lanes_or(lanes a, lanes b)
{
    return vorrq_u32(a, b);
}

static inline lanes lanes_xor(lanes a, lanes b)
{
    return veorq_u32(a, b);
}

static inline lanes lanes_add32(lanes a, lanes b)
{
    return vaddq_u32(a, b);
}

static inline lanes lanes_sub32(lanes a, lanes b)
{
    return vsubq_u32(a, b);
}

static inline lanes lanes_add64(lanes a, lanes b)
{
    return LANES_FROM64(vaddq_u64(LANES_AS64(a), LANES_AS64(b)));
}

static inline lanes lanes_sub64(lanes a, lanes b)
{
    return LANES_FROM64(vsubq_u64(LANES_AS64(a), LANES_AS64(b)));
}

/* Returns the products of the low halves of 64-bit lanes. */
static inline lanes lanes_multiply32(lanes a, lanes b)
{
    return LANES_FROM64(vmull_u32(vmovn_u64(LANES_AS64(a)), vmovn_u64(LANES_AS64(b))));
}

/* `by` is a constant. */
#define lanes_shift_left64(x, by)  LANES_FROM64(vshlq_n_u64(LANES_AS64(x), by))
#define lanes_shift_right64(x, by) LANES_FROM64(vshrq_n_u64(LANES_AS64(x), by))

/* `by` is below 128; from 64 on the result is zero. */
static inline lanes lanes_shift_left64_by(lanes x, uint32_t by)
{
    return LANES_FROM64(vshlq_u64(LANES_AS64(x), vdupq_n_s64((int64_t)by)));
}

static inline lanes lanes_shift_right64_by(lanes x, uint32_t by)
{
    return LANES_FROM64(vshlq_u64(LANES_AS64(x), vdupq_n_s64(-(int64_t)by)));
}

static inline lanes lanes_rotate_16(lanes x)
{
    return vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(x)));
}

/* A table of places moves whole bytes in one instruction instead of two. */
static inline lanes lanes_rotate_8(lanes x)
{
    static const uint8_t from[16] = {3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14};
    return vreinterpretq_u32_u8(vqtbl1q_u8(vreinterpretq_u8_u32(x), vld1q_u8(from)));
}

#define lanes_rotate32(x, by)         \
    ((by) == 16  ? lanes_rotate_16(x) \
     : (by) == 8 ? lanes_rotate_8(x)  \
                 : vsriq_n_u32(vshlq_n_u32(x, by), x, 32 - (by)))

/* x + (a < b ? m : 0), unsigned. */
static inline lanes lanes_add_if_less32(lanes x, lanes a, lanes b, lanes m)
{
    return vaddq_u32(x, vandq_u32(vcltq_u32(a, b), m));
}

static inline lanes lanes_min32(lanes a, lanes b)
{
    return vminq_u32(a, b);
}

static inline lanes lanes_add_if_less64(lanes x, lanes a, lanes b, lanes m)
{
    const lanes less = LANES_FROM64(vcltq_u64(LANES_AS64(a), LANES_AS64(b)));
    return lanes_add64(x, vandq_u32(less, m));
}

/* x + (x < 0 ? m : 0), signed. */
static inline lanes lanes_add_if_negative64(lanes x, lanes m)
{
    const lanes negative = LANES_FROM64(vcltzq_s64(vreinterpretq_s64_u32(x)));
    return lanes_add64(x, vandq_u32(negative, m));
}

/* x + (a < b), unsigned. */
static inline lanes lanes_count_less32(lanes x, lanes a, lanes b)
{
    return vsubq_u32(x, vcltq_u32(a, b));
}

static inline lanes lanes_count_less64(lanes x, lanes a, lanes b)
{
    return lanes_sub64(x, LANES_FROM64(vcltq_u64(LANES_AS64(a), LANES_AS64(b))));
}

static inline lanes lanes_from32(lanes x, lanes m)
{
    return vcgeq_u32(x, m);
}

static inline lanes lanes_from64(lanes x, lanes m)
{
    return LANES_FROM64(vcgeq_u64(LANES_AS64(x), LANES_AS64(m)));
}

/* x >= m ? other : x, unsigned. */
static inline lanes lanes_replace_from32(lanes x, lanes m, lanes other)
{
    return vbslq_u32(lanes_from32(x, m), other, x);
}

static inline lanes lanes_replace_from64(lanes x, lanes m, lanes other)
{
    return vbslq_u32(lanes_from64(x, m), other, x);
}

static inline bool lanes_any_from32(const lanes *x, int n, lanes m)
{
    lanes any = vdupq_n_u32(0);
    for (int i = 0; i < n; i++)
        any = vorrq_u32(any, lanes_from32(x[i], m));
    return vmaxvq_u32(any) != 0;
}

static inline bool lanes_any_from64(const lanes *x, int n, lanes m)
{
    lanes any = vdupq_n_u32(0);
    for (int i = 0; i < n; i++)
        any = vorrq_u32(any, lanes_from64(x[i], m));
    return vmaxvq_u32(any) != 0;
}

#define lanes_unpack_low32(a, b)  vzip1q_u32(a, b)
#define lanes_unpack_high32(a, b) vzip2q_u32(a, b)
#define lanes_unpack_low64(a, b)  LANES_FROM64(vzip1q_u64(LANES_AS64(a), LANES_AS64(b)))
#define lanes_unpack_high64(a, b) LANES_FROM64(vzip2q_u64(LANES_AS64(a), LANES_AS64(b)))

/* A vector is one quarter, so there is one place: p0 .. p3 go to `to`, one after the other. */
static inline void lanes_store_quarters(uint8_t *to, size_t stride, lanes p0, lanes p1, lanes p2,
                                        lanes p3)
{
    (void)stride;
    lanes_store(to, p0);
    lanes_store(to + 16, p1);
    lanes_store(to + 32, p2);
    lanes_store(to + 48, p3);
}

#endif
