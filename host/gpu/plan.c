/* Plans: a batch's shape, uploaded once. Buffers on the device are used where they are; those in
 * host memory are copied whole, and the run is then finished on return. */
#include <stdlib.h>
#include <string.h>

#include "host/gpu/aead.h"
#include "host/gpu/count.h"
#include "host/gpu/uses.h"

typedef struct {
    const gpu_keys *keys;
    gpu_table table;
    uint64_t workspace;
    gpu_uses *uses;            /* of the plan, and so of its keys, which it keeps alive */
    bool counts, graph_writes; /* the shape's nonce_step and graph_writes */
    gpu_nonces nonces;
} gpu_plan;

static const gpu_plan *plan_of(const backend_plan *plan)
{
    return (const gpu_plan *)plan;
}

static aead_item item_of(const parseal_aead_shape *shape, size_t i)
{
    return (aead_item){.len = shape->len[i],
                       .in_offset = shape->in_offset[i],
                       .out_offset = shape->out_offset[i],
                       .aad_len = shape->aad_len[i],
                       .aad_offset = shape->aad_offset[i],
                       .blocks_after = 1,
                       .key = shape->key[i]};
}

static parseal_status fill_table(gpu_table *t, const gpu_device *d, const parseal_aead_shape *shape)
{
    const gpu_stream own = d->own;
    TRY(gpu_table_open(t, d, shape->n));
    for (size_t i = 0; i < shape->n; i++)
        t->host[i] = item_of(shape, i);
    const parseal_status status = gpu_table_upload(t, &own);
    const parseal_status done = gpu_finish(d, &own); /* The upload still reads t->host. */
    return status == PARSEAL_OK ? done : status;
}

static void free_plan(gpu_plan *p)
{
    gpu_uses_close(p->uses);
    gpu_nonces_close(&p->nonces, p->keys->device);
    gpu_table_close(&p->table);
    free(p);
}

static parseal_status plan_create(const parseal_device *device, backend_plan **plan,
                                  const backend_keys *keys, const parseal_aead_shape *shape)
{
    gpu_plan *p = calloc(1, sizeof *p);
    if (p == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "plan: out of memory");
    p->keys = gpu_keys_of(keys);
    p->counts = shape->nonce_step != 0;
    p->graph_writes = shape->graph_writes != 0;
    parseal_status status = gpu_uses_open(&p->uses, gpu_of(device));
    if (status == PARSEAL_OK)
        status = fill_table(&p->table, gpu_of(device), shape);
    if (status == PARSEAL_OK && p->counts && shape->n > 0)
        status = gpu_nonces_open(&p->nonces, p->keys, shape);
    if (status != PARSEAL_OK) {
        free_plan(p);
        return status;
    }
    p->workspace = p->counts ? gpu_nonces_work(&p->table) : gpu_work_size(&p->table);
    *plan = (backend_plan *)p;
    return PARSEAL_OK;
}

static void plan_destroy(const parseal_device *device, backend_plan *plan)
{
    (void)device;
    free_plan((gpu_plan *)plan);
}

static uint64_t plan_workspace_size(const backend_plan *plan)
{
    return plan_of(plan)->workspace;
}

/* --------------------------------------------------------------------------------------- run -- */

enum { IN, OUT, AAD, NONCE, TAG, VERDICT, WORKSPACE, BUFS };

typedef struct {
    const parseal_buf *buf;
    bool read, written;
    gpu_memory copy; /* the device's copy of host memory, or 0 */
} run_buf;

static bool on_host(const run_buf *b)
{
    return b->buf->kind == PARSEAL_BUF_HOST;
}

static bool on_device(const run_buf *b)
{
    return !on_host(b) && b->buf->kind != PARSEAL_BUF_NONE;
}

static bool same_bytes(const run_buf *a, const run_buf *b)
{
    return a->buf->kind == b->buf->kind && a->buf->handle == b->buf->handle &&
           a->buf->offset == b->buf->offset;
}

static uint8_t *host_bytes(const run_buf *b)
{
    return (uint8_t *)(b->buf->handle + (uintptr_t)b->buf->offset);
}

/* Returns the place that kernels use. `stand_in` is for a buffer that the batch has no bytes in. */
static gpu_place place_of(const run_buf *b, gpu_memory stand_in)
{
    if (b->copy != 0)
        return (gpu_place){b->copy, 0};
    return on_device(b) ? (gpu_place){b->buf->handle, b->buf->offset} : (gpu_place){stand_in, 0};
}

static parseal_status copy_in(const gpu_device *d, const gpu_stream *s, run_buf bufs[BUFS])
{
    for (int i = 0; i < BUFS; i++) {
        run_buf *b = &bufs[i];
        if (!on_host(b) || (i == OUT && same_bytes(b, &bufs[IN])))
            continue;
        TRY(gpu_alloc(d, (b->buf->size + 3) / 4 * 4, &b->copy));
        if (b->read)
            TRY(gpu_write(d, s, b->copy, 0, host_bytes(b), b->buf->size));
    }
    return PARSEAL_OK;
}

static parseal_status copy_out(const gpu_device *d, const gpu_stream *s, const run_buf bufs[BUFS])
{
    for (int i = 0; i < BUFS; i++) {
        const run_buf *b = &bufs[i];
        if (on_host(b) && b->written)
            TRY(gpu_read(d, s, b->copy != 0 ? b->copy : bufs[IN].copy, 0, host_bytes(b),
                         b->buf->size));
    }
    return PARSEAL_OK;
}

static parseal_status run_on(const gpu_plan *p, const gpu_stream *s, run_buf bufs[BUFS], bool open)
{
    const bool in_place = on_host(&bufs[OUT]) && same_bytes(&bufs[OUT], &bufs[IN]);
    const gpu_memory stand_in = p->table.items;
    const gpu_aead_io io = {.in = place_of(&bufs[IN], stand_in),
                            .out = place_of(&bufs[in_place ? IN : OUT], stand_in),
                            .aad = place_of(&bufs[AAD], stand_in),
                            .nonces = place_of(&bufs[NONCE], stand_in),
                            .tags = place_of(&bufs[TAG], stand_in),
                            .verdicts = place_of(&bufs[VERDICT], stand_in),
                            .work = place_of(&bufs[WORKSPACE], stand_in)};
    return p->counts && !open ? gpu_nonces_seal(&p->nonces, p->keys, &p->table, &io, s)
                              : gpu_aead_run(p->keys, &p->table, &io, s, open);
}

static void clear_verdicts(const gpu_plan *p, const run_buf *verdicts)
{
    if (on_host(verdicts))
        memset(host_bytes(verdicts), 0, p->table.n * sizeof(int32_t));
}

static parseal_status run_copied(const gpu_plan *p, const gpu_stream *s, run_buf bufs[BUFS],
                                 bool open)
{
    const gpu_device *d = p->table.device;
    clear_verdicts(p, &bufs[VERDICT]); /* A failure must leave no old verdict behind. */
    parseal_status status = copy_in(d, s, bufs);
    if (status == PARSEAL_OK)
        status = run_on(p, s, bufs, open);
    if (status == PARSEAL_OK)
        status = copy_out(d, s, bufs);
    const parseal_status done = gpu_finish(d, s);
    for (int i = 0; i < BUFS; i++)
        gpu_wipe_and_free(d, bufs[i].copy, (bufs[i].buf->size + 3) / 4 * 4);
    status = status == PARSEAL_OK ? done : status;
    if (status != PARSEAL_OK)
        clear_verdicts(p, &bufs[VERDICT]);
    return status;
}

static parseal_status plan_run(const parseal_device *device, const backend_plan *plan,
                               const parseal_aead_io *io, bool open, void *stream)
{
    const gpu_plan *p = plan_of(plan);
    /* `out` is read, too, so that bytes which the plan does not write are copied back unchanged. */
    run_buf bufs[BUFS] = {[IN] = {&io->in, true, false, 0},
                          [OUT] = {&io->out, true, true, 0},
                          [AAD] = {&io->aad, true, false, 0},
                          [NONCE] = {&io->nonce, true, p->counts && !open, 0},
                          [TAG] = {&io->tag, true, !open, 0},
                          [VERDICT] = {&io->verdict, true, true, 0},
                          [WORKSPACE] = {&io->workspace, false, false, 0}};
    gpu_stream s;
    bool copied = false, any_on_device = false;
    (void)device;
    if (p->table.n == 0)
        return PARSEAL_OK;
    TRY(gpu_stream_of(p->table.device, stream, &s));
    if (!open && !p->counts && !p->graph_writes)
        TRY(gpu_refuse_capture(p->table.device, stream,
                               "each replay would seal under the same nonces: let the plan count "
                               "them (shape.nonce_step), or the graph write them "
                               "(shape.graph_writes)"));
    for (int i = 0; i < BUFS; i++) {
        copied = copied || on_host(&bufs[i]);
        any_on_device = any_on_device || on_device(&bufs[i]);
    }
    if (any_on_device)
        TRY(gpu_after_default(p->table.device, stream, &s));
    if (copied)
        return run_copied(p, &s, bufs, open);
    const parseal_status status = run_on(p, &s, bufs, open);
    if (stream != NULL)
        return gpu_uses_note(p->uses, &s, status);
    return status == PARSEAL_OK ? gpu_finish(p->table.device, &s) : status;
}

const plan_family gpu_plan_family = {
    .create = plan_create,
    .destroy = plan_destroy,
    .workspace_size = plan_workspace_size,
    .run = plan_run,
};
