#include "host/cli/round/float64.h"

#include "host/cli/bytes.h"

#define INFINITE UINT32_C(0x7f800000)
#define QUIET    UINT32_C(0x00400000)

float float_from_float64(uint64_t bits, bool *exact)
{
    const uint32_t sign = (uint32_t)(bits >> 63) << 31;
    const uint64_t fraction = bits & ((UINT64_C(1) << 52) - 1);
    const int exponent = (int)(bits >> 52 & 2047);

    *exact = true;
    if (exponent == 2047) /* infinities and NaNs */
        return float_from_bits(sign | INFINITE | (uint32_t)(fraction >> 29) |
                               (fraction != 0 ? QUIET : 0));

    /* exponent32 is the float32's exponent. `shift` counts the bits that its fraction has no room
     * for: 29, and one more for each power of two below its smallest normal value. */
    int exponent32 = exponent - 1023 + 127, shift = 29;
    if (exponent32 < 1) {
        shift += 1 - exponent32;
        exponent32 = 1;
    }
    if (shift > 54) { /* The value is below half of the smallest subnormal. */
        *exact = exponent == 0 && fraction == 0;
        return float_from_bits(sign);
    }
    if (exponent32 > 254) {
        *exact = false;
        return float_from_bits(sign | INFINITE);
    }
    const uint64_t significand = UINT64_C(1) << 52 | fraction;
    const uint64_t rest = significand & ((UINT64_C(1) << shift) - 1);
    const uint64_t half = UINT64_C(1) << (shift - 1);
    uint32_t kept = (uint32_t)(significand >> shift);
    if (rest > half || (rest == half && (kept & 1) != 0))
        kept++;
    *exact = rest == 0;
    /* The leading bit of a normal value adds 1 to the exponent, and so does a carry. */
    return float_from_bits(sign | (((uint32_t)(exponent32 - 1) << 23) + kept));
}
