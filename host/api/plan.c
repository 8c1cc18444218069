/* Device-level AEAD: a plan is the checked shape of a batch; a run checks buffers against it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/api/buffers.h"
#include "host/api/counting.h"
#include "host/backend/call.h"
#include "host/support/ranges.h"
#include "host/support/sizes.h"

struct parseal_plan {
    parseal_keys *keys;
    parseal_aead_shape shape; /* its arrays are the plan's own, and none but nonce is NULL */
    uint64_t in_end, out_end, aad_end; /* bytes that a run's buffers must have */
    bool in_place;                     /* in and out have equal offsets, and may be one buffer */
    backend_plan *data;
};

/* ------------------------------------------------------------------------------------- shape -- */

static parseal_status check_extent(const char *name, size_t i, uint64_t offset, uint64_t len,
                                   uint64_t *end)
{
    if (offset > UINT64_MAX - len)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "shape.%s_offset[%zu]: %" PRIu64 " + %" PRIu64 " bytes overflow", name,
                            i, offset, len);
    if (len > 0 && offset + len > *end)
        *end = offset + len;
    return PARSEAL_OK;
}

static parseal_status check_shape(parseal_plan *plan)
{
    const parseal_aead_shape *s = &plan->shape;
    plan->in_place = true;
    for (size_t i = 0; i < s->n; i++) {
        if (s->len[i] > PARSEAL_MESSAGEBYTES_MAX)
            return parseal_fail(PARSEAL_ERR_SIZE,
                                "shape.len[%zu]: %" PRIu64
                                " is above 2^36 - 32 (SP 800-38D section 5.2.1.1)",
                                i, s->len[i]);
        if (s->aad_len[i] > PARSEAL_AADBYTES_MAX)
            return parseal_fail(PARSEAL_ERR_SIZE,
                                "shape.aad_len[%zu]: %" PRIu64 " is above 2^61 - 1", i,
                                s->aad_len[i]);
        if (s->key[i] >= plan->keys->n)
            return parseal_fail(PARSEAL_ERR_SIZE,
                                "shape.key[%zu]: %" PRIu32 ", but the set has %zu keys", i,
                                s->key[i], plan->keys->n);
        TRY(check_extent("in", i, s->in_offset[i], s->len[i], &plan->in_end));
        TRY(check_extent("out", i, s->out_offset[i], s->len[i], &plan->out_end));
        TRY(check_extent("aad", i, s->aad_offset[i], s->aad_len[i], &plan->aad_end));
        plan->in_place = plan->in_place && s->in_offset[i] == s->out_offset[i];
    }
    return PARSEAL_OK;
}

static parseal_status check_outputs_apart(const parseal_aead_shape *s)
{
    range *ranges = malloc((s->n + 1) * sizeof *ranges);
    if (ranges == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "shape: out of memory for %zu messages", s->n);
    range_set written = {ranges, 0, true}, read = {NULL, 0, true};
    for (size_t i = 0; i < s->n; i++)
        ranges_add(&written, s->out_offset[i], s->len[i], i);
    size_t a, b;
    const bool conflict = ranges_conflict(&written, &read, &a, &b);
    free(ranges);
    if (!conflict)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ALIAS, "shape: the outputs of messages %zu and %zu overlap", a,
                        b);
}

/* Copies the caller's arrays into one block that begins at shape->len. An array that is not given
 * becomes zeros. */
static parseal_status copy_shape(parseal_aead_shape *shape)
{
    const size_t n = shape->n;
    const uint64_t *const given[5] = {shape->len, shape->in_offset,
                                      shape->out_offset != NULL ? shape->out_offset
                                                                : shape->in_offset,
                                      shape->aad_len, shape->aad_offset};
    const size_t each = 5 * sizeof(uint64_t) + sizeof(uint32_t);

    if (n > SIZE_MAX / 2 / each)
        return parseal_fail(PARSEAL_ERR_SIZE, "shape.n: %zu messages", n);
    uint64_t *block = calloc(n + 1, each);
    if (block == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "shape: out of memory for %zu messages", n);
    uint32_t *key = (uint32_t *)(block + 5 * n);
    for (size_t a = 0; a < 5 && n > 0; a++)
        if (given[a] != NULL)
            memcpy(block + a * n, given[a], n * sizeof *block);
    if (shape->key != NULL && n > 0)
        memcpy(key, shape->key, n * sizeof *key);
    shape->len = block;
    shape->in_offset = block + n;
    shape->out_offset = block + 2 * n;
    shape->aad_len = block + 3 * n;
    shape->aad_offset = block + 4 * n;
    shape->key = key;
    return PARSEAL_OK;
}

static void free_plan(parseal_plan *plan)
{
    free((void *)(uintptr_t)plan->shape.len);
    free(plan);
}

static parseal_status fill_plan(parseal_plan *plan)
{
    const parseal_ctx *ctx = plan->keys->ctx;
    TRY(check_shape(plan));
    TRY(check_outputs_apart(&plan->shape));
    TRY(check_nonces(&plan->shape, plan->keys));
    return CALL(ctx, plan->create, &plan->data, plan->keys->data, &plan->shape);
}

parseal_status parseal_plan_create(parseal_plan **plan, const parseal_keys *keys,
                                   const parseal_aead_shape *shape)
{
    parseal_aead_shape copy = PARSEAL_AEAD_SHAPE_INIT;
    TRY(check_pointer("plan", plan));
    TRY(check_pointer("keys", keys));
    TRY(copy_struct_in("shape", &copy, shape, sizeof copy, PARSEAL_AEAD_SHAPE_SIZE_0));
    if (copy.n > 0) {
        TRY(check_pointer("shape.len", copy.len));
        TRY(check_pointer("shape.in_offset", copy.in_offset));
    }
    if ((copy.aad_len != NULL) != (copy.aad_offset != NULL))
        return parseal_fail(PARSEAL_ERR_ARG, "shape.%s: NULL, but shape.%s is given",
                            copy.aad_len != NULL ? "aad_offset" : "aad_len",
                            copy.aad_len != NULL ? "aad_len" : "aad_offset");

    parseal_plan *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "plan: out of memory");
    parseal_status status = copy_shape(&copy);
    if (status != PARSEAL_OK) {
        free(made);
        return status;
    }
    made->shape = copy;
    /* The set is const to the caller; of it only the count of references changes. */
    made->keys = (parseal_keys *)(uintptr_t)keys;
    status = fill_plan(made);
    made->shape.nonce = NULL;
    if (status != PARSEAL_OK) {
        free_plan(made);
        return status;
    }
    (void)parseal_keys_retain(made->keys);
    *plan = made;
    return PARSEAL_OK;
}

void parseal_plan_destroy(parseal_plan *plan)
{
    if (plan == NULL)
        return;
    LET_GO(plan->keys->ctx, plan->destroy, plan->data);
    parseal_keys_destroy(plan->keys);
    free_plan(plan);
}

uint64_t parseal_plan_workspace_size(const parseal_plan *plan)
{
    return plan != NULL ? plan->keys->ctx->backend->plan->workspace_size(plan->data) : 0;
}

/* --------------------------------------------------------------------------------------- run -- */

typedef struct {
    const char *name;
    const parseal_buf *buf;
    uint64_t need, alignment;
    bool written;
} io_buf;

enum { IN, OUT, AAD, NONCE, TAG, VERDICT, WORKSPACE, IO_BUFS };

static parseal_status check_io_buf(const parseal_ctx *ctx, const io_buf *b)
{
    TRY(check_buf(ctx, b->name, b->buf, b->alignment));
    if (b->buf->size < b->need)
        return parseal_fail(PARSEAL_ERR_SIZE, "%s.size: %" PRIu64 ", at least %" PRIu64 " needed",
                            b->name, b->buf->size, b->need);
    return PARSEAL_OK;
}

/* Refuses a written buffer that overlaps any other. Only `in` and `out` may be the same bytes,
 * where the plan is in place. */
static parseal_status check_io_aliasing(const parseal_plan *plan, const io_buf bufs[IO_BUFS])
{
    for (int a = 0; a < IO_BUFS; a++)
        for (int b = a + 1; b < IO_BUFS; b++) {
            if (!bufs[a].written && !bufs[b].written)
                continue;
            if (a == IN && b == OUT && plan->in_place && buf_same(bufs[a].buf, bufs[b].buf))
                continue;
            TRY(check_no_overlap(bufs[a].name, bufs[a].buf, bufs[b].name, bufs[b].buf));
        }
    return PARSEAL_OK;
}

static parseal_status run(const parseal_plan *plan, const parseal_aead_io *io, bool open,
                          void *stream)
{
    parseal_aead_io c = PARSEAL_AEAD_IO_INIT;
    TRY(check_pointer("plan", plan));
    TRY(copy_struct_in("io", &c, io, sizeof c, PARSEAL_AEAD_IO_SIZE_0));
    const parseal_ctx *ctx = plan->keys->ctx;
    const uint64_t n = plan->shape.n;
    const bool counts = plan->shape.nonce_step != 0 && !open;
    const io_buf bufs[IO_BUFS] = {
        [IN] = {"io.in", &c.in, plan->in_end, 1, false},
        [OUT] = {"io.out", &c.out, plan->out_end, 1, true},
        [AAD] = {"io.aad", &c.aad, plan->aad_end, 1, false},
        [NONCE] = {"io.nonce", &c.nonce, n * plan->keys->alg->nonce_size, 1, counts},
        [TAG] = {"io.tag", &c.tag, n * plan->keys->alg->tag_size, 1, !open},
        [VERDICT] = {"io.verdict", &c.verdict, n * sizeof(int32_t), sizeof(int32_t), true},
        [WORKSPACE] = {"io.workspace", &c.workspace, parseal_plan_workspace_size(plan), 16, true},
    };
    TRY(check_stream(ctx, stream));
    for (int i = 0; i < IO_BUFS; i++)
        TRY(check_io_buf(ctx, &bufs[i]));
    TRY(check_io_aliasing(plan, bufs));
    if (c.verdict.kind == PARSEAL_BUF_HOST && n > 0)
        memset((uint8_t *)(uintptr_t)c.verdict.handle + (size_t)c.verdict.offset, 0,
               (size_t)n * sizeof(int32_t));
    return CALL(ctx, plan->run, plan->data, &c, open, stream);
}

parseal_status parseal_plan_seal(const parseal_plan *plan, const parseal_aead_io *io, void *stream)
{
    return run(plan, io, false, stream);
}

parseal_status parseal_plan_open(const parseal_plan *plan, const parseal_aead_io *io, void *stream)
{
    return run(plan, io, true, stream);
}
