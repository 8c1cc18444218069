/* One message in parts, each as long as a slot. The sum of all parts' hashes stays on the device.
 * Open goes over the message twice: to check its tag, and then to decrypt it. */
#include <string.h>

#include "host/gpu/batch.h"

/* The slot's first bytes, before the part that is worked on. The work comes after that. */
enum { NONCE = 0, TAG = 16, VERDICT = 32, HEAD = 36, PART = 256 };

typedef struct {
    const gpu_keys *keys;
    gpu_stage *stage;
    gpu_slot *slot;
    parseal_msg *msg;
    bool open;
    gpu_aead_io io;
    uint64_t part_max; /* bytes, a multiple of 16 */
} long_message;

static uint64_t blocks_of(uint64_t size)
{
    return size / 16 + (size % 16 != 0);
}

/* Runs one step on one item. */
typedef parseal_status (*step)(const gpu_keys *, const gpu_table *, const gpu_aead_io *,
                               const gpu_stream *, bool);

static parseal_status begin(const gpu_keys *keys, const gpu_table *t, const gpu_aead_io *io,
                            const gpu_stream *s, bool open)
{
    (void)open;
    return gpu_aead_begin(keys, t, io, s);
}

/* Seal hashes what it has just encrypted. */
static parseal_status crypt_and_hash(const gpu_keys *keys, const gpu_table *t,
                                     const gpu_aead_io *io, const gpu_stream *s, bool open)
{
    TRY(gpu_aead_crypt(keys, t, io, s, open));
    return gpu_aead_hash(keys, t, io, s, open);
}

static parseal_status run_step(const long_message *l, const aead_item *item, step run)
{
    gpu_table table;
    const gpu_device *d = l->keys->device;
    TRY(gpu_table_create(&table, d, item, 1));
    const parseal_status status = run(l->keys, &table, &l->io, &l->slot->stream, l->open);
    const parseal_status done = gpu_finish(d, &l->slot->stream);
    gpu_table_destroy(&table);
    return status == PARSEAL_OK ? done : status;
}

static parseal_status hash_aad(const long_message *l)
{
    const parseal_msg *m = l->msg;
    for (uint64_t at = 0; at < m->aad_len; at += l->part_max) {
        const uint64_t left = m->aad_len - at, size = left < l->part_max ? left : l->part_max;
        const aead_item item = {.aad_len = size,
                                .blocks_after = blocks_of(left - size) + blocks_of(m->len) + 1,
                                .key = m->key};
        memcpy(l->slot->host + PART, (const uint8_t *)m->aad + at, (size_t)size);
        TRY(gpu_slot_in(l->stage, l->slot, PART, size));
        TRY(run_step(l, &item, gpu_aead_hash));
    }
    return PARSEAL_OK;
}

/* All parts of the data through a step; out is written where that step crypts. */
static parseal_status pass(const long_message *l, step run, bool writes)
{
    const parseal_msg *m = l->msg;
    for (uint64_t at = 0; at < m->len; at += l->part_max) {
        const uint64_t left = m->len - at, size = left < l->part_max ? left : l->part_max;
        const aead_item item = {.len = size,
                                .first_block = at / 16,
                                .blocks_after = blocks_of(left - size) + 1,
                                .key = m->key};
        memcpy(l->slot->host + PART, (const uint8_t *)m->in + at, (size_t)size);
        TRY(gpu_slot_in(l->stage, l->slot, PART, size));
        TRY(run_step(l, &item, run));
        if (!writes)
            continue;
        TRY(gpu_slot_out(l->stage, l->slot, PART, size));
        TRY(gpu_finish(l->keys->device, &l->slot->stream));
        if (m->in == m->out)
            l->msg->status = PARSEAL_ITEM_SPOILED;
        memcpy((uint8_t *)m->out + at, l->slot->host + PART, (size_t)size);
    }
    return PARSEAL_OK;
}

/* The tag or the verdict, from the device. */
static parseal_status finish(const long_message *l, int32_t *verdict)
{
    const aead_item whole = {
        .len = l->msg->len, .aad_len = l->msg->aad_len, .blocks_after = 1, .key = l->msg->key};
    TRY(run_step(l, &whole, gpu_aead_finish));
    TRY(gpu_slot_out(l->stage, l->slot, TAG, HEAD - TAG));
    TRY(gpu_finish(l->keys->device, &l->slot->stream));
    memcpy(verdict, l->slot->host + VERDICT, sizeof *verdict);
    return PARSEAL_OK;
}

static parseal_status start(const long_message *l)
{
    const aead_item whole = {.blocks_after = 1, .key = l->msg->key};
    memset(l->slot->host, 0, PART);
    memcpy(l->slot->host + NONCE, l->msg->nonce, sizeof l->msg->nonce);
    memcpy(l->slot->host + TAG, l->msg->tag, sizeof l->msg->tag);
    TRY(gpu_slot_in(l->stage, l->slot, 0, PART));
    TRY(run_step(l, &whole, begin));
    return hash_aad(l);
}

static parseal_status seal(const long_message *l)
{
    int32_t verdict;
    TRY(start(l));
    TRY(pass(l, crypt_and_hash, true));
    TRY(finish(l, &verdict));
    memcpy(l->msg->tag, l->slot->host + TAG, sizeof l->msg->tag);
    l->msg->status = verdict;
    return PARSEAL_OK;
}

static parseal_status open_checked(const long_message *l)
{
    int32_t verdict;
    TRY(start(l));
    TRY(pass(l, gpu_aead_hash, false));
    TRY(finish(l, &verdict));
    if (verdict == PARSEAL_ITEM_OK)
        TRY(pass(l, gpu_aead_crypt, true));
    else
        memset(l->msg->out, 0, l->msg->len);
    l->msg->status = verdict;
    return PARSEAL_OK;
}

/* What a slot of so many bytes holds beside its head and the work; 0 where that is nothing. */
static uint64_t part_max(const gpu_driver *driver, uint64_t size)
{
    uint64_t part = size / HASH_TILE * HASH_TILE;
    while (part > 0 && PART + part + gpu_work_max(driver, part, 0) > size)
        part -= HASH_TILE;
    return part;
}

parseal_status gpu_long_message(const gpu_keys *keys, gpu_stage *stage, gpu_slot *slot,
                                parseal_msg *msg, bool open)
{
    const gpu_memory m = slot->memory;
    const uint64_t part = part_max(keys->device->driver, slot->size);
    long_message l = {.keys = keys,
                      .stage = stage,
                      .slot = slot,
                      .msg = msg,
                      .open = open,
                      .io = {.in = {m, PART},
                             .out = {m, PART},
                             .aad = {m, PART},
                             .nonces = {m, NONCE},
                             .tags = {m, TAG},
                             .verdicts = {m, VERDICT},
                             .work = {m, PART + part}},
                      .part_max = part};
    if (part == 0)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY,
                            "%s has too little memory for a message of %zu bytes",
                            keys->device->name, msg->len);
    gpu_slot_use(slot, PART + part + gpu_work_max(keys->device->driver, part, 0));
    return open ? open_checked(&l) : seal(&l);
}
