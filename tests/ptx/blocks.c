/* All CUDA kernels from PTX on several blocks each, in seeded orders, where races of blocks in
 * global memory are looked for: the CPU's results, and no race. The known answers are too short for
 * it. */
#include <parseal/aggregator.h>
#include <parseal/fcp.h>
#include <stdlib.h>
#include <string.h>

#include "device_kind.h"
#include "emu/machines.h"
#include "fallback/math/bytes.h"
#include "host/support/dynlib.h"
#include "kernels/kernels.h"
#include "rng.h"
#include "run.h"

enum { N = 20011, LONG = 150001, KEYS = 260, UPDATE = 400000 /* bytes */ };

/* What the interpreter behind the driver tells (interpreter.h). */
static uint32_t (*seeded_blocks)(const char *kernel);

/* What calls that count work on, in the device's memory. */
enum { WIPED = 5000, FEW = 40, SHORT = 20 };
typedef struct {
    uint64_t fcp[FEW];
    uint32_t acc[WIPED];
    uint8_t in[KEYS * SHORT], out[KEYS * SHORT], nonce[KEYS][PARSEAL_AES256GCM_NONCEBYTES];
    uint8_t tag[KEYS][PARSEAL_TAGBYTES];
    int32_t verdict[KEYS];
} counted;

/* Inputs, and what comes of them. */
typedef struct {
    counted counted;
    uint8_t in[8 * LONG], out[8 * LONG];
    parseal_msg msgs[KEYS];
    uint64_t vec[N], packed[N], sum[UPDATE / 4];
    float floats[N], mean[N];
    uint32_t integers[N];
} work;

static void fill(work *w)
{
    rng r = rng_for("ptx blocks");
    memset(w, 0, sizeof *w);
    rng_fill(&r, w->in, sizeof w->in);
    rng_fill(&r, w->packed, sizeof w->packed);
    rng_fill(&r, &w->counted, sizeof w->counted);
    for (size_t i = 0; i < N; i++)
        w->floats[i] = (float)rng_below(&r, 2001) / 1000.0f - 1.0f;
}

/* Masks of ChaCha20 and of fcp, a sum and a packed sum, added up in one vector. */
static void add_vectors(work *w, parseal_ctx *ctx, const parseal_ring *ring)
{
    static const parseal_seed seeds[] = {{.key = {9}, .sign = -1}, {.key = {8}, .sign = 1}};
    static const uint8_t key[PARSEAL_FCP_KEYBYTES] = {7};
    static const parseal_fcp_key fcp_keys[] = {{key, sizeof key, 1}, {key, 17, -1}};
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    parseal_seeds *set, *fcp_set;
    const uint64_t n = N;
    const parseal_vec acc = parseal_host_vec(w->vec, n, ring->element_size);
    const parseal_vec v = parseal_host_vec(w->in, n, ring->element_size);
    const uint32_t bits = 8 * ring->element_size - 5;
    const parseal_buf packed = parseal_host_buf(w->packed, (n * bits + 7) / 8);
    mask.modulus = ring->modulus;
    mask.n = n;
    assert_ok(parseal_seeds_create(&set, ctx, seeds, COUNT_OF(seeds)));
    assert_ok(parseal_fcp_seeds_create(&fcp_set, ctx, &mask, fcp_keys, COUNT_OF(fcp_keys)));
    assert_ok(parseal_mask_apply(set, ring, &acc, 3, NULL));
    assert_ok(parseal_mask_apply(fcp_set, ring, &acc, 0, NULL));
    assert_ok(parseal_vec_sum(ctx, ring, &acc, &v, 1, NULL));
    assert_ok(parseal_packed_sum(ctx, bits, ring, &acc, &packed, 1, NULL));
    parseal_seeds_destroy(fcp_set);
    parseal_seeds_destroy(set);
}

/* More keys than a block expands. */
static void expand_fcp_keys(work *w, parseal_ctx *ctx, const parseal_ring *ring)
{
    static parseal_fcp_key keys[KEYS];
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    parseal_seeds *set;
    const parseal_vec acc = parseal_host_vec(w->vec, 10, ring->element_size);
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = (parseal_fcp_key){w->in + 32 * i, PARSEAL_FCP_KEYBYTES, 1};
    mask.modulus = ring->modulus;
    mask.n = 10;
    assert_ok(parseal_fcp_seeds_create(&set, ctx, &mask, keys, KEYS));
    assert_ok(parseal_mask_apply(set, ring, &acc, 0, NULL));
    parseal_seeds_destroy(set);
}

static void quantize_and_pack(work *w, parseal_ctx *ctx)
{
    static const parseal_seed seed = {.key = {5}, .sign = 1};
    parseal_quant quant = PARSEAL_QUANT_INIT;
    parseal_seeds *set;
    const parseal_vec x = parseal_host_vec(w->floats, N, 4),
                      q = parseal_host_vec(w->integers, N, 4);
    const parseal_vec mean = parseal_host_vec(w->mean, N, 4);
    const parseal_buf packed = parseal_host_buf(w->packed, (N * 17 + 7) / 8);
    quant.clip = 1.0f;
    assert_ok(parseal_seeds_create(&set, ctx, &seed, 1));
    assert_ok(parseal_quantize(ctx, &quant, &x, &q, set, 1, NULL, NULL));
    assert_ok(parseal_pack(ctx, 17, 4, &q, &packed, NULL));
    memset(w->integers, 0, sizeof w->integers);
    assert_ok(parseal_unpack(ctx, 17, 4, &packed, &q, NULL));
    assert_ok(parseal_dequantize(ctx, &quant, &q, 1, &mean, NULL, NULL));
    parseal_seeds_destroy(set);
}

/* More messages and keys than a block begins, or a few that are long. */
static void seal_messages(work *w, parseal_ctx *ctx, size_t n, size_t len)
{
    parseal_keys *keys;
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, w->in, n, NULL));
    for (size_t i = 0; i < n; i++)
        w->msgs[i] = (parseal_msg){.in = w->in + len * i,
                                   .out = w->out + len * i,
                                   .len = len - i % 7,
                                   .key = (uint32_t)i,
                                   .nonce = {(uint8_t)i, (uint8_t)(i >> 8)}};
    assert_ok(parseal_seal(keys, w->msgs, n));
    parseal_keys_destroy(keys);
}

/* Long enough for its tiles to fill the device, so that they are decrypted and added in one go. */
static void add_sealed(work *w, parseal_ctx *ctx, const parseal_ring *ring)
{
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_msg m = {.in = w->in, .out = w->out, .len = UPDATE};
    parseal_aggregator *a;
    parseal_keys *keys;
    options.ring = *ring;
    options.dim = UPDATE / ring->element_size;
    const parseal_vec sum = parseal_host_vec(w->sum, options.dim, ring->element_size);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, w->in, 1, NULL));
    assert_ok(parseal_aggregator_create(&a, ctx, &options));
    assert_ok(parseal_seal(keys, &m, 1));
    parseal_update update = {.in = m.out, .len = UPDATE};
    memcpy(update.tag, m.tag, sizeof m.tag);
    assert_ok(parseal_aggregator_add_sealed(a, keys, &update, 1, NULL));
    assert_ok(parseal_aggregator_sum(a, &sum));
    parseal_aggregator_destroy(a);
    parseal_keys_destroy(keys);
}

/* ------------------------------------------------------------------------------------- count -- */

/* A number that carries into its upper half where it grows. */
static const uint64_t first_number = 0xfffffff0;
enum { CALLS = 2, STEP = KEYS };

static const parseal_ring RING20 = {UINT64_C(1) << 20, 4, 0}, RING40 = {UINT64_C(1) << 40, 8, 0};

static void counted_seeds(parseal_seeds **set, parseal_ctx *ctx, uint64_t number,
                          const parseal_counting *counting)
{
    parseal_seed seeds[] = {{.key = {7}, .sign = 1}, {.key = {6}, .sign = -1}};
    for (size_t j = 0; j < COUNT_OF(seeds); j++)
        for (int i = 0; i < 8; i++)
            seeds[j].stream_id[i] = (uint8_t)(number >> 8 * i);
    assert_ok(counting != NULL
                  ? parseal_seeds_create_counting(set, ctx, seeds, COUNT_OF(seeds), counting)
                  : parseal_seeds_create(set, ctx, seeds, COUNT_OF(seeds)));
}

static void counted_fcp(parseal_seeds **set, parseal_ctx *ctx, const work *w, uint64_t number,
                        const parseal_counting *counting)
{
    static parseal_fcp_key keys[KEYS];
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    uint8_t session[8];
    store_be64(session, number);
    for (size_t i = 0; i < KEYS; i++)
        keys[i] = (parseal_fcp_key){w->in + 32 * i, PARSEAL_FCP_KEYBYTES, 1};
    mask.modulus = RING40.modulus;
    mask.n = FEW;
    mask.session_id = session;
    mask.session_id_len = sizeof session;
    assert_ok(counting != NULL
                  ? parseal_fcp_seeds_create_counting(set, ctx, &mask, keys, KEYS, counting)
                  : parseal_fcp_seeds_create(set, ctx, &mask, keys, KEYS));
}

static void nonces_of(counted *c, uint64_t number)
{
    for (size_t i = 0; i < KEYS; i++)
        store_be64(c->nonce[i] + sizeof c->nonce[i] - 8, number + i);
}

static uint64_t length_of(size_t i)
{
    return SHORT - i % 7;
}

/* Each call has the next number. */
static void count_by_cpu(work *w, parseal_ctx *ctx)
{
    counted *c = &w->counted;
    const parseal_vec acc = parseal_host_vec(c->acc, WIPED, 4),
                      fcp = parseal_host_vec(c->fcp, FEW, 8);
    parseal_keys *keys;
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, w->in, 1, NULL));
    for (uint64_t call = 0; call < CALLS; call++) {
        const uint64_t number = first_number + call * STEP;
        parseal_seeds *set, *fcp_set;
        counted_seeds(&set, ctx, number, NULL);
        counted_fcp(&fcp_set, ctx, w, number, NULL);
        assert_ok(parseal_mask_apply(set, &RING20, &acc, 0, NULL));
        assert_ok(parseal_mask_apply(fcp_set, &RING40, &fcp, 0, NULL));
        parseal_seeds_destroy(fcp_set);
        parseal_seeds_destroy(set);
        nonces_of(c, number);
        for (size_t i = 0; i < KEYS; i++) {
            parseal_msg m = {
                .in = c->in + SHORT * i, .out = c->out + SHORT * i, .len = length_of(i)};
            memcpy(m.nonce, c->nonce[i], sizeof c->nonce[i]);
            assert_ok(parseal_seal(keys, &m, 1));
            memcpy(c->tag[i], m.tag, sizeof m.tag);
            c->verdict[i] = PARSEAL_ITEM_OK;
        }
    }
    parseal_keys_destroy(keys);
}

static void plan_that_counts(parseal_plan **plan, const parseal_keys *keys, counted *c)
{
    static uint64_t len[KEYS], offset[KEYS];
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    for (size_t i = 0; i < KEYS; i++) {
        len[i] = length_of(i);
        offset[i] = SHORT * i;
    }
    nonces_of(c, first_number);
    shape.n = KEYS;
    shape.len = len;
    shape.in_offset = offset;
    shape.nonce = c->nonce[0];
    shape.nonce_step = STEP;
    assert_ok(parseal_plan_create(plan, keys, &shape));
}

/* A part of what is in the device's memory. */
#define PART(field) \
    ((parseal_buf){on.buf_kind, 0, memory, offsetof(counted, field), sizeof(((counted *)0)->field)})

static void count_on_device(work *w, parseal_ctx *ctx)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    parseal_counting counting = PARSEAL_COUNTING_INIT;
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    parseal_seeds *set, *fcp_set;
    parseal_keys *keys;
    parseal_plan *plan;
    counting.step = STEP;
    counted_seeds(&set, ctx, first_number, &counting);
    counted_fcp(&fcp_set, ctx, w, first_number, &counting);
    assert_ok(parseal_keys_create(&keys, ctx, PARSEAL_AES256GCM, w->in, 1, NULL));
    plan_that_counts(&plan, keys, &w->counted);
    on.open(0, &options);
    const uint64_t size = parseal_plan_workspace_size(plan), memory = on.alloc(sizeof w->counted),
                   workspace = on.alloc(size);
    const parseal_vec acc = {PART(acc), WIPED}, fcp = {PART(fcp), FEW};
    io.in = PART(in);
    io.out = PART(out);
    io.nonce = PART(nonce);
    io.tag = PART(tag);
    io.verdict = PART(verdict);
    io.workspace = (parseal_buf){on.buf_kind, 0, workspace, 0, size};
    on.write(memory, 0, &w->counted, sizeof w->counted);
    for (int call = 0; call < CALLS; call++) {
        assert_ok(parseal_mask_apply(set, &RING20, &acc, 0, on.stream()));
        assert_ok(parseal_mask_apply(fcp_set, &RING40, &fcp, 0, on.stream()));
        assert_ok(parseal_plan_seal(plan, &io, on.stream()));
    }
    on.read(memory, 0, &w->counted, sizeof w->counted);
    on.free(memory);
    on.free(workspace);
    on.close();
    parseal_plan_destroy(plan);
    parseal_keys_destroy(keys);
    parseal_seeds_destroy(fcp_set);
    parseal_seeds_destroy(set);
}

static void count_numbers(work *w, parseal_ctx *ctx)
{
    parseal_info info = PARSEAL_INFO_INIT;
    assert_ok(parseal_ctx_info(ctx, &info));
    if (info.backend == PARSEAL_BACKEND_CUDA)
        count_on_device(w, ctx);
    else
        count_by_cpu(w, ctx);
}

/* ------------------------------------------------------------------------------------ checks -- */

/* Everything on a device and on the CPU: the same. */
typedef void step(work *w, parseal_ctx *ctx);

static void check(const char *capability, const char *seed, step *const of)
{
    work *got = malloc(sizeof *got), *want = malloc(sizeof *want);
    parseal_ctx *device, *cpu;
    assert_true(got != NULL && want != NULL);
    machine_set("PARSEAL_EMU_CAPABILITY", capability);
    machine_set("PARSEAL_PTX_SEED", seed);
    fill(got);
    fill(want);
    assert_ok(open_ctx(&device, PARSEAL_BACKEND_CUDA));
    assert_ok(open_ctx(&cpu, PARSEAL_BACKEND_CPU));
    of(got, device);
    of(want, cpu);
    assert_bytes(&got->counted, &want->counted, sizeof got->counted);
    assert_bytes(got->out, want->out, sizeof got->out);
    for (size_t i = 0; i < KEYS; i++)
        assert_bytes(got->msgs[i].tag, want->msgs[i].tag, sizeof got->msgs[i].tag);
    assert_bytes(got->vec, want->vec, sizeof got->vec);
    assert_bytes(got->packed, want->packed, sizeof got->packed);
    assert_bytes(got->sum, want->sum, sizeof got->sum);
    assert_bytes(got->integers, want->integers, sizeof got->integers);
    assert_bytes(got->mean, want->mean, sizeof got->mean);
    parseal_ctx_destroy(cpu);
    parseal_ctx_destroy(device);
    free(got);
    free(want);
}

static const parseal_ring RING32 = {UINT64_C(1) << 32, 4, 0}, RING64 = {UINT64_C(1) << 62, 8, 0};

static void vectors_of_32(work *w, parseal_ctx *ctx)
{
    add_vectors(w, ctx, &RING32);
    expand_fcp_keys(w, ctx, &RING32);
    quantize_and_pack(w, ctx);
}

static void vectors_of_64(work *w, parseal_ctx *ctx)
{
    add_vectors(w, ctx, &RING64);
}

static void many_messages(work *w, parseal_ctx *ctx)
{
    seal_messages(w, ctx, KEYS, 200);
}

static void long_messages(work *w, parseal_ctx *ctx)
{
    seal_messages(w, ctx, 3, LONG);
}

static void updates_of_32(work *w, parseal_ctx *ctx)
{
    add_sealed(w, ctx, &RING32);
}

static void updates_of_64(work *w, parseal_ctx *ctx)
{
    add_sealed(w, ctx, &RING64);
}

/* A set's number takes one block; the texts of kernels with carry-less multiplications need nvcc
 * 13.3. */
static bool may_be_alone(const char *kernel)
{
    static const char *const names[] = {"seeds_count", "seeds_end", "keys_rows", "aead_seal",
                                        "aead_hash_clmad"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (strcmp(names[i], kernel) == 0)
            return true;
    return false;
}

static void no_races(void **state)
{
    static const char *const kernels[] = {
#define NAME(program, name, threads, shared, items) #name,
        CUDA_KERNELS(NAME)};
    static step *const narrow[] = {many_messages, updates_of_32, updates_of_64};
    static step *const wide[] = {vectors_of_32, vectors_of_64, long_messages,
                                 updates_of_32, updates_of_64, count_numbers};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(narrow); i++)
        check("75", "3", narrow[i]);
    for (size_t i = 0; i < COUNT_OF(wide); i++)
        check("90", "4", wide[i]);
    size_t alone = 0;
    for (size_t i = 0; i < COUNT_OF(kernels); i++)
        if (seeded_blocks(kernels[i]) < 2 && !may_be_alone(kernels[i])) {
            print_error("%s has had %u blocks\n", kernels[i], (unsigned)seeded_blocks(kernels[i]));
            alone++;
        }
    assert_int_equal(alone, 0);
}

int main(void)
{
    static const char *const names[] = {"libcuda.so.1", NULL};
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_races)};
    void *library = dynlib_open(names);
    machine_set("PARSEAL_EMU_DEVICES", "1");
    if (library != NULL)
        dynlib_function(library, "interpreter_seeded_blocks", &seeded_blocks, sizeof seeded_blocks);
    if (seeded_blocks == NULL || !on.find())
        return run_skip("no driver with the interpreter");
    return RUN_SUITE("blocks from PTX", tests);
}
