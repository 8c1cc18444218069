/* One message in parts, which take turns in the slots of a stage: while one is worked on, others
 * are copied. Each slot adds up the hashes of its own parts; the sum over all slots is the hash of
 * the message. Open goes over the message twice: to check its tag, and then to decrypt it. */
#include <string.h>

#include "host/gpu/batch.h"

/* Offsets in a slot: the head, then at PART the part, then `work`, which begins with the hash sum
 * and E(J0). */
enum { NONCE = 0, TAG = 32, VERDICT = 48, HEAD = 52, PART = 256, SUM_BYTES = 16 };
_Static_assert(TAG >= PARSEAL_NONCEBYTES_MAX, "a nonce of any algorithm has room");

typedef struct {
    const gpu_keys *keys;
    gpu_stage *stage;
    parseal_msg *msg;
    bool open;
    bool direct_in, direct_out; /* straight between the caller's memory and the device */
    uint64_t part_max;          /* bytes, a multiple of 16 */
} long_message;

/* The place in `out` that the part in a slot is copied to. */
typedef struct {
    uint64_t at, size; /* bytes; size 0: it is not copied */
} part;

static uint64_t blocks_of(uint64_t size)
{
    return size / 16 + (size % 16 != 0);
}

static gpu_aead_io io_of(const long_message *l, const gpu_slot *slot)
{
    const gpu_memory m = slot->memory;
    return (gpu_aead_io){.in = {m, PART},
                         .out = {m, PART},
                         .aad = {m, PART},
                         .nonces = {m, NONCE},
                         .tags = {m, TAG},
                         .verdicts = {m, VERDICT},
                         .work = {m, PART + l->part_max}};
}

/* Enqueues one step on one item. The slot's earlier work must be finished, as its table is
 * overwritten. */
static parseal_status enqueue(const long_message *l, gpu_slot *slot, const aead_item *item,
                              gpu_step run)
{
    const gpu_aead_io io = io_of(l, slot);
    TRY(gpu_table_open(&slot->table, l->stage->device, 1));
    slot->table.host[0] = *item;
    TRY(gpu_table_upload(&slot->table, &slot->stream));
    return run(l->keys, &slot->table, &io, &slot->stream, l->open);
}

static parseal_status finish_slot(const long_message *l, const gpu_slot *slot)
{
    return gpu_finish(l->stage->device, &slot->stream);
}

/* ------------------------------------------------------------------------------------- parts -- */

static parseal_status bring_in(const long_message *l, gpu_slot *slot, const uint8_t *from,
                               uint64_t size, bool direct)
{
    if (direct)
        return gpu_slot_in_from(l->stage, slot, PART, from, size);
    gpu_slot_use_both(slot, PART + size);
    gpu_copy(l->stage->device, slot->host + PART, from, size);
    return gpu_slot_in(l->stage, slot, PART, size);
}

static parseal_status take_out(const long_message *l, gpu_slot *slot, const part *p)
{
    if (l->direct_out)
        return gpu_slot_out_to(l->stage, slot, PART, (uint8_t *)l->msg->out + p->at, p->size);
    return gpu_slot_out(l->stage, slot, PART, p->size);
}

/* Waits for the slot's work, and copies its part to `out` where that is wanted. */
static parseal_status settle(const long_message *l, const gpu_slot *slot, part *p)
{
    TRY(finish_slot(l, slot));
    if (p->size > 0 && !l->direct_out) {
        if (l->msg->in == l->msg->out)
            l->msg->status = PARSEAL_ITEM_SPOILED;
        gpu_copy(l->stage->device, (uint8_t *)l->msg->out + p->at, slot->host + PART, p->size);
    }
    p->size = 0;
    return PARSEAL_OK;
}

static parseal_status settle_all(const long_message *l, part parts[GPU_SLOTS])
{
    for (size_t i = 0; i < l->stage->n; i++)
        TRY(settle(l, &l->stage->slot[i], &parts[i]));
    return PARSEAL_OK;
}

static parseal_status hash_aad(const long_message *l)
{
    const parseal_msg *m = l->msg;
    part parts[GPU_SLOTS] = {{0, 0}};
    size_t next = 0;
    for (uint64_t at = 0; at < m->aad_len; at += l->part_max) {
        const uint64_t left = m->aad_len - at, size = left < l->part_max ? left : l->part_max;
        const aead_item item = {.aad_len = size,
                                .blocks_after = blocks_of(left - size) + blocks_of(m->len) + 1,
                                .key = m->key};
        gpu_slot *slot = &l->stage->slot[next];
        TRY(finish_slot(l, slot));
        TRY(bring_in(l, slot, (const uint8_t *)m->aad + at, size, false));
        TRY(enqueue(l, slot, &item, l->keys->steps->hash));
        next = (next + 1) % l->stage->n;
    }
    return settle_all(l, parts);
}

/* Passes all parts of the data through a step. `writes` says that the step crypts, so that `out` is
 * written. */
static parseal_status pass(const long_message *l, gpu_step run, bool writes)
{
    const parseal_msg *m = l->msg;
    part parts[GPU_SLOTS] = {{0, 0}};
    size_t next = 0;
    for (uint64_t at = 0; at < m->len; at += l->part_max) {
        const uint64_t left = m->len - at, size = left < l->part_max ? left : l->part_max;
        const aead_item item = {.len = size,
                                .first_block = at / 16,
                                .blocks_after = blocks_of(left - size) + 1,
                                .key = m->key};
        gpu_slot *slot = &l->stage->slot[next];
        TRY(settle(l, slot, &parts[next]));
        TRY(bring_in(l, slot, (const uint8_t *)m->in + at, size, l->direct_in));
        TRY(enqueue(l, slot, &item, run));
        if (writes) {
            parts[next] = (part){at, size};
            TRY(take_out(l, slot, &parts[next]));
        }
        next = (next + 1) % l->stage->n;
    }
    return settle_all(l, parts);
}

/* ------------------------------------------------------------------------------------- whole -- */

/* Prepares every slot with the nonce, the tag and a hash sum of zero, and hashes the aad. */
static parseal_status start(const long_message *l)
{
    const aead_item whole = {.blocks_after = 1, .key = l->msg->key};
    for (size_t i = 0; i < l->stage->n; i++) {
        gpu_slot *slot = &l->stage->slot[i];
        memset(slot->host, 0, PART);
        memcpy(slot->host + NONCE, l->msg->nonce, l->keys->nonce_size);
        memcpy(slot->host + TAG, l->msg->tag, sizeof l->msg->tag);
        TRY(gpu_slot_in(l->stage, slot, 0, PART));
        TRY(enqueue(l, slot, &whole, l->keys->steps->begin));
    }
    return hash_aad(l);
}

/* Adds the other slots' hash sums to the first slot's. */
static parseal_status add_sums(const long_message *l)
{
    const uint64_t at = PART + l->part_max;
    gpu_slot *slots = l->stage->slot;
    for (size_t i = 0; i < l->stage->n; i++) {
        TRY(gpu_slot_out(l->stage, &slots[i], at, SUM_BYTES));
        TRY(finish_slot(l, &slots[i]));
    }
    for (size_t i = 1; i < l->stage->n; i++)
        for (size_t j = 0; j < SUM_BYTES; j++)
            slots[0].host[at + j] ^= slots[i].host[at + j];
    return gpu_slot_in(l->stage, &slots[0], at, SUM_BYTES);
}

/* Computes the tag on the device, and reads tag and verdict. */
static parseal_status finish(const long_message *l, int32_t *verdict)
{
    const aead_item whole = {
        .len = l->msg->len, .aad_len = l->msg->aad_len, .blocks_after = 1, .key = l->msg->key};
    gpu_slot *slot = &l->stage->slot[0];
    TRY(add_sums(l));
    TRY(enqueue(l, slot, &whole, l->keys->steps->finish));
    TRY(gpu_slot_out(l->stage, slot, TAG, HEAD - TAG));
    TRY(finish_slot(l, slot));
    memcpy(verdict, slot->host + VERDICT, sizeof *verdict);
    return PARSEAL_OK;
}

static parseal_status seal(const long_message *l)
{
    int32_t verdict;
    TRY(start(l));
    TRY(pass(l, l->keys->steps->seal, true));
    TRY(finish(l, &verdict));
    memcpy(l->msg->tag, l->stage->slot[0].host + TAG, sizeof l->msg->tag);
    l->msg->status = verdict;
    return PARSEAL_OK;
}

/* Copies the verdict to the other slots, whose kernels ask for it, too. */
static parseal_status spread_verdict(const long_message *l)
{
    const int32_t *verdict = (const int32_t *)(l->stage->slot[0].host + VERDICT);
    for (size_t i = 1; i < l->stage->n; i++) {
        gpu_slot *slot = &l->stage->slot[i];
        memcpy(slot->host + VERDICT, verdict, sizeof *verdict);
        TRY(gpu_slot_in(l->stage, slot, VERDICT, sizeof *verdict));
    }
    return PARSEAL_OK;
}

static parseal_status open_checked(const long_message *l)
{
    int32_t verdict;
    TRY(start(l));
    TRY(pass(l, l->keys->steps->hash, false));
    TRY(finish(l, &verdict));
    if (verdict == PARSEAL_ITEM_OK) {
        TRY(spread_verdict(l));
        TRY(pass(l, l->keys->steps->crypt, true));
    } else {
        memset(l->msg->out, 0, l->msg->len);
    }
    l->msg->status = verdict;
    return PARSEAL_OK;
}

/* Returns the largest part that fits a slot of `size` bytes beside its head and its work, or 0. */
static uint64_t part_max(const gpu_driver *driver, uint64_t size)
{
    uint64_t most = size / HASH_TILE * HASH_TILE;
    while (most > 0 && PART + most + gpu_work_max(driver, most, 0) > size)
        most -= HASH_TILE;
    return most;
}

parseal_status gpu_long_message(const gpu_keys *keys, gpu_stage *stage, parseal_msg *msg, bool open)
{
    const gpu_device *d = keys->device;
    const uint64_t most = part_max(d->driver, stage->slot[0].size);
    const bool direct = gpu_is_direct(d, msg->in, msg->len) && gpu_is_direct(d, msg->out, msg->len);
    const long_message l = {.keys = keys,
                            .stage = stage,
                            .msg = msg,
                            .open = open,
                            .direct_in = direct,
                            .direct_out = direct && msg->in != msg->out,
                            .part_max = most};
    if (most == 0)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY,
                            "%s has too little memory for a message of %zu bytes", d->name,
                            msg->len);
    for (size_t i = 0; i < stage->n; i++)
        gpu_slot_use(&stage->slot[i], PART + most + gpu_work_max(d->driver, most, 0));
    return open ? open_checked(&l) : seal(&l);
}
