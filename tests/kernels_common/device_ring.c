#include "device_ring.h"

#include "kernels/common/ring.h"

u64 device_reduce(ring_params r, u64 x)
{
    return ring_reduce(r, x);
}

u32 device_reduce32(ring_params r, u32 x)
{
    return ring_reduce32(r, x);
}

u64 device_reduce_wide(ring_params r, u32 bits, u32 carries, u64 x)
{
    ring_wide wide;
    ring_wide_init(&wide, r, bits);
    return ring_reduce_wide(r, wide, carries, x);
}

u64 device_add(ring_params r, u64 a, u64 b)
{
    return ring_add(r, a, b);
}

u32 device_add32(u32 modulus, u32 a, u32 b)
{
    return ring_add32(modulus, a, b);
}
