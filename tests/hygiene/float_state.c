/* The caller's floating-point state: rounding direction, flush-to-zero and denormals-are-zero,
 * traps and flags, on the calling thread and on the pool's. Whatever it is, the bytes are those of
 * the default state, nothing traps, and the state is as before afterwards. */
#include <fenv.h>
#include <stdlib.h>
#include <string.h>

#include "all_threads.h"
#include "check.h"
#include "parseal/aggregator.h"
#include "parseal/fcp.h"
#include "rng.h"
#include "run.h"

enum { THREADS = 3, ELEMENTS = 9001, CLIENTS = 7, PRIME = 1000003 };

/* ---------------------------------------------------------------------------------- states -- */

typedef struct {
    int rounding;      /* FE_TONEAREST, ... */
    bool flush, traps; /* subnormals become zeros; every exception is a signal */
    int raised;        /* flags */
} float_state;

/* The register that holds all of it but, on x86, the x87 unit's. */
static uint64_t control_register(void)
{
    uint64_t x = 0;
#if defined(__x86_64__)
    uint32_t mxcsr;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    x = mxcsr;
#elif defined(__aarch64__)
    __asm__ volatile("mrs %0, fpcr" : "=r"(x));
#endif
    return x;
}

static void set_flush(bool flush)
{
#if defined(__x86_64__)
    const uint32_t mxcsr =
        (uint32_t)(control_register() & ~UINT64_C(0x8040)) | (flush ? 0x8040 : 0);
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
#elif defined(__aarch64__)
    const uint64_t bit = UINT64_C(1) << 24;
    __asm__ volatile("msr fpcr, %0" ::"r"((control_register() & ~bit) | (flush ? bit : 0)));
#else
    (void)flush;
#endif
}

static void set_state(const float_state *s)
{
    (void)fesetenv(FE_DFL_ENV);
    (void)fesetround(s->rounding);
    set_flush(s->flush);
    if (s->traps)
        (void)feenableexcept(FE_ALL_EXCEPT); /* where the processor has traps */
    else if (s->raised != 0)
        (void)feraiseexcept(s->raised);
}

typedef struct {
    uint64_t control, rounding, traps, raised; /* 64 bits each, so that no byte of it is padding */
} seen_state;

static seen_state see_state(void)
{
    return (seen_state){control_register(), (uint64_t)fegetround(), (uint64_t)fegetexcept(),
                        (uint64_t)fetestexcept(FE_ALL_EXCEPT)};
}

static void set_thread(void *arg, uint32_t thread)
{
    (void)thread;
    set_state(arg);
}

static void see_thread(void *arg, uint32_t thread)
{
    ((seen_state *)arg)[thread] = see_state();
}

/* ----------------------------------------------------------------------------------- calls -- */

typedef struct {
    parseal_ctx *ctx;
    parseal_seeds *seed, *fcp;
    parseal_quant quant;
    uint8_t x[4 * ELEMENTS], q[4 * ELEMENTS], mean[4 * ELEMENTS], mask[4 * ELEMENTS];
    uint64_t nonfinite;
    parseal_status status[5];
    parseal_status bad_clip;
} bench;

static void run_calls(bench *b)
{
    const parseal_vec x =
        parseal_host_vec(b->x, ELEMENTS, b->quant.float_type == PARSEAL_FLOAT32 ? 4 : 2);
    const parseal_vec q = parseal_host_vec(b->q, ELEMENTS, 4);
    const parseal_vec mean = parseal_host_vec(b->mean, ELEMENTS, 4);
    const parseal_vec mask = parseal_host_vec(b->mask, ELEMENTS, 4);
    const parseal_buf nonfinite = parseal_host_buf(&b->nonfinite, sizeof b->nonfinite);
    const parseal_ring ring = {PRIME, 4, 0};
    parseal_aggregator_options o = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_aggregator *a = NULL;
    parseal_quant bad = b->quant;
    static const uint32_t no_number = 0x7f800001; /* one that traps when it is compared */
    const bool draws = b->quant.rounding == PARSEAL_ROUND_STOCHASTIC;
    b->status[0] =
        parseal_quantize(b->ctx, &b->quant, &x, &q, draws ? b->seed : NULL, 0, &nonfinite, NULL);
    b->status[1] = parseal_dequantize(b->ctx, &b->quant, &q, CLIENTS, &mean, NULL, NULL);
    b->status[2] = parseal_mask_write(b->fcp, &ring, &mask, 0, NULL);
    o.ring = ring;
    o.dim = ELEMENTS;
    o.quant_bits = b->quant.bits;
    o.quant_clip = b->quant.clip;
    b->status[3] = parseal_aggregator_create(&a, b->ctx, &o);
    parseal_aggregator_destroy(a);
    memcpy(&bad.clip, &no_number, sizeof bad.clip);
    b->bad_clip = parseal_dequantize(b->ctx, &bad, &q, CLIENTS, &mean, NULL, NULL);
    b->status[4] = parseal_dequantize(b->ctx, &b->quant, &q, CLIENTS, &mean, NULL, NULL);
}

/* ----------------------------------------------------------------------------------- tests -- */

static const float_state states[] = {
    {FE_TONEAREST, true, false, 0}, {FE_UPWARD, false, false, FE_DIVBYZERO},
    {FE_DOWNWARD, false, false, 0}, {FE_TOWARDZERO, true, false, FE_OVERFLOW},
    {FE_TONEAREST, false, true, 0}, {FE_UPWARD, true, true, 0},
};

/* Around clip, subnormal, infinite, and no numbers, quiet and signalling. */
static void fill_input(bench *b)
{
    static const uint32_t special[] = {0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001,
                                       1,          0x807fffff, 0,          0x80000000};
    rng r = rng_for("float states");
    uint32_t clip;
    memcpy(&clip, &b->quant.clip, sizeof clip);
    for (size_t i = 0; i < ELEMENTS; i++) {
        /* The same exponent as clip, or up to 15 below. */
        const uint32_t less = (uint32_t)rng_below(&r, 16) << 23;
        uint32_t bits = (clip & 0x7f800000) > less ? (clip & 0x7f800000) - less : 0;
        bits |= (uint32_t)rng_u64(&r) & 0x807fffff;
        if (i % 101 == 0)
            bits = special[i / 101 % COUNT_OF(special)];
        if (b->quant.float_type == PARSEAL_FLOAT32) {
            memcpy(b->x + 4 * i, &bits, 4);
        } else {
            const uint16_t half = (uint16_t)(bits >> 16);
            memcpy(b->x + 2 * i, &half, 2);
        }
    }
}

static void compare(const bench *got, const bench *want)
{
    for (size_t i = 0; i < COUNT_OF(want->status); i++) {
        assert_int_equal(want->status[i], PARSEAL_OK);
        assert_int_equal(got->status[i], PARSEAL_OK);
    }
    assert_int_equal(got->bad_clip, PARSEAL_ERR_ARG);
    assert_int_equal(got->nonfinite, want->nonfinite);
    assert_bytes(got->q, want->q, sizeof want->q);
    assert_bytes(got->mean, want->mean, sizeof want->mean);
    assert_bytes(got->mask, want->mask, sizeof want->mask);
}

static void try_state(bench *got, const bench *want, const float_state *s, uint32_t threads)
{
    seen_state before[THREADS], after[THREADS];
    memset(got->q, UNTOUCHED, sizeof got->q);
    memset(got->mean, UNTOUCHED, sizeof got->mean);
    memset(got->mask, UNTOUCHED, sizeof got->mask);
    memset(before, 0, sizeof before);
    memset(after, 0, sizeof after);
    on_all_threads(threads, set_thread, (void *)(uintptr_t)s);
    on_all_threads(threads, see_thread, before);
    run_calls(got);
    on_all_threads(threads, see_thread, after);
    (void)fesetenv(FE_DFL_ENV);
    compare(got, want);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(after[i].control, before[i].control);
        assert_int_equal(after[i].rounding, before[i].rounding);
        assert_int_equal(after[i].traps, before[i].traps);
        assert_int_equal(after[i].raised, before[i].raised);
    }
}

static void test_states(void **state)
{
    static const struct {
        float clip;
        uint32_t bits;
        int32_t rounding, float_type;
    } cases[] = {
        {1, 16, PARSEAL_ROUND_NEAREST, PARSEAL_FLOAT32},
        {0.01f, 19, PARSEAL_ROUND_STOCHASTIC, PARSEAL_FLOAT32},
        {1.2e-36f, 4, PARSEAL_ROUND_NEAREST, PARSEAL_FLOAT32},
        {1.2e-36f, 4, PARSEAL_ROUND_STOCHASTIC, PARSEAL_FLOAT32},
        {3e-39f, 1, PARSEAL_ROUND_NEAREST, PARSEAL_FLOAT32},
        {0.5f, 8, PARSEAL_ROUND_STOCHASTIC, PARSEAL_BFLOAT16},
        {0.75f, 8, PARSEAL_ROUND_NEAREST, PARSEAL_FLOAT16},
    };
    static const parseal_seed seed = {.key = {5}, .sign = 1};
    static const uint8_t key[PARSEAL_FCP_KEYBYTES] = {6};
    static const parseal_fcp_key fcp_key = {key, sizeof key, 1};
    static bench want, got;
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    (void)state;
    memset(&want, 0, sizeof want);
    mask.modulus = PRIME;
    mask.n = ELEMENTS;
    for (uint32_t threads = 1; threads <= THREADS; threads += THREADS - 1) {
        want.ctx = run_ctx(threads);
        assert_ok(parseal_seeds_create(&want.seed, want.ctx, &seed, 1));
        assert_ok(parseal_fcp_seeds_create(&want.fcp, want.ctx, &mask, &fcp_key, 1));
        for (size_t c = 0; c < COUNT_OF(cases); c++) {
            want.quant = (parseal_quant)PARSEAL_QUANT_INIT;
            want.quant.clip = cases[c].clip;
            want.quant.bits = cases[c].bits;
            want.quant.rounding = cases[c].rounding;
            want.quant.float_type = cases[c].float_type;
            fill_input(&want);
            (void)fesetenv(FE_DFL_ENV);
            run_calls(&want);
            got = want;
            for (size_t s = 0; s < COUNT_OF(states); s++)
                try_state(&got, &want, &states[s], threads);
        }
        parseal_seeds_destroy(want.seed);
        parseal_seeds_destroy(want.fcp);
        parseal_ctx_destroy(want.ctx);
    }
}

/* A context is made, its implementations tested, as in the default state. */
static void test_contexts(void **state)
{
    parseal_options o = PARSEAL_OPTIONS_INIT;
    parseal_info want = PARSEAL_INFO_INIT;
    (void)state;
    o.backend = PARSEAL_BACKEND_CPU;
    for (size_t s = 0; s <= COUNT_OF(states); s++) {
        parseal_ctx *ctx = NULL;
        parseal_info info = PARSEAL_INFO_INIT;
        if (s > 0)
            set_state(&states[s - 1]);
        const seen_state before = see_state();
        const parseal_status status = parseal_ctx_create(&ctx, &o);
        const seen_state after = see_state();
        (void)fesetenv(FE_DFL_ENV);
        assert_ok(status);
        assert_memory_equal(&after, &before, sizeof after);
        assert_ok(parseal_ctx_info(ctx, &info));
        parseal_ctx_destroy(ctx);
        if (s == 0)
            want = info;
        assert_string_equal(info.reason, want.reason);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(test_states)};
    static const struct CMUnitTest once[] = {cmocka_unit_test(test_contexts)};
    int failed = RUN_SUITE_PER_IMPL("hygiene.float_state", OF(PARSEAL_PRIMITIVE_QUANT), tests);
    return failed | RUN_SUITE("hygiene.float_state", once);
}
