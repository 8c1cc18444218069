/* Host-level AEAD: checks a batch of messages and hands it to the backend. */
#include <inttypes.h>
#include <stdlib.h>

#include "host/check.h"
#include "host/ranges.h"

static parseal_status check_range(size_t i, const char *field, const void *p, size_t len,
                                  uint64_t limit, const char *limit_name)
{
    if (len > limit)
        return parseal_fail(PARSEAL_ERR_SIZE, "msgs[%zu].%s_len: %zu is above %s", i, field, len,
                            limit_name);
    if (p == NULL && len > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "msgs[%zu].%s: NULL, but its length is %zu", i, field,
                            len);
    if (len > UINTPTR_MAX - (uintptr_t)p)
        return parseal_fail(PARSEAL_ERR_SIZE, "msgs[%zu].%s: %zu bytes pass the end of memory", i,
                            field, len);
    return PARSEAL_OK;
}

static parseal_status check_messages(const parseal_keys *keys, const parseal_msg *msgs, size_t n)
{
    static const char *const message_limit = "2^36 - 32 (SP 800-38D section 5.2.1.1)";
    for (size_t i = 0; i < n; i++) {
        const parseal_msg *m = &msgs[i];
        TRY(check_range(i, "in", m->in, m->len, PARSEAL_MESSAGEBYTES_MAX, message_limit));
        TRY(check_range(i, "out", m->out, m->len, PARSEAL_MESSAGEBYTES_MAX, message_limit));
        TRY(check_range(i, "aad", m->aad, m->aad_len, PARSEAL_AADBYTES_MAX, "2^61 - 1"));
        if (m->key >= keys->n)
            return parseal_fail(PARSEAL_ERR_SIZE,
                                "msgs[%zu].key: %" PRIu32 ", but the set has %zu keys", i, m->key,
                                keys->n);
    }
    return PARSEAL_OK;
}

/* No `out` overlaps another message's buffer, its own aad, or its own `in` other than in place. */
static parseal_status check_aliasing(const parseal_msg *msgs, size_t n)
{
    if (n > SIZE_MAX / (3 * sizeof(range)) - 1)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu messages", n);
    range *ranges = malloc((3 * n + 1) * sizeof *ranges);
    if (ranges == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "msgs: out of memory for %zu messages", n);

    range_set written = {ranges, 0, true}, read = {ranges + n, 0, true};
    ranges_add(&read, (uintptr_t)msgs, n * sizeof *msgs, 0);
    for (size_t i = 0; i < n; i++) {
        const parseal_msg *m = &msgs[i];
        ranges_add(&written, (uintptr_t)m->out, m->len, i);
        if (m->in != m->out)
            ranges_add(&read, (uintptr_t)m->in, m->len, i);
    }
    for (size_t i = 0; i < n; i++)
        ranges_add(&read, (uintptr_t)msgs[i].aad, msgs[i].aad_len, i);
    size_t a, b;
    const bool conflict = ranges_conflict(&written, &read, &a, &b);
    free(ranges);
    if (!conflict)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ALIAS,
                        "msgs[%zu].out overlaps a buffer of msgs[%zu], or the array msgs", a, b);
}

static parseal_status run(const parseal_keys *keys, parseal_msg *msgs, size_t n, bool open)
{
    TRY(check_pointer("keys", keys));
    if (n == 0)
        return PARSEAL_OK;
    TRY(check_pointer("msgs", msgs));
    TRY(check_messages(keys, msgs, n));
    TRY(check_aliasing(msgs, n));
    for (size_t i = 0; i < n; i++)
        msgs[i].status = PARSEAL_ITEM_UNSET;
    return keys->ctx->backend->batch_run(keys->ctx->device, keys->data, msgs, n, open);
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
