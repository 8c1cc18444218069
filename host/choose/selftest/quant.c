/* Quantisation: known answers, and the work that crossover measures. */
#include "host/choose/selftest/primitives.h"

#include <math.h>

#include "host/choose/selftest/tester.h"
#include "host/choose/selftest/vectors.h"

/* Writes floats in the host's byte order. They are the pattern's bytes read as little-endian. */
static void quant_input(void *to, size_t float_size)
{
    const uint16_t one = 1;
    uint8_t *p = to;
    tester_pattern(p, QUANT_COUNT * float_size, 30);
    if (float_size == 4)
        for (size_t i = 0; i < QUANT_COUNT; i += 2)
            p[4 * i + 3] = 0x3f | (p[4 * i + 3] & 0x80);
    if (*(const uint8_t *)&one == 1)
        return;
    for (size_t i = 0; i < QUANT_COUNT; i++, p += float_size)
        for (size_t j = 0; j < float_size / 2; j++) {
            const uint8_t swapped = p[j];
            p[j] = p[float_size - 1 - j];
            p[float_size - 1 - j] = swapped;
        }
}

static bool quantize_is_right(const tester *t, const quant_answer *a, const backend_seeds *seed)
{
    const float clip = 1.5f, scale = (float)((double)((1u << a->bits) - 1) / (2 * (double)clip));
    const uint32_t float_size = a->float_type == PARSEAL_FLOAT32 ? 4 : 2;
    float input[QUANT_COUNT] = {0};
    uint64_t output[QUANT_COUNT] = {0}, nonfinite = 0;
    const parseal_vec x = parseal_host_vec(input, QUANT_COUNT, float_size);
    const parseal_vec q = parseal_host_vec(output, QUANT_COUNT, a->element_size);
    const parseal_buf count = parseal_host_buf(&nonfinite, sizeof nonfinite);
    const parseal_quant quant = {sizeof quant,    clip, a->bits, a->rounding, a->float_type,
                                 a->element_size, 0};
    quant_input(input, float_size);
    const parseal_status status = t->backend->vector->quantize(
        t->device, &quant, scale, &x, &q, a->rounding == PARSEAL_ROUND_STOCHASTIC ? seed : NULL,
        QUANT_FIRST, &count, NULL);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    if (nonfinite != a->nonfinite || !tester_digest_is(a->digest, output, (size_t)q.buf.size))
        return tester_wrong(t, "quantize (float type, bits)", (uint64_t)a->float_type, a->bits);
    return true;
}

/* Accepts means that are one ulp away, as a device without double may be. */
static bool dequantize_is_right(const tester *t)
{
    uint8_t sums[4 * DEQUANT_COUNT] = {0};
    float means[DEQUANT_COUNT] = {0};
    const parseal_vec sum = parseal_host_vec(sums, DEQUANT_COUNT, 4);
    const parseal_vec mean = parseal_host_vec(means, DEQUANT_COUNT, sizeof(float));
    for (size_t i = 0; i < DEQUANT_COUNT; i++)
        for (size_t j = 0; j < 4; j++)
            sums[4 * i + j] = (uint8_t)(dequant_sums[i] >> (8 * j));
    const parseal_status status = t->backend->vector->dequantize(
        t->device, 4, &sum, 2 * 1.5 / 65535.0, DEQUANT_CLIENTS, 1.5, &mean, NULL);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    for (size_t i = 0; i < DEQUANT_COUNT; i++)
        if (!(means[i] >= nextafterf(dequant_means[i], -INFINITY) &&
              means[i] <= nextafterf(dequant_means[i], INFINITY)))
            return tester_wrong(t, "dequantize (element, of)", i, DEQUANT_COUNT);
    return true;
}

bool selftest_quant(const tester *t)
{
    parseal_seed list[3];
    backend_seeds *seed;
    tester_fill_seeds(list);
    const parseal_status status = t->backend->mask->seeds_create(t->device, &seed, list, 1);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    bool right = dequantize_is_right(t);
    for (size_t i = 0; right && i < LENGTH(quant_answers); i++)
        right = quantize_is_right(t, &quant_answers[i], seed);
    t->backend->mask->seeds_destroy(t->device, seed);
    return right;
}

parseal_status work_quant(const parseal_side *side, const work_material *m, size_t size)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 1;
    quant.rounding = PARSEAL_ROUND_NEAREST;
    const parseal_vec x = parseal_host_vec(m->from, size / 4, 4);
    const parseal_vec q = parseal_host_vec(m->to, size / 4, 4);
    return side->backend->vector->quantize(side->device, &quant, 32767.5f, &x, &q, NULL, 0, NULL,
                                           NULL);
}
