/* acc[i] = (acc[i] + sum_j v_j[i]) mod m for up to 64 vectors in one pass.
 *
 * Where all vectors are aligned, a thread takes 16 bytes of every vector at a time, which are 4
 * elements of 4 bytes or 2 of 8, and else one element. The loads of eight vectors are under way
 * together. Threads stride over the vector.
 *
 * Inputs may have any value: the sum is exact, in 64 bits for elements of 4 bytes, in 64 bits and a
 * count of carries for 8. Constant time: no branch or address depends on values.
 */
#include "kernels/common/ring.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/ptx.h"

enum { THREADS = 256, AT_ONCE = 8, CARRY_BITS = 7 };

/* -------------------------------------------------------------------------------------- sums -- */

/* A total sums up a unit's elements: one element, or those of 16 bytes. */
struct total32 {
    u64 value[4];
};

struct total64 {
    u64 value[2];
    u32 carries[2];
};

FN void add(total32 &sum, u32 x)
{
    sum.value[0] += x;
}

FN void add(total32 &sum, uint4 x)
{
    sum.value[0] += x.x;
    sum.value[1] += x.y;
    sum.value[2] += x.z;
    sum.value[3] += x.w;
}

FN void add_carrying(u64 &value, u32 &carries, u64 x)
{
    value += x;
    carries += value < x;
}

FN void add(total64 &sum, u64 x)
{
    add_carrying(sum.value[0], sum.carries[0], x);
}

FN void add(total64 &sum, uint4 x)
{
    add_carrying(sum.value[0], sum.carries[0], (u64)x.y << 32 | x.x);
    add_carrying(sum.value[1], sum.carries[1], (u64)x.w << 32 | x.z);
}

/* A ring, and what sums of its elements of 8 bytes need. */
struct wide_ring {
    ring_params ring;
    ring_wide wide;
};

FN u64 reduced(const wide_ring &r, const total32 &sum, int i)
{
    return ring_reduce(r.ring, sum.value[i]);
}

FN u64 reduced(const wide_ring &r, const total64 &sum, int i)
{
    return r.ring.power_of_two ? sum.value[i] & r.ring.low_bits
                               : ring_reduce_wide(r.ring, r.wide, sum.carries[i], sum.value[i]);
}

FN void finish(const wide_ring &r, const total32 &sum, u32 &unit)
{
    unit = (u32)reduced(r, sum, 0);
}

FN void finish(const wide_ring &r, const total64 &sum, u64 &unit)
{
    unit = reduced(r, sum, 0);
}

FN void finish(const wide_ring &r, const total32 &sum, uint4 &unit)
{
    unit.x = (u32)reduced(r, sum, 0);
    unit.y = (u32)reduced(r, sum, 1);
    unit.z = (u32)reduced(r, sum, 2);
    unit.w = (u32)reduced(r, sum, 3);
}

FN void finish(const wide_ring &r, const total64 &sum, uint4 &unit)
{
    const u64 low = reduced(r, sum, 0), high = reduced(r, sum, 1);
    unit.x = (u32)low;
    unit.y = (u32)(low >> 32);
    unit.z = (u32)high;
    unit.w = (u32)(high >> 32);
}

/* ----------------------------------------------------------------------------------- vectors -- */

/* Loads 16 bytes that are read once, so that no cache has to keep them. */
FN uint4 load_unit(const uint4 *from)
{
    return load_streaming(from);
}

template <class Element> FN Element load_unit(const Element *from)
{
    return *from;
}

template <class Sum, class Unit>
FN void sum_unit(const wide_ring &r, Unit *to, u32 n, const vec_inputs &v, u64 at)
{
    const Unit nothing = {};
    Sum sum = {};
    add(sum, load_unit(to + at));
    for (u32 j = 0; j < n; j += AT_ONCE) {
        Unit addend[AT_ONCE];
        UNROLL
        for (u32 k = 0; k < AT_ONCE; k++)
            addend[k] = j + k < n ? load_unit((const Unit *)v.address[j + k] + at) : nothing;
        UNROLL
        for (u32 k = 0; k < AT_ONCE; k++)
            add(sum, addend[k]);
    }
    finish(r, sum, to[at]);
}

/* Returns whether all addresses are multiples of 16. */
FN bool all_aligned(const u8 *acc, u32 n, const vec_inputs &v)
{
    u64 any = (u64)acc;
    for (u32 j = 0; j < n; j++)
        any |= v.address[j];
    return any % 16 == 0;
}

template <class Sum, class Element>
FN void sum_vectors(const wide_ring &r, u8 *acc, u64 count, u32 n, const vec_inputs &v)
{
    const u64 thread = (u64)block_id() * THREADS + thread_id();
    const u64 threads = (u64)block_count() * THREADS, per_piece = 16 / sizeof(Element);
    const u64 pieces = all_aligned(acc, n, v) ? count / per_piece : 0;
    for (u64 at = thread; at < pieces; at += threads)
        sum_unit<Sum>(r, (uint4 *)acc, n, v, at);
    for (u64 at = pieces * per_piece + thread; at < count; at += threads)
        sum_unit<Sum>(r, (Element *)acc, n, v, at);
}

KERNEL(THREADS, 4) sum32(ring_params ring, u8 *acc, u64 count, u32 n, vec_inputs v)
{
    wide_ring r = {};
    r.ring = ring;
    sum_vectors<total32, u32>(r, acc, count, n, v);
}

KERNEL(THREADS, 4) sum64(ring_params ring, u8 *acc, u64 count, u32 n, vec_inputs v)
{
    wide_ring r = {};
    r.ring = ring;
    if (!ring.power_of_two)
        ring_wide_init(&r.wide, ring, CARRY_BITS);
    sum_vectors<total64, u64>(r, acc, count, n, v);
}
