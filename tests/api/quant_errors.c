/* Quantise, dequantise and parseal_quant_check: every error, and that it changes nothing. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

enum { N = 16 };

/* A good call of either function. */
typedef struct {
    const fixture *f;
    parseal_quant quant;
    uint64_t in[N], out[N], count;
    parseal_vec x, q; /* or sum and mean */
    parseal_buf nonfinite;
    bool dequantize;
} call;

static void call_init(call *c, const fixture *f)
{
    memset(c, 0, sizeof *c);
    memset(c->out, UNTOUCHED, sizeof c->out);
    c->f = f;
    c->quant = (parseal_quant)PARSEAL_QUANT_INIT;
    c->quant.clip = 1.0f;
    c->count = 12345;
    c->x = parseal_host_vec(c->in, N, 4);
    c->q = parseal_host_vec(c->out, N, 4);
    c->nonfinite = parseal_host_buf(&c->count, sizeof c->count);
}

static parseal_status run_quant(const call *c, const parseal_quant *quant)
{
    if (c->dequantize)
        return parseal_dequantize(c->f->ctx, quant, &c->x, 3, &c->q, NULL, NULL);
    return parseal_quantize(c->f->ctx, quant, &c->x, &c->q, c->f->seeds, 0, &c->nonfinite, NULL);
}

static void assert_untouched(const call *c)
{
    assert_filled(c->out, sizeof c->out, UNTOUCHED);
    assert_filled(c->in, sizeof c->in, 0);
    assert_int_equal(c->count, 12345);
}

/* What both functions check in a parseal_quant. */
static void check_quant(call *c)
{
    static const float clips[] = {0.0f,      -0.0f,  -1.0f,   NAN, INFINITY,
                                  -INFINITY, 1e-40f, 0x1p127f}; /* the last is above FLT_MAX / 2 */
    static const uint32_t widths[] = {0, 25, 32, UINT32_MAX};
    static const uint32_t element_sizes[] = {0, 1, 2, 5, 16};
    assert_ok(run_quant(c, &c->quant)); /* what the others vary is good */
    call_init(c, c->f);
    assert_error(run_quant(c, NULL), PARSEAL_ERR_ARG, "quant");
    for (size_t i = 0; i < COUNT_OF(clips); i++) {
        c->quant.clip = clips[i];
        assert_error(run_quant(c, &c->quant), PARSEAL_ERR_ARG, "clip");
    }
    c->quant.clip = FLT_MAX; /* (2^1 - 1) / 2c is subnormal */
    c->quant.bits = 1;
    assert_error(run_quant(c, &c->quant), PARSEAL_ERR_ARG, "clip");
    c->quant.clip = 1.0f;
    for (size_t i = 0; i < COUNT_OF(widths); i++) {
        c->quant.bits = widths[i];
        assert_error(run_quant(c, &c->quant), PARSEAL_ERR_ARG, "bits");
    }
    c->quant.bits = 16;
    for (size_t i = 0; i < COUNT_OF(element_sizes); i++) {
        c->quant.element_size = element_sizes[i];
        assert_error(run_quant(c, &c->quant), PARSEAL_ERR_ARG, "element_size");
    }
    c->quant.element_size = 4;
}

static void check_struct_size(call *c)
{
    struct {
        parseal_quant quant;
        uint8_t tail[8];
    } later = {c->quant, {0, 0, 0, 1}};
    later.quant.struct_size = sizeof later;
    assert_error(run_quant(c, &later.quant), PARSEAL_ERR_ARG, "struct_size");
    later.quant.struct_size = sizeof later.quant - 1;
    assert_error(run_quant(c, &later.quant), PARSEAL_ERR_ARG, "struct_size");
    later.quant.struct_size = 0;
    assert_error(run_quant(c, &later.quant), PARSEAL_ERR_ARG, "struct_size");
    assert_untouched(c);
    later.tail[3] = 0;
    later.quant.struct_size = sizeof later;
    assert_ok(run_quant(c, &later.quant));
}

static void quantize_parameters(void **state)
{
    call c;
    call_init(&c, *state);
    check_quant(&c);
    static const int32_t unknown[] = {0, 4, -1, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        c.quant.float_type = unknown[i];
        assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_ARG, "float_type");
    }
    c.quant.float_type = PARSEAL_FLOAT32;
    for (size_t i = 0; i < COUNT_OF(unknown); i++) {
        c.quant.rounding = unknown[i];
        assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_ARG, "rounding");
    }
    c.quant.rounding = PARSEAL_ROUND_STOCHASTIC;
    assert_untouched(&c);
    check_struct_size(&c);
}

static void dequantize_parameters(void **state)
{
    call c;
    call_init(&c, *state);
    c.dequantize = true;
    check_quant(&c);
    call_init(&c, *state);
    c.dequantize = true;
    assert_error(parseal_dequantize(c.f->ctx, &c.quant, &c.x, 0, &c.q, NULL, NULL), PARSEAL_ERR_ARG,
                 "n_clients");
    check_struct_size(&c);
    c.quant.rounding = 77; /* dequantise does not use them */
    c.quant.float_type = 77;
    assert_ok(run_quant(&c, &c.quant));
}

static void quantize_seed(void **state)
{
    fixture *f = *state;
    call c;
    call_init(&c, f);
    const parseal_seed two[2] = {{.sign = 1}, {.sign = 1}};
    parseal_seeds *pair = NULL;
    parseal_seeds *none = NULL;
    assert_ok(parseal_seeds_create(&pair, f->ctx, two, 2));
    assert_ok(parseal_seeds_create(&none, f->ctx, NULL, 0));
    const parseal_seeds *const wrong[] = {NULL, pair, none};
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_error(
            parseal_quantize(f->ctx, &c.quant, &c.x, &c.q, wrong[i], 0, &c.nonfinite, NULL),
            PARSEAL_ERR_ARG, "seed");
    c.quant.rounding = PARSEAL_ROUND_NEAREST;
    assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_ARG, "seed");
    c.quant.rounding = PARSEAL_ROUND_STOCHASTIC;
    const uint64_t end = UINT64_C(1) << 36;
    const uint64_t firsts[] = {end - N + 1, end, UINT64_MAX - N + 1, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(firsts); i++)
        assert_error(
            parseal_quantize(f->ctx, &c.quant, &c.x, &c.q, f->seeds, firsts[i], &c.nonfinite, NULL),
            PARSEAL_ERR_SIZE, "first");
    assert_untouched(&c);
    parseal_seeds_destroy(pair);
    parseal_seeds_destroy(none);
}

static parseal_status with_first(void *arg, const parseal_vec *vec)
{
    call *c = arg;
    if (c->dequantize)
        return parseal_dequantize(c->f->ctx, &c->quant, vec, 3, &c->q, NULL, NULL);
    return parseal_quantize(c->f->ctx, &c->quant, vec, &c->q, c->f->seeds, 0, &c->nonfinite, NULL);
}

static parseal_status with_second(void *arg, const parseal_vec *vec)
{
    call *c = arg;
    if (c->dequantize)
        return parseal_dequantize(c->f->ctx, &c->quant, &c->x, 3, vec, NULL, NULL);
    return parseal_quantize(c->f->ctx, &c->quant, &c->x, vec, c->f->seeds, 0, &c->nonfinite, NULL);
}

static parseal_status with_nonfinite(void *arg, const parseal_buf *buf)
{
    call *c = arg;
    return parseal_quantize(c->f->ctx, &c->quant, &c->x, &c->q, c->f->seeds, 0, buf, NULL);
}

static void quantize_vectors(void **state)
{
    fixture *f = *state;
    call c;
    call_init(&c, f);
    refuse_bad_vecs(with_first, &c, &c.x, 4, "x");
    refuse_bad_vecs(with_second, &c, &c.q, 4, "q");
    refuse_bad_bufs(with_nonfinite, &c, &c.nonfinite, 8, "nonfinite");
    c.quant.float_type = PARSEAL_BFLOAT16;
    c.x = parseal_host_vec(c.in, N, 2);
    refuse_bad_vecs(with_first, &c, &c.x, 2, "x");
    c.quant.element_size = 8;
    c.q = parseal_host_vec(c.out, N, 8);
    refuse_bad_vecs(with_second, &c, &c.q, 8, "q");

    c.q = parseal_host_vec(c.out, N - 1, 8);
    assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_SIZE, ".n");
    call_init(&c, f);
    c.nonfinite.size = 7;
    assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_SIZE, "nonfinite");
    call_init(&c, f);
    assert_stream_refused(
        parseal_quantize(f->ctx, &c.quant, &c.x, &c.q, f->seeds, 0, &c.nonfinite, nowhere()));
    assert_error(parseal_quantize(NULL, &c.quant, &c.x, &c.q, f->seeds, 0, &c.nonfinite, NULL),
                 PARSEAL_ERR_ARG, "ctx");
    assert_untouched(&c);
}

static void dequantize_vectors(void **state)
{
    fixture *f = *state;
    call c;
    call_init(&c, f);
    c.dequantize = true;
    refuse_bad_vecs(with_first, &c, &c.x, 4, "sum");
    refuse_bad_vecs(with_second, &c, &c.q, 4, "mean");
    c.q = parseal_host_vec(c.out, N - 1, 4);
    assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_SIZE, ".n");
    c.q = parseal_host_vec(c.out, N, 4);
    assert_stream_refused(parseal_dequantize(f->ctx, &c.quant, &c.x, 3, &c.q, NULL, nowhere()));
    parseal_mean_options weighted = PARSEAL_MEAN_OPTIONS_INIT;
    weighted.weights = UINT64_C(1) << 22;
    assert_error(parseal_dequantize(f->ctx, &c.quant, &c.x, 3, &c.q, &weighted, NULL),
                 PARSEAL_ERR_ARG, "weights");
    assert_error(parseal_dequantize(NULL, &c.quant, &c.x, 3, &c.q, NULL, NULL), PARSEAL_ERR_ARG,
                 "ctx");
    assert_untouched(&c);
}

static void aliasing(void **state)
{
    call c;
    call_init(&c, *state);
    uint8_t *out = (uint8_t *)c.out;
    for (int k = 0; k < 2; k++) {
        c.dequantize = k != 0;
        const char *name = c.dequantize ? "sum" : "x";
        c.x = parseal_host_vec(out + 4, N, 4);
        assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_ALIAS, name);
        c.x = parseal_host_vec(out + 4 * N - 4, N, 4);
        assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_ALIAS, name);
    }
    call_init(&c, *state);
    c.quant.float_type = PARSEAL_FLOAT16; /* the same first byte, but not the same length */
    c.x = parseal_host_vec(out, N, 2);
    assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_ALIAS, "x");
    call_init(&c, *state);
    c.nonfinite = parseal_host_buf(out + 8, 8);
    assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_ALIAS, "nonfinite");
    c.nonfinite = parseal_host_buf(c.in, 8);
    assert_error(run_quant(&c, &c.quant), PARSEAL_ERR_ALIAS, "nonfinite");
    assert_untouched(&c);
}

static void nothing_to_do(void **state)
{
    fixture *f = *state;
    call c;
    call_init(&c, f);
    c.x = parseal_host_vec(NULL, 0, 4);
    c.q = c.x;
    assert_ok(run_quant(&c, &c.quant));
    assert_int_equal(c.count, 0);
    c.dequantize = true;
    assert_ok(run_quant(&c, &c.quant));
}

/* The largest number of clients that fits, and one more. */
static void quant_check_boundaries(void **state)
{
    (void)state;
    static const struct {
        uint32_t bits;
        parseal_ring ring;
        uint64_t fits;
    } cases[] = {
        {1, {2, 4, 0}, 1},
        {1, {3, 4, 0}, 2},
        {8, {256, 4, 0}, 1},
        {8, {511, 4, 0}, 2},
        {8, {510, 4, 0}, 1},
        {16, {UINT64_C(1) << 32, 4, 0}, 65537}, /* 65537 * 65535 = 2^32 - 1 */
        {16, {UINT64_C(4294967291), 4, 0}, 65536},
        {24, {UINT64_C(1) << 32, 8, 0}, 256},
        {24, {UINT64_MAX, 8, 0}, UINT64_C(1099511693312)}, /* floor((2^64 - 2) / (2^24 - 1)) */
        {24, {0, 8, 0}, UINT64_C(1099511693312)},
        {1, {0, 8, 0}, UINT64_MAX},
        {1, {UINT64_MAX, 8, 0}, UINT64_MAX - 1},
        {2, {0, 8, 0}, UINT64_MAX / 3},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_ok(parseal_quant_check(1, cases[i].bits, &cases[i].ring, NULL));
        assert_ok(parseal_quant_check(cases[i].fits, cases[i].bits, &cases[i].ring, NULL));
        if (cases[i].fits == UINT64_MAX)
            continue;
        assert_error(parseal_quant_check(cases[i].fits + 1, cases[i].bits, &cases[i].ring, NULL),
                     PARSEAL_ERR_OVERFLOW, "n_clients");
        assert_error(parseal_quant_check(UINT64_MAX, cases[i].bits, &cases[i].ring, NULL),
                     PARSEAL_ERR_OVERFLOW, "n_clients");
    }
    /* not one client fits */
    const parseal_ring tiny = {2, 4, 0};
    assert_error(parseal_quant_check(1, 2, &tiny, NULL), PARSEAL_ERR_OVERFLOW, "n_clients");
}

/* Noise takes its room twice, as it may lie on either side; a weight counts up to 2^22. */
static void quant_check_noise_and_weights(void **state)
{
    (void)state;
    static const struct {
        uint32_t bits;
        parseal_ring ring;
        uint64_t noise;
        int32_t weighted;
        uint64_t fits; /* this many clients, and not one more */
    } cases[] = {
        {8, {511, 4, 0}, 0, 0, 2},
        {8, {511, 4, 0}, 1, 0, 1}, /* 2 * 255 + 2 = 512 */
        {8, {513, 4, 0}, 1, 0, 2},
        {8, {256, 4, 0}, 1, 0, 0},
        {1, {0, 8, 0}, UINT64_MAX / 2, 0, 1}, /* 1 + 2^64 - 2 = 2^64 - 1 */
        {1, {0, 8, 0}, UINT64_MAX / 2 + 1, 0, 0},
        {1, {0, 8, 0}, UINT64_MAX, 0, 0},
        {16, {UINT64_C(1) << 32, 4, 0}, 0, 1, 1023}, /* 1024 * 2^22 = 2^32 */
        {16, {UINT64_C(1) << 32, 4, 0}, UINT64_C(1) << 21, 1, 1022},
        {24, {UINT64_C(1) << 32, 8, 0}, 0, 1, 256},
        {22, {UINT64_C(1) << 22, 4, 0}, 0, 0, 1},
        {22, {UINT64_C(1) << 22, 4, 0}, 0, -1, 0},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parseal_quant_check_options o = PARSEAL_QUANT_CHECK_OPTIONS_INIT;
        o.noise = cases[i].noise;
        o.weighted = cases[i].weighted;
        if (cases[i].fits > 0)
            assert_ok(parseal_quant_check(cases[i].fits, cases[i].bits, &cases[i].ring, &o));
        assert_error(parseal_quant_check(cases[i].fits + 1, cases[i].bits, &cases[i].ring, &o),
                     PARSEAL_ERR_OVERFLOW, "n_clients");
        o.reserved = 1;
        assert_error(parseal_quant_check(1, cases[i].bits, &cases[i].ring, &o), PARSEAL_ERR_ARG,
                     "reserved");
    }
}

/* The text says what would do: so many clients, or such a modulus. */
static void quant_check_text(void **state)
{
    (void)state;
    const parseal_ring ring = {1000003, 4, 0};
    assert_error(parseal_quant_check(100, 16, &ring, NULL), PARSEAL_ERR_OVERFLOW, "1000003");
    assert_non_null(strstr(parseal_last_error_text(), "100"));
    assert_non_null(strstr(parseal_last_error_text(), "15 "));     /* floor(1000002 / 65535) */
    assert_non_null(strstr(parseal_last_error_text(), "6553501")); /* 100 * 65535 + 1 */
}

static parseal_status check_with_ring(void *arg, const parseal_ring *ring)
{
    (void)arg;
    return parseal_quant_check(1, 1, ring, NULL);
}

static void quant_check_arguments(void **state)
{
    (void)state;
    const parseal_ring ring = {0, 8, 0};
    assert_error(parseal_quant_check(1, 0, &ring, NULL), PARSEAL_ERR_ARG, "bits");
    assert_error(parseal_quant_check(1, 25, &ring, NULL), PARSEAL_ERR_ARG, "bits");
    assert_error(parseal_quant_check(1, UINT32_MAX, &ring, NULL), PARSEAL_ERR_ARG, "bits");
    assert_error(parseal_quant_check(0, 16, &ring, NULL), PARSEAL_ERR_ARG, "n_clients");
    refuse_bad_rings(check_with_ring, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(quantize_parameters),
        WITH_FIXTURE(dequantize_parameters),
        WITH_FIXTURE(quantize_seed),
        WITH_FIXTURE(quantize_vectors),
        WITH_FIXTURE(dequantize_vectors),
        WITH_FIXTURE(aliasing),
        WITH_FIXTURE(nothing_to_do),
        cmocka_unit_test(quant_check_boundaries),
        cmocka_unit_test(quant_check_text),
        cmocka_unit_test(quant_check_noise_and_weights),
        cmocka_unit_test(quant_check_arguments),
    };
    return RUN_SUITE("quant_errors", tests);
}
