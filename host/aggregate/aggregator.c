/* Aggregators: they add each client's update once, and remember which clients are counted. */
#include "host/aggregate/aggregator.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/api/buffers.h"
#include "host/api/masks.h"
#include "host/backend/call.h"
#include "host/support/float_state.h"
#include "host/support/sizes.h"

/* ---------------------------------------------------------------------------------- creation -- */

static parseal_quant quant_of(const parseal_aggregator_options *o)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.bits = o->quant_bits;
    quant.clip = o->quant_clip;
    quant.element_size = o->ring.element_size;
    return quant;
}

/* Returns true for +0 and -0. It looks at the bits, since a comparison with a NaN may trap. */
static bool is_zero(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits << 1 == 0;
}

static parseal_status check_quantisation(const parseal_aggregator_options *o)
{
    if (o->quant_bits == 0 && is_zero(o->quant_clip))
        return PARSEAL_OK;
    const parseal_quant quant = quant_of(o);
    parseal_quant checked = PARSEAL_QUANT_INIT;
    float scale;
    const float_state before = float_state_set();
    const parseal_status status = check_quant(&quant, &checked, &scale);
    float_state_restore(&before);
    return status;
}

parseal_status aggregator_options(const parseal_aggregator_options *from,
                                  parseal_aggregator_options *o, uint64_t *update_size)
{
    *o = (parseal_aggregator_options)PARSEAL_AGGREGATOR_OPTIONS_INIT;
    TRY(check_pointer("options", from));
    TRY(copy_struct_in("options", o, from, sizeof *o, PARSEAL_AGGREGATOR_OPTIONS_SIZE_0));
    TRY(check_reserved("options.reserved", o->reserved));
    TRY(check_ring(&o->ring));
    if (o->dim == 0)
        return parseal_fail(PARSEAL_ERR_ARG, "options.dim: 0");
    if (o->dim > UINT64_MAX / 2 / o->ring.element_size)
        return parseal_fail(PARSEAL_ERR_SIZE, "options.dim: %" PRIu64 " elements pass 2^63 bytes",
                            o->dim);
    if (o->bits > 8 * o->ring.element_size)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "options.bits: %" PRIu32 ", at most %" PRIu32
                            " expected for elements of %" PRIu32 " bytes",
                            o->bits, 8 * o->ring.element_size, o->ring.element_size);
    TRY(check_quantisation(o));
    if (o->bits == 0)
        o->bits = 8 * o->ring.element_size;
    if (o->quant_bits > o->bits)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "options.quant_bits: %" PRIu32 ", but updates have elements of %" PRIu32
                            " bits",
                            o->quant_bits, o->bits);
    TRY(parseal_packed_size(o->dim, o->bits, update_size));
    if (*update_size > PARSEAL_MESSAGEBYTES_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "options.dim: an update of %" PRIu64 " bytes is above 2^36 - 32",
                            *update_size);
    return PARSEAL_OK;
}

parseal_status parseal_aggregator_create(parseal_aggregator **aggregator, parseal_ctx *ctx,
                                         const parseal_aggregator_options *options)
{
    parseal_aggregator_options o;
    uint64_t update_size;
    TRY(check_pointer("aggregator", aggregator));
    TRY(check_pointer("ctx", ctx));
    TRY(aggregator_options(options, &o, &update_size));
    parseal_aggregator *a = calloc(1, sizeof *a);
    if (a == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "aggregator: out of memory");
    a->shape = o;
    a->update_size = update_size;
    a->acc.n = o.dim;
    const parseal_status status =
        CALL(ctx, memory->create, o.dim * o.ring.element_size, &a->acc.buf);
    if (status != PARSEAL_OK) {
        free(a);
        return status;
    }
    a->ctx = parseal_ctx_retain(ctx);
    *aggregator = a;
    return PARSEAL_OK;
}

void parseal_aggregator_destroy(parseal_aggregator *a)
{
    if (a == NULL)
        return;
    LET_GO(a->ctx, memory->destroy, &a->acc.buf);
    parseal_ctx_destroy(a->ctx);
    client_set_free(&a->clients);
    free(a);
}

parseal_status check_aggregator(const parseal_aggregator *a)
{
    TRY(check_pointer("aggregator", a));
    if (a->lost)
        return parseal_fail(PARSEAL_ERR_DEVICE,
                            "aggregator: an earlier call failed in the middle, its sum is lost");
    return PARSEAL_OK;
}

static parseal_status add_sealed(parseal_aggregator *a, const parseal_keys *keys, parseal_msg *msgs,
                                 size_t n)
{
    const parseal_sink sink = {&a->shape.ring, a->shape.bits, &a->acc, false};
    bool changed = false;
    const parseal_status status =
        CALL(a->ctx, aead->accumulate, keys->data, msgs, n, &sink, &changed);
    a->lost = a->lost || (changed && status != PARSEAL_OK);
    return status;
}

parseal_status aggregator_add_packed(parseal_aggregator *a, const parseal_buf *packed, size_t n,
                                     uint32_t bits)
{
    const parseal_status status =
        CALL(a->ctx, vector->packed_sum, bits, &a->shape.ring, &a->acc, packed, n, NULL);
    a->lost = a->lost || (status != PARSEAL_OK && !a->ctx->backend->fails_whole);
    return status;
}

/* Adds updates that are not sealed, which are packed vectors. */
static parseal_status add_plain(parseal_aggregator *a, parseal_msg *msgs, size_t n)
{
    parseal_buf *packed = calloc(n, sizeof *packed);
    if (packed == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu updates", n);
    for (size_t i = 0; i < n; i++)
        packed[i] = parseal_host_buf(msgs[i].in, msgs[i].len);
    const parseal_status status = aggregator_add_packed(a, packed, n, a->shape.bits);
    for (size_t i = 0; status == PARSEAL_OK && i < n; i++)
        msgs[i].status = PARSEAL_ITEM_OK;
    free(packed);
    return status;
}

/* ----------------------------------------------------------------------------------- updates -- */

static parseal_status check_update(const parseal_keys *keys, const parseal_update *u, size_t i)
{
    if (u->in == NULL && u->len > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "updates[%zu].in: NULL, but len is %zu", i, u->len);
    if (u->weight != 0)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "updates[%zu].weight: %" PRIu64 ", 0 expected: this release takes no "
                            "weighted updates",
                            i, u->weight);
    if (keys == NULL)
        return PARSEAL_OK;
    if (u->aad == NULL && u->aad_len > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "updates[%zu].aad: NULL, but aad_len is %zu", i,
                            u->aad_len);
    /* A size_t of 32 bits could not be above the limit, and the compiler would say so. */
    const uint64_t aad_len = u->aad_len;
    if (aad_len > PARSEAL_AADBYTES_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "updates[%zu].aad_len: %zu is above 2^61 - 1", i,
                            u->aad_len);
    if (u->key >= keys->n)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "updates[%zu].key: %" PRIu32 ", but the set has %zu keys", i, u->key,
                            keys->n);
    if (!nonce_fits(keys->alg, u->nonce))
        return parseal_fail(PARSEAL_ERR_ARG,
                            "updates[%zu].nonce: %s takes %" PRIu32 " bytes, zeros expected behind",
                            i, keys->alg->name, keys->alg->nonce_size);
    return PARSEAL_OK;
}

/* An update that may be counted. */
typedef struct {
    uint64_t client;
    size_t at; /* index among the updates */
} candidate;

static int compare_candidates(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->client != y->client)
        return x->client < y->client ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* A wave has one update of each client: waves go on until each client has been counted or has no
 * more updates. */
typedef struct {
    candidate *candidates; /* sorted by client, and each client's in the caller's order */
    size_t n_candidates;
    size_t *next; /* n indices of candidates: the wave */
    parseal_msg *msgs;
    size_t n; /* messages in the wave */
} waves;

static void waves_close(waves *w)
{
    free(w->candidates);
    free(w->next);
    free(w->msgs);
}

static parseal_status waves_open(waves *w, size_t n)
{
    *w = (waves){.candidates = calloc(n, sizeof *w->candidates),
                 .next = calloc(n, sizeof *w->next),
                 .msgs = calloc(n, sizeof *w->msgs)};
    if (w->candidates != NULL && w->next != NULL && w->msgs != NULL)
        return PARSEAL_OK;
    waves_close(w);
    return parseal_fail(PARSEAL_ERR_NO_MEMORY, "updates: out of memory for %zu", n);
}

static parseal_msg message_of(const parseal_update *u, bool sealed)
{
    parseal_msg m = {.in = u->in, .len = u->len, .status = PARSEAL_ITEM_UNSET};
    if (sealed) {
        m.aad = u->aad;
        m.aad_len = u->aad_len;
        m.key = u->key;
        memcpy(m.nonce, u->nonce, sizeof m.nonce);
        memcpy(m.tag, u->tag, sizeof m.tag);
    }
    return m;
}

/* Gives a status to updates that cannot be counted, and makes a wave of each client's first one
 * among the rest. */
static void first_wave(waves *w, const parseal_aggregator *a, parseal_update *updates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        parseal_update *u = &updates[i];
        if (u->len != a->update_size)
            u->status = PARSEAL_ITEM_BAD_LENGTH;
        else if (client_set_has(&a->clients, u->client))
            u->status = PARSEAL_ITEM_COUNTED;
        else
            w->candidates[w->n_candidates++] = (candidate){u->client, i};
    }
    qsort(w->candidates, w->n_candidates, sizeof *w->candidates, compare_candidates);
    for (size_t k = 0; k < w->n_candidates; k++)
        if (k == 0 || w->candidates[k].client != w->candidates[k - 1].client)
            w->next[w->n++] = k;
}

static bool is_of_same_client(const waves *w, size_t k)
{
    return k + 1 < w->n_candidates && w->candidates[k + 1].client == w->candidates[k].client;
}

/* Gives COUNTED to all further updates of clients that have now been counted, and makes a wave of
 * the other clients' next ones. */
static void next_wave(waves *w, parseal_update *updates)
{
    const size_t n = w->n;
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = w->next[i];
        const bool counted = updates[w->candidates[k].at].status == PARSEAL_ITEM_OK;
        for (; counted && is_of_same_client(w, k); k++)
            updates[w->candidates[k + 1].at].status = PARSEAL_ITEM_COUNTED;
        if (!counted && is_of_same_client(w, k))
            w->next[w->n++] = k + 1;
    }
}

static parseal_status add_wave(parseal_aggregator *a, const parseal_keys *keys, waves *w,
                               parseal_update *updates)
{
    for (size_t i = 0; i < w->n; i++)
        w->msgs[i] = message_of(&updates[w->candidates[w->next[i]].at], keys != NULL);
    TRY(keys != NULL ? add_sealed(a, keys, w->msgs, w->n) : add_plain(a, w->msgs, w->n));
    for (size_t i = 0; i < w->n; i++) {
        parseal_update *u = &updates[w->candidates[w->next[i]].at];
        u->status = w->msgs[i].status;
        if (u->status == PARSEAL_ITEM_OK)
            (void)client_set_add(&a->clients, u->client);
    }
    return PARSEAL_OK;
}

static parseal_status add_waves(parseal_aggregator *a, const parseal_keys *keys,
                                parseal_update *updates, size_t n)
{
    waves w;
    parseal_status status = PARSEAL_OK;
    if (!client_set_reserve(&a->clients, n))
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "updates: out of memory for %zu clients", n);
    TRY(waves_open(&w, n));
    first_wave(&w, a, updates, n);
    while (status == PARSEAL_OK && w.n > 0) {
        status = add_wave(a, keys, &w, updates);
        if (status == PARSEAL_OK)
            next_wave(&w, updates);
    }
    waves_close(&w);
    return status;
}

static parseal_status report(const parseal_update *updates, size_t n, size_t *n_added)
{
    size_t added = 0, first = n;
    for (size_t i = 0; i < n; i++) {
        added += updates[i].status == PARSEAL_ITEM_OK;
        if (updates[i].status != PARSEAL_ITEM_OK && first == n)
            first = i;
    }
    if (n_added != NULL)
        *n_added = added;
    if (added == n)
        return PARSEAL_OK;
    const int32_t status = updates[first].status;
    return parseal_fail(PARSEAL_ERR_AUTH, "%zu of %zu updates were not added; updates[%zu] %s",
                        n - added, n, first,
                        status == PARSEAL_ITEM_COUNTED ? "is of a client that was counted before"
                        : status == PARSEAL_ITEM_BAD_LENGTH ? "has another length"
                                                            : "is not authentic");
}

static parseal_status add(parseal_aggregator *a, const parseal_keys *keys, parseal_update *updates,
                          size_t n, size_t *n_added)
{
    if (n > 0)
        TRY(check_pointer("updates", updates));
    if (n > SIZE_MAX / 2 / sizeof *updates)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu updates pass the end of memory", n);
    for (size_t i = 0; i < n; i++)
        TRY(check_update(keys, &updates[i], i));
    for (size_t i = 0; i < n; i++)
        updates[i].status = PARSEAL_ITEM_UNSET;
    if (n > 0)
        TRY(add_waves(a, keys, updates, n));
    return report(updates, n, n_added);
}

parseal_status parseal_aggregator_add_sealed(parseal_aggregator *a, const parseal_keys *keys,
                                             parseal_update *updates, size_t n, size_t *n_added)
{
    TRY(check_aggregator(a));
    TRY(check_pointer("keys", keys));
    TRY(check_same_ctx("keys", keys->ctx, "the aggregator", a->ctx));
    return add(a, keys, updates, n, n_added);
}

parseal_status parseal_aggregator_add_plain(parseal_aggregator *a, parseal_update *updates,
                                            size_t n, size_t *n_added)
{
    TRY(check_aggregator(a));
    return add(a, NULL, updates, n, n_added);
}

parseal_status parseal_aggregator_unmask(parseal_aggregator *a, const parseal_seeds *seeds)
{
    TRY(check_aggregator(a));
    TRY(check_pointer("seeds", seeds));
    TRY(check_same_ctx("seeds", seeds->ctx, "the aggregator", a->ctx));
    if (seeds->counts)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "seeds: of a set that counts, which an aggregator does not take");
    TRY(masks_check(seeds, &a->shape.ring, &a->acc, "aggregator", 0, NULL));
    const parseal_status status = masks_run(seeds, &a->shape.ring, &a->acc, 0, false, NULL);
    a->lost = status != PARSEAL_OK && status != PARSEAL_ERR_NO_MEMORY;
    return status;
}

/* ----------------------------------------------------------------------------------- results -- */

parseal_status parseal_aggregator_update_size(const parseal_aggregator *a, uint64_t *size)
{
    TRY(check_pointer("aggregator", a));
    TRY(check_pointer("size", size));
    *size = a->update_size;
    return PARSEAL_OK;
}

parseal_status parseal_aggregator_count(const parseal_aggregator *a, uint64_t *count)
{
    TRY(check_aggregator(a));
    TRY(check_pointer("count", count));
    *count = a->clients.n;
    return PARSEAL_OK;
}

parseal_status parseal_aggregator_has(const parseal_aggregator *a, uint64_t client, int32_t *has)
{
    TRY(check_aggregator(a));
    TRY(check_pointer("has", has));
    *has = client_set_has(&a->clients, client);
    return PARSEAL_OK;
}

static parseal_status check_output(const parseal_aggregator *a, const char *name,
                                   const parseal_vec *out, uint32_t element_size)
{
    TRY(check_vec(a->ctx, name, out, element_size));
    if (out->n != a->acc.n)
        return parseal_fail(PARSEAL_ERR_SIZE, "%s.n: %" PRIu64 ", but dim is %" PRIu64, name,
                            out->n, a->acc.n);
    return PARSEAL_OK;
}

/* Copies the sum on the device, where there is no copy: writes zeros and adds the sum to them. */
static parseal_status copy_on_device(const parseal_aggregator *a, const parseal_vec *sum)
{
    const parseal_ctx *ctx = a->ctx;
    const parseal_seed none = {.sign = 1};
    backend_seeds *seeds = NULL;
    TRY(CALL(ctx, mask->seeds_create, &seeds, &none, 0));
    parseal_status status = CALL(ctx, mask->apply, seeds, &a->shape.ring, sum, 0, true, NULL);
    LET_GO(ctx, mask->seeds_destroy, seeds);
    if (status == PARSEAL_OK)
        status = CALL(ctx, vector->sum, &a->shape.ring, sum, &a->acc, 1, NULL);
    return status;
}

parseal_status parseal_aggregator_sum(const parseal_aggregator *a, const parseal_vec *sum)
{
    TRY(check_aggregator(a));
    TRY(check_output(a, "sum", sum, a->shape.ring.element_size));
    if (!buf_on_host(&sum->buf))
        return copy_on_device(a, sum);
    return CALL(a->ctx, memory->read, &a->acc.buf,
                (void *)(sum->buf.handle + (uintptr_t)sum->buf.offset));
}

parseal_status parseal_aggregator_mean(const parseal_aggregator *a, const parseal_vec *mean,
                                       const parseal_mean_options *options)
{
    TRY(check_aggregator(a));
    if (a->shape.quant_bits == 0)
        return parseal_fail(PARSEAL_ERR_ARG, "aggregator: made without quant_bits and quant_clip");
    if (a->clients.n == 0)
        return parseal_fail(PARSEAL_ERR_ARG, "aggregator: nobody was counted, there is no mean");
    TRY(check_output(a, "mean", mean, sizeof(float)));
    TRY(check_mean_options(options));
    TRY(parseal_quant_check(a->clients.n, a->shape.quant_bits, &a->shape.ring, NULL));
    const parseal_quant quant = quant_of(&a->shape);
    return parseal_dequantize(a->ctx, &quant, &a->acc, a->clients.n, mean, options, NULL);
}
