#include "host/cli/round/float16.h"

#include "host/cli/bytes.h"

float float_from_bfloat16(uint16_t bits)
{
    return float_from_bits((uint32_t)bits << 16);
}

float float_from_float16(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits >> 15) << 31;
    uint32_t exponent = (bits >> 10) & 31u;
    uint32_t fraction = bits & 1023u;

    if (exponent == 31) /* infinities and NaNs */
        return float_from_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent == 0) { /* zeros and subnormals: fraction * 2^-24 */
        float magnitude = (float)fraction * 0x1p-24f;
        return sign != 0 ? -magnitude : magnitude;
    }
    return float_from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}
