/* Names for what C11, CUDA C++ and OpenCL C 1.2 call differently. Everything else in kernels/common
 * is written in what they share (kernels/README.md). UNROLL stands before loops over arrays that
 * are to stay in registers; as a call would put such an array into memory, programs for a GPU are
 * built with PARSEAL_INLINE_ALL. */
#ifndef PARSEAL_KERNELS_TARGET_H
#define PARSEAL_KERNELS_TARGET_H

#if defined(__OPENCL_C_VERSION__) || defined(__OPENCL_VERSION__)

typedef uchar u8;
typedef ushort u16;
typedef uint u32;
typedef int i32;
typedef ulong u64;
#if defined(PARSEAL_INLINE_ALL)
#define FN static inline __attribute__((always_inline))
#else
#define FN static inline
#endif
#define GLOBAL  __global
#define UNROLL  _Pragma("unroll")
#define U64C(x) x##UL

FN u64 mul_hi64(u64 a, u64 b)
{
    return mul_hi(a, b);
}

/* Counts the zeros before the first one of x > 0. */
FN u32 clz64(u64 x)
{
    return (u32)clz(x);
}

#else

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef int32_t i32;
typedef uint64_t u64;
#define GLOBAL
#define U64C(x) UINT64_C(x)

#if defined(__CUDACC__)

#define FN     static __device__ __forceinline__
#define UNROLL _Pragma("unroll")

FN u64 mul_hi64(u64 a, u64 b)
{
    return __umul64hi(a, b);
}

FN u32 clz64(u64 x)
{
    return (u32)__clzll((long long)x);
}

#else

#define FN static inline
#define UNROLL

FN u64 mul_hi64(u64 a, u64 b)
{
    const u64 a0 = a & 0xffffffff, a1 = a >> 32, b0 = b & 0xffffffff, b1 = b >> 32;
    const u64 middle = a1 * b0 + (a0 * b0 >> 32);
    const u64 other = a0 * b1 + (middle & 0xffffffff);
    return a1 * b1 + (middle >> 32) + (other >> 32);
}

FN u32 clz64(u64 x)
{
    u32 zeros = 0;
    for (; (x >> 63) == 0; x <<= 1)
        zeros++;
    return zeros;
}

#endif
#endif

/* Returns all ones or none: choices are made with masks, so that no branch depends on data. */
FN u32 mask32(u32 condition)
{
    return 0 - condition;
}

FN u64 mask64(u64 condition)
{
    return 0 - condition;
}

#endif
