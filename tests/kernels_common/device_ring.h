/* kernels/common/ring.h, under names that the tests' own ring.h does not have. */
#ifndef PARSEAL_TESTS_DEVICE_RING_H
#define PARSEAL_TESTS_DEVICE_RING_H

#include "kernels/common/launch.h"

u64 device_reduce(ring_params r, u64 x);
u32 device_reduce32(ring_params r, u32 x);
u64 device_reduce_wide(ring_params r, u32 bits, u32 carries, u64 x);
u64 device_add(ring_params r, u64 a, u64 b);
u32 device_add32(u32 modulus, u32 a, u32 b);

#endif
