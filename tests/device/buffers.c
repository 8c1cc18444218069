/* Buffers on a device, in the caller's own context and on the caller's own streams, against the
 * same calls on host memory on the CPU. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device_kind.h"
#include "parseal/dlpack.h"
#include "rng.h"
#include "run.h"
#include "shim.h"

enum { COUNT = 5003, GAP = 8, INPUTS = 11 };

typedef struct {
    parseal_ctx *ctx, *cpu;
    void *stream;
    rng r;
} bench;

static void bench_open(bench *b, int stream_kind)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    memset(b, 0, sizeof *b);
    b->r = rng_for("buffers");
    on.open(stream_kind, &options);
    b->stream = on.stream();
    options.backend = on.backend;
    assert_ok(parseal_ctx_create(&b->ctx, &options));
    options = (parseal_options)PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    assert_ok(parseal_ctx_create(&b->cpu, &options));
}

static void bench_close(bench *b)
{
    parseal_ctx_destroy(b->cpu);
    parseal_ctx_destroy(b->ctx);
    on.close();
}

/* The shim that the device's runtime is, if it is one. */
static shim_functions shim;
static bool is_shim;

/* A call on buffers of the device alone: nobody waits for it, and it makes nothing. */
#define assert_enqueued(call)                              \
    do {                                                   \
        const bool watched = is_shim && on.never_waits;    \
        const uint64_t waits = watched ? shim.waits() : 0; \
        const int64_t live = watched ? shim.live() : 0;    \
        assert_ok(call);                                   \
        assert_true(!watched || shim.waits() == waits);    \
        assert_true(!watched || shim.live() == live);      \
    } while (0)

/* The same bytes in host memory and on the device, `at` bytes into its memory. */
typedef struct {
    uint8_t *host;
    uint64_t memory;
    parseal_buf on_host, on_device;
    uint64_t at, size;
} twin;

static twin twin_make(bench *b, uint64_t size, uint64_t at)
{
    twin t = {.at = at, .size = size};
    t.host = malloc(size + 1);
    assert_non_null(t.host);
    rng_fill(&b->r, t.host, size);
    t.memory = on.alloc(at + size + GAP);
    uint8_t *whole = malloc(at + size + GAP);
    assert_non_null(whole);
    memset(whole, UNTOUCHED, at + size + GAP);
    memcpy(whole + at, t.host, size);
    on.write(t.memory, 0, whole, at + size + GAP);
    free(whole);
    t.on_host = parseal_host_buf(t.host, size);
    t.on_device = (parseal_buf){on.buf_kind, 0, t.memory, at, size};
    return t;
}

/* Both have become the same, and nothing beside them has changed. Frees them. */
static void twin_check(twin *t)
{
    uint8_t *whole = malloc(t->at + t->size + GAP);
    assert_non_null(whole);
    on.finish();
    on.read(t->memory, 0, whole, t->at + t->size + GAP);
    assert_bytes(whole + t->at, t->host, t->size);
    assert_filled(whole, t->at, UNTOUCHED);
    assert_filled(whole + t->at + t->size, GAP, UNTOUCHED);
    free(whole);
    free(t->host);
    on.free(t->memory);
}

static parseal_vec vec_of(parseal_buf buf, uint32_t size)
{
    return (parseal_vec){buf, buf.size / size};
}

/* ---------------------------------------------------------------------------------- vectors -- */

static void check_ring(bench *b, const parseal_ring *ring)
{
    const uint32_t size = ring->element_size;
    parseal_seed list[3] = {{.key = {1}, .sign = 1}, {.key = {2}, .sign = -1}, {.sign = 1}};
    parseal_seeds *seeds, *cpu_seeds;
    twin acc = twin_make(b, COUNT * size, 3 * size), v[INPUTS];
    parseal_vec on_device[INPUTS], on_host[INPUTS];
    const parseal_vec acc_device = vec_of(acc.on_device, size),
                      acc_host = vec_of(acc.on_host, size);
    for (size_t j = 0; j < INPUTS; j++) {
        v[j] = twin_make(b, COUNT * size, j * size);
        on_device[j] = vec_of(v[j].on_device, size);
        on_host[j] = vec_of(v[j].on_host, size);
    }
    assert_ok(parseal_seeds_create(&seeds, b->ctx, list, COUNT_OF(list)));
    assert_ok(parseal_seeds_create(&cpu_seeds, b->cpu, list, COUNT_OF(list)));
    for (size_t n = 0; n <= INPUTS; n += n == 3 ? INPUTS - 3 : 1) {
        assert_enqueued(parseal_vec_sum(b->ctx, ring, &acc_device, on_device, n, b->stream));
        assert_ok(parseal_vec_sum(b->cpu, ring, &acc_host, on_host, n, NULL));
        assert_enqueued(parseal_mask_apply(seeds, ring, &acc_device, 1234 + n, b->stream));
        assert_ok(parseal_mask_apply(cpu_seeds, ring, &acc_host, 1234 + n, NULL));
    }
    on_device[4] = on_host[4]; /* this has to be brought to the device: now the call waits */
    const uint64_t waits = is_shim ? shim.waits() : 0;
    assert_ok(parseal_vec_sum(b->ctx, ring, &acc_device, on_device, INPUTS, b->stream));
    assert_true(!is_shim || shim.waits() > waits);
    assert_ok(parseal_vec_sum(b->cpu, ring, &acc_host, on_host, INPUTS, NULL));
    for (size_t j = 0; j < INPUTS; j++)
        twin_check(&v[j]);
    twin_check(&acc);
    parseal_seeds_destroy(seeds);
    parseal_seeds_destroy(cpu_seeds);
}

static void check_conversions(bench *b)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    const parseal_seed list = {.key = {7}, .sign = 1};
    parseal_seeds *seed, *cpu_seed;
    twin x = twin_make(b, COUNT * 4, 4), q = twin_make(b, COUNT * 4, 12);
    twin nonfinite = twin_make(b, 8, 16), packed = twin_make(b, (COUNT * 17 + 7) / 8, 5);
    twin elements = twin_make(b, COUNT * 8, 8), mean = twin_make(b, COUNT * 4, 0);
    const parseal_vec xd = vec_of(x.on_device, 4), xh = vec_of(x.on_host, 4);
    const parseal_vec qd = vec_of(q.on_device, 4), qh = vec_of(q.on_host, 4);
    const parseal_vec ed = vec_of(elements.on_device, 8), eh = vec_of(elements.on_host, 8);
    const parseal_vec md = vec_of(mean.on_device, 4), mh = vec_of(mean.on_host, 4);
    quant.clip = 1.5f;
    assert_ok(parseal_seeds_create(&seed, b->ctx, &list, 1));
    assert_ok(parseal_seeds_create(&cpu_seed, b->cpu, &list, 1));
    assert_enqueued(
        parseal_quantize(b->ctx, &quant, &xd, &qd, seed, 77, &nonfinite.on_device, b->stream));
    assert_ok(parseal_quantize(b->cpu, &quant, &xh, &qh, cpu_seed, 77, &nonfinite.on_host, NULL));
    assert_enqueued(parseal_dequantize(b->ctx, &quant, &qd, 3, &md, NULL, b->stream));
    assert_ok(parseal_dequantize(b->cpu, &quant, &qh, 3, &mh, NULL, NULL));
    assert_enqueued(parseal_pack(b->ctx, 17, 4, &qd, &packed.on_device, b->stream));
    assert_ok(parseal_pack(b->cpu, 17, 4, &qh, &packed.on_host, NULL));
    assert_enqueued(parseal_unpack(b->ctx, 17, 8, &packed.on_device, &ed, b->stream));
    assert_ok(parseal_unpack(b->cpu, 17, 8, &packed.on_host, &eh, NULL));
    twin_check(&x);
    twin_check(&q);
    twin_check(&nonfinite);
    twin_check(&packed);
    twin_check(&elements);
    twin_check(&mean);
    parseal_seeds_destroy(seed);
    parseal_seeds_destroy(cpu_seed);
}

static void vectors(void **state)
{
    (void)state;
    static const parseal_ring rings[] = {
        {UINT64_C(1) << 32, 4, 0}, {4294967291, 4, 0}, {0, 8, 0}, {UINT64_MAX - 58, 8, 0}};
    bench b;
    for (int kind = 0; kind < on.streams; kind++) {
        bench_open(&b, kind);
        for (size_t i = 0; i < COUNT_OF(rings); i++)
            check_ring(&b, &rings[i]);
        check_conversions(&b);
        bench_close(&b);
    }
}

/* ------------------------------------------------------------------------------------- plans -- */

enum { ITEMS = 40 };

typedef struct {
    uint64_t len[ITEMS], offset[ITEMS], aad_len[ITEMS], aad_offset[ITEMS];
    uint32_t key[ITEMS];
    parseal_aead_shape shape;
    uint64_t bytes, aad_bytes;
} ragged;

static void ragged_init(ragged *g)
{
    g->bytes = g->aad_bytes = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        g->len[i] = i == 7 ? 40000 : i * i * 3 % 1601;
        g->aad_len[i] = i == 9 ? 17000 : i % 5 * 7;
        g->offset[i] = g->bytes;
        g->aad_offset[i] = g->aad_bytes;
        g->key[i] = (uint32_t)(i % 3);
        g->bytes += g->len[i] + i % 2;
        g->aad_bytes += g->aad_len[i];
    }
    g->shape = (parseal_aead_shape)PARSEAL_AEAD_SHAPE_INIT;
    g->shape.n = ITEMS;
    g->shape.len = g->len;
    g->shape.in_offset = g->offset;
    g->shape.aad_len = g->aad_len;
    g->shape.aad_offset = g->aad_offset;
    g->shape.key = g->key;
}

static void check_plan(bench *b, int32_t alg, bool in_place)
{
    static const uint8_t keys_bytes[3 * PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3};
    parseal_keys *keys, *cpu_keys;
    parseal_plan *plan, *cpu_plan;
    ragged g;
    ragged_init(&g);
    assert_ok(parseal_keys_create(&keys, b->ctx, alg, keys_bytes, 3, NULL));
    assert_ok(parseal_keys_create(&cpu_keys, b->cpu, alg, keys_bytes, 3, NULL));
    assert_ok(parseal_plan_create(&plan, keys, &g.shape));
    assert_ok(parseal_plan_create(&cpu_plan, cpu_keys, &g.shape));

    twin text = twin_make(b, g.bytes, 1), sealed = twin_make(b, g.bytes, 7);
    twin opened = twin_make(b, g.bytes, 4), aad = twin_make(b, g.aad_bytes, 3);
    twin nonce = twin_make(b, ITEMS * 12, 2), tag = twin_make(b, ITEMS * 16, 1);
    twin verdict = twin_make(b, ITEMS * 4, 4);
    twin work = twin_make(b, parseal_plan_workspace_size(plan), 16);
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT, host = PARSEAL_AEAD_IO_INIT;
    io.in = text.on_device;
    io.out = in_place ? text.on_device : sealed.on_device;
    io.aad = aad.on_device;
    io.nonce = nonce.on_device;
    io.tag = tag.on_device;
    io.verdict = verdict.on_device;
    io.workspace = work.on_device;
    host.in = text.on_host;
    host.out = in_place ? text.on_host : sealed.on_host;
    host.aad = aad.on_host;
    host.nonce = nonce.on_host;
    host.tag = tag.on_host;
    host.verdict = verdict.on_host;
    assert_enqueued(parseal_plan_seal(plan, &io, b->stream));
    assert_ok(parseal_plan_seal(cpu_plan, &host, NULL));

    /* One tag is wrong, on both sides. */
    const uint8_t wrong = (uint8_t)(tag.host[16 * 5 + 3] ^ 1);
    tag.host[16 * 5 + 3] = wrong;
    on.finish();
    on.write(tag.memory, tag.at + 16 * 5 + 3, &wrong, 1);
    io.in = io.out;
    io.out = in_place ? io.in : opened.on_device;
    host.in = host.out;
    host.out = in_place ? host.in : opened.on_host;
    assert_enqueued(parseal_plan_open(plan, &io, b->stream));
    assert_ok(parseal_plan_open(cpu_plan, &host, NULL));
    for (size_t i = 0; i < ITEMS; i++) {
        int32_t found;
        memcpy(&found, verdict.host + 4 * i, 4);
        assert_int_equal(found, i == 5 ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
    }
    memset(work.host, 0, work.size); /* nothing is left there */
    twin_check(&work);
    twin_check(&text);
    twin_check(&sealed);
    twin_check(&opened);
    twin_check(&aad);
    twin_check(&nonce);
    twin_check(&tag);
    twin_check(&verdict);
    parseal_plan_destroy(plan);
    parseal_plan_destroy(cpu_plan);
    parseal_keys_destroy(keys);
    parseal_keys_destroy(cpu_keys);
}

static void plans(void **state)
{
    (void)state;
    bench b;
    for (int k = 0; k < 4; k++) {
        bench_open(&b, k % on.streams);
        check_plan(&b, k < 2 ? PARSEAL_AES256GCM : PARSEAL_AES128GCM, k / 2 != 0);
        bench_close(&b);
    }
}

/* ------------------------------------------------------------------------------------ errors -- */

/* Memory that is mapped piece by piece, on a device that the environment shapes, ends where its
 * last piece does. */
static void memory_in_pieces(void **state)
{
    static const char *const pieces[] = {"64", "101", "404", "808"};
    const parseal_ring ring = {0, 8, 0};
    bench b;
    (void)state;
    bench_open(&b, 0);
    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        twin acc = twin_make(&b, 800, GAP);
        parseal_vec fits = vec_of(acc.on_device, 8), ends_before = fits;
        ends_before.buf.offset += 2 * GAP;
        assert_int_equal(setenv("PARSEAL_EMU_MAPPED", pieces[i], 1), 0);
        assert_ok(parseal_vec_sum(b.ctx, &ring, &fits, NULL, 0, b.stream));
        if (on.knows_sizes)
            assert_error(parseal_vec_sum(b.ctx, &ring, &ends_before, NULL, 0, b.stream),
                         PARSEAL_ERR_SIZE, "acc");
        assert_int_equal(unsetenv("PARSEAL_EMU_MAPPED"), 0);
        twin_check(&acc);
    }
    bench_close(&b);
}

static void buffers_that_are_refused(void **state)
{
    (void)state;
    const parseal_ring ring = {0, 8, 0};
    bench b;
    bench_open(&b, 0);
    twin acc = twin_make(&b, 800, 0);
    parseal_vec bad = vec_of(acc.on_device, 8);
    bad.buf.handle = on.foreign(800);
    assert_error(parseal_vec_sum(b.ctx, &ring, &bad, NULL, 0, b.stream), PARSEAL_ERR_ARG, "acc");
    bad.buf.handle = acc.memory;
    bad.buf.offset = 16; /* beyond the gap that follows */
    if (on.knows_sizes)
        assert_error(parseal_vec_sum(b.ctx, &ring, &bad, NULL, 0, b.stream), PARSEAL_ERR_SIZE,
                     "acc");
    bad.buf.offset = 4;
    assert_error(parseal_vec_sum(b.ctx, &ring, &bad, NULL, 0, b.stream), PARSEAL_ERR_ARG, "acc");
    bad.buf.offset = 0;
    bad.buf.kind = on.other_buf_kind;
    assert_error(parseal_vec_sum(b.ctx, &ring, &bad, NULL, 0, b.stream), PARSEAL_ERR_UNSUPPORTED,
                 "acc");
    twin_check(&acc);
    bench_close(&b);
}

/* The device's memory as a framework hands it over; what it cannot be is for the call to find out.
 */
static void tensors(void **state)
{
    (void)state;
    enum { AXIS = 41, N = 3 * AXIS, AT = 12 };
    const parseal_ring ring = {(UINT64_C(1) << 32) - 5, 4, 0};
    const bool is_cuda = on.buf_kind == PARSEAL_BUF_CUDA;
    static const DLDeviceType types[2][2] = {{kDLOpenCL, kDLOpenCL}, {kDLCUDA, kDLCUDAManaged}};
    const parseal_seed seed = {.key = {5}, .sign = -1};
    parseal_seeds *seeds, *cpu_seeds;
    bench b;
    bench_open(&b, 0);
    assert_ok(parseal_seeds_create(&seeds, b.ctx, &seed, 1));
    assert_ok(parseal_seeds_create(&cpu_seeds, b.cpu, &seed, 1));
    const uint64_t foreign = on.foreign(4096);
    for (int i = 0; i < 2; i++) {
        twin t = twin_make(&b, N * 4, AT);
        const parseal_vec on_host = vec_of(t.on_host, 4);
        int64_t shape[3] = {3, 1, AXIS}, strides[3] = {AXIS, 1, 1};
        DLTensor tensor = {(void *)(uintptr_t)t.memory,
                           {types[is_cuda][i], 9},
                           3,
                           {kDLUInt, 32, 1},
                           shape,
                           strides,
                           AT};
        parseal_vec acc;
        assert_ok(parseal_dlpack_vec("acc", &tensor, 4, &acc));
        assert_enqueued(parseal_mask_apply(seeds, &ring, &acc, 7, b.stream));
        assert_ok(parseal_mask_apply(cpu_seeds, &ring, &on_host, 7, NULL));
        assert_error(parseal_mask_apply(cpu_seeds, &ring, &acc, 7, NULL), PARSEAL_ERR_UNSUPPORTED,
                     "acc");
        shape[0] = 4; /* past the end */
        assert_ok(parseal_dlpack_vec("acc", &tensor, 4, &acc));
        if (on.knows_sizes)
            assert_error(parseal_mask_apply(seeds, &ring, &acc, 7, b.stream), PARSEAL_ERR_SIZE,
                         "acc");
        tensor.data = (void *)(uintptr_t)foreign;
        assert_ok(parseal_dlpack_vec("acc", &tensor, 4, &acc));
        assert_error(parseal_mask_apply(seeds, &ring, &acc, 7, b.stream), PARSEAL_ERR_ARG, "acc");
        shape[0] = 0;
        for (int with_data = 1; with_data >= 0; with_data--) {
            tensor.data = with_data != 0 ? (void *)(uintptr_t)(t.memory + 1) : NULL;
            assert_ok(parseal_dlpack_vec("acc", &tensor, 4, &acc));
            assert_ok(parseal_mask_apply(seeds, &ring, &acc, 7, b.stream));
            assert_ok(parseal_mask_apply(seeds, &ring, &acc, 7, NULL));
            assert_ok(parseal_vec_sum(b.ctx, &ring, &acc, &acc, 1, b.stream));
        }
        twin_check(&t);
    }
    parseal_seeds_destroy(cpu_seeds);
    parseal_seeds_destroy(seeds);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors),          cmocka_unit_test(plans),
        cmocka_unit_test(memory_in_pieces), cmocka_unit_test(buffers_that_are_refused),
        cmocka_unit_test(tensors),
    };
    if (!on.find()) {
        printf("%s: ", on.name);
        return run_skip("no device");
    }
    is_shim = shim_find(on.library, &shim);
    return RUN_SUITE("buffers on a device", tests);
}
