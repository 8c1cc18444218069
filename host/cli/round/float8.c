#include "host/cli/round/float8.h"

#include "host/cli/bytes.h"
#include "host/cli/round/float16.h"

#define QUIET_NAN UINT32_C(0x7fc00000)

typedef struct {
    uint32_t exponent_bits, fraction_bits, bias;
} format;

/* Converts sign, exponent and fraction, where no exponent is special. All such values are zero or
 * normal in float32. */
static float from_finite(uint32_t bits, format f)
{
    const uint32_t sign = bits >> (f.exponent_bits + f.fraction_bits) & 1;
    const uint32_t exponent = bits >> f.fraction_bits & ((1u << f.exponent_bits) - 1);
    const uint32_t fraction = bits & ((1u << f.fraction_bits) - 1);
    float magnitude;
    if (exponent == 0) /* A subnormal is fraction * 2^(1 - bias - fraction_bits). */
        magnitude = (float)fraction * float_from_bits((128 - f.bias - f.fraction_bits) << 23);
    else
        magnitude =
            float_from_bits((exponent + 127 - f.bias) << 23 | fraction << (23 - f.fraction_bits));
    return sign != 0 ? -magnitude : magnitude;
}

float float_from_e4m3(uint8_t bits)
{
    if ((bits & 0x7f) == 0x7f)
        return float_from_bits((uint32_t)(bits & 0x80) << 24 | QUIET_NAN);
    return from_finite(bits, (format){4, 3, 7});
}

float float_from_e5m2(uint8_t bits)
{
    return float_from_float16((uint16_t)(bits << 8)); /* E5M2 is the upper half of a binary16. */
}

float float_from_e4m3fnuz(uint8_t bits)
{
    return bits == 0x80 ? float_from_bits(QUIET_NAN) : from_finite(bits, (format){4, 3, 8});
}

float float_from_e5m2fnuz(uint8_t bits)
{
    return bits == 0x80 ? float_from_bits(QUIET_NAN) : from_finite(bits, (format){5, 2, 16});
}

float float_from_e2m1(uint8_t bits)
{
    return from_finite(bits & 15u, (format){2, 1, 1});
}
