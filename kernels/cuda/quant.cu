/* Quantise and dequantise, format 4.6.
 *
 *   quantize     A warp takes 512 elements at a time, those of 32 neighbouring blocks of keystream.
 *                Each lane makes one block. Then the lanes exchange blocks (blocks.h), and each
 *                rounds elements that lie beside its neighbours': pieces of four where x and q are
 *                aligned, and else one by one.
 *   dequantize   A thread takes four elements, or one.
 *
 * Every float operation rounds once: the file is compiled with -fmad=false and without -ftz.
 * Constant time: choices are masks.
 */
#include <string.h>

#define CHACHA20_UNROLL UNROLL
#include "kernels/common/quant.h"
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/chacha20.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/ptx.h"

enum { THREADS = 256, WARP_ELEMENTS = 512, PIECE = 4, LANE_PIECES = 4 };

/* ---------------------------------------------------------------------------------- quantise -- */

/* This is the same for all elements of a call. */
struct quant_call {
    const u8 *x;
    u8 *q;
    u32 float_type, element_size, stochastic, max;
    float clip, scale;
};

FN float float_from(const quant_call &c, u32 bits)
{
    if (c.float_type == QUANT_FLOAT32)
        return float_of(bits);
    return c.float_type == QUANT_BFLOAT16 ? float_of(bits << 16) : float16_value(bits);
}

/* Returns the integer for an element, and counts the element if it is not finite. */
FN u32 quantized(const quant_call &c, u32 bits, u32 random, u32 &special)
{
    const float value = float_from(c, bits);
    const float u = quant_scale(value, c.clip, c.scale, (float)(i32)c.max);
    special += is_special(value);
    return c.stochastic ? quant_stochastic(u, random, c.max) : quant_nearest(u, c.max);
}

FN void quantize_element(const quant_call &c, u64 i, u32 random, u32 &special)
{
    const u32 bits = c.float_type == QUANT_FLOAT32 ? ((const u32 *)c.x)[i] : ((const u16 *)c.x)[i];
    const u32 integer = quantized(c, bits, random, special);
    if (c.element_size == 4)
        ((u32 *)c.q)[i] = integer;
    else
        ((u64 *)c.q)[i] = integer;
}

/* Loads four elements as the bits of floats. */
FN uint4 load_floats(const quant_call &c, u64 i)
{
    if (c.float_type == QUANT_FLOAT32)
        return load_streaming((const uint4 *)((const u32 *)c.x + i));
    const uint2 halves = *(const uint2 *)((const u16 *)c.x + i);
    uint4 x;
    x.x = halves.x & 0xffff;
    x.y = halves.x >> 16;
    x.z = halves.y & 0xffff;
    x.w = halves.y >> 16;
    return x;
}

FN void store_integers(const quant_call &c, u64 i, uint4 integers)
{
    if (c.element_size == 4) {
        store_streaming((uint4 *)((u32 *)c.q + i), integers);
        return;
    }
    uint4 low = no_piece(), high = no_piece();
    low.x = integers.x;
    low.z = integers.y;
    high.x = integers.z;
    high.z = integers.w;
    store_streaming((uint4 *)((u64 *)c.q + i), low);
    store_streaming((uint4 *)((u64 *)c.q + i) + 1, high);
}

FN void quantize_piece(const quant_call &c, u64 i, uint4 x, uint4 random, u32 &special)
{
    uint4 integers;
    integers.x = quantized(c, x.x, random.x, special);
    integers.y = quantized(c, x.y, random.y, special);
    integers.z = quantized(c, x.z, random.z, special);
    integers.w = quantized(c, x.w, random.w, special);
    store_integers(c, i, integers);
}

/* Returns whether a piece of four that begins at element i is aligned in both arrays. */
FN bool pieces_aligned(const quant_call &c, u64 i)
{
    const u64 x = c.float_type == QUANT_FLOAT32 ? (u64)c.x + 4 * i : 2 * ((u64)c.x + 2 * i);
    return ((x | ((u64)c.q + c.element_size * i)) & 15) == 0;
}

/* Adds to the counter, whose address is a multiple of 8. */
FN void count_up(u8 *counter, u32 special)
{
    UNROLL
    for (u32 lanes = 16; lanes > 0; lanes /= 2)
        special += warp_shuffle_xor(special, lanes);
    if (lane_id() == 0 && special != 0)
        atomic_add64((u64 *)counter, special);
}

KERNEL(THREADS, 4)
quantize(const u8 *x, u32 float_type, u8 *q, u32 element_size, float clip, float scale, u32 bits,
         const mask_seed *seed, u32 stochastic, u64 first, u64 count, u8 *nonfinite, u32 counted)
{
    SHARED(uint4, pieces, THREADS * 4);
    const quant_call c = {x,    q,    float_type, element_size, stochastic, ((u32)1 << bits) - 1,
                          clip, scale};
    const u64 first_block = first / 16, blocks = (first + count - 1) / 16 - first_block + 1;
    u32 special = 0;
    for (u64 at = (u64)block_id() * THREADS + thread_id() / 32 * 32; at < blocks;
         at += (u64)block_count() * THREADS) {
        /* The warp begins with this element. Before x's first it wraps, and is above count. */
        const u64 begin = 16 * at - first % 16;
        if (stochastic) {
            u32 random[16];
            chacha20_block(random, seed, 0, (u32)(first_block + at + lane_id()));
            put_block(pieces, random);
        }
        warp_sync();
        if (begin < count && count - begin >= WARP_ELEMENTS && pieces_aligned(c, begin)) {
            uint4 floats[LANE_PIECES]; /* All are on their way before the first is used. */
            UNROLL
            for (u32 k = 0; k < LANE_PIECES; k++)
                floats[k] = load_floats(c, begin + PIECE * (32 * k + lane_id()));
            UNROLL
            for (u32 k = 0; k < LANE_PIECES; k++) {
                const u32 piece = 32 * k + lane_id();
                quantize_piece(c, begin + PIECE * piece, floats[k],
                               stochastic ? get_piece(pieces, piece) : no_piece(), special);
            }
        } else {
            for (u32 k = 0; k < WARP_ELEMENTS; k += 32) {
                const u32 i = k + lane_id();
                const u32 random = stochastic ? get_word(pieces, i) : 0;
                if (begin + i < count)
                    quantize_element(c, begin + i, random, special);
            }
        }
        warp_sync();
    }
    if (counted)
        count_up(nonfinite, special);
    wipe_block(pieces);
}

/* -------------------------------------------------------------------------------- dequantise -- */

struct mean_call {
    double step, n_clients, clip;
};

FN double double_of(u64 bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* mean = sum step / n_clients - clip, in double and in this order, as the bits of a float. */
FN u32 mean_of(const mean_call &c, u64 sum)
{
    return bits_of((float)((double)sum * c.step / c.n_clients - c.clip));
}

FN uint4 mean_of_piece(const mean_call &c, const u8 *sum, u32 element_size, u64 i)
{
    uint4 low = load_streaming((const uint4 *)(sum + element_size * i)), mean;
    if (element_size == 4) {
        mean.x = mean_of(c, low.x);
        mean.y = mean_of(c, low.y);
        mean.z = mean_of(c, low.z);
        mean.w = mean_of(c, low.w);
        return mean;
    }
    const uint4 high = load_streaming((const uint4 *)(sum + element_size * i) + 1);
    mean.x = mean_of(c, (u64)low.y << 32 | low.x);
    mean.y = mean_of(c, (u64)low.w << 32 | low.z);
    mean.z = mean_of(c, (u64)high.y << 32 | high.x);
    mean.w = mean_of(c, (u64)high.w << 32 | high.z);
    return mean;
}

KERNEL(THREADS, 4)
dequantize(const u8 *sum, u32 element_size, u64 step, u64 n_clients, u64 clip, u8 *mean, u64 count)
{
    const mean_call c = {double_of(step), double_of(n_clients), double_of(clip)};
    const u64 thread = (u64)block_id() * THREADS + thread_id();
    const u64 threads = (u64)block_count() * THREADS;
    const u64 pieces = (((u64)sum | (u64)mean) & 15) == 0 ? count / PIECE : 0;
    for (u64 at = thread; at < pieces; at += threads)
        store_streaming((uint4 *)mean + at, mean_of_piece(c, sum, element_size, PIECE * at));
    for (u64 i = PIECE * pieces + thread; i < count; i += threads)
        ((u32 *)mean)[i] =
            mean_of(c, element_size == 4 ? ((const u32 *)sum)[i] : ((const u64 *)sum)[i]);
}
