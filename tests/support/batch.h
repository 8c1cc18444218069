/* Random ragged AEAD batches, sealed by a reference library, and the calls that run them through
 * parseal as messages and as plans. */
#ifndef PARSEAL_TESTS_BATCH_H
#define PARSEAL_TESTS_BATCH_H

#include "ref_aead.h"
#include "rng.h"
#include "test.h"

enum { BATCH_ITEMS = 300, BATCH_KEYS = 5, BATCH_AAD = 300, BATCH_BYTES = 1 << 20 };

/* Messages lie in arenas at offsets of any alignment; the gaps between them hold UNTOUCHED, so a
 * whole arena can be compared. plain and cipher have the same layout. */
typedef struct {
    int32_t alg;
    size_t n, n_keys;
    uint8_t keys[BATCH_KEYS * PARSEAL_AES256GCM_KEYBYTES];
    uint32_t key[BATCH_ITEMS];
    uint64_t len[BATCH_ITEMS], offset[BATCH_ITEMS];
    uint64_t aad_len[BATCH_ITEMS], aad_offset[BATCH_ITEMS];
    uint8_t nonce[BATCH_ITEMS * PARSEAL_AES256GCM_NONCEBYTES];
    uint8_t tag[BATCH_ITEMS * PARSEAL_TAGBYTES]; /* by the reference */
    uint8_t *plain, *cipher, *aad;
    size_t bytes; /* of plain and of cipher that are in use */
    size_t capacity;
} batch;

/* capacity: bytes of plain and of cipher, gaps included. */
void batch_open(batch *b, size_t capacity);
void batch_close(batch *b);

/* Lays out and fills a batch whose alg, n, n_keys, len and aad_len are set, at random, and has the
 * reference seal it. */
void batch_fill(batch *b, rng *r, const ref_aead *reference);

/* A batch of few messages of 0 to 70,000 bytes, or of up to BATCH_ITEMS short ones; BATCH_BYTES are
 * enough for it. */
void batch_random(batch *b, rng *r, const ref_aead *reference, int32_t alg);

/* Seals b->plain into b->cipher and b->tag once more, after a change of plain, aad, len, ... */
void batch_seal_by_reference(batch *b, const ref_aead *reference);

size_t aead_key_size(int32_t alg);
parseal_keys *batch_keys(const batch *b, parseal_ctx *ctx);

/* The batch as messages from arena `in` to arena `out`, with the reference's tags. */
void batch_messages(const batch *b, parseal_msg *msgs, const uint8_t *in, uint8_t *out);

/* The batch as a plan and the buffers that it runs on. */
typedef struct {
    parseal_plan *plan;
    parseal_aead_io io;
    void *workspace;
    uint8_t tag[BATCH_ITEMS * PARSEAL_TAGBYTES];
    int32_t verdict[BATCH_ITEMS];
} batch_plan;

void batch_plan_open(batch_plan *p, const batch *b, const parseal_keys *keys);
void batch_plan_close(batch_plan *p);

/* Points the plan's buffers at arenas `in` and `out`; tag gets the reference's tags, verdict
 * UNTOUCHED. */
void batch_plan_bind(batch_plan *p, const batch *b, const uint8_t *in, uint8_t *out);

#endif
