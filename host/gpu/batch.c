/* Batches of messages in host memory. Messages are gathered into the slots of a stage, many at a
 * time, and results scattered back, while other slots work; long messages in pinned memory go
 * straight between there and the device. A message that no slot holds goes through by itself, in
 * parts (long_message.c). */
#include "host/gpu/batch.h"

#include <stdlib.h>
#include <string.h>

#include "host/gpu/driver.h"
#include "host/gpu/vectors.h"

/* Messages begin at multiples of ALIGNMENT, so that kernels can load 16 bytes at a time. Longer
 * ones than WHOLE_MAX bytes go in parts. */
enum { ALIGNMENT = 16, WHOLE_MAX = 128 << 20 };

static uint64_t padded(uint64_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

typedef struct {
    const gpu_keys *keys;
    parseal_msg *msgs;
    size_t n;
    bool open;
    const parseal_sink *sink; /* it gets the plaintexts instead of `out`, or is NULL */
    bool *changed;            /* set before anything is added to the sink */
    uint64_t max, room;       /* bytes of a slot: the most there may be, and what is needed */
} batch;

/* Returns the bytes of a slot that a message takes, its entries in the arrays included. */
static uint64_t room_of(const batch *b, const parseal_msg *m)
{
    return padded(m->len) + padded(m->aad_len) + b->keys->nonce_size + PARSEAL_TAGBYTES +
           sizeof(int32_t) + gpu_work_max(b->keys->device->driver, m->len, m->aad_len);
}

/* The most padding between a slot's arrays. */
enum { ROOM_BETWEEN = 8 * ALIGNMENT };

static bool fits(const batch *b, const parseal_msg *m, uint64_t room)
{
    return m->len <= room && m->aad_len <= room && room_of(b, m) <= room - ROOM_BETWEEN;
}

/* Messages [first, first + n) and their layout in a slot. The bytes that go in begin at byte 0, the
 * bytes that come out begin at the tags. Only data may go past the slot's host memory, straight
 * between the caller's memory and the device. */
typedef struct {
    size_t first, n;
    uint64_t aad, nonces, tags, verdicts, data, work, end; /* offset of each array in bytes */
    bool *direct;                                          /* per message: the caller pinned it */
    const parseal_msg *msgs;
    const aead_item *items;
    bool out;
    gpu_slot *slot;
} load;

/* Returns as many messages from `first` on as a slot holds, up to the first that is too long. */
static load next_load(const batch *b, size_t first)
{
    const gpu_driver *driver = b->keys->device->driver;
    load l = {.first = first, .msgs = b->msgs + first};
    uint64_t used = ROOM_BETWEEN, data = 0, aad = 0, work = 0;
    for (size_t i = first;
         i < b->n && fits(b, &b->msgs[i], b->room) && room_of(b, &b->msgs[i]) <= b->room - used;
         i++) {
        used += room_of(b, &b->msgs[i]);
        data += padded(b->msgs[i].len);
        aad += padded(b->msgs[i].aad_len);
        work += gpu_work_max(driver, b->msgs[i].len, b->msgs[i].aad_len);
        l.n++;
    }
    l.nonces = aad;
    l.tags = padded(l.nonces + (uint64_t)b->keys->nonce_size * l.n);
    l.verdicts = l.tags + PARSEAL_TAGBYTES * l.n;
    l.data = padded(l.verdicts + sizeof(int32_t) * l.n);
    l.work = l.data + data;
    l.end = l.work + work;
    return l;
}

/* A message in place is not written directly: a failure must leave its input as it was. */
static bool writes_direct(const load *l, size_t i)
{
    return l->direct[i] && l->msgs[i].in != l->msgs[i].out;
}

/* Describes the messages to the kernels, and copies aad, nonces and tags. */
static void gather_heads(const batch *b, const load *l, aead_item *items)
{
    const gpu_device *d = b->keys->device;
    const size_t nonce_size = b->keys->nonce_size;
    uint8_t *to = l->slot->host;
    uint64_t data = 0, aad = 0;
    for (size_t i = 0; i < l->n; i++) {
        const parseal_msg *m = &l->msgs[i];
        items[i] = (aead_item){.len = m->len,
                               .in_offset = data,
                               .out_offset = data,
                               .aad_len = m->aad_len,
                               .aad_offset = aad,
                               .blocks_after = 1,
                               .key = m->key};
        l->direct[i] = gpu_is_direct(d, m->in, m->len) &&
                       (b->sink != NULL || gpu_is_direct(d, m->out, m->len));
        if (m->aad_len > 0)
            gpu_copy(d, to + l->aad + aad, m->aad, m->aad_len);
        memcpy(to + l->nonces + nonce_size * i, m->nonce, nonce_size);
        memcpy(to + l->tags + PARSEAL_TAGBYTES * i, m->tag, sizeof m->tag);
        data += padded(m->len);
        aad += padded(m->aad_len);
    }
    memset(to + l->verdicts, 0, sizeof(int32_t) * l->n);
}

/* Returns the message that has byte `at` of the data. */
static size_t message_at(const load *l, uint64_t at)
{
    size_t low = 0, high = l->n;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (l->items[middle].in_offset <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Copies bytes [begin, end) of the data between the messages and the slot's host memory. */
static void copy_data(void *arg, uint64_t begin, uint64_t end)
{
    const load *l = arg;
    for (size_t i = message_at(l, begin); i < l->n && l->items[i].in_offset < end; i++) {
        const parseal_msg *m = &l->msgs[i];
        const uint64_t at = l->items[i].in_offset;
        const uint64_t from = begin > at ? begin - at : 0;
        const uint64_t to = end - at < m->len ? end - at : m->len;
        uint8_t *staged = l->slot->host + l->data + at + from;
        if (from >= to || (l->out ? writes_direct(l, i) : l->direct[i]))
            continue;
        if (l->out)
            memcpy((uint8_t *)m->out + from, staged, (size_t)(to - from));
        else
            memcpy(staged, (const uint8_t *)m->in + from, (size_t)(to - from));
    }
}

/* Enqueues the copies of the data. Each message that goes past the slot's host memory is a copy of
 * its own. */
static parseal_status move_data(const load *l, const gpu_stage *stage, gpu_span *span)
{
    for (size_t i = 0; i < l->n; i++) {
        const parseal_msg *m = &l->msgs[i];
        const uint64_t at = l->data + l->items[i].in_offset;
        if (span->out && writes_direct(l, i))
            TRY(gpu_slot_out_to(stage, l->slot, at, m->out, m->len));
        else if (!span->out && l->direct[i])
            TRY(gpu_slot_in_from(stage, l->slot, at, m->in, m->len));
        else
            TRY(gpu_span_add(span, at, padded(m->len)));
    }
    return gpu_span_end(span);
}

/* Copies into the slot's host memory the messages that do not go straight to the device. */
static void gather_data(load *l, const gpu_device *d)
{
    bool any = false;
    for (size_t i = 0; i < l->n; i++)
        any = any || !writes_direct(l, i);
    if (!any)
        return;
    gpu_slot_use_both(l->slot, l->work);
    gpu_spread(d, l->work - l->data, copy_data, l);
}

static void scatter(const batch *b, load *l)
{
    const uint8_t *from = l->slot->host;
    l->out = true;
    if (b->sink == NULL)
        gpu_spread(b->keys->device, l->work - l->data, copy_data, l);
    for (size_t i = 0; i < l->n; i++) {
        parseal_msg *m = &b->msgs[l->first + i];
        if (!b->open)
            memcpy(m->tag, from + l->tags + PARSEAL_TAGBYTES * i, sizeof m->tag);
        memcpy(&m->status, from + l->verdicts + sizeof m->status * i, sizeof m->status);
    }
}

static gpu_aead_io io_of(const load *l)
{
    const gpu_memory m = l->slot->memory;
    return (gpu_aead_io){.in = {m, l->data},
                         .out = {m, l->data},
                         .aad = {m, l->aad},
                         .nonces = {m, l->nonces},
                         .tags = {m, l->tags},
                         .verdicts = {m, l->verdicts},
                         .work = {m, l->work}};
}

/* Adds the load to the sink after the other slots' streams have finished: only one stream at a time
 * may change the sum. */
static parseal_status add_load(const batch *b, const gpu_stage *stage, const load *l)
{
    const gpu_stream *s = &l->slot->stream;
    const gpu_table *table = &l->slot->table;
    const gpu_aead_io io = io_of(l);
    const bool fused = gpu_adds_fused(stage->device, b->sink);
    TRY(fused ? gpu_aead_verify(b->keys, table, &io, s)
              : gpu_aead_run(b->keys, table, &io, s, true));
    for (size_t i = 0; i < stage->n; i++)
        if (&stage->slot[i] != l->slot)
            TRY(gpu_finish(stage->device, &stage->slot[i].stream));
    *b->changed = true;
    return fused ? b->keys->steps->add(b->keys, table, &io, s, b->sink)
                 : gpu_add_opened(table, &io, s, b->sink);
}

static parseal_status begin_load(const batch *b, const gpu_stage *stage, load *l)
{
    gpu_slot *slot = l->slot;
    gpu_span in = {stage, slot, false, 0, l->data};
    TRY(gpu_table_open(&slot->table, stage->device, l->n));
    /* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): a load has a message. */
    l->direct = calloc(l->n, sizeof *l->direct);
    if (l->direct == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "batch: out of memory for %zu messages", l->n);
    l->items = slot->table.host;
    gpu_slot_use(slot, l->end);
    gpu_slot_use_both(slot, l->data);
    gather_heads(b, l, slot->table.host);
    gather_data(l, stage->device);
    TRY(gpu_table_upload(&slot->table, &slot->stream));
    return move_data(l, stage, &in);
}

static parseal_status run_load(const batch *b, const gpu_stage *stage, const load *l)
{
    const gpu_aead_io io = io_of(l);
    return b->sink != NULL ? add_load(b, stage, l)
                           : gpu_aead_run(b->keys, &l->slot->table, &io, &l->slot->stream, b->open);
}

static parseal_status end_load(const batch *b, const gpu_stage *stage, const load *l)
{
    gpu_span out = {stage, l->slot, true, l->tags, l->data};
    return b->sink == NULL ? move_data(l, stage, &out) : gpu_span_end(&out);
}

static parseal_status finish_load(const batch *b, load *l)
{
    if (l->n == 0)
        return PARSEAL_OK;
    TRY(gpu_finish(b->keys->device, &l->slot->stream));
    scatter(b, l);
    free(l->direct);
    *l = (load){0};
    return PARSEAL_OK;
}

/* Finishes all loads, the oldest first. */
static parseal_status finish_loads(const batch *b, load under_way[GPU_SLOTS], size_t oldest)
{
    for (size_t i = 0; i < GPU_SLOTS; i++)
        TRY(finish_load(b, &under_way[(oldest + i) % GPU_SLOTS]));
    return PARSEAL_OK;
}

static parseal_status run_loads(const batch *b, gpu_stage *stage, load under_way[GPU_SLOTS])
{
    size_t next = 0;
    for (size_t i = 0; i < b->n;) {
        load *l = &under_way[next];
        if (!fits(b, &b->msgs[i], b->room)) {
            TRY(finish_loads(b, under_way, next));
            TRY(gpu_long_message(b->keys, stage, &b->msgs[i], b->open));
            i++;
            continue;
        }
        TRY(finish_load(b, l));
        *l = next_load(b, i);
        l->slot = &stage->slot[next];
        i += l->n;
        TRY(begin_load(b, stage, l));
        TRY(run_load(b, stage, l));
        TRY(end_load(b, stage, l));
        next = (next + 1) % stage->n;
    }
    return finish_loads(b, under_way, next);
}

/* Finds how large slots must be, and whether one is enough. Messages above WHOLE_MAX go in parts,
 * as the copies of one part then overlap with the work on another. */
static void measure(batch *b, uint64_t *pieces)
{
    const uint64_t whole_max = b->max < WHOLE_MAX || b->sink != NULL ? b->max : WHOLE_MAX;
    uint64_t all = ROOM_BETWEEN, largest = 0;
    bool any_long = false;
    for (size_t i = 0; i < b->n; i++) {
        const bool whole = fits(b, &b->msgs[i], whole_max);
        const uint64_t room = whole ? room_of(b, &b->msgs[i]) : 0;
        any_long = any_long || !whole;
        all += room;
        largest = room > largest ? room : largest;
    }
    const uint64_t piece = gpu_piece_size(any_long ? UINT64_MAX : all, b->max);
    b->room = piece < ROOM_BETWEEN + largest ? ROOM_BETWEEN + largest : piece;
    *pieces = any_long || all > b->room ? GPU_SLOTS : 1;
    if (*pieces == 1)
        b->room = all;
}

/* Refuses updates that do not fit a slot, as they cannot be added in parts. */
static parseal_status check_fit(const batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (!fits(b, &b->msgs[i], b->room))
            return parseal_fail(PARSEAL_ERR_NO_MEMORY,
                                "%s: an update of %zu bytes does not fit a third of what a call "
                                "may take of its memory (options.device_memory)",
                                b->keys->device->name, b->msgs[i].len);
    return PARSEAL_OK;
}

static parseal_status try_batch(batch *b)
{
    load under_way[GPU_SLOTS] = {{0}};
    gpu_stage stage;
    uint64_t pieces;
    measure(b, &pieces);
    if (b->sink != NULL)
        TRY(check_fit(b));
    TRY(gpu_stage_open(&stage, b->keys->device, NULL, b->room, b->max, pieces));
    const parseal_status status = run_loads(b, &stage, under_way);
    /* Either waits for work that is still under way. */
    if (status == PARSEAL_ERR_NO_MEMORY)
        gpu_stage_drop(&stage);
    else
        gpu_stage_close(&stage);
    for (size_t i = 0; i < GPU_SLOTS; i++)
        free(under_way[i].direct);
    return status;
}

/* Goes on behind the messages that are done, which are the first ones. Returns false where the rest
 * cannot be run again: an input has been overwritten, or a sum may have changed. */
static bool leave_out_done(batch *b)
{
    while (b->n > 0 && b->msgs->status != PARSEAL_ITEM_UNSET) {
        if (b->msgs->status == PARSEAL_ITEM_SPOILED)
            return false;
        b->msgs++;
        b->n--;
    }
    return b->n > 0 && (b->sink == NULL || !*b->changed);
}

/* Where memory is short, tries smaller slots. If none will do, the first failure is the one to
 * report. */
static parseal_status run_batch(batch *b)
{
    if (b->n == 0)
        return PARSEAL_OK;
    b->max = gpu_slot_max(b->keys->device);
    parseal_status status = try_batch(b);
    const parseal_error first = parseal_error_save();
    while (gpu_try_smaller(status, b->room, &b->max) && leave_out_done(b))
        status = try_batch(b);
    if (status == PARSEAL_ERR_NO_MEMORY)
        parseal_error_restore(&first);
    return status;
}

parseal_status gpu_batch_run(const parseal_device *device, const backend_keys *keys,
                             parseal_msg *msgs, size_t n, bool open)
{
    batch b = {.keys = gpu_keys_of(keys), .msgs = msgs, .n = n, .open = open};
    (void)device;
    return run_batch(&b);
}

parseal_status gpu_accumulate(const parseal_device *device, const backend_keys *keys,
                              parseal_msg *msgs, size_t n, const parseal_sink *sink, bool *changed)
{
    batch b = {.keys = gpu_keys_of(keys),
               .msgs = msgs,
               .n = n,
               .open = true,
               .sink = sink,
               .changed = changed};
    (void)device;
    return run_batch(&b);
}
