/* The kernels of AES-GCM, run by the emulator: the specification's answers, and what the CPU
 * backend's portable code makes of batches of all shapes, with every choice of kernels. */
#include <stdlib.h>
#include <string.h>

#include "aead_batch.h"
#include "check.h"
#include "fallback/portable/aes_bitsliced.h"
#include "hex.h"
#include "run.h"

static const kernel_choice choices[] = {
    {false, BY_INTEGERS, 4096, 1, false}, {true, BY_MMA, 4096, 1, false},
    {true, BY_INTEGERS, 8192, 3, false},  {false, BY_MMA, 16384, 2, false},
    {true, BY_CLMAD, 4096, 1, true},      {true, BY_CLMAD, 16384, 3, true}};

/* ------------------------------------------------------------------------------------- known -- */

static void known_answer(const char *key, const char *tag, const char *out, kernel_choice choice)
{
    rng r = rng_for("emu known answers");
    const message_shape shape = {60, 20, 0, 0, 0};
    uint8_t want_tag[BLOCK], want[60];
    aead_batch b;
    batch_create(&b, &r, (u32)strlen(key) / 2, 1, &shape, 1);
    b.choice = choice;
    hex_decode(key, b.raw, b.key_len);
    hex_decode("cafebabefacedbaddecaf888", b.nonces, NONCE);
    hex_decode("feedfacedeadbeeffeedfacedeadbeefabaddad2", b.aad, 20);
    hex_decode("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
               "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
               b.in, 60);
    hex_decode(tag, want_tag, sizeof want_tag);
    hex_decode(out, want, sizeof want);
    batch_expand(&b);
    batch_seal(&b);
    assert_bytes(b.out + b.items[0].out_offset, want, sizeof want);
    assert_bytes(b.tags, want_tag, BLOCK);
    assert_int_equal(b.verdicts[0], VERIFIED);
    batch_destroy(&b);
}

/* Test cases 4 and 16 of the GCM specification. */
static void known_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        if (!ghash_way_is_there(choices[i].ghash))
            continue;
        known_answer("feffe9928665731c6d6a8f9467308308", "5bc94fbc3221a5db94fae95ae7121a47",
                     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
                     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
                     choices[i]);
        known_answer("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
                     "76fc6ece0f4e1768cddf8853bb2d551b",
                     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
                     choices[i]);
    }
}

/* ------------------------------------------------------------------------------------ ragged -- */

/* With 16-byte blocks and counters from 2 on, 254 blocks reach the end of the first group of
 * counters. */
static const message_shape ragged[] = {
    {0, 0, 0, 0, 0},          {1, 0, 0, 0, 0},       {0, 1, 0, 0, 0},        {15, 16, 0, 0, 0},
    {16, 15, 1, 3, 0},        {17, 17, 1, 0, 0},     {4064, 20, 1, 0, 0},    {4065, 0, 0, 0, 0},
    {4063, 4096, 0, 1, 0},    {4080, 5000, 2, 0, 0}, {4096, 13, 2, 0, 0},    {12288, 0, 2, 8, 0},
    {16384 + 5, 31, 2, 0, 0}, {3600, 9000, 0, 0, 0}, {21000, 25000, 0, 4, 0}};

static void check_sealed(const aead_batch *b)
{
    assert_bytes(b->out, b->want, b->out_size);
    assert_bytes(b->tags, b->want_tags, (size_t)BLOCK * b->n);
    for (u32 i = 0; i < b->n; i++)
        assert_int_equal(b->verdicts[i], VERIFIED);
}

/* What was sealed becomes what is opened; in_place: where it is. */
static uint8_t *swap_in_and_out(aead_batch *b, bool in_place)
{
    uint8_t *plain = b->in;
    b->in = b->out;
    b->out = in_place ? b->in : malloc(b->in_size + 1);
    assert_non_null(b->out);
    if (!in_place)
        memset(b->out, UNTOUCHED, b->in_size);
    for (u32 i = 0; i < b->n; i++) {
        const u64 to = b->items[i].in_offset;
        b->items[i].in_offset = b->items[i].out_offset;
        b->items[i].out_offset = in_place ? b->items[i].in_offset : to;
    }
    return plain;
}

/* plain is in the order of the messages, as batch_create put them. */
static void check_opened(const aead_batch *b, const uint8_t *plain, const bool *broken)
{
    for (u32 i = 0; i < b->n; i++) {
        const uint8_t *out = b->out + b->items[i].out_offset;
        const uint8_t *was = plain + b->plain_at[i];
        const size_t len = (size_t)b->items[i].len;
        assert_int_equal(b->verdicts[i], broken[i] ? REFUSED : VERIFIED);
        if (broken[i])
            assert_filled(out, len, 0);
        else
            assert_bytes(out, was, len);
        if (i + 1 < b->n)
            assert_filled(out + len,
                          (size_t)(b->items[i + 1].out_offset - b->items[i].out_offset) - len,
                          UNTOUCHED);
    }
}

/* A bit of every third. */
static void break_tags(aead_batch *b, bool *broken)
{
    for (u32 i = 0; i < b->n; i++) {
        broken[i] = i % 3 == 1;
        b->tags[BLOCK * i + i % BLOCK] ^= (uint8_t)(broken[i] << i % 8);
    }
}

/* Seals a new batch, opens it, in place or not, and destroys it; `refuse`: some of its tags are
 * broken before it is opened. */
static void round_trip(aead_batch *b, kernel_choice choice, bool in_place, bool refuse)
{
    bool *broken = calloc(b->n, sizeof *broken);
    assert_non_null(broken);
    b->choice = choice;
    batch_expand(b);
    batch_seal(b);
    check_sealed(b);
    uint8_t *plain = swap_in_and_out(b, in_place), *sealed = b->in;
    if (refuse)
        break_tags(b, broken);
    batch_open(b);
    check_opened(b, plain, broken);
    free(plain);
    free(broken);
    if (in_place)
        b->out = NULL;
    b->in = sealed;
    batch_destroy(b);
}

static void seal_and_open(u32 key_len, kernel_choice choice, bool in_place)
{
    rng r = rng_for("emu ragged");
    aead_batch b;
    batch_create(&b, &r, key_len, 3, ragged, COUNT_OF(ragged));
    round_trip(&b, choice, in_place, true);
}

static void ragged_batches(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        if (!ghash_way_is_there(choices[i].ghash))
            continue;
        seal_and_open(i % 2 == 0 ? 16 : 32, choices[i], false);
        seal_and_open(i % 2 == 0 ? 32 : 16, choices[i], true);
    }
}

/* More messages than the lanes of a warp search at once, and more tiles of one than a thread
 * weighs. */
static void many_and_long(void **state)
{
    (void)state;
    enum { MANY = 1200 };
    static message_shape shapes[MANY];
    rng r = rng_for("emu many");
    for (u32 i = 0; i < MANY; i++)
        shapes[i] = (message_shape){rng_below(&r, 80), rng_below(&r, 3) * 9, i / 500, 0, 0};
    shapes[700].len = 40 * 4096 + 123;
    shapes[701].aad_len = 35 * 4096;
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        if (!ghash_way_is_there(choices[i].ghash))
            continue;
        aead_batch b;
        batch_create(&b, &r, 32, 3, shapes, MANY);
        round_trip(&b, choices[i], false, false);
    }
}

/* The output is at every offset from a multiple of 16, for every one of the input; lengths are all
 * around those of a block, of a row of 32 and of a group of counters. */
static void every_offset(void **state)
{
    (void)state;
    enum { ROW = 32 * BLOCK, GROUP = 8 * ROW };
    static message_shape shapes[BLOCK * BLOCK];
    rng r = rng_for("emu offsets");
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        aead_batch b;
        if (!ghash_way_is_there(choices[i].ghash))
            continue;
        for (u32 k = 0; k < COUNT_OF(shapes); k++) {
            const size_t around[] = {0, 0, ROW, (k + k / BLOCK) % 8 == 0 ? GROUP : 0};
            const size_t from = around[rng_below(&r, COUNT_OF(around))];
            const size_t len = (from > 0 ? from - 40 : 0) + rng_below(&r, 80);
            shapes[k] = (message_shape){len, rng_below(&r, 70), k % 3, k % BLOCK, k / BLOCK};
        }
        batch_create(&b, &r, 16, 3, shapes, COUNT_OF(shapes));
        round_trip(&b, choices[i], false, true);
    }
}

/* Messages longer than a group of counters, sealed and opened where they are, at every offset. */
static void in_place(void **state)
{
    (void)state;
    static message_shape shapes[BLOCK];
    rng r = rng_for("emu in place");
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        bool broken[COUNT_OF(shapes)] = {false};
        aead_batch b;
        if (!ghash_way_is_there(choices[i].ghash))
            continue;
        for (u32 k = 0; k < COUNT_OF(shapes); k++)
            shapes[k] = (message_shape){4000 + rng_below(&r, 1000), k, k % 3, k, 0};
        batch_create(&b, &r, 32, 3, shapes, COUNT_OF(shapes));
        b.choice = choices[i];
        batch_expand(&b);
        uint8_t *plain = b.in;
        for (u32 k = 0; k < b.n; k++) {
            aead_item *item = b.items + k;
            memcpy(b.out + item->out_offset, b.in + item->in_offset, (size_t)item->len);
            item->in_offset = item->out_offset;
        }
        b.in = b.out;
        batch_seal(&b);
        check_sealed(&b);
        batch_open(&b);
        check_opened(&b, plain, broken);
        b.in = plain;
        batch_destroy(&b);
    }
}

/* ------------------------------------------------------------------------------------- parts -- */

static uint64_t blocks_of(uint64_t size)
{
    return (size + BLOCK - 1) / BLOCK;
}

/* A message in parts of part_blocks, as the host cuts those that do not fit the device's memory. */
static void check_parts(const kernel_choice *choice, size_t part_blocks)
{
    rng r = rng_for("emu parts");
    const message_shape shape = {30000, 9000, 0, 0, 0};
    const size_t part = BLOCK * part_blocks;
    aead_batch b;
    batch_create(&b, &r, 32, 1, &shape, 1);
    b.choice = *choice;
    batch_expand(&b);
    uint8_t *work = device_memory(work_size(&b, b.items, 1));
    run_begin(&b, b.items, 1, work);
    for (size_t at = 0; at < shape.aad_len; at += part) {
        const size_t left = shape.aad_len - at, size = left < part ? left : part;
        const aead_item item = {.aad_len = size,
                                .aad_offset = at,
                                .blocks_after = blocks_of(left - size) + blocks_of(shape.len) + 1};
        run_hash(&b, &item, 1, b.out, true, work);
        run_weigh(&b, &item, 1, work);
    }
    for (size_t at = 0; at < shape.len; at += part) {
        const size_t left = shape.len - at, size = left < part ? left : part;
        const aead_item item = {.len = size,
                                .in_offset = at,
                                .out_offset = b.items[0].out_offset + at,
                                .first_block = at / BLOCK,
                                .blocks_after = blocks_of(left - size) + 1};
        run_seal(&b, &item, 1, work);
        run_weigh(&b, &item, 1, work);
    }
    run_finish(&b, b.items, 1, work, false);
    check_sealed(&b);
    free(work);
    batch_destroy(&b);
}

static void parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(choices); i++) {
        if (!ghash_way_is_there(choices[i].ghash))
            continue;
        check_parts(choices + i, 1024);
        check_parts(choices + i, 777);
        check_parts(choices + i, 30);
    }
}

/* ---------------------------------------------------------------------------------- counters -- */

/* From the first block of one group to the last of another, through carries up to the highest byte.
 */
static void counters(void **state)
{
    (void)state;
    static const u64 first_blocks[] = {0,
                                       1,
                                       253,
                                       254,
                                       255,
                                       65279,
                                       65533,
                                       0xfffefe,
                                       0xffffff - 2,
                                       0x1000000,
                                       0x7fffff,
                                       0xfffffc00,
                                       0xfffffefe,
                                       0xffffff00 - 300};
    rng r = rng_for("emu counters");
    for (size_t i = 0; i < COUNT_OF(first_blocks); i++) {
        for (unsigned wide = 0; wide < 2; wide++) {
            const message_shape shape = {BLOCK * 250 + rng_below(&r, 1000), 0, 0, 0, 0};
            const u32 key_len = rng_below(&r, 2) == 0 ? 16 : 32;
            aead_batch b;
            aes_key key;
            batch_create(&b, &r, key_len, 1, &shape, 1);
            b.choice.wide = wide;
            b.items[0].first_block = first_blocks[i];
            /* the last counter there is */
            const u64 most = BLOCK * ((u64)0xfffffffe - first_blocks[i]);
            if (b.items[0].len > most)
                b.items[0].len = most;
            batch_expand(&b);
            run_crypt(&b, b.items, 1, b.in, false);
            aes_key_init(&key, b.raw, key_len);
            memset(b.want, UNTOUCHED, b.out_size);
            aes_ctr(&key, b.nonces, (uint32_t)(2 + first_blocks[i]), NULL, b.in,
                    b.want + b.items[0].out_offset, (size_t)b.items[0].len);
            assert_bytes(b.out, b.want, b.out_size);
            batch_destroy(&b);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers), cmocka_unit_test(ragged_batches),
        cmocka_unit_test(many_and_long), cmocka_unit_test(every_offset),
        cmocka_unit_test(in_place),      cmocka_unit_test(parts),
        cmocka_unit_test(counters),
    };
    return RUN_SUITE("emulated aead", tests);
}
