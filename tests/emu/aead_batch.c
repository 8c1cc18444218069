#include "aead_batch.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "emulator.h"
#include "fallback/portable/aes_bitsliced.h"
#include "fallback/portable/ghash_holes.h"

void *device_memory(size_t size)
{
    const size_t rounded = (size + 256) / 256 * 256;
    void *p = aligned_alloc(256, rounded);
    assert_non_null(p);
    memset(p, 0, rounded);
    return p;
}

/* Exactly as long as it is asked for, for sanitizers to see what is read beyond it. */
static uint8_t *bytes(size_t size)
{
    void *p = NULL;
    assert_int_equal(posix_memalign(&p, 256, size + 1), 0);
    memset(p, 0, size);
    return p;
}

/* ------------------------------------------------------------------------------------ launch -- */

bool ghash_way_is_there(ghash_way way)
{
    return way != BY_CLMAD || emulator_has("aead_hash_clmad") != 0;
}

typedef struct {
    const char *name;
    u32 threads, dynamic_bytes;
} kernel_row;

#define ROW(program, name, threads, dynamic_bytes, items) {#name, threads, dynamic_bytes},
static const kernel_row rows[] = {CUDA_KERNELS(ROW)};

static void launch(const aead_batch *b, const char *name, void **args)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            assert_int_equal(
                emulator_launch(name, b->choice.grid, rows[i].threads, rows[i].dynamic_bytes, args),
                0);
            return;
        }
    }
    fail_msg("no row for %s", name);
}

#define LAUNCH(b, name, ...) launch(b, name, (void *[]){__VA_ARGS__})

static uint64_t ceil_div(uint64_t a, uint64_t b)
{
    return (a + b - 1) / b;
}

static uint64_t tiles_of(const aead_batch *b, const aead_item *item)
{
    return ceil_div(item->aad_len, b->choice.tile) + ceil_div(item->len, b->choice.tile);
}

static uint64_t groups_of(const aead_batch *b, const aead_item *item)
{
    (void)b;
    const uint64_t first = 2 + item->first_block, blocks = ceil_div(item->len, BLOCK);
    return blocks == 0 ? 0 : (first + blocks - 1) / 256 - first / 256 + 1;
}

/* begin[i]: the units of all items before i; begin[n]: all. */
static u64 *units_before(const aead_batch *b, const aead_item *items, u32 n,
                         uint64_t (*count)(const aead_batch *, const aead_item *))
{
    u64 *begin = (u64 *)(void *)bytes((n + 1) * sizeof *begin);
    for (u32 i = 0; i < n; i++)
        begin[i + 1] = begin[i] + count(b, items + i);
    return begin;
}

size_t work_size(const aead_batch *b, const aead_item *items, u32 n)
{
    size_t tiles = 0;
    for (u32 i = 0; i < n; i++)
        tiles += (size_t)tiles_of(b, items + i);
    return WORK * (size_t)n + BLOCK * tiles;
}

void run_begin(aead_batch *b, const aead_item *items, u32 n, uint8_t *work)
{
    LAUNCH(b, "aead_begin", &items, &n, &b->keys, &b->nonces, &b->verdicts, &work);
}

void run_crypt(aead_batch *b, const aead_item *items, u32 n, const uint8_t *in, bool open)
{
    u64 *begin = units_before(b, items, n, groups_of), total = begin[n];
    u32 opens = open;
    if (total > 0)
        LAUNCH(b, b->choice.wide ? "aead_crypt_wide" : "aead_crypt", &items, &n, &begin, &total,
               &b->keys, &b->nonces, &in, &b->out, &b->verdicts, &opens);
    free(begin);
}

void run_hash(aead_batch *b, const aead_item *items, u32 n, const uint8_t *data, bool of_out,
              uint8_t *work)
{
    u64 *begin = units_before(b, items, n, tiles_of), total = begin[n];
    u32 tile = b->choice.tile, use_out_offset = of_out;
    void *mma[] = {&items,       &n,    &begin,          &total,  &tile, &b->keys,
                   &b->matrices, &data, &use_out_offset, &b->aad, &work};
    void *clmad[] = {&items,   &n,    &begin,          &total,  &tile, &b->keys,
                     &b->rows, &data, &use_out_offset, &b->aad, &work};
    void *integers[] = {&items,   &n,    &begin,          &total,  &tile,
                        &b->keys, &data, &use_out_offset, &b->aad, &work};
    if (total > 0 && b->choice.ghash == BY_MMA)
        launch(b, "aead_hash_mma", mma);
    else if (total > 0 && b->choice.ghash == BY_CLMAD)
        launch(b, "aead_hash_clmad", clmad);
    else if (total > 0)
        launch(b, "aead_hash", integers);
    free(begin);
}

void run_seal(aead_batch *b, const aead_item *items, u32 n, uint8_t *work)
{
    u64 *begin = units_before(b, items, n, tiles_of), total = begin[n];
    u32 tile = b->choice.tile;
    if (!b->choice.one_pass) {
        run_crypt(b, items, n, b->in, false);
        run_hash(b, items, n, b->out, true, work);
    } else if (total > 0) {
        LAUNCH(b, "aead_seal", &items, &n, &begin, &total, &tile, &b->keys, &b->rows, &b->nonces,
               &b->in, &b->out, &b->aad, &work);
    }
    free(begin);
}

void run_weigh(aead_batch *b, const aead_item *items, u32 n, uint8_t *work)
{
    u64 *begin = units_before(b, items, n, tiles_of);
    u32 tile = b->choice.tile;
    LAUNCH(b, "aead_weigh", &items, &n, &begin, &tile, &b->keys, &work);
    free(begin);
}

void run_finish(aead_batch *b, const aead_item *items, u32 n, uint8_t *work, bool open)
{
    u32 opens = open;
    LAUNCH(b, "aead_finish", &items, &n, &b->keys, &b->tags, &b->verdicts, &work, &opens);
}

void batch_expand(aead_batch *b)
{
    LAUNCH(b, "keys_expand", &b->raw, &b->keys, &b->key_len, &b->n_keys);
    if (b->choice.ghash == BY_MMA)
        LAUNCH(b, "keys_matrices", &b->keys, &b->matrices, &b->n_keys);
    if (b->choice.ghash == BY_CLMAD)
        LAUNCH(b, "keys_rows", &b->keys, &b->rows, &b->n_keys);
}

static void run_all(aead_batch *b, bool open)
{
    const size_t size = work_size(b, b->items, b->n);
    uint8_t *work = bytes(size);
    memset(work, UNTOUCHED, size);
    run_begin(b, b->items, b->n, work);
    for (u32 i = 0; i < b->n; i++)
        assert_int_equal(b->verdicts[i], UNSET);
    if (open)
        run_hash(b, b->items, b->n, b->in, false, work);
    else
        run_seal(b, b->items, b->n, work);
    run_weigh(b, b->items, b->n, work);
    run_finish(b, b->items, b->n, work, open);
    assert_filled(work, size, 0);
    if (open)
        run_crypt(b, b->items, b->n, b->in, true);
    free(work);
}

void batch_seal(aead_batch *b)
{
    run_all(b, false);
}

void batch_open(aead_batch *b)
{
    run_all(b, true);
}

/* ------------------------------------------------------------------------------------- batch -- */

/* SP 800-38D algorithm 4. */
static void seal_by_cpu(const aead_batch *b, u32 i)
{
    const aead_item *item = b->items + i;
    const uint8_t *nonce = b->nonces + (size_t)NONCE * i, zero[BLOCK] = {0};
    uint8_t h[BLOCK], lengths[BLOCK], y[BLOCK] = {0}, *tag = b->want_tags + (size_t)BLOCK * i;
    uint8_t *out = b->want + item->out_offset;
    aes_key key;
    ghash_key ghash;
    aes_key_init(&key, b->raw + (size_t)b->key_len * item->key, b->key_len);
    aes_encrypt_block(&key, zero, h);
    ghash_key_init(&ghash, h);
    aes_ctr(&key, nonce, 1, tag, b->in + item->in_offset, out, (size_t)item->len);
    for (size_t k = 0; k < 8; k++) {
        lengths[k] = (uint8_t)(8 * item->aad_len >> (56 - 8 * k));
        lengths[8 + k] = (uint8_t)(8 * item->len >> (56 - 8 * k));
    }
    ghash_update(&ghash, y, b->aad + item->aad_offset, (size_t)item->aad_len);
    ghash_update(&ghash, y, out, (size_t)item->len);
    ghash_update(&ghash, y, lengths, BLOCK);
    for (size_t k = 0; k < BLOCK; k++)
        tag[k] ^= y[k];
}

/* Messages in a row, each at a multiple of 16 and its shifts; farther apart in out than in in. */
static void place(aead_batch *b, const message_shape *shapes)
{
    uint64_t at = 0, out_at = 0, aad_at = 0;
    for (u32 i = 0; i < b->n; i++) {
        aead_item *item = b->items + i;
        at = ceil_div(at, BLOCK) * BLOCK + shapes[i].shift;
        out_at = (ceil_div(out_at, BLOCK) + 1) * BLOCK + shapes[i].shift + shapes[i].farther;
        aad_at = ceil_div(aad_at, BLOCK) * BLOCK + shapes[i].shift;
        *item = (aead_item){.len = shapes[i].len,
                            .in_offset = at,
                            .out_offset = out_at,
                            .aad_len = shapes[i].aad_len,
                            .aad_offset = aad_at,
                            .blocks_after = 1,
                            .key = shapes[i].key};
        b->plain_at[i] = at;
        at += shapes[i].len;
        out_at += shapes[i].len;
        aad_at += shapes[i].aad_len;
    }
    b->in_size = (size_t)at;
    b->out_size = (size_t)out_at;
    b->aad_size = (size_t)aad_at;
}

static uint8_t *random_bytes(rng *r, size_t size)
{
    uint8_t *p = bytes(size);
    rng_fill(r, p, size);
    return p;
}

void batch_create(aead_batch *b, rng *r, u32 key_len, u32 n_keys, const message_shape *shapes,
                  u32 n)
{
    *b = (aead_batch){.n = n, .n_keys = n_keys, .key_len = key_len};
    b->choice = (kernel_choice){.tile = 4096, .grid = 1};
    b->items = (aead_item *)(void *)bytes(n * sizeof *b->items);
    b->plain_at = (u64 *)(void *)bytes(n * sizeof *b->plain_at);
    place(b, shapes);
    b->raw = random_bytes(r, (size_t)n_keys * key_len);
    b->nonces = random_bytes(r, (size_t)n * NONCE);
    b->in = random_bytes(r, b->in_size);
    b->aad = random_bytes(r, b->aad_size);
    b->tag_shift = (u32)rng_below(r, BLOCK);
    b->tags = random_bytes(r, b->tag_shift + (size_t)n * BLOCK) + b->tag_shift;
    b->out = bytes(b->out_size);
    b->want = bytes(b->out_size);
    memset(b->out, UNTOUCHED, b->out_size);
    memset(b->want, UNTOUCHED, b->out_size);
    b->want_tags = bytes((size_t)n * BLOCK);
    b->verdicts = device_memory(n * sizeof *b->verdicts);
    b->keys = device_memory(n_keys * sizeof *b->keys);
    b->matrices = device_memory((size_t)n_keys * GHASH_MATRIX_BYTES);
    b->rows = device_memory((size_t)n_keys * GHASH_ROWS_BYTES);
    for (u32 i = 0; i < n; i++)
        seal_by_cpu(b, i);
}

void batch_destroy(aead_batch *b)
{
    void *all[] = {
        b->items, b->raw,  b->nonces,   b->in,   b->aad,      b->out,       b->verdicts,
        b->keys,  b->rows, b->matrices, b->want, b->plain_at, b->want_tags, b->tags - b->tag_shift};
    for (size_t i = 0; i < COUNT_OF(all); i++)
        free(all[i]);
}
