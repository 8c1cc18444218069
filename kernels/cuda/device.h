/* The kernels use this of CUDA beside kernels/common/target.h. Under PARSEAL_EMULATOR tests/emu
 * gives the same names, and runs the kernels on a CPU.
 *
 * Shared arrays are only ever indexed: array[i] is loaded or stored. All threads of a warp take
 * part in what begins with warp_, and all of a block in block_sync. */
#ifndef PARSEAL_KERNELS_DEVICE_H
#define PARSEAL_KERNELS_DEVICE_H

#include "kernels/common/target.h"

#if defined(PARSEAL_EMULATOR)
#include "emulated_device.h"
#else

/* A multiprocessor's registers must hold min_blocks blocks of so many threads. */
#define KERNEL(threads, min_blocks) \
    extern "C" __global__ void __launch_bounds__(threads, min_blocks)
#define SHARED(type, name, count)  __shared__ __align__(16) type name[count]
/* The launch says how long the array is. A kernel has one at most. */
#define DYNAMIC_SHARED(type, name) extern __shared__ __align__(16) type name[]
#define CONSTANT                   static __constant__ const
#define NO_UNROLL                  _Pragma("unroll 1")

FN u32 thread_id()
{
    return threadIdx.x;
}

FN u32 lane_id()
{
    return threadIdx.x % 32;
}

FN u32 block_id()
{
    return blockIdx.x;
}

FN u32 block_count()
{
    return gridDim.x;
}

FN u32 block_threads()
{
    return blockDim.x;
}

FN void block_sync()
{
    __syncthreads();
}

FN void warp_sync()
{
    __syncwarp();
}

/* Returns what `lane` has given as x. */
FN u32 warp_shuffle(u32 x, u32 lane)
{
    return __shfl_sync(0xffffffff, x, lane);
}

FN u32 warp_shuffle_xor(u32 x, u32 mask)
{
    return __shfl_xor_sync(0xffffffff, x, mask);
}

/* Returns a word whose bit i is lane i's condition. */
FN u32 warp_ballot(u32 condition)
{
    return __ballot_sync(0xffffffff, condition);
}

FN u32 warp_any(u32 condition)
{
    return __any_sync(0xffffffff, condition);
}

FN u32 count_ones(u32 x)
{
    return (u32)__popc(x);
}

FN void atomic_add64(u64 *p, u64 x)
{
    atomicAdd((unsigned long long *)p, (unsigned long long)x);
}

#endif
#endif
