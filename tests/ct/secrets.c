/* Every primitive of one implementation with its secrets marked: keys, seeds, texts, ring elements
 * and floats. Lengths, nonces, aad, streams and signs of seeds, moduli and ciphertexts that come in
 * are public. Under memcheck any jump or address that depends on a secret is an error, but for
 * those in expected.supp. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "forced.h"
#include "parseal/fcp.h"
#include "ref_mask.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "secret.h"

static void *bytes_new(size_t n)
{
    void *p = malloc(n + 1);
    assert_non_null(p);
    return p;
}

/* -------------------------------------------------------------------------------------- aead -- */

enum { MESSAGES = 24, KEYS = 3, AAD_MAX = 70 };

/* The lengths are whole blocks, vectors and chunks of every implementation, and others. */
static const size_t lengths[MESSAGES] = {0,   1,   15,  16,   17,   63,   64,   65,
                                         100, 128, 129, 255,  256,  257,  400,  512,
                                         513, 600, 777, 1023, 1024, 1025, 2100, 8700};

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_msg msgs[MESSAGES];
    size_t n;
    uint8_t *in, *out;
    size_t bytes;
    uint8_t aad[AAD_MAX];
} batch;

/* Lays n messages of the lengths from `len` on out one after the other, in `in` and `out`. */
static void batch_open(batch *b, int32_t alg, uint32_t threads, const size_t *len, size_t n)
{
    uint8_t keys[KEYS * PARSEAL_AES256GCM_KEYBYTES];
    rng r = rng_for("batch");
    *b = (batch){.ctx = forced_ctx(threads), .n = n};
    for (size_t i = 0; i < n; i++)
        b->bytes += len[i];
    b->in = bytes_new(b->bytes);
    b->out = bytes_new(b->bytes);
    rng_fill(&r, b->in, b->bytes);
    rng_fill(&r, b->aad, sizeof b->aad);
    for (size_t i = 0, at = 0; i < n; at += len[i++]) {
        b->msgs[i] = (parseal_msg){.in = b->in + at,
                                   .out = b->out + at,
                                   .len = len[i],
                                   .aad = b->aad,
                                   .aad_len = i * 7 % AAD_MAX,
                                   .key = (uint32_t)(i % KEYS)};
        rng_fill(&r, b->msgs[i].nonce, PARSEAL_AES256GCM_NONCEBYTES);
    }
    rng_fill(&r, keys, sizeof keys);
    make_secret(keys, sizeof keys);
    assert_ok(parseal_keys_create(&b->keys, b->ctx, alg, keys, KEYS, NULL));
}

static void batch_close(batch *b)
{
    parseal_keys_destroy(b->keys);
    parseal_ctx_destroy(b->ctx);
    free(b->in);
    free(b->out);
}

static void seal(batch *b)
{
    make_secret(b->in, b->bytes);
    assert_ok(parseal_seal(b->keys, b->msgs, b->n));
    for (size_t i = 0; i < b->n; i++) {
        assert_int_equal(b->msgs[i].status, PARSEAL_ITEM_OK);
        assert_secret(b->msgs[i].out, b->msgs[i].len, 1);
        assert_secret(b->msgs[i].tag, PARSEAL_TAGBYTES, 1);
        make_public(b->msgs[i].tag, PARSEAL_TAGBYTES);
    }
    make_public(b->out, b->bytes);
}

/* Opens in place what has been sealed. Message `bad` has lost its tag. */
static void open_sealed(batch *b, size_t bad)
{
    size_t failed = 99;
    if (bad < b->n)
        memset(b->msgs[bad].tag, 0, PARSEAL_TAGBYTES);
    for (size_t i = 0; i < b->n; i++)
        b->msgs[i].in = b->msgs[i].out;
    assert_status(parseal_open(b->keys, b->msgs, b->n, &failed),
                  bad < b->n ? PARSEAL_ERR_AUTH : PARSEAL_OK);
    make_public(&failed, sizeof failed);
    assert_int_equal(failed, bad < b->n);
    for (size_t i = 0; i < b->n; i++) {
        make_public(&b->msgs[i].status, sizeof b->msgs[i].status);
        assert_int_equal(b->msgs[i].status, i == bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
        if (i != bad)
            assert_secret(b->msgs[i].out, b->msgs[i].len, 1);
    }
}

static void seal_and_open(int32_t alg, uint32_t threads, const size_t *len, size_t n)
{
    for (size_t bad = n - 1; bad <= n; bad++) {
        batch b;
        batch_open(&b, alg, threads, len, n);
        seal(&b);
        open_sealed(&b, bad);
        batch_close(&b);
    }
}

static void aes128gcm(void **state)
{
    (void)state;
    seal_and_open(PARSEAL_AES128GCM, 1, lengths, MESSAGES);
}

static void aes256gcm(void **state)
{
    (void)state;
    seal_and_open(PARSEAL_AES256GCM, 1, lengths, MESSAGES);
}

/* One message a call goes a way of its own: a quarter of a chunk, half, most of one, one, one and
 * half, one and a rest, two, nearly so much, and more. */
static void one_message(void **state)
{
    static const size_t alone[] = {17, 60, 100, 128, 180, 200, 256, 255, 400, 1025};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(alone); i++)
        seal_and_open(i % 2 == 0 ? PARSEAL_AES256GCM : PARSEAL_AES128GCM, 1, &alone[i], 1);
}

/* Messages are long enough to be cut over threads, and hashed part by part. */
static void cut_messages(void **state)
{
    (void)state;
    static const size_t len[] = {150000, 70000};
    seal_and_open(PARSEAL_AES256GCM, 2, len, COUNT_OF(len));
}

static void plans(void **state)
{
    (void)state;
    batch b;
    uint64_t len[MESSAGES], offset[MESSAGES];
    uint8_t nonce[MESSAGES * PARSEAL_AES256GCM_NONCEBYTES] = {0}, tag[MESSAGES * PARSEAL_TAGBYTES];
    int32_t verdict[MESSAGES];
    parseal_plan *plan = NULL;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    batch_open(&b, PARSEAL_AES256GCM, 1, lengths, MESSAGES);
    for (size_t i = 0, at = 0; i < MESSAGES; at += lengths[i++]) {
        len[i] = lengths[i];
        offset[i] = at;
    }
    shape.n = MESSAGES;
    shape.len = len;
    shape.in_offset = offset;
    assert_ok(parseal_plan_create(&plan, b.keys, &shape));
    assert_int_equal(parseal_plan_workspace_size(plan), 0);
    io.in = parseal_host_buf(b.in, b.bytes);
    io.out = parseal_host_buf(b.out, b.bytes);
    io.nonce = parseal_host_buf(nonce, sizeof nonce);
    io.tag = parseal_host_buf(tag, sizeof tag);
    io.verdict = parseal_host_buf(verdict, sizeof verdict);

    make_secret(b.in, b.bytes);
    assert_ok(parseal_plan_seal(plan, &io, NULL));
    assert_secret(b.out, b.bytes, 1);
    assert_secret(tag, sizeof tag, 1);
    make_public(b.out, b.bytes);
    make_public(tag, sizeof tag);
    io.in = io.out;
    assert_ok(parseal_plan_open(plan, &io, NULL));
    assert_secret(b.out, b.bytes, 1);
    parseal_plan_destroy(plan);
    batch_close(&b);
}

/* --------------------------------------------------------------------- masks, sums, elements -- */

enum { N = 700, SEEDS = 3, INPUTS = 9 };

static parseal_seeds *secret_seeds(parseal_ctx *ctx, rng *r, size_t n)
{
    parseal_seed seeds[SEEDS];
    parseal_seeds *set = NULL;
    random_seeds(r, seeds, n);
    for (size_t j = 0; j < n; j++)
        make_secret(seeds[j].key, sizeof seeds[j].key);
    assert_ok(parseal_seeds_create(&set, ctx, seeds, n));
    return set;
}

/* Returns n secret elements or floats of `size` bytes in a new buffer. */
static parseal_vec secret_vec(rng *r, uint64_t n, uint32_t size)
{
    void *p = bytes_new((size_t)n * size);
    rng_fill(r, p, (size_t)n * size);
    make_secret(p, (size_t)n * size);
    return parseal_host_vec(p, n, size);
}

static void *address(const parseal_vec *vec)
{
    return (void *)vec->buf.handle;
}

static void masks(void **state)
{
    (void)state;
    rng r = rng_for("masks");
    parseal_ctx *ctx = forced_ctx(1);
    parseal_seeds *set = secret_seeds(ctx, &r, SEEDS);
    for (size_t i = 0; i < N_RINGS; i++) {
        const uint32_t size = RINGS[i].element_size;
        parseal_vec acc = secret_vec(&r, N, size);
        assert_ok(parseal_mask_apply(set, &RINGS[i], &acc, 100, NULL));
        assert_secret(address(&acc), N * size, size);
        make_public(address(&acc), N * size);
        assert_ok(parseal_mask_write(set, &RINGS[i], &acc, 100, NULL));
        assert_secret(address(&acc), N * size, size);
        free(address(&acc));
    }
    parseal_seeds_destroy(set);
    parseal_ctx_destroy(ctx);
}

/* R is a power of two. For others the format itself makes the place of an element depend on the
 * candidates before it. */
static void fcp_masks(void **state)
{
    (void)state;
    static const uint32_t bits[] = {1, 8, 9, 20, 24, 32, 33, 40, 47, 56, 62};
    rng r = rng_for("fcp");
    parseal_ctx *ctx = forced_ctx(1);
    uint8_t bytes[SEEDS][PARSEAL_FCP_KEYBYTES];
    parseal_fcp_key keys[SEEDS];
    rng_fill(&r, bytes, sizeof bytes);
    make_secret(bytes, sizeof bytes);
    for (size_t j = 0; j < SEEDS; j++)
        keys[j] = (parseal_fcp_key){bytes[j], sizeof bytes[j], j % 2 == 0 ? 1 : -1};
    for (size_t i = 0; i < COUNT_OF(bits); i++) {
        const parseal_ring ring = {UINT64_C(1) << bits[i], bits[i] <= 32 ? 4 : 8, 0};
        parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
        parseal_seeds *set = NULL;
        mask.modulus = ring.modulus;
        mask.n = N + 100;
        assert_ok(parseal_fcp_seeds_create(&set, ctx, &mask, keys, SEEDS));
        parseal_vec acc = secret_vec(&r, N, ring.element_size);
        assert_ok(parseal_mask_apply(set, &ring, &acc, 100, NULL));
        assert_secret(address(&acc), N * ring.element_size, ring.element_size);
        make_public(address(&acc), N * ring.element_size);
        assert_ok(parseal_mask_write(set, &ring, &acc, 100, NULL));
        assert_secret(address(&acc), N * ring.element_size, ring.element_size);
        free(address(&acc));
        parseal_seeds_destroy(set);
    }
    parseal_ctx_destroy(ctx);
}

static void sums(void **state)
{
    (void)state;
    rng r = rng_for("sums");
    parseal_ctx *ctx = forced_ctx(1);
    for (size_t i = 0; i < N_RINGS; i++) {
        const uint32_t size = RINGS[i].element_size;
        parseal_vec acc = secret_vec(&r, N, size), v[INPUTS];
        for (size_t j = 0; j < INPUTS; j++)
            v[j] = secret_vec(&r, N, size);
        assert_ok(parseal_vec_sum(ctx, &RINGS[i], &acc, v, INPUTS, NULL));
        assert_secret(address(&acc), N * size, size);
        for (size_t j = 0; j < INPUTS; j++)
            free(address(&v[j]));
        free(address(&acc));
    }
    parseal_ctx_destroy(ctx);
}

/* One vector is added in ways of its own, by the modulus's length. */
static void sums_of_one(void **state)
{
    (void)state;
    static const parseal_ring more[] = {{532021, 4, 0}, {(UINT64_C(1) << 40) + 15, 8, 0}};
    rng r = rng_for("sums of one");
    parseal_ctx *ctx = forced_ctx(1);
    for (size_t i = 0; i < N_RINGS + COUNT_OF(more); i++) {
        const parseal_ring *ring = i < N_RINGS ? &RINGS[i] : &more[i - N_RINGS];
        const uint32_t size = ring->element_size;
        const parseal_vec acc = secret_vec(&r, N, size), v = secret_vec(&r, N, size);
        assert_ok(parseal_vec_sum(ctx, ring, &acc, &v, 1, NULL));
        assert_secret(address(&acc), N * size, size);
        free(address(&v));
        free(address(&acc));
    }
    parseal_ctx_destroy(ctx);
}

static parseal_quant quant_of(int32_t float_type, int32_t rounding, uint32_t element_size)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = 2.5f;
    quant.float_type = float_type;
    quant.rounding = rounding;
    quant.element_size = element_size;
    return quant;
}

static void check_quantize(parseal_ctx *ctx, rng *r, const parseal_quant *quant)
{
    const uint32_t size = quant->element_size;
    const bool nearest = quant->rounding == PARSEAL_ROUND_NEAREST;
    uint64_t nonfinite = 0;
    const parseal_buf count = parseal_host_buf(&nonfinite, sizeof nonfinite);
    parseal_seeds *seed = nearest ? NULL : secret_seeds(ctx, r, 1);
    parseal_vec x = secret_vec(r, N, float_size(quant->float_type));
    parseal_vec q = secret_vec(r, N, size);
    make_public(address(&q), N * size);
    assert_ok(parseal_quantize(ctx, quant, &x, &q, seed, 3, &count, NULL));
    assert_secret(address(&q), N * size, size);
    assert_secret(&nonfinite, sizeof nonfinite, sizeof nonfinite);
    free(address(&x));
    free(address(&q));
    parseal_seeds_destroy(seed);
}

static void quantize(void **state)
{
    (void)state;
    rng r = rng_for("quantise");
    parseal_ctx *ctx = forced_ctx(1);
    for (int32_t type = PARSEAL_FLOAT32; type <= PARSEAL_FLOAT16; type++) {
        for (int32_t rounding = PARSEAL_ROUND_NEAREST; rounding <= PARSEAL_ROUND_STOCHASTIC;
             rounding++) {
            const parseal_quant narrow = quant_of(type, rounding, 4);
            const parseal_quant wide = quant_of(type, rounding, 8);
            check_quantize(ctx, &r, &narrow);
            check_quantize(ctx, &r, &wide);
        }
    }
    parseal_ctx_destroy(ctx);
}

static void dequantize(void **state)
{
    (void)state;
    rng r = rng_for("dequantise");
    parseal_ctx *ctx = forced_ctx(1);
    for (uint32_t size = 4; size <= 8; size += 4) {
        const parseal_quant quant = quant_of(PARSEAL_FLOAT32, PARSEAL_ROUND_NEAREST, size);
        parseal_vec sum = secret_vec(&r, N, size);
        parseal_vec mean = secret_vec(&r, N, 4);
        make_public(address(&mean), N * 4);
        assert_ok(parseal_dequantize(ctx, &quant, &sum, 20, &mean, NULL, NULL));
        assert_secret(address(&mean), N * 4, 4);
        free(address(&sum));
        free(address(&mean));
    }
    parseal_ctx_destroy(ctx);
}

static void pack(void **state)
{
    (void)state;
    rng r = rng_for("pack");
    parseal_ctx *ctx = forced_ctx(1);
    for (uint32_t bits = 1; bits <= 64; bits++) {
        for (uint32_t size = bits <= 32 ? 4 : 8; size <= 8; size += 4) {
            uint64_t bytes;
            parseal_vec elements = secret_vec(&r, N, size);
            assert_ok(parseal_packed_size(N, bits, &bytes));
            uint8_t *packed = bytes_new((size_t)bytes);
            const parseal_buf buf = parseal_host_buf(packed, bytes);
            assert_ok(parseal_pack(ctx, bits, size, &elements, &buf, NULL));
            assert_secret(packed, (size_t)bytes, 1);
            make_public(address(&elements), N * size);
            assert_ok(parseal_unpack(ctx, bits, size, &buf, &elements, NULL));
            assert_secret(address(&elements), N * size, size);
            const parseal_ring ring = {1000003, size, 0};
            make_public(address(&elements), N * size);
            make_secret(packed, (size_t)bytes);
            assert_ok(parseal_packed_sum(ctx, bits, &ring, &elements, &buf, 1, NULL));
            assert_secret(address(&elements), N * size, size);
            free(packed);
            free(address(&elements));
        }
    }
    parseal_ctx_destroy(ctx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes128gcm),   cmocka_unit_test(aes256gcm), cmocka_unit_test(cut_messages),
        cmocka_unit_test(plans),       cmocka_unit_test(masks),     cmocka_unit_test(sums),
        cmocka_unit_test(sums_of_one), cmocka_unit_test(quantize),  cmocka_unit_test(dequantize),
        cmocka_unit_test(pack),        cmocka_unit_test(fcp_masks), cmocka_unit_test(one_message),
    };
    return FORCED_SUITE(argc, argv, "secrets", tests);
}
