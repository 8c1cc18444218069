/* Host-level AEAD: checks a batch of messages and hands it to the backend. */
#include <inttypes.h>
#include <stdlib.h>

#include "host/backend/call.h"
#include "host/backend/objects.h"
#include "host/choose/crossover.h"
#include "host/support/check.h"
#include "host/support/error.h"
#include "host/support/ranges.h"

static parseal_status check_range(size_t i, const char *field, const void *p, size_t len,
                                  const char *len_field)
{
    if (p == NULL && len > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "msgs[%zu].%s: NULL, but %s is %zu", i, field,
                            len_field, len);
    if (len > UINTPTR_MAX - (uintptr_t)p)
        return parseal_fail(PARSEAL_ERR_SIZE, "msgs[%zu].%s: %zu bytes pass the end of memory", i,
                            field, len);
    return PARSEAL_OK;
}

static parseal_status check_message(const parseal_keys *keys, const parseal_msg *m, size_t i)
{
    /* A size_t of 32 bits could not be above the limits, and the compiler would say so. */
    const uint64_t len = m->len, aad_len = m->aad_len;
    if (len > keys->alg->message_max)
        return parseal_fail(PARSEAL_ERR_SIZE, "msgs[%zu].len: %zu is above %s", i, m->len,
                            keys->alg->message_max_text);
    if (aad_len > PARSEAL_AADBYTES_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "msgs[%zu].aad_len: %zu is above 2^61 - 1", i,
                            m->aad_len);
    TRY(check_range(i, "in", m->in, m->len, "len"));
    TRY(check_range(i, "out", m->out, m->len, "len"));
    TRY(check_range(i, "aad", m->aad, m->aad_len, "aad_len"));
    if (m->key >= keys->n)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "msgs[%zu].key: %" PRIu32 ", but the set has %zu keys", i, m->key,
                            keys->n);
    if (!nonce_fits(keys->alg, m->nonce))
        return parseal_fail(PARSEAL_ERR_ARG,
                            "msgs[%zu].nonce: %s takes %" PRIu32 " bytes, zeros expected behind", i,
                            keys->alg->name, keys->alg->nonce_size);
    return PARSEAL_OK;
}

/* The smallest range of addresses that contains some buffers. */
typedef struct {
    uintptr_t begin, end;
} hull;

static const hull nothing = {UINTPTR_MAX, 0};

static void extend(hull *h, const void *p, size_t size)
{
    const uintptr_t begin = (uintptr_t)p, end = begin + size;
    if (size == 0)
        return;
    h->begin = begin < h->begin ? begin : h->begin;
    h->end = end > h->end ? end : h->end;
}

static bool apart(const hull *a, const hull *b)
{
    return a->end <= b->begin || b->end <= a->begin;
}

/* Returns true when the range is not NULL, not empty, and does not pass the end of memory. */
static bool is_range(const void *p, size_t size)
{
    return p != NULL && (uintptr_t)p + size > (uintptr_t)p;
}

static bool is_apart(const void *a, size_t a_size, const void *b, size_t b_size)
{
    const uintptr_t p = (uintptr_t)a, q = (uintptr_t)b;
    return p + a_size <= q || q + b_size <= p;
}

/* Recognises the usual single message. Returns true only for one that passes all checks. As a batch
 * of one it would be recognised as well, but in twice the time, some 4 ns more, and a short message
 * is sealed in less than 100 ns; nor does a common function for what both look at come free. */
static bool plainly_valid_one(const parseal_keys *keys, const parseal_msg *m)
{
    const uint64_t len = m->len, aad_len = m->aad_len;
    if (len > keys->alg->message_max || m->key >= keys->n || !nonce_fits(keys->alg, m->nonce) ||
        !is_range(m->in, m->len) || !is_range(m->out, m->len))
        return false;
    if (m->aad_len > 0 && (aad_len > PARSEAL_AADBYTES_MAX || !is_range(m->aad, m->aad_len) ||
                           !is_apart(m->out, m->len, m->aad, m->aad_len)))
        return false;
    return is_apart(m->out, m->len, m, sizeof *m) &&
           (m->in == m->out || is_apart(m->out, m->len, m->in, m->len));
}

/* Recognises the usual batch at one quick look per message: outputs that follow each other in
 * memory, and everything else elsewhere. Returns true only for batches that pass all checks. */
static bool plainly_valid(const parseal_keys *keys, const parseal_msg *msgs, size_t n)
{
    const parseal_algorithm *alg = keys->alg;
    hull in = nothing, aad = nothing, array = nothing;
    hull out = {(uintptr_t)msgs[0].out, 1}; /* 1: the first output is behind NULL */
    bool fine = true;
    extend(&array, msgs, n * sizeof *msgs);
    for (size_t i = 0; i < n; i++) {
        const parseal_msg *m = &msgs[i];
        const uintptr_t from = (uintptr_t)m->in, to = (uintptr_t)m->out;
        const uint64_t len = m->len, aad_len = m->aad_len;
        const bool nonce = nonce_fits(alg, m->nonce);
        /* One jump a message, not one a condition. */
        fine &= (len <= alg->message_max) & (m->key < keys->n) & nonce & (from != 0) &
                (from + m->len > from) & (to >= out.end) & (to + m->len > to);
        out.end = to + m->len;
        if (from != to)
            extend(&in, m->in, m->len);
        if (m->aad_len > 0) {
            const bool in_memory = is_range(m->aad, m->aad_len);
            fine &= (aad_len <= PARSEAL_AADBYTES_MAX) & in_memory;
            extend(&aad, m->aad, m->aad_len);
        }
    }
    return fine && apart(&out, &in) && apart(&out, &aad) && apart(&out, &array);
}

/* Refuses an `out` that overlaps another message's buffer, its own aad or, unless the two are
 * equal, its own `in`. */
static parseal_status check_aliasing(const parseal_msg *msgs, size_t n)
{
    range *ranges = calloc(3 * n + 1, sizeof *ranges);
    if (ranges == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "msgs: out of memory for %zu messages", n);

    range_set written = {ranges, 0, true}, read = {ranges + n, 0, true};
    ranges_add(&read, (uintptr_t)msgs, n * sizeof *msgs, 0);
    for (size_t i = 0; i < n; i++) {
        const parseal_msg *m = &msgs[i];
        ranges_add(&written, (uintptr_t)m->out, m->len, i);
        if (m->in != m->out)
            ranges_add(&read, (uintptr_t)m->in, m->len, i);
        ranges_add(&read, (uintptr_t)m->aad, m->aad_len, i);
    }
    size_t a, b;
    const bool conflict = ranges_conflict(&written, &read, &a, &b);
    free(ranges);
    if (!conflict)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ALIAS,
                        "msgs[%zu].out overlaps a buffer of msgs[%zu], or the array msgs", a, b);
}

static parseal_status on_cpu(const parseal_keys *keys, parseal_msg *msgs, size_t n, bool open)
{
    const parseal_side *cpu = &keys->ctx->cpu;
    return CALL(cpu, aead->run, keys->cpu_data, msgs, n, open);
}

/* Runs the messages that are still UNSET on the CPU. */
static parseal_status finish_on_cpu(const parseal_keys *keys, parseal_msg *msgs, size_t n,
                                    bool open)
{
    for (size_t i = 0; i < n;) {
        size_t more = 0;
        while (i + more < n && msgs[i + more].status == PARSEAL_ITEM_UNSET)
            more++;
        if (more > 0)
            TRY(on_cpu(keys, msgs + i, more, open));
        i += more + 1;
    }
    atomic_fetch_add_explicit(&keys->ctx->cpu_finished, 1, memory_order_relaxed);
    return PARSEAL_OK;
}

/* Turns SPOILED into UNSET, and returns true where there was any. */
static bool any_spoiled(parseal_msg *msgs, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++)
        if (msgs[i].status == PARSEAL_ITEM_SPOILED) {
            msgs[i].status = PARSEAL_ITEM_UNSET;
            any = true;
        }
    return any;
}

static bool prefers_cpu(const parseal_ctx *ctx, const parseal_msg *msgs, size_t n)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += msgs[i].len;
    return crossover_prefers_cpu(ctx, PARSEAL_PRIMITIVE_AEAD, bytes);
}

/* Runs the messages on the device, and on the CPU what it does not get done. */
static parseal_status beside_cpu(const parseal_keys *keys, parseal_msg *msgs, size_t n, bool open)
{
    const parseal_error before = parseal_error_save();
    const parseal_status status = CALL(keys->ctx, aead->run, keys->data, msgs, n, open);
    if (status == PARSEAL_OK || any_spoiled(msgs, n))
        return status;
    parseal_error_restore(&before);
    return finish_on_cpu(keys, msgs, n, open);
}

static parseal_status compute(const parseal_keys *keys, parseal_msg *msgs, size_t n, bool open)
{
    const parseal_ctx *ctx = keys->ctx;
    if (ctx->cpu.backend != NULL)
        return prefers_cpu(ctx, msgs, n) ? on_cpu(keys, msgs, n, open)
                                         : beside_cpu(keys, msgs, n, open);
    const parseal_status status = CALL(ctx, aead->run, keys->data, msgs, n, open);
    if (status != PARSEAL_OK)
        (void)any_spoiled(msgs, n);
    return status;
}

static parseal_status run(const parseal_keys *keys, parseal_msg *msgs, size_t n, bool open)
{
    TRY(check_pointer("keys", keys));
    if (n == 0)
        return PARSEAL_OK;
    TRY(check_pointer("msgs", msgs));
    if (n > (UINTPTR_MAX - (uintptr_t)msgs) / sizeof *msgs)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu messages pass the end of memory", n);
    if (n == 1 ? !plainly_valid_one(keys, msgs) : !plainly_valid(keys, msgs, n)) {
        for (size_t i = 0; i < n; i++)
            TRY(check_message(keys, &msgs[i], i));
        TRY(check_aliasing(msgs, n));
    }
    for (size_t i = 0; i < n; i++)
        msgs[i].status = PARSEAL_ITEM_UNSET;
    return compute(keys, msgs, n, open);
}

parseal_status parseal_seal(const parseal_keys *keys, parseal_msg *msgs, size_t n)
{
    return run(keys, msgs, n, false);
}

parseal_status parseal_open(const parseal_keys *keys, parseal_msg *msgs, size_t n, size_t *n_failed)
{
    TRY(run(keys, msgs, n, true));
    size_t failed = 0, first = 0;
    for (size_t i = n; i-- > 0;)
        if (msgs[i].status != PARSEAL_ITEM_OK) {
            failed++;
            first = i;
        }
    if (n_failed != NULL)
        *n_failed = failed;
    if (failed == 0)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_AUTH,
                        "%zu of %zu messages are not authentic; the first is msgs[%zu]", failed, n,
                        first);
}
