/* The CPU behind host/backend/backend.h: HOST buffers only, and every call has finished when it returns. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fallback/backend/cpu_device.h"
#include "fallback/backend/cpu_features.h"
#include "fallback/batch/accumulate.h"
#include "fallback/batch/gcm.h"
#include "host/support/threads.h"
#include "host/support/wipe.h"

/* ------------------------------------------------------------------------------------ device -- */

static parseal_status level_of(const char *source, const char *name, size_t *level)
{
    for (size_t i = 0; i < cpu_level_count; i++)
        if (strcmp(name, cpu_levels[i].name) == 0) {
            if (!cpu_levels[i].supported())
                return parseal_fail(PARSEAL_ERR_NO_DEVICE, "%s: \"%s\", but this machine lacks %s",
                                    source, name, cpu_levels[i].needs);
            *level = i;
            return PARSEAL_OK;
        }
    return parseal_fail(PARSEAL_ERR_ARG, "%s: no CPU implementation is named \"%s\"", source, name);
}

static parseal_status device_open(void **device, const parseal_request *request)
{
    size_t max_level = cpu_level_count - 1;
    static const char *const sources[] = {"options.cpu_impl", "PARSEAL_CPU"};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        size_t level = 0;
        if (request->cpu_impl[i] == NULL)
            continue;
        const parseal_status status = level_of(sources[i], request->cpu_impl[i], &level);
        if (status != PARSEAL_OK)
            return status;
        max_level = level < max_level ? level : max_level;
    }
    cpu_device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "CPU device: out of memory");
    cpu_name(d->name, sizeof d->name);
    d->threads = threads_available(request->cpu_threads);
    d->cache_size = cpu_cache_size();
    d->max_level = max_level;
    *device = d;
    return PARSEAL_OK;
}

static const char *device_name(const void *device)
{
    return ((const cpu_device *)device)->name;
}

static size_t impl_count(const void *device, int32_t primitive)
{
    size_t count;
    (void)device;
    (void)cpu_candidates(primitive, &count);
    return count;
}

static parseal_impl_entry impl_entry(const void *device, int32_t primitive, size_t index)
{
    size_t count;
    const cpu_candidate *candidate = &cpu_candidates(primitive, &count)[index];
    const cpu_level *level = &cpu_levels[candidate->level];
    parseal_impl_entry entry = {level->name, NULL, PARSEAL_USABLE};
    if (!level->supported()) {
        entry.state = PARSEAL_MISSING;
        entry.detail = level->needs;
    } else if (candidate->level > ((const cpu_device *)device)->max_level) {
        entry.state = PARSEAL_EXCLUDED;
    }
    return entry;
}

static void impl_use(void *device, int32_t primitive, size_t index)
{
    size_t count;
    ((cpu_device *)device)->chosen[primitive] = &cpu_candidates(primitive, &count)[index];
}

static bool accepts(uint32_t buf_kind)
{
    return buf_kind == PARSEAL_BUF_HOST;
}

/* ---------------------------------------------------------------------------- keys -- */

void *cpu_guarded(size_t n, size_t size)
{
    if (sodium_init() < 0 || n > SIZE_MAX / 2 / size)
        return NULL;
    return sodium_malloc((n * size + 63) / 64 * 64);
}

typedef struct {
    const gcm_impl *impl;
    uint8_t *expanded;
} cpu_keys;

static const void *key_at(const cpu_keys *keys, uint32_t index)
{
    return keys->expanded + (size_t)index * keys->impl->key_size;
}

static parseal_status keys_create(void **keys, const void *device, int32_t alg,
                                  const uint8_t *bytes, size_t n)
{
    const size_t key_len =
        alg == PARSEAL_AES128GCM ? PARSEAL_AES128GCM_KEYBYTES : PARSEAL_AES256GCM_KEYBYTES;
    cpu_keys *k = malloc(sizeof *k);
    if (k == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: out of memory");
    k->impl = CHOSEN(device, PARSEAL_PRIMITIVE_AEAD, gcm_impl);
    k->expanded = cpu_guarded(n, k->impl->key_size);
    if (k->expanded == NULL) {
        free(k);
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: no guarded memory for %zu keys", n);
    }
    for (size_t i = 0; i < n; i++)
        k->impl->key_init(k->expanded + i * k->impl->key_size, bytes + i * key_len, key_len);
    wipe_stack();
    (void)sodium_mprotect_readonly(k->expanded);
    *keys = k;
    return PARSEAL_OK;
}

static void keys_destroy(void *keys)
{
    sodium_free(((cpu_keys *)keys)->expanded); /* wipes */
    free(keys);
}

/* -------------------------------------------------------------------------------------- aead -- */

/* Where a batch's lengths are. */
typedef uint64_t (*length_of)(const void *source, size_t i);

/* Cuts n items into tiles; *tiles is NULL where every item is a single one. False when memory runs
 * out. */
static inline bool make_tiles(gcm_batch *batch, length_of len, const void *source, size_t n,
                              gcm_tile **tiles)
{
    uint64_t longest = 0;
    batch->bytes = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t bytes = len(source, i);
        batch->bytes += bytes;
        longest = bytes > longest ? bytes : longest;
    }
    batch->tile_size = gcm_tile_size(batch->threads, batch->bytes);
    batch->tiles = *tiles = NULL;
    batch->n_tiles = n;
    if (longest <= batch->tile_size)
        return true;
    batch->n_tiles = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t more = gcm_tiles_of(len(source, i), batch->tile_size);
        if (more > SIZE_MAX / sizeof(gcm_tile) - batch->n_tiles)
            return false;
        batch->n_tiles += more;
    }
    gcm_tile *tile = malloc(batch->n_tiles * sizeof *tile);
    if (tile == NULL)
        return false;
    batch->tiles = *tiles = tile;
    for (size_t i = 0; i < n; i++) {
        const size_t of_item = gcm_tiles_of(len(source, i), batch->tile_size);
        for (size_t t = 0; t < of_item; t++)
            *tile++ = (gcm_tile){.item = i, .index = t};
    }
    return true;
}

/* Whether what a batch writes goes past the caches anyway. */
static bool passes_cache(const void *device, const gcm_batch *batch)
{
    return batch->bytes > ((const cpu_device *)device)->cache_size;
}

typedef struct {
    const cpu_keys *keys;
    parseal_msg *msgs;
    bool past_caches;
} msg_source;

static void msg_items(const void *source, size_t first, size_t n, gcm_item *items)
{
    const msg_source *s = source;
    for (size_t i = 0; i < n; i++) {
        parseal_msg *m = &s->msgs[first + i];
        items[i] = (gcm_item){.in = m->in,
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

static parseal_status batch_run(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                                bool open)
{
    msg_source source = {keys, msgs, false};
    gcm_tile *tiles;
    gcm_batch batch = {.impl = source.keys->impl,
                       .threads = cpu_threads(device),
                       .items = msg_items,
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
    gcm_run(&batch, open);
    free(batch.partial);
    free(tiles);
    return PARSEAL_OK;
}

/* -------------------------------------------------------------------------------- accumulate -- */

static parseal_status memory_create(const void *device, uint64_t size, parseal_buf *memory)
{
    void *p = NULL;
    (void)device;
    if (size <= SIZE_MAX - 64)
        p = aligned_alloc(64, (size_t)(size + 63) / 64 * 64);
    if (p == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for a vector of %llu bytes",
                            (unsigned long long)size);
    memset(p, 0, (size_t)size);
    *memory = parseal_host_buf(p, size);
    return PARSEAL_OK;
}

static void memory_destroy(const void *device, parseal_buf *memory)
{
    (void)device;
    if (memory->handle == 0)
        return;
    sodium_memzero(cpu_address(memory), (size_t)memory->size);
    free(cpu_address(memory));
    *memory = (parseal_buf){0};
}

static parseal_status memory_read(const void *device, const parseal_buf *memory, void *to)
{
    (void)device;
    memcpy(to, cpu_address(memory), (size_t)memory->size);
    return PARSEAL_OK;
}

static parseal_status memory_write(const void *device, const parseal_buf *memory, const void *from)
{
    (void)device;
    memcpy(cpu_address(memory), from, (size_t)memory->size);
    return PARSEAL_OK;
}

/* What is not sealed is a packed vector. */
static parseal_status add_plain(const void *device, parseal_msg *msgs, size_t n,
                                const parseal_sink *sink, bool *changed)
{
    parseal_buf *packed = calloc(n + 1, sizeof *packed);
    if (packed == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu updates", n);
    for (size_t i = 0; i < n; i++)
        packed[i] = parseal_host_buf(msgs[i].in, msgs[i].len);
    const parseal_status status =
        cpu_packed_sum(device, sink->bits, sink->ring, sink->acc, packed, n, NULL);
    free(packed);
    *changed = status == PARSEAL_OK;
    for (size_t i = 0; *changed && i < n; i++)
        msgs[i].status = PARSEAL_ITEM_OK;
    return status;
}

static parseal_status accumulate(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                                 const parseal_sink *sink, bool *changed)
{
    if (keys == NULL)
        return add_plain(device, msgs, n, sink, changed);
    const msg_source source = {keys, msgs, false};
    const accumulation a = {.gcm = source.keys->impl,
                            .pack = CHOSEN(device, PARSEAL_PRIMITIVE_PACK, pack_impl),
                            .sum = CHOSEN(device, PARSEAL_PRIMITIVE_VEC_SUM, sum_impl),
                            .threads = cpu_threads(device),
                            .modulus = sink->ring->modulus,
                            .element_size = sink->ring->element_size,
                            .bits = sink->bits,
                            .acc = cpu_address(&sink->acc->buf),
                            .count = sink->acc->n};
    gcm_item *items = malloc((n + 1) * sizeof *items);
    void *work = malloc(accumulate_work_size(&a));
    const bool enough = items != NULL && work != NULL;
    if (enough) {
        msg_items(&source, 0, n, items);
        accumulate_items(&a, items, n, work);
        *changed = true;
    }
    free(items);
    free(work);
    return enough ? PARSEAL_OK
                  : parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu updates", n);
}

/* ------------------------------------------------------------------------------------- plans -- */

typedef struct {
    const parseal_aead_shape *shape;
    const cpu_keys *keys;
    gcm_batch batch; /* but for what a run adds */
    gcm_tile *tiles;
    bool past_caches;
} cpu_plan;

typedef struct {
    const cpu_plan *plan;
    uint8_t *in, *out, *aad, *nonce, *tag;
    int32_t *verdict;
} io_source;

static gcm_item io_item(const io_source *s, size_t i)
{
    const parseal_aead_shape *shape = s->plan->shape;
    gcm_item item = {.len = shape->len[i],
                     .aad_len = shape->aad_len[i],
                     .nonce = s->nonce + PARSEAL_NONCEBYTES * i,
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

static void io_items(const void *source, size_t first, size_t n, gcm_item *items)
{
    for (size_t i = 0; i < n; i++)
        items[i] = io_item(source, first + i);
}

static uint64_t shape_len(const void *source, size_t i)
{
    return ((const parseal_aead_shape *)source)->len[i];
}

static parseal_status plan_create(void **plan, const void *device, const void *keys,
                                  const parseal_aead_shape *shape)
{
    cpu_plan *p = calloc(1, sizeof *p);
    if (p == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "plan: out of memory");
    p->shape = shape;
    p->keys = keys;
    p->batch.impl = p->keys->impl;
    p->batch.threads = cpu_threads(device);
    p->batch.items = io_items;
    if (!make_tiles(&p->batch, shape_len, shape, shape->n, &p->tiles)) {
        free(p);
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "plan: out of memory for %zu messages",
                            shape->n);
    }
    p->past_caches = passes_cache(device, &p->batch);
    *plan = p;
    return PARSEAL_OK;
}

static void plan_destroy(void *plan)
{
    free(((cpu_plan *)plan)->tiles);
    free(plan);
}

static uint64_t plan_workspace_size(const void *plan)
{
    const cpu_plan *p = plan;
    return p->tiles != NULL ? 16 * (uint64_t)p->batch.n_tiles : 0;
}

static parseal_status plan_run(const void *plan, const parseal_aead_io *io, bool open, void *stream)
{
    const cpu_plan *p = plan;
    const io_source source = {p,
                              cpu_address(&io->in),
                              cpu_address(&io->out),
                              cpu_address(&io->aad),
                              cpu_address(&io->nonce),
                              cpu_address(&io->tag),
                              cpu_address(&io->verdict)};
    gcm_batch batch = p->batch;
    (void)stream;
    batch.source = &source;
    if (p->tiles != NULL)
        batch.partial = cpu_address(&io->workspace);
    gcm_run(&batch, open);
    return PARSEAL_OK;
}

const parseal_backend parseal_cpu_backend = {
    .id = PARSEAL_BACKEND_CPU,
    .has_streams = false,
    .device_open = device_open,
    .device_close = free,
    .device_name = device_name,
    .device_threads = cpu_threads,
    .impl_count = impl_count,
    .impl_entry = impl_entry,
    .impl_use = impl_use,
    .accepts = accepts,
    .keys_create = keys_create,
    .keys_destroy = keys_destroy,
    .seeds_create = cpu_seeds_create,
    .seeds_destroy = cpu_seeds_destroy,
    .fcp_create = cpu_fcp_create,
    .fcp_destroy = cpu_fcp_destroy,
    .batch_run = batch_run,
    .memory_create = memory_create,
    .memory_destroy = memory_destroy,
    .memory_read = memory_read,
    .memory_write = memory_write,
    .accumulate = accumulate,
    .plan_create = plan_create,
    .plan_destroy = plan_destroy,
    .plan_workspace_size = plan_workspace_size,
    .plan_run = plan_run,
    .mask = cpu_mask,
    .fcp_mask = cpu_fcp_mask,
    .vec_sum = cpu_vec_sum,
    .quantize = cpu_quantize,
    .dequantize = cpu_dequantize,
    .pack = cpu_pack,
    .packed_sum = cpu_packed_sum,
};
