#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"

enum { FEW = 12, LEN_MAX = 70000, GAP = 16, AAD_ARENA = BATCH_ITEMS * (BATCH_AAD + GAP) };

void batch_open(batch *b, size_t capacity)
{
    *b = (batch){.capacity = capacity};
    b->plain = malloc(capacity);
    b->cipher = malloc(capacity);
    b->aad = malloc(AAD_ARENA);
    assert_true(b->plain != NULL && b->cipher != NULL && b->aad != NULL);
}

void batch_close(batch *b)
{
    free(b->plain);
    free(b->cipher);
    free(b->aad);
    *b = (batch){0};
}

size_t aead_key_size(int32_t alg)
{
    return alg == PARSEAL_AES128GCM ? PARSEAL_AES128GCM_KEYBYTES : PARSEAL_AES256GCM_KEYBYTES;
}

/* Short ones find mistakes at the edges, long ones those of the main loop; portable code pays for
 * the long ones. */
static uint64_t random_length(rng *r, size_t n)
{
    uint64_t kind = rng_below(r, 100);
    if (n > FEW)
        return rng_range(r, 0, kind < 5 ? 2000 : 100);
    if (kind < 1)
        return rng_range(r, 0, LEN_MAX);
    if (kind < 5)
        return rng_range(r, 0, 5000);
    return kind < 10 ? 0 : rng_range(r, 0, 260);
}

static void random_layout(batch *b, rng *r)
{
    uint64_t at = 0;
    uint64_t aad_at = 0;
    for (size_t i = 0; i < b->n; i++) {
        b->offset[i] = at + rng_below(r, GAP);
        b->aad_offset[i] = aad_at + rng_below(r, GAP);
        at = b->offset[i] + b->len[i];
        aad_at = b->aad_offset[i] + b->aad_len[i];
        b->key[i] = (uint32_t)rng_below(r, b->n_keys);
    }
    assert_true(at <= b->capacity && aad_at <= AAD_ARENA);
    b->bytes = (size_t)at;
    rng_fill(r, b->aad, (size_t)aad_at);
}

void batch_fill(batch *b, rng *r, const ref_aead *reference)
{
    rng_fill(r, b->keys, b->n_keys * aead_key_size(b->alg));
    rng_fill(r, b->nonce, b->n * PARSEAL_AES256GCM_NONCEBYTES);
    random_layout(b, r);
    memset(b->plain, UNTOUCHED, b->bytes);
    memset(b->cipher, UNTOUCHED, b->bytes);
    for (size_t i = 0; i < b->n; i++)
        rng_fill(r, b->plain + b->offset[i], (size_t)b->len[i]);
    batch_seal_by_reference(b, reference);
}

void batch_random(batch *b, rng *r, const ref_aead *reference, int32_t alg)
{
    b->alg = alg;
    b->n = (size_t)rng_range(r, 1, rng_below(r, 40) == 0 ? BATCH_ITEMS : FEW);
    b->n_keys = rng_below(r, 2) != 0 ? 1 : (size_t)rng_range(r, 1, BATCH_KEYS);
    for (size_t i = 0; i < b->n; i++) {
        b->len[i] = random_length(r, b->n);
        b->aad_len[i] = rng_below(r, 4) == 0 ? 0 : rng_range(r, 0, BATCH_AAD);
    }
    batch_fill(b, r, reference);
}

void batch_seal_by_reference(batch *b, const ref_aead *reference)
{
    for (size_t i = 0; i < b->n; i++) {
        reference->seal(b->alg, b->keys + b->key[i] * aead_key_size(b->alg),
                        b->nonce + i * PARSEAL_AES256GCM_NONCEBYTES, b->aad + b->aad_offset[i],
                        (size_t)b->aad_len[i], b->plain + b->offset[i], (size_t)b->len[i],
                        b->cipher + b->offset[i], b->tag + i * PARSEAL_TAGBYTES);
    }
}

parseal_keys *batch_keys(const batch *b, parseal_ctx *ctx)
{
    parseal_keys *keys = NULL;
    assert_ok(parseal_keys_create(&keys, ctx, b->alg, b->keys, b->n_keys, NULL));
    return keys;
}

void batch_messages(const batch *b, parseal_msg *msgs, const uint8_t *in, uint8_t *out)
{
    for (size_t i = 0; i < b->n; i++) {
        msgs[i] = (parseal_msg){.in = in + b->offset[i],
                                .out = out + b->offset[i],
                                .len = (size_t)b->len[i],
                                .aad = b->aad + b->aad_offset[i],
                                .aad_len = (size_t)b->aad_len[i],
                                .key = b->key[i]};
        memcpy(msgs[i].nonce, b->nonce + i * PARSEAL_AES256GCM_NONCEBYTES,
               PARSEAL_AES256GCM_NONCEBYTES);
        memcpy(msgs[i].tag, b->tag + i * PARSEAL_TAGBYTES, PARSEAL_TAGBYTES);
    }
}

void batch_plan_open(batch_plan *p, const batch *b, const parseal_keys *keys)
{
    *p = (batch_plan){.io = PARSEAL_AEAD_IO_INIT};
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = b->n;
    shape.len = b->len;
    shape.in_offset = b->offset;
    shape.aad_len = b->aad_len;
    shape.aad_offset = b->aad_offset;
    shape.key = b->key;
    assert_ok(parseal_plan_create(&p->plan, keys, &shape));
    uint64_t size = parseal_plan_workspace_size(p->plan);
    if (size != 0) {
        p->workspace = malloc((size_t)size);
        assert_non_null(p->workspace);
        p->io.workspace = parseal_host_buf(p->workspace, size);
    }
}

void batch_plan_close(batch_plan *p)
{
    parseal_plan_destroy(p->plan);
    free(p->workspace);
}

void batch_plan_bind(batch_plan *p, const batch *b, const uint8_t *in, uint8_t *out)
{
    memcpy(p->tag, b->tag, b->n * PARSEAL_TAGBYTES);
    memset(p->verdict, UNTOUCHED, sizeof p->verdict);
    p->io.in = parseal_host_buf(in, b->bytes);
    p->io.out = parseal_host_buf(out, b->bytes);
    p->io.aad = parseal_host_buf(b->aad, AAD_ARENA);
    p->io.nonce = parseal_host_buf(b->nonce, b->n * PARSEAL_AES256GCM_NONCEBYTES);
    p->io.tag = parseal_host_buf(p->tag, b->n * PARSEAL_TAGBYTES);
    p->io.verdict = parseal_host_buf(p->verdict, b->n * sizeof p->verdict[0]);
}
