/* Every kernel on small and ragged shapes, on the device that Oclgrind simulates, against the CPU.
 * run.sh runs it under Oclgrind, whose report is the test; Oclgrind is slow, so that each shape is
 * as small as reaches another branch of a kernel.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "parseal/fcp.h"
#include "ref_mask.h"
#include "rng.h"

static parseal_ctx *simulated, *cpu;

static parseal_ctx *open_backend(int32_t backend)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_ctx *ctx = NULL;
    options.backend = backend;
    assert_ok(parseal_ctx_create(&ctx, &options));
    return ctx;
}

static int open_both(void **state)
{
    (void)state;
    parseal_info info = PARSEAL_INFO_INIT;
    simulated = open_backend(PARSEAL_BACKEND_OPENCL);
    cpu = open_backend(PARSEAL_BACKEND_CPU);
    assert_ok(parseal_ctx_info(simulated, &info));
    assert_string_equal(info.device, "Oclgrind Simulator");
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    parseal_ctx_destroy(simulated);
    parseal_ctx_destroy(cpu);
    return 0;
}

/* Two copies of the same random bytes, in memory of their own: what a call may write on each side.
 */
typedef struct {
    uint8_t *gpu, *cpu;
    size_t size;
} twin;

static twin twin_make(rng *r, size_t size)
{
    twin t = {malloc(size + 1), malloc(size + 1), size};
    assert_non_null(t.gpu);
    assert_non_null(t.cpu);
    rng_fill(r, t.gpu, size);
    memcpy(t.cpu, t.gpu, size);
    return t;
}

static void twin_check(twin *t)
{
    assert_bytes(t->gpu, t->cpu, t->size);
    free(t->gpu);
    free(t->cpu);
}

/* --------------------------------------------------------------------------------------- aead --
 */

enum { MESSAGES = 6, LONGEST = 1100, AAD_LONGEST = 33 };

static const struct {
    size_t len, aad_len;
} shapes[MESSAGES] = {{0, 0}, {1, 13}, {16, AAD_LONGEST}, {515, 1}, {1024, 16}, {LONGEST, 0}};

typedef struct {
    parseal_keys *keys;
    uint8_t data[MESSAGES][LONGEST], aad[MESSAGES][AAD_LONGEST];
    parseal_msg msgs[MESSAGES];
} batch;

static batch *batch_make(parseal_ctx *ctx, int32_t alg)
{
    rng r = rng_for("oclgrind aead");
    uint8_t keys[2 * PARSEAL_AES256GCM_KEYBYTES];
    batch *b = calloc(1, sizeof *b);
    assert_non_null(b);
    rng_fill(&r, keys, sizeof keys);
    rng_fill(&r, b->data, sizeof b->data);
    rng_fill(&r, b->aad, sizeof b->aad);
    assert_ok(parseal_keys_create(&b->keys, ctx, alg, keys, 2, NULL));
    for (size_t i = 0; i < MESSAGES; i++) {
        parseal_msg *m = &b->msgs[i];
        *m = (parseal_msg){.in = b->data[i],
                           .out = b->data[i],
                           .len = shapes[i].len,
                           .aad = b->aad[i],
                           .aad_len = shapes[i].aad_len,
                           .key = i % 2};
        rng_fill(&r, m->nonce, PARSEAL_AES256GCM_NONCEBYTES);
    }
    return b;
}

static void batch_free(batch *b)
{
    parseal_keys_destroy(b->keys);
    free(b);
}

static void batches_equal(const batch *got, const batch *want)
{
    assert_bytes(got->data, want->data, sizeof got->data);
    for (size_t i = 0; i < MESSAGES; i++) {
        assert_bytes(got->msgs[i].tag, want->msgs[i].tag, PARSEAL_TAGBYTES);
        assert_int_equal(got->msgs[i].status, want->msgs[i].status);
    }
}

static void seal_and_open(int32_t alg)
{
    batch *got = batch_make(simulated, alg), *want = batch_make(cpu, alg);
    size_t n_failed = 0;
    assert_ok(parseal_seal(got->keys, got->msgs, MESSAGES));
    assert_ok(parseal_seal(want->keys, want->msgs, MESSAGES));
    batches_equal(got, want);
    got->msgs[3].tag[5] ^= 1;
    want->msgs[3].tag[5] ^= 1;
    assert_status(parseal_open(got->keys, got->msgs, MESSAGES, &n_failed), PARSEAL_ERR_AUTH);
    assert_int_equal(n_failed, 1);
    assert_status(parseal_open(want->keys, want->msgs, MESSAGES, &n_failed), PARSEAL_ERR_AUTH);
    batches_equal(got, want);
    assert_int_equal(got->msgs[3].status, PARSEAL_ITEM_BAD_TAG);
    assert_int_equal(got->msgs[4].status, PARSEAL_ITEM_OK);
    batch_free(got);
    batch_free(want);
}

static void aes128gcm(void **state)
{
    (void)state;
    seal_and_open(PARSEAL_AES128GCM);
}

static void aes256gcm(void **state)
{
    (void)state;
    seal_and_open(PARSEAL_AES256GCM);
}

/* ------------------------------------------------------------------------------------ vectors --
 */

static const parseal_ring rings[] = {
    {UINT64_C(4294967291), 4, 0},     /* 2^32 - 5 */
    {(UINT64_C(1) << 31) + 11, 4, 0}, /* rejects almost half of the words */
    {(UINT64_C(1) << 61) - 1, 8, 0},  {(UINT64_C(1) << 63) + 29, 8, 0},
    {UINT64_C(1) << 20, 4, 0},        {0, 8, 0}, /* 2^64 */
};

static void masks(void **state)
{
    (void)state;
    enum { SEEDS = 3, COUNT = 71, FIRST = 13 };
    rng r = rng_for("oclgrind masks");
    parseal_seed seeds[SEEDS];
    parseal_seeds *gpu_set, *cpu_set;
    random_seeds(&r, seeds, SEEDS);
    assert_ok(parseal_seeds_create(&gpu_set, simulated, seeds, SEEDS));
    assert_ok(parseal_seeds_create(&cpu_set, cpu, seeds, SEEDS));
    for (size_t i = 0; i < COUNT_OF(rings); i++) {
        const uint32_t size = rings[i].element_size;
        twin acc = twin_make(&r, COUNT * size);
        const parseal_vec on_gpu = parseal_host_vec(acc.gpu, COUNT, size),
                          on_cpu = parseal_host_vec(acc.cpu, COUNT, size);
        assert_ok(parseal_mask_apply(gpu_set, &rings[i], &on_gpu, FIRST, NULL));
        assert_ok(parseal_mask_apply(cpu_set, &rings[i], &on_cpu, FIRST, NULL));
        twin_check(&acc);
    }
    parseal_seeds_destroy(gpu_set);
    parseal_seeds_destroy(cpu_set);
}

/* Every width of a candidate; work-items that are full, begun and ended inside. */
static void fcp_masks(void **state)
{
    (void)state;
    enum { KEYS = 2, COUNT = 150, FIRST = 21 };
    rng r = rng_for("oclgrind fcp");
    uint8_t bytes[KEYS][PARSEAL_FCP_KEYBYTES];
    rng_fill(&r, bytes, sizeof bytes);
    const parseal_fcp_key keys[KEYS] = {{bytes[0], sizeof bytes[0], 1},
                                        {bytes[1], sizeof bytes[1], -1}};
    for (uint32_t bits = 6; bits <= 62; bits += 8) {
        const parseal_ring ring = {UINT64_C(1) << bits, bits <= 32 ? 4 : 8, 0};
        parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
        parseal_seeds *gpu_set, *cpu_set;
        mask.modulus = ring.modulus;
        mask.n = FIRST + COUNT;
        twin acc = twin_make(&r, COUNT * ring.element_size);
        const parseal_vec on_gpu = parseal_host_vec(acc.gpu, COUNT, ring.element_size),
                          on_cpu = parseal_host_vec(acc.cpu, COUNT, ring.element_size);
        assert_ok(parseal_fcp_seeds_create(&gpu_set, simulated, &mask, keys, KEYS));
        assert_ok(parseal_fcp_seeds_create(&cpu_set, cpu, &mask, keys, KEYS));
        assert_ok(parseal_mask_apply(gpu_set, &ring, &on_gpu, FIRST, NULL));
        assert_ok(parseal_mask_apply(cpu_set, &ring, &on_cpu, FIRST, NULL));
        twin_check(&acc);
        parseal_seeds_destroy(gpu_set);
        parseal_seeds_destroy(cpu_set);
    }
}

/* More vectors than a kernel takes at once. */
static void sums(void **state)
{
    (void)state;
    enum { VECTORS = 9, COUNT = 67 };
    rng r = rng_for("oclgrind sums");
    for (size_t i = 0; i < COUNT_OF(rings); i++) {
        const uint32_t size = rings[i].element_size;
        uint64_t data[VECTORS][COUNT];
        parseal_vec v[VECTORS];
        twin acc = twin_make(&r, COUNT * size);
        const parseal_vec on_gpu = parseal_host_vec(acc.gpu, COUNT, size),
                          on_cpu = parseal_host_vec(acc.cpu, COUNT, size);
        rng_fill(&r, data, sizeof data);
        for (size_t j = 0; j < VECTORS; j++)
            v[j] = parseal_host_vec(data[j], COUNT, size);
        assert_ok(parseal_vec_sum(simulated, &rings[i], &on_gpu, v, VECTORS, NULL));
        assert_ok(parseal_vec_sum(cpu, &rings[i], &on_cpu, v, VECTORS, NULL));
        twin_check(&acc);
    }
}

/* ----------------------------------------------------------------- quantise, dequantise, pack --
 */

static const int32_t float_types[] = {PARSEAL_FLOAT32, PARSEAL_BFLOAT16, PARSEAL_FLOAT16};
static const int32_t roundings[] = {PARSEAL_ROUND_NEAREST, PARSEAL_ROUND_STOCHASTIC};

static void check_quantize(const parseal_quant *quant, rng *r)
{
    enum { COUNT = 53, FIRST = 5 };
    const uint32_t size = quant->float_type == PARSEAL_FLOAT32 ? 4 : 2;
    const bool stochastic = quant->rounding == PARSEAL_ROUND_STOCHASTIC;
    uint32_t floats[COUNT]; /* random bits: NaN, infinities and subnormals are among them */
    uint64_t gpu_count = 0, cpu_count = 0;
    parseal_seed seed;
    parseal_seeds *gpu_set = NULL, *cpu_set = NULL;
    twin q = twin_make(r, COUNT * quant->element_size);
    const parseal_vec x = parseal_host_vec(floats, COUNT, size),
                      on_gpu = parseal_host_vec(q.gpu, COUNT, quant->element_size),
                      on_cpu = parseal_host_vec(q.cpu, COUNT, quant->element_size);
    const parseal_buf gpu_counter = parseal_host_buf(&gpu_count, sizeof gpu_count),
                      cpu_counter = parseal_host_buf(&cpu_count, sizeof cpu_count);
    rng_fill(r, floats, sizeof floats);
    memset(floats, 0xff, 2 * sizeof floats[0]); /* not a number in any format */
    random_seeds(r, &seed, 1);
    if (stochastic) {
        assert_ok(parseal_seeds_create(&gpu_set, simulated, &seed, 1));
        assert_ok(parseal_seeds_create(&cpu_set, cpu, &seed, 1));
    }
    assert_ok(parseal_quantize(simulated, quant, &x, &on_gpu, gpu_set, FIRST, &gpu_counter, NULL));
    assert_ok(parseal_quantize(cpu, quant, &x, &on_cpu, cpu_set, FIRST, &cpu_counter, NULL));
    assert_true(cpu_count >= 2);
    assert_int_equal(gpu_count, cpu_count);
    twin_check(&q);
    parseal_seeds_destroy(gpu_set);
    parseal_seeds_destroy(cpu_set);
}

static void quantize(void **state)
{
    (void)state;
    rng r = rng_for("oclgrind quantize");
    for (size_t i = 0; i < COUNT_OF(float_types); i++) {
        for (size_t k = 0; k < COUNT_OF(roundings); k++) {
            parseal_quant quant = PARSEAL_QUANT_INIT;
            quant.clip = 1.5f;
            quant.float_type = float_types[i];
            quant.rounding = roundings[k];
            quant.element_size = i == 1 ? 8 : 4;
            check_quantize(&quant, &r);
        }
    }
}

static void dequantize(void **state)
{
    (void)state;
    enum { COUNT = 65 };
    rng r = rng_for("oclgrind dequantize");
    for (uint32_t size = 4; size <= 8; size += 4) {
        parseal_quant quant = PARSEAL_QUANT_INIT;
        uint64_t sums[COUNT];
        quant.clip = 0.75f;
        quant.element_size = size;
        twin mean = twin_make(&r, COUNT * sizeof(float));
        const parseal_vec sum = parseal_host_vec(sums, COUNT, size),
                          on_gpu = parseal_host_vec(mean.gpu, COUNT, sizeof(float)),
                          on_cpu = parseal_host_vec(mean.cpu, COUNT, sizeof(float));
        rng_fill(&r, sums, sizeof sums);
        memset(sums, 0, sizeof sums[0]);
        assert_ok(parseal_dequantize(simulated, &quant, &sum, 100, &on_gpu, NULL, NULL));
        assert_ok(parseal_dequantize(cpu, &quant, &sum, 100, &on_cpu, NULL, NULL));
        twin_check(&mean);
    }
}

/* From and to addresses that are aligned to nothing. */
static void check_pack(uint32_t bits, uint32_t size, rng *r)
{
    enum { COUNT = 69 };
    uint64_t elements[COUNT], packed_size, mask = UINT64_MAX >> (64 - bits);
    assert_ok(parseal_packed_size(COUNT, bits, &packed_size));
    twin packed = twin_make(r, packed_size + 1), back = twin_make(r, COUNT * size);
    const parseal_ring ring = {UINT64_C(1000003), size, 0};
    const parseal_vec from = parseal_host_vec(elements, COUNT, size),
                      back_gpu = parseal_host_vec(back.gpu, COUNT, size),
                      back_cpu = parseal_host_vec(back.cpu, COUNT, size);
    const parseal_buf on_gpu = parseal_host_buf(packed.gpu + 1, packed_size),
                      on_cpu = parseal_host_buf(packed.cpu + 1, packed_size);
    rng_fill(r, elements, sizeof elements);
    for (size_t i = 0; size == 8 && i < COUNT; i++)
        elements[i] &= i % 2 == 0 ? mask : UINT64_MAX;
    assert_ok(parseal_pack(simulated, bits, size, &from, &on_gpu, NULL));
    assert_ok(parseal_pack(cpu, bits, size, &from, &on_cpu, NULL));
    assert_ok(parseal_unpack(simulated, bits, size, &on_gpu, &back_gpu, NULL));
    assert_ok(parseal_unpack(cpu, bits, size, &on_cpu, &back_cpu, NULL));
    assert_ok(parseal_packed_sum(simulated, bits, &ring, &back_gpu, &on_gpu, 1, NULL));
    assert_ok(parseal_packed_sum(cpu, bits, &ring, &back_cpu, &on_cpu, 1, NULL));
    twin_check(&packed);
    twin_check(&back);
}

static void pack(void **state)
{
    (void)state;
    static const uint32_t widths[] = {1, 7, 20, 32};
    rng r = rng_for("oclgrind pack");
    for (size_t i = 0; i < COUNT_OF(widths); i++)
        check_pack(widths[i], 4, &r);
    check_pack(33, 8, &r);
    check_pack(61, 8, &r);
    check_pack(64, 8, &r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes128gcm), cmocka_unit_test(aes256gcm), cmocka_unit_test(masks),
        cmocka_unit_test(sums),      cmocka_unit_test(quantize),  cmocka_unit_test(dequantize),
        cmocka_unit_test(pack),      cmocka_unit_test(fcp_masks),
    };
    /* Not RUN_SUITE, which tests every implementation first: the self-test is slow enough here when
     * the context runs it. */
    return cmocka_run_group_tests(tests, open_both, close_both) == 0 ? 0 : 1;
}
