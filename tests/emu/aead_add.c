/* The kernels that decrypt packed vectors and add them, run by the emulator, against counter mode
 * of the CPU backend, the plain unpacking and 128-bit arithmetic: data that ends in each stride of
 * a tile, at whole blocks and inside of one, aligned and not, in rings of all kinds. */
#include <stdlib.h>
#include <string.h>

#include "aead_batch.h"
#include "check.h"
#include "emulator.h"
#include "fallback/portable/aes_bitsliced.h"
#include "guard.h"
#include "ref_vec.h"
#include "ring.h"
#include "run.h"
#include "vector_kernels.h"

enum { MESSAGES = 3, LANES = 32, TILE_BLOCKS = 256, STRIDES = TILE_BLOCKS / LANES };

typedef struct {
    const parseal_ring *ring;
    uint32_t bits, count, shift, blocks;
    bool wide;
} call;

static add_shape shape_of(const call *c)
{
    const u32 tiles = TILE_BLOCKS / c->bits;
    return (add_shape){.count = c->count,
                       .bits = c->bits,
                       .tile_blocks = tiles * c->bits,
                       .tile_elements = tiles * ADD_TILE};
}

/* acc plus what the messages hold that are not refused. */
static void add_by_cpu(const aead_batch *b, const call *c, void *acc)
{
    const size_t len = (size_t)b->items[0].len;
    uint8_t *plain = malloc(len);
    void *elements = malloc((size_t)c->count * 8);
    assert_true(plain != NULL && elements != NULL);
    for (u32 i = 0; i < b->n; i++) {
        aes_key key;
        if (b->verdicts[i] != VERIFIED)
            continue;
        aes_key_init(&key, b->raw + (size_t)b->key_len * b->items[i].key, b->key_len);
        aes_ctr(&key, b->nonces + (size_t)NONCE * i, 2, NULL, b->in + b->items[i].in_offset, plain,
                len);
        ref_unpack(c->bits, c->ring->element_size, plain, elements, c->count);
        ref_sum(c->ring, acc, (const void *const[]){elements}, 1, c->count);
    }
    free(plain);
    free(elements);
}

static void launch(const aead_batch *b, const call *c, const void *in, uint8_t *acc)
{
    const bool small = c->ring->element_size == 4;
    const char *name = c->wide ? (small ? "aead_add32_wide" : "aead_add64_wide")
                               : (small ? "aead_add32" : "aead_add64");
    ring_params ring = device_ring(c->ring);
    add_shape shape = shape_of(c);
    u32 n = b->n;
    const void *items = b->items, *keys = b->keys, *nonces = b->nonces, *verdicts = b->verdicts;
    void *args[] = {&items, &n, &keys, &nonces, &in, &verdicts, &ring, &shape, &acc};
    if (emulator_launch(name, c->blocks, 512, c->wide ? 131072 : 32768, args) != 0)
        fail_msg("%s", emulator_error());
}

/* Eight strides of an aligned message are loaded at once, and what lies behind its end is in no
 * element: the last one ends where nobody may read on. */
static void check(rng *r, const call *c)
{
    const size_t len = ((size_t)c->count * c->bits + 7) / 8, size = c->ring->element_size;
    message_shape shapes[MESSAGES];
    aead_batch b;
    guard_buf guard;
    for (u32 i = 0; i < MESSAGES; i++)
        shapes[i] = (message_shape){.len = len, .key = i % 2, .shift = i == 0 ? 0 : c->shift};
    batch_create(&b, r, c->count % 2 == 0 ? 16 : 32, 2, shapes, MESSAGES);
    guard_open(&guard, b.in_size);
    batch_expand(&b);
    for (u32 i = 0; i < MESSAGES; i++)
        b.verdicts[i] = i == 1 ? REFUSED : VERIFIED;
    array acc = array_random(r, c->count * size, 0);
    for (uint64_t e = 0; e < c->count; e++)
        elem_store(acc.bytes, e, (uint32_t)size,
                   ring_reduce(c->ring, elem_load(acc.bytes, e, (uint32_t)size)));
    array want = array_copy(&acc, 0);
    add_by_cpu(&b, c, want.bytes);
    const void *in = c->shift == 0 ? guard_copy(&guard, GUARD_AFTER, b.in, b.in_size, BLOCK) : b.in;
    launch(&b, c, in, acc.bytes);
    assert_bytes(acc.bytes, want.bytes, c->count * size);
    array_free(&acc);
    array_free(&want);
    guard_close(&guard);
    batch_destroy(&b);
}

/* Elements whose bits end in the given block of a tile, at its end or, as far as they can,
 * inside. */
static uint32_t count_in(uint32_t bits, uint32_t block, bool inside)
{
    uint32_t count = (128 * (block + 1) - (inside ? 35 : 0)) / bits;
    const uint32_t most = TILE_BLOCKS / bits * ADD_TILE;
    return count == 0 ? 1 : count < most ? count : most;
}

/* The data of a tile ends in each of its strides. */
static void ends_in_each_stride(void **state)
{
    (void)state;
    static const uint32_t bits[] = {64, 17, 32, 61, 8, 31, 1, 20};
    rng r = rng_for("emu aead_add strides");
    for (size_t i = 0; i < N_RINGS; i++)
        for (uint32_t j = 0; j < STRIDES; j++) {
            const uint32_t most = 8 * RINGS[i].element_size, wish = bits[(i + j) % COUNT_OF(bits)];
            call c = {.ring = &RINGS[i], .bits = wish < most ? wish : most, .blocks = 1};
            c.wide = (i + j) % 3 != 0;
            c.shift = (uint32_t)(7 * i + 3 * j) % BLOCK;
            c.count = count_in(c.bits, LANES * j + (uint32_t)(i + 5 * j) % LANES, (i + j) % 2 == 0);
            check(&r, &c);
        }
}

/* All strides are full, in all kinds of rings, aligned and not; elements of 61 bits have them in
 * three words, of which the first may be of the stride before. */
static void full_tiles(void **state)
{
    (void)state;
    rng r = rng_for("emu aead_add full");
    for (size_t i = 0; i < N_RINGS; i++)
        for (uint32_t k = 0; k < 8; k++) {
            call c = {.ring = &RINGS[i], .bits = 8 * RINGS[i].element_size, .blocks = 1};
            if (k >= 4)
                c.bits -= 3;
            c.wide = k % 2 == 0;
            c.shift = k / 2 % 2 * 3;
            c.count = TILE_BLOCKS / c.bits * ADD_TILE;
            check(&r, &c);
        }
}

/* More tiles than warps: their first counters are anywhere in a group of 256. */
static void many_tiles(void **state)
{
    (void)state;
    enum { TILES = 19 };
    rng r = rng_for("emu aead_add tiles");
    for (size_t i = 0; i < N_RINGS; i += 3) {
        call c = {.ring = &RINGS[i], .bits = RINGS[i].element_size == 4 ? 23 : 45, .blocks = 1};
        c.wide = i % 2 == 0;
        c.shift = (uint32_t)i % 2;
        c.count = TILES * (TILE_BLOCKS / c.bits * ADD_TILE) - 77;
        check(&r, &c);
        c.blocks = 2;
        check(&r, &c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_in_each_stride),
        cmocka_unit_test(full_tiles),
        cmocka_unit_test(many_tiles),
    };
    return RUN_SUITE("emulated sums of sealed vectors", tests);
}
