/* Aggregators: who is counted, and what is added. */
#include "host/aggregator.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/check.h"

/* ----------------------------------------------------------------------------------- creation --
 */

static parseal_quant quant_of(const parseal_aggregator_options *o)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.bits = o->quant_bits;
    quant.clip = o->quant_clip;
    quant.element_size = o->ring.element_size;
    return quant;
}

static parseal_status check_quantisation(const parseal_aggregator_options *o)
{
    if (o->quant_bits == 0 && o->quant_clip == 0)
        return PARSEAL_OK;
    const parseal_quant quant = quant_of(o);
    parseal_quant checked = PARSEAL_QUANT_INIT;
    float scale;
    return check_quant(&quant, &checked, &scale);
}

parseal_status aggregator_options(const parseal_aggregator_options *from,
                                  parseal_aggregator_options *o, uint64_t *update_size)
{
    *o = (parseal_aggregator_options)PARSEAL_AGGREGATOR_OPTIONS_INIT;
    TRY(check_pointer("options", from));
    TRY(copy_struct_in("options", o, from, sizeof *o, sizeof *o));
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
        ctx->backend->memory_create(ctx->device, o.dim * o.ring.element_size, &a->acc.buf);
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
    a->ctx->backend->memory_destroy(a->ctx->device, &a->acc.buf);
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

/* The status of something that changes the sum. */
static parseal_status changed(parseal_aggregator *a, parseal_status status)
{
    a->lost = a->lost || status != PARSEAL_OK;
    return status;
}

/* ------------------------------------------------------------------------------------ updates --
 */

static parseal_status check_update(const parseal_keys *keys, const parseal_update *u, size_t i)
{
    if (u->in == NULL && u->len > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "updates[%zu].in: NULL, but len is %zu", i, u->len);
    if (keys == NULL)
        return PARSEAL_OK;
    if (u->aad == NULL && u->aad_len > 0)
        return parseal_fail(PARSEAL_ERR_ARG, "updates[%zu].aad: NULL, but aad_len is %zu", i,
                            u->aad_len);
    if (u->aad_len > PARSEAL_AADBYTES_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "updates[%zu].aad_len: %zu is above 2^61 - 1", i,
                            u->aad_len);
    if (u->key >= keys->n)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "updates[%zu].key: %" PRIu32 ", but the set has %zu keys", i, u->key,
                            keys->n);
    return PARSEAL_OK;
}

/* Updates that are looked at together: of each client one at most. */
typedef struct {
    parseal_msg *msgs;
    size_t *index; /* into the updates */
    size_t n;
    client_set seen;
} wave;

static void wave_free(wave *w)
{
    free(w->msgs);
    free(w->index);
    client_set_free(&w->seen);
}

static parseal_status wave_open(wave *w, size_t n)
{
    *w = (wave){.msgs = calloc(n, sizeof *w->msgs), .index = calloc(n, sizeof *w->index)};
    if (w->msgs != NULL && w->index != NULL && client_set_reserve(&w->seen, n))
        return PARSEAL_OK;
    wave_free(w);
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

/* Takes the first of each client that is UNSET and not counted, and gives verdicts on what needs no
 * look. */
static void wave_fill(wave *w, const parseal_aggregator *a, parseal_update *updates, size_t n,
                      bool sealed)
{
    client_set_clear(&w->seen);
    w->n = 0;
    for (size_t i = 0; i < n; i++) {
        parseal_update *u = &updates[i];
        if (u->status != PARSEAL_ITEM_UNSET)
            continue;
        if (u->len != a->update_size) {
            u->status = PARSEAL_ITEM_BAD_LENGTH;
        } else if (client_set_has(&a->clients, u->client)) {
            u->status = PARSEAL_ITEM_COUNTED;
        } else if (client_set_add(&w->seen, u->client)) {
            w->msgs[w->n] = message_of(u, sealed);
            w->index[w->n++] = i;
        }
    }
}

static parseal_status add_wave(parseal_aggregator *a, const parseal_keys *keys, wave *w,
                               parseal_update *updates)
{
    const parseal_ctx *ctx = a->ctx;
    TRY(changed(a, ctx->backend->accumulate(ctx->device, keys != NULL ? keys->data : NULL, w->msgs,
                                            w->n, &a->shape.ring, a->shape.bits, &a->acc)));
    for (size_t i = 0; i < w->n; i++) {
        parseal_update *u = &updates[w->index[i]];
        u->status = w->msgs[i].status;
        if (u->status == PARSEAL_ITEM_OK)
            (void)client_set_add(&a->clients, u->client);
    }
    return PARSEAL_OK;
}

static parseal_status add_waves(parseal_aggregator *a, const parseal_keys *keys,
                                parseal_update *updates, size_t n)
{
    wave w;
    parseal_status status = PARSEAL_OK;
    if (!client_set_reserve(&a->clients, n))
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "updates: out of memory for %zu clients", n);
    TRY(wave_open(&w, n));
    wave_fill(&w, a, updates, n, keys != NULL);
    while (status == PARSEAL_OK && w.n > 0) {
        status = add_wave(a, keys, &w, updates);
        wave_fill(&w, a, updates, n, keys != NULL);
    }
    wave_free(&w);
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
    if (keys->ctx != a->ctx)
        return parseal_fail(PARSEAL_ERR_ARG, "keys: made from another context than the aggregator");
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
    if (seeds->ctx != a->ctx)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "seeds: made from another context than the aggregator");
    TRY(check_keystream(0, a->acc.n, a->shape.ring.element_size));
    return changed(a, a->ctx->backend->mask(a->ctx->device, seeds->data, &a->shape.ring, &a->acc, 0,
                                            false, NULL));
}

/* ------------------------------------------------------------------------------------ results --
 */

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

/* On the device: zeros, to which the sum is added. */
static parseal_status copy_on_device(const parseal_aggregator *a, const parseal_vec *sum)
{
    const parseal_ctx *ctx = a->ctx;
    const parseal_seed none = {.sign = 1};
    void *seeds;
    TRY(ctx->backend->seeds_create(&seeds, ctx->device, &none, 0));
    parseal_status status =
        ctx->backend->mask(ctx->device, seeds, &a->shape.ring, sum, 0, true, NULL);
    ctx->backend->seeds_destroy(seeds);
    if (status == PARSEAL_OK)
        status = ctx->backend->vec_sum(ctx->device, &a->shape.ring, sum, &a->acc, 1, NULL);
    return status;
}

parseal_status parseal_aggregator_sum(const parseal_aggregator *a, const parseal_vec *sum)
{
    TRY(check_aggregator(a));
    TRY(check_output(a, "sum", sum, a->shape.ring.element_size));
    if (!buf_on_host(&sum->buf))
        return copy_on_device(a, sum);
    return a->ctx->backend->memory_read(a->ctx->device, &a->acc.buf,
                                        (void *)(sum->buf.handle + (uintptr_t)sum->buf.offset));
}

parseal_status parseal_aggregator_mean(const parseal_aggregator *a, const parseal_vec *mean)
{
    TRY(check_aggregator(a));
    if (a->shape.quant_bits == 0)
        return parseal_fail(PARSEAL_ERR_ARG, "aggregator: made without quant_bits and quant_clip");
    if (a->clients.n == 0)
        return parseal_fail(PARSEAL_ERR_ARG, "aggregator: nobody was counted, there is no mean");
    TRY(check_output(a, "mean", mean, sizeof(float)));
    TRY(parseal_quant_check(a->clients.n, a->shape.quant_bits, &a->shape.ring));
    const parseal_quant quant = quant_of(&a->shape);
    return parseal_dequantize(a->ctx, &quant, &a->acc, a->clients.n, mean, NULL);
}
