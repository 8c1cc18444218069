/* acc[i] = (acc[i] + sum_j v_j[i]) mod m for up to eight vectors, and the wiping of memory.
 *
 * A work-item takes an element of all vectors, and neighbours read neighbouring elements. Inputs
 * may have any value: the sum is exact, in 64 bits for elements of 4 bytes, in 64 bits and a count
 * of carries for 8. Constant time: no branch or address depends on values.
 */
#include "kernels/common/ring.h"
#include "kernels/opencl/inputs.h"

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void sum32(ring_params ring,
                                                                    GLOBAL uchar *acc, ulong acc_at,
                                                                    ulong count, uint n, INPUTS)
{
    const ulong i = get_global_id(0);
    if (i >= count)
        return;
    GLOBAL u32 *to = (GLOBAL u32 *)(acc + acc_at) + i;
    u64 sum = *to;
#define EACH(j) \
    if (n > j)  \
        sum += ((GLOBAL const u32 *)(v##j + v##j##_at))[i];
    EACH_INPUT
#undef EACH
    *to = (u32)ring_reduce(ring, sum);
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void sum64(ring_params ring,
                                                                    GLOBAL uchar *acc, ulong acc_at,
                                                                    ulong count, uint n, INPUTS)
{
    const ulong i = get_global_id(0);
    if (i >= count)
        return;
    GLOBAL u64 *to = (GLOBAL u64 *)(acc + acc_at) + i;
    u64 sum = *to, carries = 0;
#define EACH(j)                                                         \
    if (n > j) {                                                        \
        const u64 addend = ((GLOBAL const u64 *)(v##j + v##j##_at))[i]; \
        sum += addend;                                                  \
        carries += sum < addend;                                        \
    }
    EACH_INPUT
#undef EACH
    ring_wide wide;
    ring_wide_init(&wide, ring, 4);
    *to = ring.power_of_two ? sum & ring.low_bits : ring_reduce_wide(ring, wide, (u32)carries, sum);
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void wipe(GLOBAL uchar *p, ulong at,
                                                                   ulong words)
{
    if (get_global_id(0) < words)
        ((GLOBAL u32 *)(p + at))[get_global_id(0)] = 0;
}
