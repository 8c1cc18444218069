/* AEAD over batches, whatever the algorithm.
 *
 * Messages of one tile go to the implementation whole, some at a time. Longer ones are cut, and
 * take three passes over the batch: tiles, tags, and for open the tiles again. Each tile is hashed
 * on its own; its algorithm puts the hashes together (aead_parts.tag).
 *
 * Open hashes first, decides, and only then decrypts: no unverified plaintext is ever written.
 */
#include "fallback/batch/aead.h"

#include <sodium.h>
#include <string.h>

#include "host/support/threads.h"
#include "host/support/wipe.h"
#include "parseal/parseal.h"

/* The most tiles that a task takes at once: enough to overlap one short message with the next. */
enum { GROUP_MAX = 64 };

/* A message costs about as much as so many bytes besides its own. */
enum { MESSAGE_WORTH = 512 };

/* Cutting costs something: a whole message is hashed while its neighbour is decrypted, but a
 * message that is cut takes one pass to hash and another to decrypt, and its hashes must be put
 * together. */
uint64_t aead_tile_size(uint32_t threads, uint64_t bytes)
{
    const uint64_t least = AEAD_ONE_MAX;
    if (threads <= 1)
        return UINT64_MAX;
    const uint64_t share = bytes / ((uint64_t)threads * 32);
    return share <= least ? least : share / least * least;
}

size_t aead_tiles_of(uint64_t len, uint64_t tile_size)
{
    return len == 0 ? 1 : (size_t)((len - 1) / tile_size + 1);
}

typedef struct {
    cpu_item item;
    size_t index;    /* the tile's number in the item */
    size_t n;        /* number of tiles of the item */
    uint64_t offset; /* the tile's first byte in the item */
    size_t size;     /* the tile's bytes */
} tile_view;

static tile_view view(const aead_batch *b, size_t t)
{
    const aead_tile tile = b->tiles != NULL ? b->tiles[t] : (aead_tile){.item = t};
    tile_view v;
    v.index = tile.index;
    b->items(b->source, tile.item, 1, &v.item);
    v.n = aead_tiles_of(v.item.len, b->tile_size);
    v.offset = v.index * b->tile_size;
    const uint64_t left = v.item.len - v.offset;
    v.size = (size_t)(left < b->tile_size ? left : b->tile_size);
    return v;
}

/* ------------------------------------------------------------------ first pass: all tiles -- */

typedef struct {
    const aead_batch *batch;
    bool open;
    size_t group; /* tiles of a task */
} pass;

static void hash_or_seal_tile(const pass *p, const tile_view *v, uint8_t partial[16])
{
    const aead_impl *impl = p->batch->impl;
    (p->open ? impl->parts->hash_part : impl->parts->seal_part)(impl, &v->item, v->offset, v->size,
                                                                partial);
}

static void first_pass(void *arg, size_t task)
{
    const pass *p = arg;
    const aead_batch *b = p->batch;
    void (*const run_items)(const cpu_item *, size_t) =
        p->open ? b->impl->open_items : b->impl->seal_items;
    const size_t begin = task * p->group;
    const size_t end = b->n_tiles - begin < p->group ? b->n_tiles : begin + p->group;
    cpu_item whole[GROUP_MAX];
    size_t n_whole = 0;

    if (b->tiles == NULL) {
        n_whole = end - begin;
        b->items(b->source, begin, n_whole, whole);
    }
    for (size_t t = begin; b->tiles != NULL && t < end; t++) {
        const tile_view v = view(b, t);
        if (v.n == 1)
            whole[n_whole++] = v.item;
        else
            hash_or_seal_tile(p, &v, b->partial[t]);
    }
    if (n_whole > 0)
        run_items(whole, n_whole);
    wipe_stack();
}

/* --------------------------------------------------- second pass: the tags of long messages -- */

void aead_decide(const aead_impl *impl, const cpu_item *item, uint64_t tile_size,
                 const uint8_t (*partial)[16])
{
    uint8_t tag[16];
    impl->parts->tag(impl, item, tile_size, partial, tag);
    *item->verdict = crypto_verify_16(tag, item->tag) == 0 ? PARSEAL_ITEM_OK : PARSEAL_ITEM_BAD_TAG;
    sodium_memzero(tag, sizeof tag);
}

static void second_pass(void *arg, size_t t)
{
    const pass *p = arg;
    const aead_batch *b = p->batch;
    const tile_view v = view(b, t);
    const uint8_t(*partial)[16] = (const uint8_t(*)[16])(b->partial + t);
    if (v.n == 1 || v.index != 0)
        return;
    if (p->open) {
        aead_decide(b->impl, &v.item, b->tile_size, partial);
    } else {
        b->impl->parts->tag(b->impl, &v.item, b->tile_size, partial, v.item.tag);
        *v.item.verdict = PARSEAL_ITEM_OK;
    }
    wipe_stack();
}

/* ----------------------------------------------- third pass: decrypt long messages, or zero -- */

static void third_pass(void *arg, size_t t)
{
    const pass *p = arg;
    const aead_impl *impl = p->batch->impl;
    const tile_view v = view(p->batch, t);
    if (v.n == 1)
        return;
    if (*v.item.verdict == PARSEAL_ITEM_OK)
        impl->parts->open_part(impl, &v.item, v.offset, v.size, v.item.out + v.offset,
                               v.item.past_caches);
    else
        memset(v.item.out + v.offset, 0, v.size);
    wipe_stack();
}

/* An output that is zeroed may be so by a function of the C library, which lazy binding looks up on
 * the stack. */
void aead_run_one(const aead_impl *impl, const cpu_item *item, bool open)
{
    const bool alone = impl->seal_one != NULL;
    if (alone)
        (open ? impl->open_one : impl->seal_one)(item);
    else
        (open ? impl->open_items : impl->seal_items)(item, 1);
    if (alone && *item->verdict == PARSEAL_ITEM_OK)
        wipe_stack_to(WIPE_ONE);
    else
        wipe_stack();
}

void aead_run(const aead_batch *b, bool open)
{
    const size_t share = b->threads > 1 ? b->n_tiles / ((size_t)b->threads * 16) : GROUP_MAX;
    pass p = {b, open, share < 1 ? 1 : share < GROUP_MAX ? share : GROUP_MAX};
    const bool long_items = b->tiles != NULL;

    if (long_items)
        memset(b->partial, 0, 16 * b->n_tiles);
    const size_t bytes = (size_t)(b->bytes / (b->n_tiles > 0 ? b->n_tiles : 1)) + MESSAGE_WORTH;
    threads_for(b->threads, (b->n_tiles + p.group - 1) / p.group, p.group * bytes, first_pass, &p);
    if (!long_items)
        return;
    threads_for(b->threads, b->n_tiles, MESSAGE_WORTH, second_pass, &p);
    if (open)
        threads_for(b->threads, b->n_tiles, bytes, third_pass, &p);
    sodium_memzero(b->partial, 16 * b->n_tiles);
}
