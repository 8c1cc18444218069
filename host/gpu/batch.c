/* Batches of messages in host memory. Messages are gathered into the slots of a stage, many at a
 * time, and results scattered back, while the other slot works. A message that no slot holds goes
 * through by itself, in parts (long_message.c). */
#include "host/gpu/batch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Messages begin where wide loads are possible. */
enum { ALIGNMENT = 16 };

static uint64_t padded(uint64_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* What a message takes of a slot, the arrays that have an entry for each included. */
static uint64_t room_of(const gpu_driver *driver, const parseal_msg *m)
{
    return padded(m->len) + padded(m->aad_len) + PARSEAL_NONCEBYTES + PARSEAL_TAGBYTES +
           sizeof(int32_t) + gpu_work_max(driver, m->len, m->aad_len) + 6;
}

/* The padding between a slot's arrays, at most. */
enum { ROOM_BETWEEN = 8 * ALIGNMENT };

static bool fits(const gpu_driver *driver, const parseal_msg *m, uint64_t room)
{
    return m->len <= room && m->aad_len <= room && room_of(driver, m) <= room - ROOM_BETWEEN;
}

/* Messages [first, first + n) and where a slot has them. What goes in comes first, what comes out
 * last. */
typedef struct {
    size_t first, n;
    uint64_t aad, nonces, tags, data, verdicts, work, end; /* bytes before each array */
    gpu_table table;
} load;

/* As many messages from `first` on as a slot holds, none of them too long. */
static load next_load(const gpu_driver *driver, const parseal_msg *msgs, size_t n, size_t first,
                      uint64_t room)
{
    load l = {.first = first};
    uint64_t used = ROOM_BETWEEN, data = 0, aad = 0, work = 0;
    for (size_t i = first;
         i < n && fits(driver, &msgs[i], room) && room_of(driver, &msgs[i]) <= room - used; i++) {
        used += room_of(driver, &msgs[i]);
        data += padded(msgs[i].len);
        aad += padded(msgs[i].aad_len);
        work += gpu_work_max(driver, msgs[i].len, msgs[i].aad_len);
        l.n++;
    }
    l.nonces = aad;
    l.tags = padded(l.nonces + PARSEAL_NONCEBYTES * l.n);
    l.data = l.tags + PARSEAL_TAGBYTES * l.n;
    l.verdicts = l.data + data;
    l.work = padded(l.verdicts + sizeof(int32_t) * l.n);
    l.end = l.work + work;
    return l;
}

/* Copies the messages into the slot's host memory, and describes them. */
static void gather(const load *l, const parseal_msg *msgs, uint8_t *to, aead_item *items)
{
    uint64_t data = 0, aad = 0;
    for (size_t i = 0; i < l->n; i++) {
        const parseal_msg *m = &msgs[l->first + i];
        items[i] = (aead_item){.len = m->len,
                               .in_offset = data,
                               .out_offset = data,
                               .aad_len = m->aad_len,
                               .aad_offset = aad,
                               .blocks_after = 1,
                               .key = m->key};
        if (m->len > 0)
            memcpy(to + l->data + data, m->in, m->len);
        if (m->aad_len > 0)
            memcpy(to + l->aad + aad, m->aad, m->aad_len);
        memcpy(to + l->nonces + PARSEAL_NONCEBYTES * i, m->nonce, sizeof m->nonce);
        memcpy(to + l->tags + PARSEAL_TAGBYTES * i, m->tag, sizeof m->tag);
        data += padded(m->len);
        aad += padded(m->aad_len);
    }
}

static void scatter(const load *l, parseal_msg *msgs, const uint8_t *from, bool open)
{
    uint64_t data = 0;
    for (size_t i = 0; i < l->n; i++) {
        parseal_msg *m = &msgs[l->first + i];
        if (m->len > 0)
            memcpy(m->out, from + l->data + data, m->len);
        if (!open)
            memcpy(m->tag, from + l->tags + PARSEAL_TAGBYTES * i, sizeof m->tag);
        memcpy(&m->status, from + l->verdicts + sizeof m->status * i, sizeof m->status);
        data += padded(m->len);
    }
}

static parseal_status describe(const gpu_keys *keys, load *l, const parseal_msg *msgs,
                               const gpu_slot *slot)
{
    aead_item *items = calloc(l->n, sizeof *items);
    if (items == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "batch: out of memory for %zu messages", l->n);
    gather(l, msgs, slot->host, items);
    const parseal_status status = gpu_table_create(&l->table, keys->device, items, l->n);
    free(items);
    return status;
}

static parseal_status begin_load(const gpu_keys *keys, gpu_stage *stage, gpu_slot *slot, load *l,
                                 const parseal_msg *msgs, bool open)
{
    const gpu_memory m = slot->memory;
    const gpu_aead_io io = {.in = {m, l->data},
                            .out = {m, l->data},
                            .aad = {m, l->aad},
                            .nonces = {m, l->nonces},
                            .tags = {m, l->tags},
                            .verdicts = {m, l->verdicts},
                            .work = {m, l->work}};
    gpu_slot_use(slot, l->end);
    TRY(describe(keys, l, msgs, slot));
    TRY(gpu_slot_in(stage, slot, 0, l->verdicts));
    TRY(gpu_aead_run(keys, &l->table, &io, &slot->stream, open));
    return gpu_slot_out(stage, slot, l->tags, l->work - l->tags);
}

static parseal_status finish_load(const gpu_keys *keys, const gpu_slot *slot, load *l,
                                  parseal_msg *msgs, bool open)
{
    if (l->n == 0)
        return PARSEAL_OK;
    const parseal_status status = gpu_finish(keys->device, &slot->stream);
    if (status == PARSEAL_OK)
        scatter(l, msgs, slot->host, open);
    gpu_table_destroy(&l->table);
    l->n = 0;
    return status;
}

typedef struct {
    const gpu_keys *keys;
    parseal_msg *msgs;
    size_t n;
    bool open;
    uint64_t room; /* bytes of a slot */
} batch;

static parseal_status run_loads(const batch *b, gpu_stage *stage, load under_way[GPU_SLOTS])
{
    const gpu_driver *driver = b->keys->device->driver;
    size_t next = 0;
    for (size_t i = 0; i < b->n; next = (next + 1) % stage->n) {
        gpu_slot *slot = &stage->slot[next];
        load *l = &under_way[next];
        TRY(finish_load(b->keys, slot, l, b->msgs, b->open));
        if (!fits(driver, &b->msgs[i], b->room)) {
            TRY(gpu_long_message(b->keys, stage, slot, &b->msgs[i], b->open));
            i++;
            continue;
        }
        *l = next_load(driver, b->msgs, b->n, i, b->room);
        i += l->n;
        TRY(begin_load(b->keys, stage, slot, l, b->msgs, b->open));
    }
    for (size_t i = 0; i < stage->n; i++, next = (next + 1) % stage->n)
        TRY(finish_load(b->keys, &stage->slot[next], &under_way[next], b->msgs, b->open));
    return PARSEAL_OK;
}

/* How large slots must be, and whether one is enough. */
static void measure(batch *b, uint64_t *pieces)
{
    const gpu_driver *driver = b->keys->device->driver;
    const uint64_t max = gpu_slot_max(b->keys->device);
    uint64_t all = ROOM_BETWEEN;
    bool all_fit = true;
    for (size_t i = 0; i < b->n && all_fit; i++) {
        all_fit = fits(driver, &b->msgs[i], max) && room_of(driver, &b->msgs[i]) <= max - all;
        all += all_fit ? room_of(driver, &b->msgs[i]) : 0;
    }
    b->room = all_fit ? all : max;
    *pieces = all_fit ? 1 : GPU_SLOTS;
}

parseal_status gpu_batch_run(const void *device, const void *keys, parseal_msg *msgs, size_t n,
                             bool open)
{
    batch b = {.keys = keys, .msgs = msgs, .n = n, .open = open};
    load under_way[GPU_SLOTS] = {{0}};
    gpu_stage stage;
    uint64_t pieces;
    if (n == 0)
        return PARSEAL_OK;
    measure(&b, &pieces);
    TRY(gpu_stage_open(&stage, device, NULL, b.room, pieces));
    const parseal_status status = run_loads(&b, &stage, under_way);
    gpu_stage_close(&stage); /* waits */
    for (size_t i = 0; i < GPU_SLOTS; i++)
        if (under_way[i].table.device != NULL)
            gpu_table_destroy(&under_way[i].table);
    return status;
}
