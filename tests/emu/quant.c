/* The CUDA kernels of quantisation, run by the emulator, against the format computed in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_mask.h"
#include "ref_vec.h"
#include "ring.h"
#include "run.h"
#include "vector_kernels.h"

static const parseal_ring RANDOM_WORDS = {UINT64_C(1) << 32, 4, 0};
static const float clips[] = {1.0f, 0.3f, 65504.0f, 1e-30f, 1e30f};
static const uint32_t widths[] = {1, 8, 20, 24};
static const int32_t float_types[] = {PARSEAL_FLOAT32, PARSEAL_BFLOAT16, PARSEAL_FLOAT16};
static const uint32_t element_sizes[] = {4, 8};

typedef struct {
    uint64_t first, n;
    uint32_t x_shift, q_shift, blocks; /* elements after a multiple of 16 bytes */
} call;

/* Values around [-clip, clip], and any bit pattern: subnormal, infinite and NaN among them. */
static void random_floats(rng *r, array *x, uint64_t n, const parseal_quant *quant)
{
    static const uint32_t special[] = {0x80000000, 0x00000001, 0x807fffff, 0x7f800000,
                                       0xff800000, 0x7fc00001, 0x7f7fffff};
    const uint32_t size = float_size(quant->float_type);
    for (uint64_t i = 0; i < n; i++) {
        const double unit = ldexp((double)rng_below(r, UINT64_C(1) << 40), -39) - 1;
        const float value = (float)(unit * 1.2 * (double)quant->clip);
        uint32_t bits = (uint32_t)rng_u64(r);
        if (quant->float_type == PARSEAL_FLOAT32 && bits % 8 > 1)
            memcpy(&bits, &value, sizeof bits);
        else if (bits % 8 == 0)
            bits = special[rng_below(r, COUNT_OF(special))] >> (size == 2 ? 16 : 0);
        elem_store(x->bytes, i, size, bits);
    }
}

static uint64_t want_quantized(const parseal_quant *quant, const parseal_seed *seed, const call *c,
                               const array *x, array *want)
{
    uint64_t special = 0;
    for (uint64_t i = 0; i < c->n; i++) {
        const float value = ref_float_at(x->bytes, i, quant->float_type);
        const uint32_t random = quant->rounding == PARSEAL_ROUND_STOCHASTIC
                                    ? (uint32_t)ref_mask_element(seed, &RANDOM_WORDS, c->first + i)
                                    : 0;
        special += isfinite(value) ? 0 : 1;
        elem_store(want->bytes, i, quant->element_size, ref_quantize(quant, value, random));
    }
    return special;
}

static void check_quantize(rng *r, const parseal_quant *quant, const call *c, bool counted)
{
    const uint32_t size = float_size(quant->float_type);
    parseal_seed seed;
    random_seeds(r, &seed, 1);
    mask_seed *on_device = device_seeds(&seed, 1);
    array x = array_new((size_t)c->n * size, (size_t)c->x_shift * size);
    array q = array_new((size_t)c->n * quant->element_size, c->q_shift * quant->element_size);
    array want = array_new(q.size, 0);
    random_floats(r, &x, c->n, quant);
    const uint64_t special = want_quantized(quant, &seed, c, &x, &want);

    uint64_t found = (uint64_t)1 << 33, first = c->first, count = c->n;
    const uint8_t *from = x.bytes;
    uint8_t *to = q.bytes, *nonfinite = (uint8_t *)&found;
    uint32_t float_type = (uint32_t)quant->float_type, element_size = quant->element_size;
    uint32_t bits = quant->bits, stochastic = quant->rounding == PARSEAL_ROUND_STOCHASTIC;
    uint32_t counts = counted;
    float clip = quant->clip;
    float scale = (float)((double)((UINT32_C(1) << bits) - 1) / (2.0 * (double)clip));
    const mask_seed *seed_arg = stochastic ? on_device : NULL;
    void *args[] = {&from,     &float_type, &to,    &element_size, &clip,      &scale, &bits,
                    &seed_arg, &stochastic, &first, &count,        &nonfinite, &counts};
    run_kernel("quantize", blocks_touched(first, count, 4), c->blocks, args);
    assert_bytes(q.bytes, want.bytes, q.size);
    assert_int_equal(found, ((uint64_t)1 << 33) + (counted ? special : 0));
    array_free(&x);
    array_free(&q);
    array_free(&want);
    free(on_device);
}

static void every_format(void **state)
{
    (void)state;
    static const call calls[] = {{0, 600, 0, 0, 1}, {5, 530, 0, 1, 1}, {16, 521, 1, 0, 1}};
    rng r = rng_for("emu quant formats");
    unsigned k = 0;
    for (size_t type = 0; type < COUNT_OF(float_types); type++)
        for (size_t width = 0; width < COUNT_OF(widths); width++)
            for (size_t clip = 0; clip < COUNT_OF(clips); clip++)
                for (int32_t rounding = PARSEAL_ROUND_NEAREST; rounding <= PARSEAL_ROUND_STOCHASTIC;
                     rounding++, k++) {
                    parseal_quant quant = PARSEAL_QUANT_INIT;
                    quant.clip = clips[clip];
                    quant.bits = widths[width];
                    quant.rounding = rounding;
                    quant.float_type = float_types[type];
                    quant.element_size = element_sizes[k / 2 % 2];
                    check_quantize(&r, &quant, &calls[k % COUNT_OF(calls)], k % 3 != 0);
                }
}

static void every_place(void **state)
{
    (void)state;
    static const call calls[] = {
        {0, 1, 0, 0, 1},   {15, 2, 1, 1, 1},   {4, 516, 0, 0, 1},   {7, 513, 1, 1, 1},
        {3, 512, 2, 2, 1}, {16, 512, 4, 4, 1}, {20, 508, 0, 0, 1},  {1, 5000, 3, 3, 2},
        {0, 510, 0, 0, 1}, {0, 9000, 0, 0, 1}, {64, 9000, 8, 2, 3},
    };
    rng r = rng_for("emu quant places");
    for (size_t k = 0; k < COUNT_OF(calls); k++)
        for (size_t type = 0; type < COUNT_OF(float_types); type++)
            for (size_t size = 0; size < COUNT_OF(element_sizes); size++) {
                parseal_quant quant = PARSEAL_QUANT_INIT;
                quant.clip = 1.0f;
                quant.bits = 18;
                quant.rounding = k % 4 == 3 ? PARSEAL_ROUND_NEAREST : PARSEAL_ROUND_STOCHASTIC;
                quant.float_type = float_types[type];
                quant.element_size = element_sizes[size];
                check_quantize(&r, &quant, &calls[k], true);
            }
}

static uint64_t double_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void check_dequantize(rng *r, const parseal_quant *quant, uint64_t n_clients, const call *c)
{
    const uint32_t size = quant->element_size;
    array sum = array_random(r, (size_t)c->n * size, c->x_shift * size);
    array mean = array_new((size_t)c->n * 4, c->q_shift * 4), want = array_new(mean.size, 0);
    for (uint64_t i = 0; i < c->n; i++) {
        const float value = ref_dequantize(quant, elem_load(sum.bytes, i, size), n_clients);
        memcpy(want.bytes + 4 * i, &value, sizeof value);
    }

    const double levels = (UINT32_C(1) << quant->bits) - 1;
    const uint8_t *from = sum.bytes;
    uint8_t *to = mean.bytes;
    uint32_t element_size = size;
    uint64_t step = double_bits(2.0 * (double)quant->clip / levels), count = c->n;
    uint64_t clients = double_bits((double)n_clients), clip = double_bits((double)quant->clip);
    void *args[] = {&from, &element_size, &step, &clients, &clip, &to, &count};
    run_kernel("dequantize", count, c->blocks, args);
    assert_bytes(mean.bytes, want.bytes, mean.size);
    array_free(&sum);
    array_free(&mean);
    array_free(&want);
}

/* In the longest call a thread has six turns; nvcc may make one of two. */
static void means(void **state)
{
    (void)state;
    static const call calls[] = {{0, 1, 0, 0, 1},    {0, 3, 1, 0, 1},    {0, 1025, 0, 1, 2},
                                 {0, 4103, 0, 0, 2}, {0, 5300, 0, 0, 1}, {0, 700, 1, 1, 1}};
    static const uint64_t clients[] = {1, 3, 1000, UINT64_C(1) << 40};
    rng r = rng_for("emu means");
    for (size_t k = 0; k < COUNT_OF(calls); k++)
        for (size_t size = 0; size < COUNT_OF(element_sizes); size++)
            for (size_t i = 0; i < COUNT_OF(clips); i++) {
                parseal_quant quant = PARSEAL_QUANT_INIT;
                quant.clip = clips[i];
                quant.bits = widths[(k + i) % COUNT_OF(widths)];
                quant.element_size = element_sizes[size];
                check_dequantize(&r, &quant, clients[(k + i) % COUNT_OF(clients)], &calls[k]);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format),
        cmocka_unit_test(every_place),
        cmocka_unit_test(means),
    };
    return RUN_SUITE("emulated CUDA quantisation", tests);
}
