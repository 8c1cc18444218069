/* Messages: known answers, and the work that crossover measures. */
#include "host/choose/selftest/primitives.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/choose/selftest/tester.h"
#include "host/choose/selftest/vectors.h"

enum { MESSAGES = LENGTH(aead_lengths), BAD_TAG_AT = 3, BAD_TEXT_AT = 9, BAD_LONG_AT = 11 };

/* A batch in one block of memory, which has each message's ciphertext, tag and aad. */
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
    /* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): an answer has a message. */
    b->text = calloc(2, b->size);
    if (b->text == NULL)
        return false;
    b->plain = b->text + b->size;
    for (size_t i = 0; i < a->n; i++) {
        parseal_msg *m = &b->msgs[i];
        tester_pattern(b->plain + at, a->lengths[i], 50 + i);
        tester_pattern(b->aad[i], 7 * i, 90 + i);
        tester_pattern(m->nonce, PARSEAL_AES256GCM_NONCEBYTES, 10 + i);
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

/* Opens the sealed messages after spoiling three of them. Returns true when exactly those are
 * refused and zeroed. */
static bool open_is_right(const tester *t, const backend_keys *keys, aead_batch *b,
                          uint64_t key_bits)
{
    const size_t n = b->answer->n;
    const bool many = n == MESSAGES;
    for (size_t i = 0; i < n; i++) {
        b->msgs[i].in = b->msgs[i].out; /* It is opened in place. */
        b->msgs[i].status = PARSEAL_ITEM_UNSET;
    }
    if (many) {
        b->msgs[BAD_TAG_AT].tag[15] ^= 0x80;
        ((uint8_t *)b->msgs[BAD_TEXT_AT].out)[0] ^= 1;
        ((uint8_t *)b->msgs[BAD_LONG_AT].out)[b->msgs[BAD_LONG_AT].len - 1] ^= 1;
    }
    const parseal_status status = t->backend->aead->run(t->device, keys, b->msgs, n, true);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    for (size_t i = 0, at = 0; i < n; at += b->msgs[i].len + PARSEAL_TAGBYTES, i++) {
        const parseal_msg *m = &b->msgs[i];
        const bool bad = many && (i == BAD_TAG_AT || i == BAD_TEXT_AT || i == BAD_LONG_AT);
        if (m->status != (bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK) ||
            (bad ? !sodium_is_zero(m->out, m->len) : memcmp(m->out, b->plain + at, m->len) != 0))
            return tester_wrong(t, "AES-GCM open (key bits, messages)", key_bits, n);
    }
    return true;
}

static bool batch_is_right(const tester *t, const backend_keys *keys, aead_batch *b,
                           uint64_t key_bits)
{
    const size_t n = b->answer->n;
    const parseal_status status = t->backend->aead->run(t->device, keys, b->msgs, n, false);
    if (status != PARSEAL_OK)
        return tester_failed(t, status);
    for (size_t i = 0; i < n; i++) {
        if (b->msgs[i].status != PARSEAL_ITEM_OK)
            return tester_wrong(t, "seal's status (key bits, message)", key_bits, i);
        memcpy((uint8_t *)b->msgs[i].out + b->msgs[i].len, b->msgs[i].tag, PARSEAL_TAGBYTES);
    }
    if (!tester_digest_is(b->answer->digest, b->text, b->size))
        return tester_wrong(t, "AES-GCM seal (key bits, messages)", key_bits, n);
    return open_is_right(t, keys, b, key_bits);
}

static bool aead_is_right(const tester *t, const aead_answer *a)
{
    const size_t key_len = algorithm_find(a->alg)->key_size;
    uint8_t bytes[2 * PARSEAL_AES256GCM_KEYBYTES];
    backend_keys *keys;
    tester_pattern(bytes, key_len, 1);
    tester_pattern(bytes + key_len, key_len, 2);
    aead_batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL || !batch_init(batch, a)) {
        free(batch);
        return tester_failed(t, parseal_fail(PARSEAL_ERR_NO_MEMORY, "self-test: out of memory"));
    }
    const parseal_status status =
        t->backend->aead->keys_create(t->device, &keys, algorithm_find(a->alg), bytes, 2, false);
    const bool right = status == PARSEAL_OK ? batch_is_right(t, keys, batch, 8 * key_len)
                                            : tester_failed(t, status);
    if (status == PARSEAL_OK)
        t->backend->aead->keys_destroy(t->device, keys);
    free(batch->text);
    free(batch);
    return right;
}

bool selftest_aead(const tester *t)
{
    for (size_t i = 0; i < LENGTH(aead_answers); i++) {
        const bool is_long = aead_answers[i].lengths == aead_long_length;
        if ((!is_long || t->backend->has_long_kernels) && !aead_is_right(t, &aead_answers[i]))
            return false;
    }
    return tester_nonces_count(t);
}

parseal_status work_aead(const parseal_side *side, const work_material *m, size_t size)
{
    static const uint8_t key[PARSEAL_AES256GCM_KEYBYTES];
    const size_t n = size / WORK_MESSAGE;
    backend_keys *keys;
    TRY(side->backend->aead->keys_create(side->device, &keys, algorithm_find(PARSEAL_AES256GCM),
                                         key, 1, false));
    for (size_t i = 0; i < n; i++)
        m->msgs[i] = (parseal_msg){
            .in = m->from + i * WORK_MESSAGE, .out = m->to + i * WORK_MESSAGE, .len = WORK_MESSAGE};
    const parseal_status status = side->backend->aead->run(side->device, keys, m->msgs, n, false);
    side->backend->aead->keys_destroy(side->device, keys);
    return status;
}
