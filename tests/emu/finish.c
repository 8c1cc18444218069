/* The CUDA kernel that ends messages of AES-GCM, run by the emulator on any sums and for lengths up
 * to the longest that there are, whose data nobody needs: tags that are made, and that are checked
 * at every bit. */
#include <stdlib.h>
#include <string.h>

#include "aead_batch.h"
#include "check.h"
#include "fallback/math/bytes.h"
#include "fallback/portable/aes_bitsliced.h"
#include "fallback/portable/ghash_holes.h"
#include "run.h"

/* More than the smaller grids take at once; one for each bit of a tag, and some that are right. */
enum { MESSAGES = 300, TAG_BITS = 8 * BLOCK, KEYS = 3 };

/* The longest that SP 800-38D has: 2^36 - 32 bytes, and aad of 2^61 - 1. */
static u64 length(rng *r, u64 longest)
{
    const u64 any = rng_below(r, longest + 1);
    return rng_below(r, 8) == 0 ? longest : any >> rng_below(r, 61);
}

/* The sum is a number as the kernels have it: its last word begins the block, its bytes the other
 * way round. */
static void want_tag(uint8_t tag[BLOCK], const uint8_t h[BLOCK], const aead_item *item,
                     const uint8_t *sum, const uint8_t *mask)
{
    store_be64(tag, 8 * item->aad_len);
    store_be64(tag + 8, 8 * item->len);
    gf128_multiply(tag, h);
    for (size_t k = 0; k < BLOCK; k++)
        tag[k] ^= sum[BLOCK - 1 - k] ^ mask[k];
}

static void check(bool open, u32 grid)
{
    static const message_shape shapes[MESSAGES];
    rng r = rng_for("emu finish");
    aead_batch b;
    batch_create(&b, &r, 32, KEYS, shapes, MESSAGES);
    b.choice.grid = grid;
    batch_expand(&b);
    const size_t size = work_size(&b, b.items, b.n);
    uint8_t *work = device_memory(size);
    rng_fill(&r, work, size);
    for (u32 i = 0; i < b.n; i++) {
        const uint8_t zero[BLOCK] = {0}, *own = work + WORK * (size_t)i;
        uint8_t h[BLOCK], *want = b.want_tags + BLOCK * (size_t)i;
        aead_item *item = b.items + i;
        aes_key key;
        item->len = length(&r, (UINT64_C(1) << 36) - 32);
        item->aad_len = length(&r, (UINT64_C(1) << 61) - 1);
        item->key = i % KEYS;
        aes_key_init(&key, b.raw + (size_t)b.key_len * item->key, b.key_len);
        aes_encrypt_block(&key, zero, h);
        want_tag(want, h, item, own, own + BLOCK);
    }
    if (open)
        memcpy(b.tags, b.want_tags, (size_t)BLOCK * b.n);
    for (u32 i = 0; open && i < TAG_BITS; i++)
        b.tags[(size_t)BLOCK * i + i / 8] ^= (uint8_t)(1 << i % 8);
    run_finish(&b, b.items, b.n, work, open);
    for (u32 i = 0; i < b.n; i++)
        assert_int_equal(b.verdicts[i], open && i < TAG_BITS ? REFUSED : VERIFIED);
    if (!open)
        assert_bytes(b.tags, b.want_tags, (size_t)BLOCK * b.n);
    assert_filled(work, size, 0);
    free(work);
    batch_destroy(&b);
}

static void tags_made(void **state)
{
    (void)state;
    for (u32 grid = 1; grid <= 3; grid++)
        check(false, grid);
}

static void tags_checked(void **state)
{
    (void)state;
    for (u32 grid = 1; grid <= 3; grid++)
        check(true, grid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_made),
        cmocka_unit_test(tags_checked),
    };
    return RUN_SUITE("emulated ends of messages", tests);
}
