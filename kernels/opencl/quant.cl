/* Quantise and dequantise, format 4.6. To quantise, a work-item takes a block of keystream, which
 * is 16 elements; to dequantise, an element. Every float operation rounds once. Constant time:
 * choices are masks. */
#pragma OPENCL FP_CONTRACT OFF
#if HAS_DOUBLE
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#include "kernels/common/chacha20.h"
#include "kernels/common/quant.h"
#include "kernels/common/soft_double.h"

static float load_float(GLOBAL const uchar *x, ulong i, uint float_type)
{
    if (float_type == QUANT_FLOAT32)
        return as_float(((GLOBAL const u32 *)x)[i]);
    const u32 half_bits = ((GLOBAL const u16 *)x)[i];
    return float_type == QUANT_BFLOAT16 ? as_float(half_bits << 16) : float16_value(half_bits);
}

/* Adds to a 64-bit counter by 32-bit atomics, which do not carry by themselves. */
static void count_up(volatile GLOBAL uint *counter, uint by)
{
    if (by != 0 && atomic_add(counter, by) > ~by)
        atomic_inc(counter + 1);
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void quantize(
    GLOBAL const uchar *x, ulong x_at, uint float_type, GLOBAL uchar *q, ulong q_at,
    uint element_size, float clip, float scale, uint bits, GLOBAL const mask_seed *seed,
    uint stochastic, ulong first, ulong count, GLOBAL uchar *nonfinite, ulong nonfinite_at,
    uint counted)
{
    const ulong begin = (first / 16 + get_global_id(0)) * 16;
    if (count == 0 || begin >= first + count)
        return;
    const u32 max = ((u32)1 << bits) - 1;
    u32 random[16], special = 0;
    if (stochastic) {
        const mask_seed s = seed[0];
        chacha20_block(random, &s, 0, (u32)(begin / 16));
    }
    for (int i = 0; i < 16; i++) {
        const ulong e = begin + (ulong)i - first; /* It wraps before the first element. */
        if (e >= count)
            continue;
        const float value = load_float(x + x_at, e, float_type);
        const float u = quant_scale(value, clip, scale, (float)(i32)max);
        const u32 integer =
            stochastic ? quant_stochastic(u, random[i], max) : quant_nearest(u, max);
        special += is_special(value);
        if (element_size == 4)
            ((GLOBAL u32 *)(q + q_at))[e] = integer;
        else
            ((GLOBAL u64 *)(q + q_at))[e] = integer;
    }
    if (counted)
        count_up((volatile GLOBAL uint *)(nonfinite + nonfinite_at), special);
}

/* mean = sum step / n_clients - clip, in double and in this order. */
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void dequantize(
    GLOBAL const uchar *sum, ulong sum_at, uint element_size, ulong step, ulong n_clients,
    ulong clip, GLOBAL uchar *mean, ulong mean_at, ulong count)
{
    const ulong i = get_global_id(0);
    if (i >= count)
        return;
    const u64 s = element_size == 4 ? ((GLOBAL const u32 *)(sum + sum_at))[i]
                                    : ((GLOBAL const u64 *)(sum + sum_at))[i];
    GLOBAL float *to = (GLOBAL float *)(mean + mean_at) + i;
#if HAS_DOUBLE
    *to = (float)((double)s * as_double(step) / as_double(n_clients) - as_double(clip));
#else
    *to = as_float(soft_to_float(
        soft_subtract(soft_divide(soft_multiply(soft_from_u64(s), step), n_clients), clip)));
#endif
}
