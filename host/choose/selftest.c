/* Each answer is a digest of outputs (BLAKE2b, 16 bytes) that an independent implementation
 * computed: tests/kat/selftest_vectors.py. Inputs are byte patterns, so that they need not be
 * stored. */
#include "host/choose/selftest.h"

#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/choose/selftest_vectors.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

typedef struct {
    const parseal_backend *backend;
    void *device;
    char *detail;
    size_t detail_size;
} tester;

static void pattern(void *to, size_t n, size_t salt)
{
    uint8_t *p = to;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(i * 167 + (i >> 8) * 13 + salt * 59 + 7);
}

static bool wrong(const tester *t, const char *answer, uint64_t a, uint64_t b)
{
    snprintf(t->detail, t->detail_size, "%s (%" PRIu64 ", %" PRIu64 ") is wrong", answer, a, b);
    return false;
}

static bool failed(const tester *t, parseal_status status)
{
    snprintf(t->detail, t->detail_size, "%s: %s", parseal_status_name(status),
             parseal_last_error_text());
    return false;
}

static bool digest_is(const uint8_t expected[16], const void *data, size_t size)
{
    uint8_t digest[16];
    crypto_generichash(digest, sizeof digest, data, size, NULL, 0);
    return memcmp(digest, expected, sizeof digest) == 0;
}

/* -------------------------------------------------------------------------------------- aead -- */

enum { MESSAGES = LENGTH(aead_lengths), BAD_TAG_AT = 3, BAD_TEXT_AT = 9, BAD_LONG_AT = 11 };

/* A batch in one block of memory: for each message ciphertext, then tag, and its aad. */
typedef struct {
    const aead_answer *answer;
    parseal_msg msgs[MESSAGES];
    uint8_t aad[MESSAGES][7 * MESSAGES];
    uint8_t *text, *plain;
    size_t size;
} aead_batch;

static bool batch_init(aead_batch *b, const aead_answer *a)
{
    size_t at = 0;
    b->answer = a;
    b->size = 0;
    for (size_t i = 0; i < a->n; i++)
        b->size += a->lengths[i] + PARSEAL_TAGBYTES;
    b->text = calloc(2, b->size);
    if (b->text == NULL)
        return false;
    b->plain = b->text + b->size;
    for (size_t i = 0; i < a->n; i++) {
        parseal_msg *m = &b->msgs[i];
        pattern(b->plain + at, a->lengths[i], 50 + i);
        pattern(b->aad[i], 7 * i, 90 + i);
        pattern(m->nonce, sizeof m->nonce, 10 + i);
        m->in = b->plain + at;
        m->out = b->text + at;
        m->len = a->lengths[i];
        m->aad = b->aad[i];
        m->aad_len = 7 * i;
        m->key = (uint32_t)(i % 2);
        m->status = PARSEAL_ITEM_UNSET;
        at += a->lengths[i] + PARSEAL_TAGBYTES;
    }
    return true;
}

/* Opens what was sealed, with three messages of many spoiled. True when exactly those are refused
 * and zeroed. */
static bool open_is_right(const tester *t, void *keys, aead_batch *b)
{
    const size_t n = b->answer->n;
    const bool many = n == MESSAGES;
    for (size_t i = 0; i < n; i++) {
        b->msgs[i].in = b->msgs[i].out; /* in place */
        b->msgs[i].status = PARSEAL_ITEM_UNSET;
    }
    if (many) {
        b->msgs[BAD_TAG_AT].tag[15] ^= 0x80;
        ((uint8_t *)b->msgs[BAD_TEXT_AT].out)[0] ^= 1;
        ((uint8_t *)b->msgs[BAD_LONG_AT].out)[b->msgs[BAD_LONG_AT].len - 1] ^= 1;
    }
    if (t->backend->batch_run(t->device, keys, b->msgs, n, true) != PARSEAL_OK)
        return false;
    for (size_t i = 0, at = 0; i < n; at += b->msgs[i].len + PARSEAL_TAGBYTES, i++) {
        const parseal_msg *m = &b->msgs[i];
        const bool bad = many && (i == BAD_TAG_AT || i == BAD_TEXT_AT || i == BAD_LONG_AT);
        if (m->status != (bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK))
            return false;
        if (bad ? !sodium_is_zero(m->out, m->len) : memcmp(m->out, b->plain + at, m->len) != 0)
            return false;
    }
    return true;
}

static bool batch_is_right(const tester *t, void *keys, aead_batch *b, uint64_t key_bits)
{
    const size_t n = b->answer->n;
    const parseal_status status = t->backend->batch_run(t->device, keys, b->msgs, n, false);
    if (status != PARSEAL_OK)
        return failed(t, status);
    for (size_t i = 0; i < n; i++) {
        if (b->msgs[i].status != PARSEAL_ITEM_OK)
            return wrong(t, "seal's status (key bits, message)", key_bits, i);
        memcpy((uint8_t *)b->msgs[i].out + b->msgs[i].len, b->msgs[i].tag, PARSEAL_TAGBYTES);
    }
    if (!digest_is(b->answer->digest, b->text, b->size))
        return wrong(t, "AES-GCM seal (key bits, messages)", key_bits, n);
    if (!open_is_right(t, keys, b))
        return wrong(t, "AES-GCM open (key bits, messages)", key_bits, n);
    return true;
}

static bool aead_is_right(const tester *t, const aead_answer *a)
{
    const size_t key_len =
        a->alg == PARSEAL_AES128GCM ? PARSEAL_AES128GCM_KEYBYTES : PARSEAL_AES256GCM_KEYBYTES;
    uint8_t bytes[2 * PARSEAL_AES256GCM_KEYBYTES];
    void *keys;
    pattern(bytes, key_len, 1);
    pattern(bytes + key_len, key_len, 2);
    aead_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL || !batch_init(batch, a)) {
        free(batch);
        return failed(t, parseal_fail(PARSEAL_ERR_NO_MEMORY, "self-test: out of memory"));
    }
    const parseal_status status = t->backend->keys_create(&keys, t->device, a->alg, bytes, 2);
    const bool right =
        status == PARSEAL_OK ? batch_is_right(t, keys, batch, 8 * key_len) : failed(t, status);
    if (status == PARSEAL_OK)
        t->backend->keys_destroy(keys);
    free(batch->text);
    free(batch);
    return right;
}

static bool test_aead(const tester *t)
{
    for (size_t i = 0; i < LENGTH(aead_answers); i++) {
        const bool is_long = aead_answers[i].lengths == aead_long_length;
        if ((!is_long || t->backend->has_long_kernels) && !aead_is_right(t, &aead_answers[i]))
            return false;
    }
    return true;
}

/* -------------------------------------------------------------------------------------- mask -- */

static void fill_seeds(parseal_seed seeds[3])
{
    for (size_t j = 0; j < 3; j++) {
        pattern(seeds[j].key, sizeof seeds[j].key, 3 + 2 * j);
        pattern(seeds[j].stream_id, sizeof seeds[j].stream_id, 4 + 2 * j);
        seeds[j].sign = j == 1 ? -1 : 1;
    }
}

static bool mask_is_right(const tester *t, void *seeds, const ring_answer *a)
{
    uint64_t acc[MASK_COUNT] = {0}, written[MASK_COUNT] = {0};
    const parseal_ring ring = {a->modulus, a->element_size, 0};
    const parseal_vec sum = parseal_host_vec(acc, MASK_COUNT, a->element_size);
    const parseal_vec alone = parseal_host_vec(written, MASK_COUNT, a->element_size);
    const size_t size = (size_t)sum.buf.size;

    /* Written over something, a mask is what it adds to zeros. */
    parseal_status status =
        t->backend->mask(t->device, seeds, &ring, &sum, MASK_FIRST, false, NULL);
    pattern(written, size, 10);
    if (status == PARSEAL_OK)
        status = t->backend->mask(t->device, seeds, &ring, &alone, MASK_FIRST, true, NULL);
    const bool same = memcmp(acc, written, size) == 0;

    pattern(acc, size, 9);
    if (status == PARSEAL_OK)
        status = t->backend->mask(t->device, seeds, &ring, &sum, MASK_FIRST, false, NULL);
    if (status != PARSEAL_OK)
        return failed(t, status);
    if (!same || !digest_is(a->digest, acc, size))
        return wrong(t, "mask (modulus, element size)", a->modulus, a->element_size);
    return true;
}

static bool test_mask(const tester *t)
{
    parseal_seed list[3];
    void *seeds;
    fill_seeds(list);
    const parseal_status status = t->backend->seeds_create(&seeds, t->device, list, 3);
    if (status != PARSEAL_OK)
        return failed(t, status);
    bool right = true;
    for (size_t i = 0; right && i < LENGTH(mask_answers); i++)
        right = mask_is_right(t, seeds, &mask_answers[i]);
    t->backend->seeds_destroy(seeds);
    return right;
}

/* --------------------------------------------------------------------------------------- fcp -- */

static bool fcp_is_right(const tester *t, void *fcp, const ring_answer *a, uint64_t *acc,
                         uint64_t *written)
{
    const parseal_ring ring = {a->modulus, a->element_size, 0};
    const parseal_vec sum = parseal_host_vec(acc, FCP_COUNT, a->element_size);
    const parseal_vec alone = parseal_host_vec(written, FCP_COUNT, a->element_size);
    const size_t size = (size_t)sum.buf.size;

    memset(acc, 0, size);
    parseal_status status =
        t->backend->fcp_mask(t->device, fcp, &ring, &sum, FCP_FIRST, false, NULL);
    pattern(written, size, 10);
    if (status == PARSEAL_OK)
        status = t->backend->fcp_mask(t->device, fcp, &ring, &alone, FCP_FIRST, true, NULL);
    const bool same = memcmp(acc, written, size) == 0;

    pattern(acc, size, 9);
    if (status == PARSEAL_OK)
        status = t->backend->fcp_mask(t->device, fcp, &ring, &sum, FCP_FIRST, false, NULL);
    if (status != PARSEAL_OK)
        return failed(t, status);
    if (!same || !digest_is(a->digest, acc, size))
        return wrong(t, "mask of fcp (modulus, element size)", a->modulus, a->element_size);
    return true;
}

/* Moduli that the backend says it cannot do are left out, but not powers of two. */
static bool test_fcp(const tester *t)
{
    static const int32_t signs[3] = {1, -1, 1};
    uint8_t keys[3][32];
    uint64_t *acc = calloc(2 * FCP_COUNT, sizeof *acc);
    bool right = acc != NULL;
    if (!right)
        return failed(t, parseal_fail(PARSEAL_ERR_NO_MEMORY, "self-test: out of memory"));
    for (size_t j = 0; j < 3; j++)
        pattern(keys[j], sizeof keys[j], 3 + 2 * j);
    for (size_t i = 0; right && i < LENGTH(fcp_answers); i++) {
        const ring_answer *a = &fcp_answers[i];
        void *fcp;
        const parseal_status status =
            t->backend->fcp_create(&fcp, t->device, a->modulus, keys[0], signs, 3);
        if (status == PARSEAL_ERR_UNSUPPORTED && (a->modulus & (a->modulus - 1)) != 0)
            continue;
        right = status == PARSEAL_OK ? fcp_is_right(t, fcp, a, acc, acc + FCP_COUNT)
                                     : failed(t, status);
        if (status == PARSEAL_OK)
            t->backend->fcp_destroy(fcp);
    }
    free(acc);
    return right;
}

/* --------------------------------------------------------------------------------------- sum -- */

static bool test_vec_sum(const tester *t)
{
    uint64_t acc[SUM_COUNT], inputs[SUM_INPUTS][SUM_COUNT];
    for (size_t i = 0; i < LENGTH(sum_answers); i++) {
        const ring_answer *a = &sum_answers[i];
        const parseal_ring ring = {a->modulus, a->element_size, 0};
        const parseal_vec sum = parseal_host_vec(acc, SUM_COUNT, a->element_size);
        parseal_vec v[SUM_INPUTS];
        pattern(acc, (size_t)sum.buf.size, 20);
        for (size_t j = 0; j < SUM_INPUTS; j++) {
            v[j] = parseal_host_vec(inputs[j], SUM_COUNT, a->element_size);
            pattern(inputs[j], (size_t)sum.buf.size, 21 + j);
        }
        const parseal_status status =
            t->backend->vec_sum(t->device, &ring, &sum, v, SUM_INPUTS, NULL);
        if (status != PARSEAL_OK)
            return failed(t, status);
        if (!digest_is(a->digest, acc, (size_t)sum.buf.size))
            return wrong(t, "sum (modulus, element size)", a->modulus, a->element_size);
    }
    return true;
}

/* ------------------------------------------------------------------------------- quantisation --
 */

/* The pattern's bytes, read as little-endian floats, in the host's order. */
static void quant_input(void *to, size_t float_size)
{
    const uint16_t one = 1;
    uint8_t *p = to;
    pattern(p, QUANT_COUNT * float_size, 30);
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

static bool quantize_is_right(const tester *t, const quant_answer *a, void *seed)
{
    const float clip = 1.5f, scale = (float)((double)((1u << a->bits) - 1) / (2 * (double)clip));
    const uint32_t float_size = a->float_type == PARSEAL_FLOAT32 ? 4 : 2;
    float input[QUANT_COUNT] = {0};
    uint64_t output[QUANT_COUNT] = {0}, nonfinite = 0;
    const parseal_vec x = parseal_host_vec(input, QUANT_COUNT, float_size);
    const parseal_vec q = parseal_host_vec(output, QUANT_COUNT, a->element_size);
    const parseal_buf count = parseal_host_buf(&nonfinite, sizeof nonfinite);
    const parseal_quant quant = {sizeof quant, clip,          a->bits,
                                 a->rounding,  a->float_type, a->element_size};
    quant_input(input, float_size);
    const parseal_status status = t->backend->quantize(
        t->device, &quant, scale, &x, &q, a->rounding == PARSEAL_ROUND_STOCHASTIC ? seed : NULL,
        QUANT_FIRST, &count, NULL);
    if (status != PARSEAL_OK)
        return failed(t, status);
    if (nonfinite != a->nonfinite || !digest_is(a->digest, output, (size_t)q.buf.size))
        return wrong(t, "quantize (float type, bits)", (uint64_t)a->float_type, a->bits);
    return true;
}

/* A device without double may be one ulp away. */
static bool dequantize_is_right(const tester *t)
{
    uint8_t sums[4 * DEQUANT_COUNT] = {0};
    float means[DEQUANT_COUNT] = {0};
    const parseal_vec sum = parseal_host_vec(sums, DEQUANT_COUNT, 4);
    const parseal_vec mean = parseal_host_vec(means, DEQUANT_COUNT, sizeof(float));
    for (size_t i = 0; i < DEQUANT_COUNT; i++)
        for (size_t j = 0; j < 4; j++)
            sums[4 * i + j] = (uint8_t)(dequant_sums[i] >> (8 * j));
    const parseal_status status = t->backend->dequantize(t->device, 4, &sum, 2 * 1.5 / 65535.0,
                                                         DEQUANT_CLIENTS, 1.5, &mean, NULL);
    if (status != PARSEAL_OK)
        return failed(t, status);
    for (size_t i = 0; i < DEQUANT_COUNT; i++)
        if (!(means[i] >= nextafterf(dequant_means[i], -INFINITY) &&
              means[i] <= nextafterf(dequant_means[i], INFINITY)))
            return wrong(t, "dequantize (element, of)", i, DEQUANT_COUNT);
    return true;
}

static bool test_quant(const tester *t)
{
    parseal_seed list[3];
    void *seed;
    fill_seeds(list);
    const parseal_status status = t->backend->seeds_create(&seed, t->device, list, 1);
    if (status != PARSEAL_OK)
        return failed(t, status);
    bool right = dequantize_is_right(t);
    for (size_t i = 0; right && i < LENGTH(quant_answers); i++)
        right = quantize_is_right(t, &quant_answers[i], seed);
    t->backend->seeds_destroy(seed);
    return right;
}

/* -------------------------------------------------------------------------------------- pack -- */

static uint64_t element(const uint64_t *elements, size_t i, uint32_t element_size)
{
    const uint8_t *p = (const uint8_t *)elements + i * element_size;
    uint64_t x = 0;
    for (uint32_t j = element_size; j-- > 0;)
        x = x << 8 | p[j];
    return x;
}

/* What has been unpacked becomes three times itself mod 2^bits, by two inputs. */
static bool packed_sum_is_right(const tester *t, const pack_answer *a, uint64_t *elements,
                                const parseal_buf *packed)
{
    uint64_t thrice[PACK_COUNT] = {0};
    const parseal_ring ring = {a->bits < 64 ? UINT64_C(1) << a->bits : 0, a->element_size, 0};
    const parseal_vec acc = parseal_host_vec(thrice, PACK_COUNT, a->element_size);
    const parseal_buf inputs[2] = {*packed, *packed};
    memcpy(thrice, elements, (size_t)acc.buf.size);
    const parseal_status status =
        t->backend->packed_sum(t->device, a->bits, &ring, &acc, inputs, 2, NULL);
    if (status != PARSEAL_OK)
        return failed(t, status);
    for (size_t i = 0; i < PACK_COUNT; i++)
        if (element(thrice, i, a->element_size) !=
            ((3 * element(elements, i, a->element_size)) & UINT64_MAX >> (64 - a->bits)))
            return wrong(t, "sum of packed vectors (bits, element size)", a->bits, a->element_size);
    return true;
}

static bool pack_is_right(const tester *t, const pack_answer *a)
{
    uint64_t elements[PACK_COUNT] = {0}, unpacked[PACK_COUNT] = {0};
    uint8_t packed[8 * PACK_COUNT] = {0};
    const parseal_vec in = parseal_host_vec(elements, PACK_COUNT, a->element_size);
    const parseal_vec out = parseal_host_vec(unpacked, PACK_COUNT, a->element_size);
    const parseal_buf buf = parseal_host_buf(packed, (PACK_COUNT * (uint64_t)a->bits + 7) / 8);
    pattern(elements, (size_t)in.buf.size, 60);
    parseal_status status =
        t->backend->pack(t->device, a->bits, a->element_size, &in, &buf, false, NULL);
    if (status == PARSEAL_OK)
        status = t->backend->pack(t->device, a->bits, a->element_size, &out, &buf, true, NULL);
    if (status != PARSEAL_OK)
        return failed(t, status);
    if (!digest_is(a->digest, packed, (size_t)buf.size))
        return wrong(t, "pack (bits, element size)", a->bits, a->element_size);
    for (size_t i = 0; i < PACK_COUNT; i++)
        if (element(unpacked, i, a->element_size) !=
            (element(elements, i, a->element_size) & UINT64_MAX >> (64 - a->bits)))
            return wrong(t, "unpack (bits, element size)", a->bits, a->element_size);
    return packed_sum_is_right(t, a, unpacked, &buf);
}

/* ------------------------------------------------------------------------- opened and added -- */

enum { UPDATES = 3, SPOILED = 1, UPDATE_KEY = 33 };

/* Updates and what their sum is to be. Their elements are packed. */
typedef struct {
    parseal_sink sink;
    size_t n, size; /* updates, and the bytes of each */
    uint8_t *plain, *sealed;
    parseal_msg msgs[UPDATES];
} updates;

static bool seal_updates(const tester *t, const void *keys, updates *u)
{
    for (size_t i = 0; i < u->n; i++) {
        parseal_msg *m = &u->msgs[i];
        *m = (parseal_msg){
            .in = u->plain + i * u->size, .out = u->sealed + i * u->size, .len = u->size};
        pattern(u->plain + i * u->size, u->size, 70 + i);
        pattern(m->nonce, sizeof m->nonce, 80 + i);
    }
    if (t->backend->batch_run(t->device, keys, u->msgs, u->n, false) != PARSEAL_OK)
        return false;
    for (size_t i = 0; i < u->n; i++) {
        u->msgs[i].in = u->msgs[i].out;
        u->msgs[i].status = PARSEAL_ITEM_UNSET;
    }
    if (u->n > SPOILED)
        u->msgs[SPOILED].tag[0] ^= 1;
    return true;
}

/* Element i of an update. */
static uint64_t packed_element(const uint8_t *p, uint32_t bits, size_t i)
{
    uint64_t x = 0;
    for (uint32_t b = 0; b < bits; b++) {
        const size_t at = i * bits + b;
        x |= (uint64_t)(p[at / 8] >> at % 8 & 1) << b;
    }
    return x;
}

static bool sum_of_updates_is_right(const updates *u, const uint64_t *got)
{
    const uint64_t m = u->sink.ring->modulus;
    for (size_t k = 0; k < u->sink.acc->n; k++) {
        uint64_t want = 0; /* few enough and small enough, or mod 2^64 */
        for (size_t i = 0; i < u->n; i++)
            if (i != SPOILED)
                want += packed_element(u->plain + i * u->size, u->sink.bits, k);
        if (element(got, k, u->sink.ring->element_size) != (m == 0 ? want : want % m))
            return false;
    }
    return true;
}

/* Adds to zeros, by the way that long updates go. */
static bool accumulate_is_right(const tester *t, const void *keys, updates *u)
{
    parseal_vec acc = {{0}, u->sink.acc->n};
    const size_t size = (size_t)acc.n * u->sink.ring->element_size;
    bool changed = false, right = false;
    uint64_t *got = calloc((size_t)acc.n, sizeof *got);
    parseal_status status = got != NULL ? PARSEAL_OK : PARSEAL_ERR_NO_MEMORY;
    if (status == PARSEAL_OK)
        status = t->backend->memory_create(t->device, size, &acc.buf);
    if (status == PARSEAL_OK) {
        u->sink.acc = &acc;
        status = t->backend->accumulate(t->device, keys, u->msgs, u->n, &u->sink, &changed);
        if (status == PARSEAL_OK)
            status = t->backend->memory_read(t->device, &acc.buf, got);
        right = status == PARSEAL_OK && sum_of_updates_is_right(u, got);
        t->backend->memory_destroy(t->device, &acc.buf);
    }
    for (size_t i = 0; right && i < u->n; i++)
        right = u->msgs[i].status == (i == SPOILED ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
    free(got);
    if (status != PARSEAL_OK)
        return failed(t, status);
    return right || wrong(t, "sum of sealed updates (bits, element size)", u->sink.bits,
                          u->sink.ring->element_size);
}

static bool updates_are_added(const tester *t, const parseal_ring *ring, uint32_t bits, uint64_t n,
                              size_t n_updates)
{
    const parseal_vec acc = {{0}, n};
    updates u = {
        {ring, bits, &acc, true}, n_updates, (size_t)(n * bits + 7) / 8, NULL, NULL, {{0}}};
    uint8_t key[PARSEAL_AES256GCM_KEYBYTES];
    void *keys;
    bool right = false;
    pattern(key, sizeof key, UPDATE_KEY);
    u.plain = calloc(2 * n_updates, u.size);
    if (u.plain == NULL)
        return failed(t, parseal_fail(PARSEAL_ERR_NO_MEMORY, "self-test: out of memory"));
    u.sealed = u.plain + n_updates * u.size;
    const parseal_status status =
        t->backend->keys_create(&keys, t->device, PARSEAL_AES256GCM, key, 1);
    if (status == PARSEAL_OK) {
        right = seal_updates(t, keys, &u) ? accumulate_is_right(t, keys, &u)
                                          : wrong(t, "seal (bits)", bits, 0);
        t->backend->keys_destroy(keys);
    } else {
        (void)failed(t, status);
    }
    free(u.plain);
    return right;
}

/* More than a tile of CUDA's kernels; elements that lie in two blocks, and none that do. */
static bool test_accumulate(const tester *t)
{
    static const parseal_ring prime = {1000003, 4, 0}, whole32 = {UINT64_C(1) << 32, 4, 0},
                              whole64 = {0, 8, 0};
    return updates_are_added(t, &prime, 13, 2999, UPDATES) &&
           updates_are_added(t, &whole32, 32, 270, SPOILED) &&
           updates_are_added(t, &whole64, 64, 130, SPOILED);
}

static bool test_pack(const tester *t)
{
    for (size_t i = 0; i < LENGTH(pack_answers); i++)
        if (!pack_is_right(t, &pack_answers[i]))
            return false;
    return test_accumulate(t);
}

bool parseal_selftest(const parseal_backend *backend, void *device, int32_t primitive, char *detail,
                      size_t size)
{
    static bool (*const tests[PARSEAL_PRIMITIVES])(const tester *) = {
        [PARSEAL_PRIMITIVE_AEAD] = test_aead,       [PARSEAL_PRIMITIVE_MASK] = test_mask,
        [PARSEAL_PRIMITIVE_VEC_SUM] = test_vec_sum, [PARSEAL_PRIMITIVE_QUANT] = test_quant,
        [PARSEAL_PRIMITIVE_PACK] = test_pack,       [PARSEAL_PRIMITIVE_FCP] = test_fcp,
    };
    const tester t = {backend, device, detail, size};
    detail[0] = '\0';
    return tests[primitive](&t);
}
