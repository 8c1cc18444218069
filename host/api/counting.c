#include "host/api/counting.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/api/buffers.h"
#include "host/support/counting.h"
#include "host/support/sizes.h"

static parseal_status check_has_graphs(const parseal_ctx *ctx, const char *name)
{
    if (ctx->backend->has_graphs)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                        "%s: the %s backend has no graphs to count for: give each call its own",
                        name, parseal_backend_name(ctx->backend->id));
}

/* ------------------------------------------------------------------------------------ nonces -- */

/* What a nonce has in common with those that it may meet, and then what tells it from them. */
typedef struct {
    uint32_t key;
    uint8_t prefix[PARSEAL_NONCEBYTES_MAX - COUNTING_BYTES];
    uint64_t rest; /* the number mod the step: it is the same in every run */
    size_t message;
} nonce_place;

static int by_key(const void *a, const void *b)
{
    const nonce_place *x = a, *y = b;
    return x->key < y->key ? -1 : x->key > y->key;
}

static int by_place(const void *a, const void *b)
{
    const nonce_place *x = a, *y = b;
    const int keys = by_key(a, b), prefixes = memcmp(x->prefix, y->prefix, sizeof x->prefix);
    if (keys != 0 || prefixes != 0)
        return keys != 0 ? keys : prefixes;
    return x->rest < y->rest ? -1 : x->rest > y->rest;
}

static parseal_status check_places(const parseal_aead_shape *shape, nonce_place *places)
{
    size_t of_key = 0;
    qsort(places, shape->n, sizeof *places, by_place);
    for (size_t i = 0; i < shape->n; i++) {
        of_key = i > 0 && by_key(&places[i - 1], &places[i]) == 0 ? of_key + 1 : 1;
        if (of_key > shape->nonce_step)
            return parseal_fail(PARSEAL_ERR_SIZE,
                                "shape.nonce_step: %" PRIu64
                                ", but more messages than that have key %" PRIu32
                                ": their nonces would meet",
                                shape->nonce_step, places[i].key);
    }
    for (size_t i = 1; i < shape->n; i++)
        if (by_place(&places[i - 1], &places[i]) == 0)
            return parseal_fail(
                PARSEAL_ERR_ARG,
                "shape.nonce: those of messages %zu and %zu, which have key %" PRIu32
                ", are the same or would meet in steps of %" PRIu64,
                places[i - 1].message, places[i].message, places[i].key, shape->nonce_step);
    return PARSEAL_OK;
}

static parseal_status find_places(const parseal_aead_shape *shape, uint32_t nonce_size,
                                  nonce_place *places)
{
    for (size_t i = 0; i < shape->n; i++) {
        const uint8_t *nonce = shape->nonce + i * nonce_size;
        const uint64_t number = counting_of_nonce(nonce, nonce_size);
        if (counting_runs(number, shape->nonce_step) < 2)
            return parseal_fail(PARSEAL_ERR_SIZE,
                                "shape.nonce: the last 8 bytes of that of message %zu, %" PRIu64
                                ", wrap when they grow by %" PRIu64,
                                i, number, shape->nonce_step);
        places[i] =
            (nonce_place){.key = shape->key[i], .rest = number % shape->nonce_step, .message = i};
        memcpy(places[i].prefix, nonce, nonce_size - COUNTING_BYTES);
    }
    return PARSEAL_OK;
}

parseal_status check_nonces(const parseal_aead_shape *shape, const parseal_keys *keys)
{
    TRY(check_reserved("shape.reserved", shape->reserved));
    if (shape->nonce_step == 0) {
        if (shape->nonce == NULL)
            return PARSEAL_OK;
        return parseal_fail(PARSEAL_ERR_ARG, "shape.nonce_step: 0, but shape.nonce is given");
    }
    if (shape->graph_writes != 0)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "shape.graph_writes: not 0, but shape.nonce_step is %" PRIu64,
                            shape->nonce_step);
    TRY(check_has_graphs(keys->ctx, "shape.nonce_step"));
    if (shape->n == 0)
        return PARSEAL_OK;
    TRY(check_pointer("shape.nonce", shape->nonce));
    nonce_place *places = calloc(shape->n, sizeof *places);
    if (places == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "shape: out of memory for %zu nonces", shape->n);
    parseal_status status = find_places(shape, keys->alg->nonce_size, places);
    if (status == PARSEAL_OK)
        status = check_places(shape, places);
    free(places);
    return status;
}

/* ------------------------------------------------------------------------------------- seeds -- */

static parseal_status check_number(const parseal_ctx *ctx, const parseal_counting *c)
{
    const parseal_buf *number = &c->number;
    TRY(check_buf(ctx, "counting.number", number, sizeof(uint64_t)));
    if (number->kind == PARSEAL_BUF_NONE) {
        if (c->graph_writes == 0)
            return PARSEAL_OK;
        return parseal_fail(PARSEAL_ERR_ARG,
                            "counting.number: NONE, but the graph is to write it (graph_writes)");
    }
    if (number->kind == PARSEAL_BUF_HOST)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                            "counting.number: in host memory, on the device expected");
    if (number->size != sizeof(uint64_t))
        return parseal_fail(PARSEAL_ERR_SIZE, "counting.number.size: %" PRIu64 ", 8 expected",
                            number->size);
    return PARSEAL_OK;
}

parseal_status check_counting(const parseal_ctx *ctx, const parseal_counting *from, uint64_t first,
                              seeds_counting *counting)
{
    parseal_counting c = PARSEAL_COUNTING_INIT;
    TRY(copy_struct_in("counting", &c, from, sizeof c, PARSEAL_COUNTING_SIZE_0));
    TRY(check_reserved("counting.reserved", c.reserved));
    if ((c.step == 0) != (c.graph_writes != 0))
        return parseal_fail(PARSEAL_ERR_ARG, "counting.step: %" PRIu64 ", %s expected %s", c.step,
                            c.step == 0 ? "1 or more" : "0",
                            c.step == 0 ? "unless the graph writes the number"
                                        : "where the graph writes the number");
    TRY(check_has_graphs(ctx, "counting"));
    TRY(check_number(ctx, &c));
    if (c.step != 0 && counting_runs(first, c.step) < 2)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "counting.step: the number %" PRIu64 " wraps when it grows by %" PRIu64,
                            first, c.step);
    *counting = (seeds_counting){.first = first,
                                 .step = c.step,
                                 .runs = c.step != 0 ? counting_runs(first, c.step) : 0,
                                 .number = c.number};
    return PARSEAL_OK;
}

parseal_status check_counted(const parseal_seeds *seeds, const char *name, const parseal_buf *buf)
{
    if (!seeds->counts || buf->kind == PARSEAL_BUF_NONE)
        return PARSEAL_OK;
    if (buf->kind == PARSEAL_BUF_HOST)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                            "%s: in host memory, but the seeds count, which they do on the device "
                            "alone",
                            name);
    return check_no_overlap(name, buf, "the number of the seeds", &seeds->number);
}
