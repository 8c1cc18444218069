#include "ref_vec.h"

#include <math.h>
#include <string.h>

#include "ring.h"

void ref_sum(const parseal_ring *ring, void *acc, const void *const *v, size_t n_vectors,
             uint64_t n)
{
    uint32_t size = ring->element_size;
    for (uint64_t i = 0; i < n; i++) {
        u128 sum = elem_load(acc, i, size);
        for (size_t j = 0; j < n_vectors; j++)
            sum += elem_load(v[j], i, size);
        elem_store(acc, i, size, ring_reduce(ring, sum));
    }
}

void ref_pack(uint32_t bits, uint32_t element_size, const void *elements, uint8_t *packed,
              uint64_t n)
{
    if (n == 0)
        return;
    memset(packed, 0, (size_t)((n * bits + 7) / 8));
    for (uint64_t at = 0; at < n * bits; at++) {
        uint64_t bit = elem_load(elements, at / bits, element_size) >> (at % bits) & 1;
        packed[at / 8] = (uint8_t)(packed[at / 8] | bit << (at % 8));
    }
}

void ref_unpack(uint32_t bits, uint32_t element_size, const uint8_t *packed, void *elements,
                uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t value = 0;
        for (uint64_t k = 0; k < bits; k++) {
            uint64_t at = i * bits + k;
            value |= (uint64_t)(packed[at / 8] >> (at % 8) & 1) << k;
        }
        elem_store(elements, i, element_size, value);
    }
}

float ref_from_float16(uint16_t pattern)
{
    int exponent = pattern >> 10 & 31;
    double fraction = pattern & 1023;
    double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    if (exponent == 31)
        magnitude = fraction == 0 ? (double)INFINITY : (double)NAN;
    return (float)(pattern >> 15 != 0 ? -magnitude : magnitude);
}

float ref_from_bfloat16(uint16_t pattern)
{
    int exponent = pattern >> 7 & 255;
    double fraction = pattern & 127;
    double magnitude =
        exponent == 0 ? ldexp(fraction, -133) : ldexp(128 + fraction, exponent - 134);
    if (exponent == 255)
        magnitude = fraction == 0 ? (double)INFINITY : (double)NAN;
    return (float)(pattern >> 15 != 0 ? -magnitude : magnitude);
}

uint32_t float_size(int32_t float_type)
{
    return float_type == PARSEAL_FLOAT32 ? 4 : 2;
}

float ref_float_at(const void *x, uint64_t i, int32_t float_type)
{
    float value;
    uint16_t pattern;
    if (float_type == PARSEAL_FLOAT32) {
        memcpy(&value, (const uint8_t *)x + i * 4, sizeof value);
        return value;
    }
    memcpy(&pattern, (const uint8_t *)x + i * 2, sizeof pattern);
    return float_type == PARSEAL_FLOAT16 ? ref_from_float16(pattern) : ref_from_bfloat16(pattern);
}

/* A sum or a product of two float32 that is computed in double and rounded to float32 is rounded
 * correctly, as double has more than twice float32's bits, plus two. So no compiler can contract
 * anything here. */
static float rounded(double x)
{
    return (float)x;
}

static uint32_t quant_levels(const parseal_quant *quant)
{
    return (UINT32_C(1) << quant->bits) - 1;
}

uint32_t ref_quantize(const parseal_quant *quant, float x, uint32_t random)
{
    float clip = quant->clip;
    uint32_t levels = quant_levels(quant);
    if (!isfinite(x))
        x = 0;
    if (x > clip)
        x = clip;
    if (x < -clip)
        x = -clip;
    float scale = rounded(levels / (2.0 * (double)clip));
    double u = (double)rounded((double)rounded((double)x + (double)clip) * (double)scale);
    if (u > levels)
        u = levels;
    double k = floor(u);
    double f = u - k;
    bool up = quant->rounding == PARSEAL_ROUND_NEAREST ? f >= 0.5 : floor(ldexp(f, 32)) > random;
    uint32_t q = (uint32_t)k + (up ? 1 : 0);
    return q < levels ? q : levels;
}

float ref_dequantize(const parseal_quant *quant, uint64_t sum, uint64_t n_clients)
{
    double step = 2.0 * (double)quant->clip / quant_levels(quant);
    return (float)((double)sum * step / (double)n_clients - (double)quant->clip);
}
