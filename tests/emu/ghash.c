/* The kernels of GHASH, run by the emulator: key expansion, and every tile's hash by integers, by
 * tensor cores and by carry-less multiplications against the CPU backend's portable code. */
#include <stdlib.h>
#include <string.h>

#include "aead_batch.h"
#include "check.h"
#include "fallback/portable/aes_bitsliced.h"
#include "fallback/portable/ghash_holes.h"
#include "kernels/common/ghash.h"
#include "run.h"

static void store_block(uint8_t *to, const u32 words[4])
{
    for (size_t i = 0; i < BLOCK; i++)
        to[i] = (uint8_t)(words[i / 4] >> (8 * (i % 4)));
}

/* Words of ghash.h as a block. */
static void store_number(uint8_t *to, const u32 x[4])
{
    u32 words[4];
    ghash_turn(words, x);
    store_block(to, words);
}

/* -------------------------------------------------------------------------------------- keys -- */

static void check_key(const uint8_t *raw, u32 key_len, const aead_key *got)
{
    const uint8_t zero[BLOCK] = {0};
    uint8_t h[BLOCK], want[BLOCK], block[BLOCK];
    aes_key key;
    aes_key_init(&key, raw, key_len);
    aes_encrypt_block(&key, zero, h);
    assert_int_equal(got->rounds, key.rounds);
    for (u32 k = 0; k <= key.rounds; k++) {
        store_block(block, got->round_key[k]);
        assert_bytes(block, key.round_key[k], BLOCK);
    }
    for (u32 k = 0; k < 32; k++) {
        gf128_power(want, h, k + 1);
        store_number(block, got->power[k]);
        assert_bytes(block, want, BLOCK);
    }
    for (u32 k = 0; k < 40; k++) {
        gf128_power(want, h, (u64)1 << k);
        store_number(block, got->square[k]);
        assert_bytes(block, want, BLOCK);
    }
}

static void check_rows(const uint8_t *h, const u32 (*row)[4])
{
    uint8_t want[BLOCK], got[BLOCK];
    for (u32 k = 0; k <= GHASH_ROWS; k++) {
        gf128_power(want, h, 32 * k);
        store_number(got, row[k]);
        assert_bytes(got, want, BLOCK);
    }
}

static void expanded_keys(void **state)
{
    (void)state;
    rng r = rng_for("emu keys");
    const message_shape shape = {0, 0, 0, 0, 0};
    for (u32 key_len = 16; key_len <= 32; key_len += 16) {
        aead_batch b;
        batch_create(&b, &r, key_len, 150, &shape, 1);
        b.choice.ghash = ghash_way_is_there(BY_CLMAD) ? BY_CLMAD : BY_INTEGERS;
        batch_expand(&b);
        for (u32 i = 0; i < b.n_keys; i++) {
            uint8_t h[BLOCK];
            check_key(b.raw + (size_t)key_len * i, key_len, b.keys + i);
            store_number(h, b.keys[i].power[0]);
            if (b.choice.ghash == BY_CLMAD)
                check_rows(h, (const u32(*)[4])(b.rows + (size_t)GHASH_ROWS_BYTES / 4 * i));
        }
        batch_destroy(&b);
    }
}

/* ------------------------------------------------------------------------------------- tiles -- */

static size_t check_tiles(const aead_batch *b, const uint8_t *h, const uint8_t *data, size_t size,
                          const uint8_t *hashes)
{
    size_t tiles = 0;
    ghash_key key;
    ghash_key_init(&key, h);
    for (size_t at = 0; at < size; at += b->choice.tile, tiles++) {
        const size_t left = size - at;
        uint8_t want[BLOCK] = {0}, got[BLOCK];
        u32 x[4];
        ghash_update(&key, want, data + at, left < b->choice.tile ? left : b->choice.tile);
        memcpy(x, hashes + BLOCK * tiles, sizeof x);
        store_number(got, x);
        assert_bytes(got, want, BLOCK);
    }
    return tiles;
}

static void check_hashes(aead_batch *b)
{
    uint8_t *work = device_memory(work_size(b, b->items, b->n));
    const uint8_t *hashes = work + WORK * (size_t)b->n;
    run_hash(b, b->items, b->n, b->in, false, work);
    for (u32 i = 0; i < b->n; i++) {
        const aead_item *item = b->items + i;
        uint8_t h[BLOCK];
        store_number(h, b->keys[item->key].power[0]);
        hashes +=
            BLOCK * check_tiles(b, h, b->aad + item->aad_offset, (size_t)item->aad_len, hashes);
        hashes += BLOCK * check_tiles(b, h, b->in + item->in_offset, (size_t)item->len, hashes);
    }
    free(work);
}

/* In every way; every count of blocks in turn, at every alignment. */
static void check_all(const message_shape *shapes, u32 n, u32 n_keys, u32 tile, u32 grid)
{
    rng r = rng_for("emu tiles");
    for (ghash_way way = 0; way < GHASH_WAYS; way++) {
        if (!ghash_way_is_there(way))
            continue;
        aead_batch b;
        batch_create(&b, &r, 32, n_keys, shapes, n);
        b.choice = (kernel_choice){.ghash = way, .tile = tile, .grid = grid};
        batch_expand(&b);
        check_hashes(&b);
        batch_destroy(&b);
    }
}

static void every_length(void **state)
{
    (void)state;
    static message_shape shapes[150];
    for (u32 i = 0; i < COUNT_OF(shapes); i++)
        shapes[i] = (message_shape){i < 80 ? i : 16 * i - 3 * (i % 2), i % 40, i / 60, i % 16, 0};
    check_all(shapes, COUNT_OF(shapes), 3, 4096, 3);
}

static void every_tile_size(void **state)
{
    (void)state;
    const message_shape shapes[] = {{70000, 0, 0, 0, 0},
                                    {40000, 5000, 0, 1, 0},
                                    {4096, 4096, 1, 0, 0},
                                    {8193, 0, 1, 0, 0},
                                    {65536, 1, 0, 0, 0}};
    for (u32 tile = 4096; tile <= 65536; tile *= 2)
        check_all(shapes, COUNT_OF(shapes), 2, tile, 1 + tile / 8192 % 3);
}

/* Tiles of one row to four, aligned and not, of which neighbours differ: of those that are taken
 * together, each has its first and its last block in any row of the longest. */
static void few_rows(void **state)
{
    (void)state;
    enum { ROW = 32 * BLOCK };
    static message_shape shapes[240];
    rng r = rng_for("emu few rows");
    for (u32 i = 0; i < COUNT_OF(shapes); i++) {
        const u32 shift = (u32)rng_below(&r, BLOCK), is_aligned = rng_below(&r, 3) == 0;
        const size_t aad_len = rng_below(&r, 3) == 0 ? 0 : rng_below(&r, 2 * ROW);
        shapes[i] =
            (message_shape){rng_range(&r, 1, 4 * ROW), aad_len, i / 120, is_aligned ? 0 : shift, 0};
    }
    check_all(shapes, COUNT_OF(shapes), 2, 4096, 2);
}

/* Tiles of more than eight rows at every alignment, whose first row and whose last block are of
 * many lengths. */
static void long_anywhere(void **state)
{
    (void)state;
    enum { EIGHT_ROWS = 8 * 32 * BLOCK };
    message_shape shapes[2 * BLOCK];
    for (u32 i = 0; i < COUNT_OF(shapes); i++)
        shapes[i] = (message_shape){EIGHT_ROWS * (1 + i % 2) + 83 * i, 0, i % 2, i / 2, 0};
    check_all(shapes, COUNT_OF(shapes), 2, 2 * EIGHT_ROWS, 2);
    check_all(shapes, COUNT_OF(shapes), 2, EIGHT_ROWS, 1);
}

/* One bit at a time, in the last row and in that before. */
static void single_bits(void **state)
{
    (void)state;
    enum { SIZE = 1024 };
    rng r = rng_for("emu single bits");
    static message_shape shapes[128];
    for (u32 i = 0; i < COUNT_OF(shapes); i++)
        shapes[i].len = SIZE;
    for (ghash_way way = BY_MMA; way < GHASH_WAYS; way++) {
        if (!ghash_way_is_there(way))
            continue;
        aead_batch b;
        batch_create(&b, &r, 16, 1, shapes, COUNT_OF(shapes));
        b.choice.ghash = way;
        batch_expand(&b);
        memset(b.in, 0, b.in_size);
        for (u32 i = 0; i < b.n; i++)
            b.in[SIZE * i + BLOCK * (i * 5 % 64) + i / 8] = (uint8_t)(1 << i % 8);
        check_hashes(&b);
        memset(b.in, 0xff, b.in_size);
        check_hashes(&b);
        batch_destroy(&b);
    }
}

/* ----------------------------------------------------------------------------------- weights -- */

/* y = y H^b + the hash of `size` bytes, b blocks, from those of its tiles. */
static const uint8_t *weigh_by_cpu(uint8_t y[BLOCK], const uint8_t *h, size_t size, size_t tile,
                                   const uint8_t *hashes)
{
    for (size_t at = 0; at < size; at += tile, hashes += BLOCK) {
        const size_t left = size - at, own = left < tile ? left : tile;
        uint8_t power[BLOCK], hash[BLOCK];
        u32 x[4];
        gf128_power(power, h, (own + BLOCK - 1) / BLOCK);
        gf128_multiply(y, power);
        memcpy(x, hashes, sizeof x);
        store_number(hash, x);
        for (size_t k = 0; k < BLOCK; k++)
            y[k] ^= hash[k];
    }
    return hashes;
}

/* What aead_weigh makes of any hashes; it does not look at the tiles themselves. */
static void weights(void **state)
{
    (void)state;
    enum { TILE = 16384 };
    static const u64 lens[][3] = {
        {0, 0, 1},
        {100, 0, 1},
        {0, 5, 3},
        {TILE, TILE, 1},
        {4 * TILE, 0, 1},
        {4 * TILE + 1, 0, 1},
        {1, 2 * TILE + 7, 5},
        {0, 4 * TILE - 3, 1},
        {3 * TILE - 20, 2 * TILE + 7, 12345},
        {32 * TILE, 33 * TILE, 1},
        {33 * TILE - 1, 31 * TILE + 1, 1},
        {1024 * TILE, 0, 1},
        {1025 * TILE, 1, ((u64)1 << 32) + 77},
        {600 * TILE + 3, 513 * TILE + 1, 1},
    };
    rng r = rng_for("emu weights");
    message_shape shapes[COUNT_OF(lens)] = {{0, 0, 0, 0, 0}};
    for (u32 grid = 1; grid <= 3; grid++) {
        aead_batch b;
        batch_create(&b, &r, 16, 2, shapes, COUNT_OF(shapes));
        b.choice = (kernel_choice){.tile = TILE, .grid = grid};
        for (u32 i = 0; i < b.n; i++) {
            b.items[i].len = lens[i][0];
            b.items[i].aad_len = lens[i][1];
            b.items[i].blocks_after = lens[i][2];
            b.items[i].key = i % 2;
        }
        batch_expand(&b);
        const size_t size = work_size(&b, b.items, b.n), first = WORK * (size_t)b.n;
        uint8_t *work = device_memory(size), *before = device_memory(size);
        rng_fill(&r, work, size);
        memcpy(before, work, size);
        run_weigh(&b, b.items, b.n, work);
        const uint8_t *hashes = before + first;
        for (u32 i = 0; i < b.n; i++) {
            uint8_t h[BLOCK], y[BLOCK] = {0}, power[BLOCK], want[BLOCK], got[BLOCK];
            u32 x[4];
            store_number(h, b.keys[b.items[i].key].power[0]);
            hashes = weigh_by_cpu(y, h, (size_t)lens[i][1], TILE, hashes);
            hashes = weigh_by_cpu(y, h, (size_t)lens[i][0], TILE, hashes);
            gf128_power(power, h, lens[i][2]);
            gf128_multiply(y, power);
            memcpy(x, before + WORK * (size_t)i, sizeof x);
            store_number(want, x);
            for (size_t k = 0; k < BLOCK; k++)
                want[k] ^= y[k];
            memcpy(x, work + WORK * (size_t)i, sizeof x);
            store_number(got, x);
            assert_bytes(got, want, BLOCK);
            assert_bytes(work + WORK * (size_t)i + BLOCK, before + WORK * (size_t)i + BLOCK, BLOCK);
        }
        assert_filled(work + first, size - first, 0);
        free(work);
        free(before);
        batch_destroy(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expanded_keys),   cmocka_unit_test(every_length),
        cmocka_unit_test(every_tile_size), cmocka_unit_test(few_rows),
        cmocka_unit_test(long_anywhere),   cmocka_unit_test(single_bits),
        cmocka_unit_test(weights),
    };
    return RUN_SUITE("emulated ghash", tests);
}
