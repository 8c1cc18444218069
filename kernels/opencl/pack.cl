/* Elements of b bits side by side, little-endian (format 4.4), from any byte on.
 *
 *   pack         A work-item makes a packed 32-bit word.
 *   unpack       A work-item takes an element.
 *   packed_sum   acc[i] = (acc[i] + sum_j element i of input j) mod m for up to eight packed
 *                inputs. A work-item takes an element of all inputs.
 *
 * Constant time: branches and addresses depend on b and positions only.
 */
#include "kernels/common/pack.h"
#include "kernels/common/ring.h"
#include "kernels/opencl/inputs.h"

static u64 load_element(GLOBAL const uchar *elements, uint element_size, ulong i)
{
    return element_size == 4 ? ((GLOBAL const u32 *)elements)[i]
                             : ((GLOBAL const u64 *)elements)[i];
}

static ulong stream_bytes(uint bits, ulong count)
{
    return count / 8 * bits + (count % 8 * bits + 7) / 8;
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void pack(
    GLOBAL const uchar *elements, ulong elements_at, uint element_size, GLOBAL uchar *packed,
    ulong packed_at, uint bits, ulong count)
{
    const ulong word = get_global_id(0), bytes = stream_bytes(bits, count);
    if (4 * word >= bytes)
        return;
    const ulong begin = 32 * word;
    u64 x = 0;
    for (ulong i = begin / bits; i < count && i * bits < begin + 32; i++)
        x |= pack_move(load_element(elements + elements_at, element_size, i) & pack_ones(bits),
                       (i32)(long)(i * bits - begin));
    GLOBAL uchar *to = packed + packed_at + 4 * word;
    if (4 * word + 4 <= bytes && packed_at % 4 == 0)
        *(GLOBAL u32 *)to = (u32)x;
    else
        for (uint k = 0; k < 4 && 4 * word + k < bytes; k++)
            to[k] = (uchar)(x >> (8 * k));
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void unpack(
    GLOBAL const uchar *packed, ulong packed_at, GLOBAL uchar *elements, ulong elements_at,
    uint element_size, uint bits, ulong count)
{
    const ulong i = get_global_id(0);
    if (i >= count)
        return;
    const u64 x = pack_load(packed + packed_at, bits, i);
    if (element_size == 4)
        ((GLOBAL u32 *)(elements + elements_at))[i] = (u32)x;
    else
        ((GLOBAL u64 *)(elements + elements_at))[i] = x;
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void packed_sum32(
    ring_params ring, GLOBAL uchar *acc, ulong acc_at, ulong count, uint bits, uint n, INPUTS)
{
    const ulong i = get_global_id(0);
    if (i >= count)
        return;
    GLOBAL u32 *to = (GLOBAL u32 *)(acc + acc_at) + i;
    u64 sum = *to;
#define EACH(j) \
    if (n > j)  \
        sum += pack_load(v##j + v##j##_at, bits, i);
    EACH_INPUT
#undef EACH
    *to = (u32)ring_reduce(ring, sum);
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void packed_sum64(
    ring_params ring, GLOBAL uchar *acc, ulong acc_at, ulong count, uint bits, uint n, INPUTS)
{
    const ulong i = get_global_id(0);
    if (i >= count)
        return;
    GLOBAL u64 *to = (GLOBAL u64 *)(acc + acc_at) + i;
    u64 sum = *to, carries = 0;
#define EACH(j)                                                  \
    if (n > j) {                                                 \
        const u64 addend = pack_load(v##j + v##j##_at, bits, i); \
        sum += addend;                                           \
        carries += sum < addend;                                 \
    }
    EACH_INPUT
#undef EACH
    ring_wide wide;
    ring_wide_init(&wide, ring, 4);
    *to = ring.power_of_two ? sum & ring.low_bits : ring_reduce_wide(ring, wide, (u32)carries, sum);
}
