/* Quantise and dequantise: every implementation gives the same bytes, dequantise too. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "impls.h"
#include "ref_mask.h"
#include "ref_vec.h"
#include "rng.h"

enum { N_MAX = 20011, SHIFT_MAX = 8 };

static const float clips[] = {1.0f, 0.3f, 7.5f, 65504.0f, 1e-30f, 1e30f};
static const uint64_t long_lengths[] = {8175, 8191, 8192, 8193, 8209, 16384, N_MAX};

typedef struct {
    impl_set impls;
    parseal_seeds *rounding[IMPLS_MAX];
    uint8_t in[(N_MAX + SHIFT_MAX) * 8];
    rng r;
} bench;

static bench *bench_open(const char *name, force_way way, uint32_t threads)
{
    bench *t = malloc(sizeof *t);
    parseal_seed seed;
    assert_non_null(t);
    t->r = rng_for(name);
    impls_open(&t->impls, PARSEAL_PRIMITIVE_QUANT, way, threads, N_MAX * 8);
    random_seeds(&t->r, &seed, 1);
    for (size_t i = 0; i < t->impls.n; i++)
        assert_ok(parseal_seeds_create(&t->rounding[i], t->impls.ctx[i], &seed, 1));
    return t;
}

static void bench_close(bench *t)
{
    for (size_t i = 0; i < t->impls.n; i++)
        parseal_seeds_destroy(t->rounding[i]);
    impls_close(&t->impls);
    free(t);
}

static parseal_quant random_quant(rng *r)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = clips[rng_below(r, COUNT_OF(clips))];
    quant.bits = (uint32_t)rng_range(r, 1, 24);
    quant.rounding = rng_below(r, 2) != 0 ? PARSEAL_ROUND_NEAREST : PARSEAL_ROUND_STOCHASTIC;
    quant.element_size = rng_below(r, 2) != 0 ? 4 : 8;
    return quant;
}

/* Steps of a quarter up to just beyond the clip, so that halves and both ends come up, among bit
 * patterns of any kind. */
static void random_floats(rng *r, const parseal_quant *quant, uint8_t *x, uint64_t n)
{
    const float step = quant->clip / (float)(4 * ((UINT32_C(1) << quant->bits) - 1));
    rng_fill(r, x, n * float_size(quant->float_type));
    for (uint64_t i = 0; i < n && quant->float_type == PARSEAL_FLOAT32; i++) {
        const float value = step * (float)((int64_t)rng_below(r, UINT64_C(1) << 28) - (1 << 27));
        if (rng_below(r, 4) != 0)
            memcpy(x + 4 * i, &value, sizeof value);
    }
}

typedef struct {
    const bench *t;
    const parseal_quant *quant;
    const uint8_t *in;
    uint64_t n, first, n_clients;
    uint64_t nonfinite; /* by portable */
} quant_call;

static void call_quantize(void *arg, size_t impl, void *out)
{
    quant_call *c = arg;
    const bool nearest = c->quant->rounding == PARSEAL_ROUND_NEAREST;
    const parseal_vec x = parseal_host_vec(c->in, c->n, float_size(c->quant->float_type));
    const parseal_vec q = parseal_host_vec(out, c->n, c->quant->element_size);
    uint64_t nonfinite = 0;
    const parseal_buf count = parseal_host_buf(&nonfinite, sizeof nonfinite);
    assert_ok(parseal_quantize(c->t->impls.ctx[impl], c->quant, &x, &q,
                               nearest ? NULL : c->t->rounding[impl], c->first, &count, NULL));
    c->nonfinite = impl == 0 ? nonfinite : c->nonfinite;
    assert_int_equal(nonfinite, c->nonfinite);
}

static void call_dequantize(void *arg, size_t impl, void *out)
{
    const quant_call *c = arg;
    const parseal_vec sum = parseal_host_vec(c->in, c->n, c->quant->element_size);
    const parseal_vec mean = parseal_host_vec(out, c->n, 4);
    assert_ok(
        parseal_dequantize(c->t->impls.ctx[impl], c->quant, &sum, c->n_clients, &mean, NULL, NULL));
}

static void check_quantize(bench *t, int32_t float_type, uint64_t n)
{
    parseal_quant quant = random_quant(&t->r);
    quant.float_type = float_type;
    quant_call c = {.t = t, .quant = &quant, .n = n, .first = rng_below(&t->r, 5000)};
    c.in = t->in + rng_below(&t->r, SHIFT_MAX) * float_size(float_type);
    random_floats(&t->r, &quant, t->in, n + SHIFT_MAX);
    impls_agree(&t->impls, call_quantize, &c, NULL, n * quant.element_size,
                rng_below(&t->r, SHIFT_MAX) * quant.element_size);
}

static void check_dequantize(bench *t, uint64_t n)
{
    const parseal_quant quant = random_quant(&t->r);
    const uint64_t n_clients = rng_range(&t->r, 1, 1000);
    const uint64_t most = n_clients << quant.bits;
    quant_call c = {.t = t, .quant = &quant, .n = n, .n_clients = n_clients};
    c.in = t->in + rng_below(&t->r, SHIFT_MAX) * quant.element_size;
    rng_fill(&t->r, t->in, (n + SHIFT_MAX) * 8);
    for (uint64_t i = 0; i < n + SHIFT_MAX && quant.element_size == 8; i++) {
        const uint64_t sum = rng_below(&t->r, most);
        if (i % 4 != 0) /* else any 64 bits */
            memcpy(t->in + 8 * i, &sum, sizeof sum);
    }
    impls_agree(&t->impls, call_dequantize, &c, NULL, n * 4, rng_below(&t->r, SHIFT_MAX) * 4);
}

static void quantize(void **state)
{
    (void)state;
    bench *t = bench_open("quantise", BY_OPTION, 1);
    for (uint64_t n = 0; n <= 2000; n += repeat_step(7))
        for (int32_t type = PARSEAL_FLOAT32; type <= PARSEAL_FLOAT16; type++)
            check_quantize(t, type, n);
    for (int i = 0; i < 3000; i += (int)repeat_step(7))
        check_quantize(t, PARSEAL_FLOAT32 + i % 3, rng_range(&t->r, 0, 100));
    bench_close(t);
}

static void dequantize(void **state)
{
    (void)state;
    bench *t = bench_open("dequantise", BY_ENVIRONMENT, 1);
    for (uint64_t n = 0; n <= 2000; n += repeat_step(7))
        check_dequantize(t, n);
    for (int i = 0; i < 3000; i += (int)repeat_step(7))
        check_dequantize(t, rng_range(&t->r, 0, 100));
    bench_close(t);
}

/* Around the pieces of 8192 elements that a call is cut into, and over threads. */
static void long_vectors(void **state)
{
    (void)state;
    for (uint32_t threads = 1; threads <= 3; threads += 2) {
        bench *t = bench_open("long", BY_ENVIRONMENT, threads);
        for (size_t k = 0; k < COUNT_OF(long_lengths) * 6; k++) {
            check_quantize(t, PARSEAL_FLOAT32 + (int32_t)k % 3, long_lengths[k / 6]);
            check_dequantize(t, long_lengths[k / 6]);
        }
        bench_close(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantize),
        cmocka_unit_test(dequantize),
        cmocka_unit_test(long_vectors),
    };
    return RUN_SUITE("quantisation of every implementation", tests);
}
