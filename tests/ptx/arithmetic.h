/* What single instructions do with the values of one lane: one function each, as the PTX manual's
 * chapter "Instruction Set" defines it. The types of a function are those of the operands. */
#ifndef PARSEAL_TESTS_PTX_ARITHMETIC_H
#define PARSEAL_TESTS_PTX_ARITHMETIC_H

#include <cmath>
#include <cstdint>

#include "machine.h"

namespace ptx
{

/* The manual defines no result. */
struct undefined {
    const char *why;
};

template <class T> constexpr u32 bits_of()
{
    return 8 * sizeof(T);
}

/* ------------------------------------------------------------------------------- integers -- */

template <class T> T add(T a, T b)
{
    return (T)(a + b);
}

template <class T> T sub(T a, T b)
{
    return (T)(a - b);
}

template <class T> T neg(T a)
{
    return (T)(0 - a);
}

/* In 64 bits, as C++ multiplies numbers of 16 bits as signed ones of 32. */
template <class T> T mul_low(T a, T b)
{
    return (T)((u64)a * b);
}

template <class T> T mad_low(T a, T b, T c)
{
    return (T)((u64)a * b + c);
}

template <class Wide, class T> Wide mul_wide(T a, T b)
{
    return (Wide)((Wide)a * (Wide)b);
}

inline u64 mad_wide(u32 a, u32 b, u64 c)
{
    return (u64)a * b + c;
}

template <class Wide, class T> T mul_high(T a, T b)
{
    return (T)((Wide)a * b >> bits_of<T>());
}

template <class T> T divide(T a, T b)
{
    if (b == 0)
        throw undefined{"a division by zero"};
    return (T)(a / b);
}

template <class T> T remainder(T a, T b)
{
    if (b == 0)
        throw undefined{"the remainder of a division by zero"};
    return (T)(a % b);
}

template <class T> T least(T a, T b)
{
    return b < a ? b : a;
}

template <class T> T most(T a, T b)
{
    return a < b ? b : a;
}

/* ----------------------------------------------------------------------------------- bits -- */

template <class T> T bit_and(T a, T b)
{
    return a & b;
}

template <class T> T bit_or(T a, T b)
{
    return a | b;
}

template <class T> T bit_xor(T a, T b)
{
    return a ^ b;
}

template <class T> T bit_not(T a)
{
    return (T)~a;
}

/* Shifts by more than the width are those by the width. */
template <class T> T shift_left(T a, u32 n)
{
    return n >= bits_of<T>() ? (T)0 : (T)(a << n);
}

template <class T> T shift_right(T a, u32 n)
{
    return n >= bits_of<T>() ? (T)0 : (T)(a >> n);
}

template <class Signed> Signed shift_right_signed(Signed a, u32 n)
{
    return (Signed)(a >> (n >= bits_of<Signed>() ? bits_of<Signed>() - 1 : n));
}

inline u32 funnel_left(u32 a, u32 b, u32 c)
{
    return (u32)(((u64)b << 32 | a) << (c & 31) >> 32);
}

inline u32 funnel_right(u32 a, u32 b, u32 c)
{
    return (u32)(((u64)b << 32 | a) >> (c & 31));
}

template <class T> u32 count_ones(T a)
{
    return (u32)__builtin_popcountll(a);
}

template <class T> u32 count_leading_zeros(T a)
{
    return a == 0 ? bits_of<T>() : (u32)__builtin_clzll(a) - (64 - bits_of<T>());
}

inline u32 permute(u32 a, u32 b, u32 c)
{
    const u64 bytes = (u64)b << 32 | a;
    u32 result = 0;
    for (u32 i = 0; i < 4; i++) {
        const u32 nibble = c >> (4 * i) & 15;
        u32 byte = (u32)(bytes >> (8 * (nibble & 7))) & 0xff;
        if ((nibble & 8) != 0)
            byte = (byte & 0x80) != 0 ? 0xff : 0;
        result |= byte << (8 * i);
    }
    return result;
}

/* The low d bits of a, put into b at bit c; what goes past b's end is left out. */
template <class T> T insert_bits(T a, T b, u32 c, u32 d)
{
    const u32 position = c & 0xff, n = d & 0xff;
    if (position >= bits_of<T>())
        return b;
    const T field = (T)((n >= bits_of<T>() ? ~(T)0 : ((T)1 << n) - 1) << position);
    return (T)((b & ~field) | (a << position & field));
}

inline u32 dot_of_bytes(u32 a, u32 b, u32 c)
{
    for (u32 i = 0; i < 32; i += 8)
        c += (a >> i & 0xff) * (b >> i & 0xff);
    return c;
}

/* clmad of PTX 9.3: half of the carry-less product, and c added without carries. */
template <bool high> u64 carryless_mad(u64 a, u64 b, u64 c)
{
    u64 low = 0, up = 0;
    for (u32 i = 0; i < 64; i++)
        if ((b >> i & 1) != 0) {
            low ^= a << i;
            up ^= i == 0 ? 0 : a >> (64 - i);
        }
    return (high ? up : low) ^ c;
}

/* ---------------------------------------------------------------------------- comparisons -- */

/* With a number that is none, equal to less_or_equal are false, their opposites true. */
template <class T> bool equal(T a, T b)
{
    return a == b;
}

template <class T> bool less(T a, T b)
{
    return a < b;
}

template <class T> bool less_or_equal(T a, T b)
{
    return a <= b;
}

template <class T> bool greater(T a, T b)
{
    return a > b;
}

template <class T> bool greater_or_equal(T a, T b)
{
    return a >= b;
}

/* False of what is not a number, as it is "ordered and not equal". */
template <class T> bool not_equal(T a, T b)
{
    return a < b || a > b;
}

template <class T> bool not_less(T a, T b)
{
    return !(a < b);
}

template <class T> bool not_less_or_equal(T a, T b)
{
    return !(a <= b);
}

template <class T> bool not_greater(T a, T b)
{
    return !(a > b);
}

template <class T> bool not_greater_or_equal(T a, T b)
{
    return !(a >= b);
}

template <class T> bool not_ordered_and_equal(T a, T b)
{
    return !(a == b);
}

template <class T> bool not_different(T a, T b)
{
    return !(a < b || a > b);
}

template <class T> T select(T a, T b, bool c)
{
    return c ? a : b;
}

inline bool both(bool a, bool b)
{
    return a && b;
}

inline bool either(bool a, bool b)
{
    return a || b;
}

inline bool one_of(bool a, bool b)
{
    return a != b;
}

inline bool opposite(bool a)
{
    return !a;
}

template <class T> T same(T a)
{
    return a;
}

/* --------------------------------------------------------------------- numbers with points -- */

/* Rounded once to nearest, ties to even: the build allows the compiler no other arithmetic. */
template <class T> T mul(T a, T b)
{
    return a * b;
}

template <class T> T quotient(T a, T b)
{
    return a / b;
}

template <class T> T negative(T a)
{
    return -a;
}

/* cvt: integers are cut off or extended by what their type says; floats are rounded to nearest. */
template <class To, class From> To convert(From a)
{
    return (To)a;
}

/* cvt.rzi.s32.f32: toward zero, to the nearest that there is, and 0 of what is not a number. */
inline s32 to_integer(float a)
{
    if (std::isnan(a))
        return 0;
    if (a < -2147483648.0f)
        return INT32_MIN;
    return a >= 2147483648.0f ? INT32_MAX : (s32)a;
}

} // namespace ptx

#endif
