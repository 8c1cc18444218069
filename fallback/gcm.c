/* AES-GCM over batches.
 *
 * tag = E(J0) ^ GHASH(aad || ciphertext || lengths). GHASH is linear: the hash of a message's tile
 * t is computed on its own as partial[t]; then y = y * H^(blocks of t) ^ partial[t], tile by tile,
 * gives the hash of the whole. An item that is one tile does everything in one task, in the cache;
 * a longer one takes three passes over the batch: tiles, tags, and for open the tiles again.
 *
 * Open hashes first, decides, and only then decrypts: no unverified plaintext is ever written.
 */
#include "fallback/gcm.h"

#include <sodium.h>
#include <string.h>

#include "fallback/portable/bytes.h"
#include "fallback/portable/ghash_holes.h"
#include "fallback/threads.h"
#include "parseal/parseal.h"

#define TILE_BLOCKS (GCM_TILE / 16)

/* Data begins with the counter after J0's. A message has fewer than 2^32 blocks, so it does not
 * wrap. */
static uint32_t counter_at(size_t tile_index)
{
    return (uint32_t)(2 + tile_index * TILE_BLOCKS);
}

size_t gcm_tiles_of(uint64_t len)
{
    return len == 0 ? 1 : (size_t)((len - 1) / GCM_TILE + 1);
}

typedef struct {
    gcm_item item;
    size_t index;        /* of this tile in the item */
    size_t n;            /* tiles of the item */
    size_t offset, size; /* this tile's bytes */
} tile_view;

static tile_view view(const gcm_batch *b, size_t t)
{
    tile_view v;
    v.index = b->tiles != NULL ? b->tiles[t].index : 0;
    v.item = b->item(b->source, b->tiles != NULL ? b->tiles[t].item : t);
    v.n = gcm_tiles_of(v.item.len);
    v.offset = v.index * GCM_TILE;
    const uint64_t left = v.item.len - v.offset;
    v.size = left < GCM_TILE ? (size_t)left : GCM_TILE;
    return v;
}

/* y after the ciphertext becomes the tag. */
static void finish_tag(const gcm_impl *impl, const gcm_item *item, uint8_t y[16],
                       const uint8_t ej0[16])
{
    uint8_t lengths[16];
    store_be64(lengths, item->aad_len * 8);
    store_be64(lengths + 8, item->len * 8);
    impl->ghash(item->key, y, lengths, sizeof lengths);
    for (size_t i = 0; i < 16; i++)
        y[i] ^= ej0[i];
}

static void hash_aad(const gcm_impl *impl, const gcm_item *item, uint8_t y[16])
{
    memset(y, 0, 16);
    if (item->aad_len > 0)
        impl->ghash(item->key, y, item->aad, (size_t)item->aad_len);
}

/* The hash of aad and ciphertext of an item of several tiles, from its partial hashes. */
static void combine(const gcm_impl *impl, const gcm_item *item, size_t n,
                    const uint8_t (*partial)[16], uint8_t y[16])
{
    uint8_t h[16], power[16];
    const size_t last = (size_t)(item->len - (n - 1) * GCM_TILE);

    impl->hash_key(item->key, h);
    hash_aad(impl, item, y);
    gf128_power(power, h, TILE_BLOCKS);
    for (size_t t = 0; t < n; t++) {
        if (t == n - 1)
            gf128_power(power, h, (last + 15) / 16);
        gf128_multiply(y, power);
        for (size_t i = 0; i < 16; i++)
            y[i] ^= partial[t][i];
    }
    sodium_memzero(h, sizeof h);
    sodium_memzero(power, sizeof power);
}

static void set_verdict(const gcm_item *item, const uint8_t computed[16])
{
    const int equal = crypto_verify_16(computed, item->tag) == 0;
    *item->verdict = equal ? PARSEAL_ITEM_OK : PARSEAL_ITEM_BAD_TAG;
}

static void decrypt_or_zero(const gcm_impl *impl, const tile_view *v)
{
    if (v->size == 0)
        return;
    if (*v->item.verdict == PARSEAL_ITEM_OK)
        impl->ctr(v->item.key, v->item.nonce, counter_at(v->index), v->item.in + v->offset,
                  v->item.out + v->offset, v->size);
    else
        memset(v->item.out + v->offset, 0, v->size);
}

/* First pass. Items of one tile are finished here. */

static void seal_tile(void *arg, size_t t)
{
    const gcm_batch *b = arg;
    const tile_view v = view(b, t);
    uint8_t y[16] = {0}, ej0[16];

    if (v.n > 1) {
        b->impl->seal(v.item.key, v.item.nonce, counter_at(v.index), v.item.in + v.offset,
                      v.item.out + v.offset, v.size, b->partial[t], NULL);
        return;
    }
    hash_aad(b->impl, &v.item, y);
    b->impl->seal(v.item.key, v.item.nonce, counter_at(0), v.item.in, v.item.out, v.size, y, ej0);
    finish_tag(b->impl, &v.item, y, ej0);
    memcpy(v.item.tag, y, 16);
    *v.item.verdict = PARSEAL_ITEM_OK;
    sodium_memzero(ej0, sizeof ej0);
}

static void open_tile(void *arg, size_t t)
{
    const gcm_batch *b = arg;
    const tile_view v = view(b, t);
    uint8_t y[16] = {0}, ej0[16];

    if (v.n > 1) {
        b->impl->ghash(v.item.key, b->partial[t], v.item.in + v.offset, v.size);
        return;
    }
    hash_aad(b->impl, &v.item, y);
    b->impl->ghash(v.item.key, y, v.item.in, v.size);
    b->impl->encrypt_j0(v.item.key, v.item.nonce, ej0);
    finish_tag(b->impl, &v.item, y, ej0);
    set_verdict(&v.item, y);
    decrypt_or_zero(b->impl, &v);
    sodium_memzero(ej0, sizeof ej0);
    sodium_memzero(y, sizeof y);
}

/* Second pass: tags of items of several tiles, each at its first tile. */

static void tag_of_long_item(const gcm_batch *b, const tile_view *v, size_t t, uint8_t tag[16])
{
    uint8_t ej0[16];
    combine(b->impl, &v->item, v->n, (const uint8_t(*)[16])(b->partial + t), tag);
    b->impl->encrypt_j0(v->item.key, v->item.nonce, ej0);
    finish_tag(b->impl, &v->item, tag, ej0);
    sodium_memzero(ej0, sizeof ej0);
}

static void seal_long_item(void *arg, size_t t)
{
    const gcm_batch *b = arg;
    const tile_view v = view(b, t);
    if (v.n == 1 || v.index != 0)
        return;
    tag_of_long_item(b, &v, t, v.item.tag);
    *v.item.verdict = PARSEAL_ITEM_OK;
}

static void verify_long_item(void *arg, size_t t)
{
    const gcm_batch *b = arg;
    const tile_view v = view(b, t);
    uint8_t computed[16];
    if (v.n == 1 || v.index != 0)
        return;
    tag_of_long_item(b, &v, t, computed);
    set_verdict(&v.item, computed);
    sodium_memzero(computed, sizeof computed);
}

/* Third pass. */

static void decrypt_long_item(void *arg, size_t t)
{
    const gcm_batch *b = arg;
    const tile_view v = view(b, t);
    if (v.n > 1)
        decrypt_or_zero(b->impl, &v);
}

static void run(gcm_batch *b, void (*const passes[3])(void *, size_t))
{
    const size_t n_passes = b->tiles != NULL ? 3 : 1;
    if (b->tiles != NULL)
        memset(b->partial, 0, 16 * b->n_tiles);
    for (size_t i = 0; i < n_passes && passes[i] != NULL; i++)
        threads_for(b->threads, b->n_tiles, passes[i], b);
    if (b->tiles != NULL)
        sodium_memzero(b->partial, 16 * b->n_tiles);
}

void gcm_seal(gcm_batch *batch)
{
    run(batch, (void (*const[3])(void *, size_t)){seal_tile, seal_long_item, NULL});
}

void gcm_open(gcm_batch *batch)
{
    run(batch, (void (*const[3])(void *, size_t)){open_tile, verify_long_item, decrypt_long_item});
}
