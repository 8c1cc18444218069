/* AES-GCM over batches.
 *
 * Messages of one tile go to the implementation whole, some at a time. Longer ones are cut, and
 * take three passes over the batch: tiles, tags, and for open the tiles again. GHASH is linear: the
 * hash of a tile t is computed on its own as partial[t]; then y = y * H^(blocks of t) ^ partial[t],
 * tile by tile, gives the hash of the whole.
 *
 * Open hashes first, decides, and only then decrypts: no unverified plaintext is ever written.
 */
#include "fallback/batch/gcm.h"

#include <sodium.h>
#include <string.h>

#include "fallback/math/bytes.h"
#include "fallback/portable/ghash_holes.h"
#include "host/support/threads.h"
#include "host/support/wipe.h"
#include "parseal/parseal.h"

/* Tiles that a task takes at once, at most: enough to overlap one short message with the next. */
enum { GROUP_MAX = 64 };

/* Data begins with the counter after J0's. A message has fewer than 2^32 blocks: no wrap. */
static uint32_t counter_at(uint64_t offset)
{
    return (uint32_t)(2 + offset / 16);
}

/* A whole message is hashed together with a neighbour that is being decrypted; one that is cut
 * takes a pass over all its tiles for each, and the sums of its parts. */
uint64_t gcm_tile_size(uint32_t threads, uint64_t bytes)
{
    const uint64_t least = 64 * 1024;
    if (threads <= 1)
        return UINT64_MAX;
    const uint64_t share = bytes / ((uint64_t)threads * 8);
    return share <= least ? least : share / least * least;
}

size_t gcm_tiles_of(uint64_t len, uint64_t tile_size)
{
    return len == 0 ? 1 : (size_t)((len - 1) / tile_size + 1);
}

typedef struct {
    gcm_item item;
    size_t index;    /* of this tile in the item */
    size_t n;        /* tiles of the item */
    uint64_t offset; /* of this tile in the item */
    size_t size;     /* of this tile */
} tile_view;

static tile_view view(const gcm_batch *b, size_t t)
{
    const gcm_tile tile = b->tiles != NULL ? b->tiles[t] : (gcm_tile){.item = t};
    tile_view v;
    v.index = tile.index;
    b->items(b->source, tile.item, 1, &v.item);
    v.n = gcm_tiles_of(v.item.len, b->tile_size);
    v.offset = v.index * b->tile_size;
    const uint64_t left = v.item.len - v.offset;
    v.size = (size_t)(left < b->tile_size ? left : b->tile_size);
    return v;
}

/* ------------------------------------------------------------------ first pass: all tiles -- */

typedef struct {
    const gcm_batch *batch;
    bool open;
    size_t group; /* tiles a task */
} pass;

static void hash_or_seal_tile(const pass *p, const tile_view *v, uint8_t partial[16])
{
    const gcm_impl *impl = p->batch->impl;
    const uint8_t *in = v->item.in + v->offset;
    if (p->open)
        impl->ghash(v->item.key, partial, in, v->size);
    else
        impl->seal(v->item.key, v->item.nonce, counter_at(v->offset), in, v->item.out + v->offset,
                   v->size, v->item.past_caches, partial);
}

static void first_pass(void *arg, size_t task)
{
    const pass *p = arg;
    const gcm_batch *b = p->batch;
    void (*const run_items)(const gcm_item *, size_t) =
        p->open ? b->impl->open_items : b->impl->seal_items;
    const size_t begin = task * p->group;
    const size_t end = b->n_tiles - begin < p->group ? b->n_tiles : begin + p->group;
    gcm_item whole[GROUP_MAX];
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

/* y is zero where there is no aad, and then so is its product: powers are not for nothing. */
static void combine(const gcm_impl *impl, const gcm_item *item, uint64_t tile_size,
                    const uint8_t (*partial)[16], uint8_t y[16])
{
    uint8_t h[16], power[16];
    const size_t n = gcm_tiles_of(item->len, tile_size);
    const uint64_t last = item->len - (n - 1) * tile_size;
    const size_t first = item->aad_len == 0 ? 1 : 0;

    impl->hash_key(item->key, h);
    if (n > first + 1)
        gf128_power(power, h, tile_size / 16);
    for (size_t t = 0; t < n; t++) {
        if (t == n - 1 && t >= first)
            gf128_power(power, h, (last + 15) / 16);
        if (t >= first)
            gf128_multiply(y, power);
        for (size_t i = 0; i < 16; i++)
            y[i] ^= partial[t][i];
    }
    sodium_memzero(h, sizeof h);
    sodium_memzero(power, sizeof power);
}

/* From the hash of all of an item but its lengths. */
static void tag_of_hash(const gcm_impl *impl, const gcm_item *item, uint8_t tag[16])
{
    uint8_t ej0[16], lengths[16];
    store_be64(lengths, item->aad_len * 8);
    store_be64(lengths + 8, item->len * 8);
    impl->ghash(item->key, tag, lengths, sizeof lengths);
    impl->encrypt_j0(item->key, item->nonce, ej0);
    for (size_t i = 0; i < 16; i++)
        tag[i] ^= ej0[i];
    sodium_memzero(ej0, sizeof ej0);
}

/* Of an item that has been cut. */
static void compute_tag(const gcm_impl *impl, const gcm_item *item, uint64_t tile_size,
                        const uint8_t (*partial)[16], uint8_t tag[16])
{
    memset(tag, 0, 16);
    impl->ghash(item->key, tag, item->aad, (size_t)item->aad_len);
    combine(impl, item, tile_size, partial, tag);
    tag_of_hash(impl, item, tag);
}

void gcm_decide(const gcm_impl *impl, const gcm_item *item, uint64_t tile_size,
                const uint8_t (*partial)[16])
{
    uint8_t tag[16];
    compute_tag(impl, item, tile_size, partial, tag);
    *item->verdict = crypto_verify_16(tag, item->tag) == 0 ? PARSEAL_ITEM_OK : PARSEAL_ITEM_BAD_TAG;
    sodium_memzero(tag, sizeof tag);
}

static void second_pass(void *arg, size_t t)
{
    const pass *p = arg;
    const gcm_batch *b = p->batch;
    const tile_view v = view(b, t);
    const uint8_t(*partial)[16] = (const uint8_t(*)[16])(b->partial + t);
    if (v.n == 1 || v.index != 0)
        return;
    if (p->open) {
        gcm_decide(b->impl, &v.item, b->tile_size, partial);
    } else {
        compute_tag(b->impl, &v.item, b->tile_size, partial, v.item.tag);
        *v.item.verdict = PARSEAL_ITEM_OK;
    }
    wipe_stack();
}

/* ----------------------------------------------- third pass: decrypt long messages, or zero -- */

static void third_pass(void *arg, size_t t)
{
    const pass *p = arg;
    const tile_view v = view(p->batch, t);
    if (v.n == 1)
        return;
    if (*v.item.verdict == PARSEAL_ITEM_OK)
        p->batch->impl->ctr(v.item.key, v.item.nonce, counter_at(v.offset), v.item.in + v.offset,
                            v.item.out + v.offset, v.size, v.item.past_caches);
    else
        memset(v.item.out + v.offset, 0, v.size);
    wipe_stack();
}

void gcm_run(const gcm_batch *b, bool open)
{
    const size_t share = b->threads > 1 ? b->n_tiles / ((size_t)b->threads * 4) : GROUP_MAX;
    pass p = {b, open, share < 1 ? 1 : share < GROUP_MAX ? share : GROUP_MAX};
    const bool long_items = b->tiles != NULL;

    if (long_items)
        memset(b->partial, 0, 16 * b->n_tiles);
    threads_for(b->threads, (b->n_tiles + p.group - 1) / p.group, first_pass, &p);
    if (!long_items)
        return;
    threads_for(b->threads, b->n_tiles, second_pass, &p);
    if (open)
        threads_for(b->threads, b->n_tiles, third_pass, &p);
    sodium_memzero(b->partial, 16 * b->n_tiles);
}
