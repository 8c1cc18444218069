/* Every kind of call on a CPU context, on a thread with a stack of 64 KiB, with every
 * implementation. Too small a stack ends the program. */
#include <parseal/aggregator.h>
#include <parseal/fcp.h>
#include <parseal/sealed.h>
#include <parseal/secagg.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "run.h"

#define ALL_PRIMITIVES                                                                         \
    (OF(PARSEAL_PRIMITIVE_AEAD) | OF(PARSEAL_PRIMITIVE_MASK) | OF(PARSEAL_PRIMITIVE_VEC_SUM) | \
     OF(PARSEAL_PRIMITIVE_QUANT) | OF(PARSEAL_PRIMITIVE_PACK) | OF(PARSEAL_PRIMITIVE_FCP))

enum { STACK = 64 * 1024, N = 60000, VECTORS = 12, BITS = 20 };

static parseal_ctx *ctx; /* the context that the calls are made on */
static uint8_t a[8 * N], b[8 * N], packed[8 * N];

/* Each returns the first status that is not PARSEAL_OK. */
typedef parseal_status call(void);

static parseal_status make_context(void)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *made = NULL;
    options.backend = PARSEAL_BACKEND_CPU;
    const parseal_status status = parseal_ctx_create(&made, &options);
    parseal_ctx_destroy(made);
    return status;
}

static parseal_status mask_mod(uint64_t modulus)
{
    const parseal_ring ring = {modulus, 4, 0};
    const parseal_vec v = parseal_host_vec(a, N, 4);
    const parseal_seed seed = {.key = {1}, .sign = 1};
    parseal_seeds *seeds = NULL;
    parseal_status status = parseal_seeds_create(&seeds, ctx, &seed, 1);
    memset(a, 0, sizeof a);
    if (status == PARSEAL_OK)
        status = parseal_mask_apply(seeds, &ring, &v, 3, NULL);
    if (status == PARSEAL_OK)
        status = parseal_mask_write(seeds, &ring, &v, 3, NULL);
    parseal_seeds_destroy(seeds);
    return status;
}

static parseal_status mask_power_of_two(void)
{
    return mask_mod(UINT64_C(1) << 20);
}

static parseal_status mask_prime(void)
{
    return mask_mod(UINT64_C(4294967291));
}

static parseal_status mask_rejecting(void)
{
    return mask_mod((UINT64_C(1) << 30) + 1);
}

static parseal_status mask_fcp(void)
{
    static const uint64_t moduli[] = {1000003, UINT64_C(1) << 20, (UINT64_C(1) << 61) - 1};
    parseal_status status = PARSEAL_OK;
    for (size_t i = 0; i < COUNT_OF(moduli) && status == PARSEAL_OK; i++) {
        const uint32_t size = moduli[i] >> 32 != 0 ? 8 : 4;
        const parseal_ring ring = {moduli[i], size, 0};
        const parseal_vec v = parseal_host_vec(b, N, size);
        const uint8_t key[PARSEAL_FCP_KEYBYTES] = {2};
        const parseal_fcp_key keys[3] = {
            {key, sizeof key, 1}, {key, sizeof key, -1}, {key, sizeof key, 1}};
        parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
        parseal_seeds *seeds = NULL;
        mask.modulus = moduli[i];
        mask.n = N;
        status = parseal_fcp_seeds_create(&seeds, ctx, &mask, keys, i == 0 ? 1 : 3);
        if (status == PARSEAL_OK)
            status = parseal_mask_write(seeds, &ring, &v, 0, NULL);
        parseal_seeds_destroy(seeds);
    }
    return status;
}

static parseal_status sums(void)
{
    static const parseal_ring rings[] = {
        {UINT64_C(1) << 20, 4, 0}, {1000003, 4, 0}, {(UINT64_C(1) << 61) - 1, 8, 0}};
    parseal_status status = PARSEAL_OK;
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    memset(packed, 0, sizeof packed);
    for (size_t i = 0; i < COUNT_OF(rings) && status == PARSEAL_OK; i++) {
        const parseal_vec acc = parseal_host_vec(a, N, rings[i].element_size);
        const parseal_buf p = parseal_host_buf(packed, N / 8 * BITS);
        parseal_vec v[VECTORS];
        parseal_buf ps[VECTORS];
        for (size_t k = 0; k < VECTORS; k++) {
            v[k] = parseal_host_vec(b, N, rings[i].element_size);
            ps[k] = p;
        }
        status = parseal_vec_sum(ctx, &rings[i], &acc, v, VECTORS, NULL);
        if (status == PARSEAL_OK)
            status = parseal_packed_sum(ctx, BITS, &rings[i], &acc, ps, VECTORS, NULL);
    }
    return status;
}

static parseal_status conversions(void)
{
    const parseal_vec x = parseal_host_vec(a, N, 4), q = parseal_host_vec(b, N, 4);
    const parseal_buf p = parseal_host_buf(packed, N / 8 * BITS);
    const parseal_seed seed = {.key = {3}, .sign = 1};
    parseal_seeds *seeds = NULL;
    parseal_quant quant = PARSEAL_QUANT_INIT;
    memset(a, 0, sizeof a);
    quant.clip = 1;
    quant.bits = BITS;
    quant.rounding = PARSEAL_ROUND_STOCHASTIC;
    parseal_status status = parseal_seeds_create(&seeds, ctx, &seed, 1);
    if (status == PARSEAL_OK)
        status = parseal_quantize(ctx, &quant, &x, &q, seeds, 0, NULL, NULL);
    if (status == PARSEAL_OK)
        status = parseal_pack(ctx, BITS, 4, &q, &p, NULL);
    if (status == PARSEAL_OK)
        status = parseal_unpack(ctx, BITS, 4, &p, &q, NULL);
    if (status == PARSEAL_OK)
        status = parseal_dequantize(ctx, &quant, &q, 1, &x, NULL, NULL);
    parseal_seeds_destroy(seeds);
    return status;
}

/* Messages short and long, and an aggregator that takes them. */
static parseal_status messages(void)
{
    static const uint8_t key[2 * PARSEAL_AES256GCM_KEYBYTES] = {4};
    const uint64_t size = N / 8 * BITS;
    parseal_aggregator_options o = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_aggregator *aggregator = NULL;
    parseal_keys *keys = NULL;
    parseal_msg m[3] = {{.in = a, .out = b, .len = size},
                        {.in = a, .out = b + size, .len = 1},
                        {.in = a, .out = b + size + 1, .len = 0, .key = 1}};
    memset(a, 0, sizeof a);
    o.ring = (parseal_ring){UINT64_C(1) << BITS, 4, 0};
    o.dim = N;
    o.bits = BITS;
    parseal_status status = parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, key, 2, NULL);
    if (status == PARSEAL_OK)
        status = parseal_seal(keys, m, 3);
    parseal_update u = {.client = 1, .in = b, .len = size};
    memcpy(u.tag, m[0].tag, sizeof u.tag);
    if (status == PARSEAL_OK)
        status = parseal_aggregator_create(&aggregator, ctx, &o);
    if (status == PARSEAL_OK)
        status = parseal_aggregator_add_sealed(aggregator, keys, &u, 1, NULL);
    u.client = 2;
    u.in = packed;
    memset(packed, 0, sizeof packed);
    if (status == PARSEAL_OK)
        status = parseal_aggregator_add_plain(aggregator, &u, 1, NULL);
    for (size_t i = 0; i < 3; i++)
        m[i].in = m[i].out;
    if (status == PARSEAL_OK)
        status = parseal_open(keys, m, 3, NULL);
    parseal_aggregator_destroy(aggregator);
    parseal_keys_destroy(keys);
    return status;
}

static parseal_status sealed_bytes(void)
{
    static uint8_t out[9 * N];
    const uint8_t key[32] = {5};
    parseal_sealed_params params = PARSEAL_SEALED_PARAMS_INIT;
    size_t written = 0;
    params.segment_size = 4096;
    parseal_status status =
        parseal_sealed_seal(ctx, &params, key, sizeof key, a, sizeof a, out, sizeof out, &written);
    if (status == PARSEAL_OK)
        status =
            parseal_sealed_open(ctx, &params, key, sizeof key, out, written, a, sizeof a, &written);
    return status;
}

static parseal_status secrets(void)
{
    enum { SHARES = 300, THRESHOLD = 200 };
    static uint8_t shares[SHARES * 32];
    static uint32_t index[THRESHOLD];
    uint8_t secret[32] = {6}, got[32];
    parseal_status status = parseal_shamir_share(secret, 1, THRESHOLD, SHARES, shares);
    for (uint32_t i = 0; i < THRESHOLD; i++)
        index[i] = i + 1;
    if (status == PARSEAL_OK)
        status = parseal_shamir_combine(index, shares, THRESHOLD, 1, THRESHOLD, got);
    return status == PARSEAL_OK && memcmp(secret, got, 32) != 0 ? PARSEAL_ERR_SELFTEST : status;
}

static parseal_status implementations(void)
{
    parseal_impl impl = PARSEAL_IMPL_INIT;
    return parseal_impl_test(0, &impl);
}

static void *run_call(void *arg)
{
    call *const *what = arg;
    static parseal_status status;
    status = (*what)();
    return &status;
}

/* Some processors' threads have more at least. */
static size_t stack_size(void)
{
    const long least = sysconf(_SC_THREAD_STACK_MIN);
    return least > STACK ? (size_t)least : STACK;
}

static void with_threads(uint32_t threads)
{
    static call *const calls[] = {
        mask_power_of_two, mask_prime,   mask_rejecting, mask_fcp,     sums,           conversions,
        messages,          sealed_bytes, secrets,        make_context, implementations};
    pthread_attr_t attributes;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, stack_size()), 0);
    ctx = run_ctx(threads);
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        pthread_t thread;
        void *status = NULL;
        assert_int_equal(pthread_create(&thread, &attributes, run_call, (void *)&calls[i]), 0);
        assert_int_equal(pthread_join(thread, &status), 0);
        assert_ok(*(const parseal_status *)status);
    }
    parseal_ctx_destroy(ctx);
    (void)pthread_attr_destroy(&attributes);
}

static void one_thread(void **state)
{
    (void)state;
    with_threads(1);
}

static void helpers_too(void **state)
{
    (void)state;
    with_threads(3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread),
        cmocka_unit_test(helpers_too),
    };
    if (RUN_LARGER_FRAMES)
        return run_skip("frames are larger in this build");
    return RUN_SUITE_PER_IMPL("small stacks", ALL_PRIMITIVES, tests);
}
