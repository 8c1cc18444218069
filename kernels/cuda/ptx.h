/* Single instructions: all inline PTX is here, with a twin of each in plain C for the emulator. */
#ifndef PARSEAL_KERNELS_PTX_H
#define PARSEAL_KERNELS_PTX_H

#include "kernels/cuda/device.h"

/* Byte i of the result is the one of the eight of (b, a) that nibble i of `selector` names. */
FN u32 byte_permute(u32 a, u32 b, u32 selector)
{
#if defined(PARSEAL_EMULATOR)
    const u64 bytes = (u64)b << 32 | a;
    u32 result = 0;
    for (int i = 0; i < 4; i++)
        result |= (u32)(bytes >> (8 * (selector >> (4 * i) & 7)) & 0xff) << (8 * i);
    return result;
#else
    return __byte_perm(a, b, selector);
#endif
}

/* Returns a b with all of its 64 bits. It is a multiplication where b is a power of two, too, for
 * which a compiler would shift. */
FN u64 multiply_wide(u32 a, u32 b)
{
#if defined(PARSEAL_EMULATOR)
    return (u64)a * b;
#else
    u64 product;
    asm("mul.wide.u32 %0, %1, %2;" : "=l"(product) : "r"(a), "r"(b));
    return product;
#endif
}

/* Returns a b + c, the low 32 bits, by a multiplication as well. */
FN u32 multiply_add(u32 a, u32 b, u32 c)
{
#if defined(PARSEAL_EMULATOR)
    return a * b + c;
#else
    u32 sum;
    asm("mad.lo.u32 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
    return sum;
#endif
}

/* Returns the sum of c and the products of a's and b's bytes. */
FN u32 dot_bytes(u32 a, u32 b, u32 c)
{
#if defined(PARSEAL_EMULATOR)
    for (int i = 0; i < 32; i += 8)
        c += (a >> i & 0xff) * (b >> i & 0xff);
    return c;
#else
    return __dp4a(a, b, c);
#endif
}

/* Loads or stores 16 aligned bytes that nobody will ask for again soon. */
FN uint4 load_streaming(const void *p)
{
#if defined(PARSEAL_EMULATOR)
    return emulated::load16(p);
#else
    uint4 v;
    asm volatile("ld.global.cs.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p)
                 : "memory");
    return v;
#endif
}

FN void store_streaming(void *p, uint4 v)
{
#if defined(PARSEAL_EMULATOR)
    emulated::store16(p, v);
#else
    asm volatile("st.global.cs.v4.u32 [%0], {%1, %2, %3, %4};"
                 :
                 : "l"(p), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w)
                 : "memory");
#endif
}

/* Returns the address of a shared array of words, for loads from addresses in bytes. */
template <class Array> FN u32 shared_base(Array &array)
{
#if defined(PARSEAL_EMULATOR)
    (void)array;
    return 0;
#else
    return (u32)__cvta_generic_to_shared(array);
#endif
}

template <class Array> FN u32 load_shared(Array &array, u32 address)
{
#if defined(PARSEAL_EMULATOR)
    return array[address / 4];
#else
    u32 word;
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(word) : "r"(address) : "memory");
    return word;
#endif
}

/* Stores 16 bytes in a shared array of words, from element `place` on, which is a multiple of 4. */
template <class Array> FN void store_shared16(Array &array, u32 place, uint4 v)
{
#if defined(PARSEAL_EMULATOR)
    array[place] = v.x;
    array[place + 1] = v.y;
    array[place + 2] = v.z;
    array[place + 3] = v.w;
#else
    asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};"
                 :
                 : "r"(shared_base(array) + 4 * place), "r"(v.x), "r"(v.y), "r"(v.z), "r"(v.w)
                 : "memory");
#endif
}

/* c += A B over the integers, A 16 x 256 bits and B 256 x 8. With g = lane / 4 and t = lane % 4, a
 * lane gives A's rows g (a[0], a[2]) and g + 8 (a[1], a[3]), and B's column g (b[0], b[1]), bits
 * [32 t, 32 t + 32) (first) and 128 + [32 t, 32 t + 32) (second); it gets C's rows g (c[0], c[1])
 * and g + 8 (c[2], c[3]), columns 2 t and 2 t + 1. From compute capability 8.0 on; elsewhere it
 * does nothing. Volatile, as else a compiler may move it to a branch that not all lanes take. */
FN void mma_b1_and_popc(u32 c[4], const u32 a[4], const u32 b[2])
{
#if defined(PARSEAL_EMULATOR)
    const u32 own[6] = {a[0], a[1], a[2], a[3], b[0], b[1]}, row = lane_id() / 4 * 4;
    u32 all[32][emulated::EXCHANGED];
    emulated::warp_exchange(own, 6, all);
    for (u32 i = 0; i < 4; i++) {
        const u32 column = 4 * (2 * (lane_id() % 4) + i % 2);
        for (u32 t = 0; t < 4; t++)
            c[i] += count_ones(all[row + t][i / 2] & all[column + t][4]) +
                    count_ones(all[row + t][2 + i / 2] & all[column + t][5]);
    }
#elif __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    (void)c;
    (void)a;
    (void)b;
#endif
}

/* Returns c and the lower, or the upper, 64 bits of the product of a and b without carries, added
 * up without carries. From compute capability 8.0 on, where nvcc knows it (13.3 and later). */
#if defined(PARSEAL_EMULATOR)
FN u64 clmad_low(u64 a, u64 b, u64 c)
{
    for (int i = 0; i < 64; i++)
        c ^= (0 - (b >> i & 1)) & a << i;
    return c;
}

FN u64 clmad_high(u64 a, u64 b, u64 c)
{
    for (int i = 1; i < 64; i++)
        c ^= (0 - (b >> i & 1)) & a >> (64 - i);
    return c;
}
#elif defined(PARSEAL_CLMAD)
FN u64 clmad_low(u64 a, u64 b, u64 c)
{
    u64 d;
    asm("clmad.lo.u64 %0, %1, %2, %3;" : "=l"(d) : "l"(a), "l"(b), "l"(c));
    return d;
}

FN u64 clmad_high(u64 a, u64 b, u64 c)
{
    u64 d;
    asm("clmad.hi.u64 %0, %1, %2, %3;" : "=l"(d) : "l"(a), "l"(b), "l"(c));
    return d;
}
#endif

#endif
