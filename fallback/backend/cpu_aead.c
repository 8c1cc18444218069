/* AEAD on the CPU: key sets, batches on host memory, and plans. */
#include <stdlib.h>

#include "fallback/backend/cpu_aead.h"
#include "fallback/batch/aead.h"

/* -------------------------------------------------------------------------------------- keys -- */

/* Returns the implementation of an algorithm, or NULL where the CPU has none. */
static const aead_impl *impl_of(const cpu_chosen *chosen, int32_t alg)
{
    switch (alg) {
    case PARSEAL_AES128GCM:
    case PARSEAL_AES256GCM: /* Only the length of its keys differs. */
        return &chosen->gcm->aead;
    default:
        return NULL;
    }
}

static parseal_status keys_create(const parseal_device *device, backend_keys **keys,
                                  const parseal_algorithm *alg, const uint8_t *bytes, size_t n,
                                  bool own_pages)
{
    const aead_impl *impl = impl_of(&cpu_of(device)->chosen, alg->id);
    if (impl == NULL)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED, "alg: the CPU has no %s", alg->name);
    cpu_keys *k = malloc(sizeof *k);
    if (k == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: out of memory");
    k->impl = impl;
    k->nonce_size = alg->nonce_size;
    if (!arena_take(cpu_of(device)->secrets, n, impl->key_size, own_pages, &k->lease)) {
        free(k);
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: no guarded memory for %zu keys", n);
    }
    impl->keys_init(k->lease.bytes, bytes, alg->key_size, n);
    arena_filled(&k->lease);
    k->expanded = k->lease.bytes;
    *keys = (backend_keys *)k;
    return PARSEAL_OK;
}

static bool keys_locked(const backend_keys *keys)
{
    return cpu_keys_of(keys)->lease.locked;
}

static void keys_destroy(const parseal_device *device, backend_keys *keys)
{
    arena_give(cpu_of(device)->secrets, &((cpu_keys *)keys)->lease);
    free(keys);
}

/* ----------------------------------------------------------------------------------- batches -- */

/* Returns the length of item i in bytes. */
typedef uint64_t (*length_of)(const void *source, size_t i);

/* Cuts n items into tiles; *tiles is NULL where every item is a single tile. Returns false when
 * memory runs out. */
static inline bool make_tiles(aead_batch *batch, length_of len, const void *source, size_t n,
                              aead_tile **tiles)
{
    uint64_t longest = 0;
    batch->bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t bytes = len(source, i);
        batch->bytes += bytes;
        longest = bytes > longest ? bytes : longest;
    }
    batch->tile_size = aead_tile_size(batch->threads, batch->bytes);
    batch->tiles = *tiles = NULL;
    batch->n_tiles = n;
    if (longest <= batch->tile_size)
        return true;
    batch->n_tiles = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t more = aead_tiles_of(len(source, i), batch->tile_size);
        if (more > SIZE_MAX / sizeof(aead_tile) - batch->n_tiles)
            return false;
        batch->n_tiles += more;
    }
    aead_tile *tile = malloc(batch->n_tiles * sizeof *tile);
    if (tile == NULL)
        return false;
    batch->tiles = *tiles = tile;
    for (size_t i = 0; i < n; i++) {
        const size_t of_item = aead_tiles_of(len(source, i), batch->tile_size);
        for (size_t t = 0; t < of_item; t++)
            *tile++ = (aead_tile){.item = i, .index = t};
    }
    return true;
}

/* Returns true for a batch that the caches cannot hold, so that its output better goes past
 * them. */
static bool passes_cache(const parseal_device *device, const aead_batch *batch)
{
    return batch->bytes > cpu_of(device)->cache_size;
}

void cpu_msg_items(const void *source, size_t first, size_t n, cpu_item *items)
{
    const msg_source *s = source;
    for (size_t i = 0; i < n; i++) {
        parseal_msg *m = &s->msgs[first + i];
        items[i] = (cpu_item){.in = m->in,
                              .out = m->out,
                              .len = m->len,
                              .aad = m->aad,
                              .aad_len = m->aad_len,
                              .nonce = m->nonce,
                              .tag = m->tag,
                              .verdict = &m->status,
                              .key = key_at(s->keys, m->key),
                              .past_caches = s->past_caches && m->in != m->out};
    }
}

static uint64_t msg_len(const void *source, size_t i)
{
    return ((const msg_source *)source)->msgs[i].len;
}

static parseal_status batch_run(const parseal_device *device, const backend_keys *keys,
                                parseal_msg *msgs, size_t n, bool open)
{
    msg_source source = {cpu_keys_of(keys), msgs, false};
    aead_tile *tiles;
    if (n == 1 && msgs->len <= AEAD_ONE_MAX) {
        cpu_item item;
        cpu_msg_items(&source, 0, 1, &item);
        aead_run_one(source.keys->impl, &item, open);
        return PARSEAL_OK;
    }
    aead_batch batch = {.impl = source.keys->impl,
                        .threads = cpu_threads(device),
                        .items = cpu_msg_items,
                        .source = &source};
    if (!make_tiles(&batch, msg_len, &source, n, &tiles))
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "batch: out of memory for %zu messages", n);
    if (tiles != NULL) {
        batch.partial = malloc(16 * batch.n_tiles);
        if (batch.partial == NULL) {
            free(tiles);
            return parseal_fail(PARSEAL_ERR_NO_MEMORY, "batch: out of memory for %zu messages", n);
        }
    }
    source.past_caches = passes_cache(device, &batch);
    aead_run(&batch, open);
    free(batch.partial);
    free(tiles);
    return PARSEAL_OK;
}

const aead_family cpu_aead_family = {
    .keys_create = keys_create,
    .keys_destroy = keys_destroy,
    .keys_locked = keys_locked,
    .run = batch_run,
    .accumulate = cpu_accumulate,
};

/* ------------------------------------------------------------------------------------- plans -- */

typedef struct {
    const parseal_aead_shape *shape;
    const cpu_keys *keys;
    aead_batch batch; /* complete but for the source and the scratch of a run */
    aead_tile *tiles;
    bool past_caches;
} cpu_plan;

static const cpu_plan *plan_of(const backend_plan *plan)
{
    return (const cpu_plan *)plan;
}

typedef struct {
    const cpu_plan *plan;
    uint8_t *in, *out, *aad, *nonce, *tag;
    int32_t *verdict;
} io_source;

static cpu_item io_item(const io_source *s, size_t i)
{
    const parseal_aead_shape *shape = s->plan->shape;
    cpu_item item = {.len = shape->len[i],
                     .aad_len = shape->aad_len[i],
                     .nonce = s->nonce + s->plan->keys->nonce_size * i,
                     .tag = s->tag + PARSEAL_TAGBYTES * i,
                     .verdict = &s->verdict[i],
                     .key = key_at(s->plan->keys, shape->key[i]),
                     .past_caches = s->plan->past_caches && s->in != s->out};
    if (item.len > 0) {
        item.in = s->in + shape->in_offset[i];
        item.out = s->out + shape->out_offset[i];
    }
    if (item.aad_len > 0)
        item.aad = s->aad + shape->aad_offset[i];
    return item;
}

static void io_items(const void *source, size_t first, size_t n, cpu_item *items)
{
    for (size_t i = 0; i < n; i++)
        items[i] = io_item(source, first + i);
}

static uint64_t shape_len(const void *source, size_t i)
{
    return ((const parseal_aead_shape *)source)->len[i];
}

static parseal_status plan_create(const parseal_device *device, backend_plan **plan,
                                  const backend_keys *keys, const parseal_aead_shape *shape)
{
    cpu_plan *p = calloc(1, sizeof *p);
    if (p == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "plan: out of memory");
    p->shape = shape;
    p->keys = cpu_keys_of(keys);
    p->batch.impl = p->keys->impl;
    p->batch.threads = cpu_threads(device);
    p->batch.items = io_items;
    if (!make_tiles(&p->batch, shape_len, shape, shape->n, &p->tiles)) {
        free(p);
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "plan: out of memory for %zu messages",
                            shape->n);
    }
    p->past_caches = passes_cache(device, &p->batch);
    *plan = (backend_plan *)p;
    return PARSEAL_OK;
}

static void plan_destroy(const parseal_device *device, backend_plan *plan)
{
    (void)device;
    free(plan_of(plan)->tiles);
    free(plan);
}

static uint64_t plan_workspace_size(const backend_plan *plan)
{
    const cpu_plan *p = plan_of(plan);
    return p->tiles != NULL ? 16 * (uint64_t)p->batch.n_tiles : 0;
}

static parseal_status plan_run(const parseal_device *device, const backend_plan *plan,
                               const parseal_aead_io *io, bool open, void *stream)
{
    const cpu_plan *p = plan_of(plan);
    const io_source source = {p,
                              cpu_address(&io->in),
                              cpu_address(&io->out),
                              cpu_address(&io->aad),
                              cpu_address(&io->nonce),
                              cpu_address(&io->tag),
                              cpu_address(&io->verdict)};
    aead_batch batch = p->batch;
    (void)device;
    (void)stream;
    batch.source = &source;
    if (p->tiles != NULL)
        batch.partial = cpu_address(&io->workspace);
    aead_run(&batch, open);
    return PARSEAL_OK;
}

const plan_family cpu_plan_family = {
    .create = plan_create,
    .destroy = plan_destroy,
    .workspace_size = plan_workspace_size,
    .run = plan_run,
};
