/* Objects may be destroyed in any order, and copy what they are made from. */
#include <string.h>

#include "check.h"
#include "run.h"

static void destroying_nothing(void **state)
{
    (void)state;
    parseal_ctx_destroy(NULL);
    parseal_keys_destroy(NULL);
    parseal_seeds_destroy(NULL);
    parseal_plan_destroy(NULL);
}

enum { LEN = 40 };

typedef struct {
    parseal_ctx *ctx;
    parseal_keys *keys;
    parseal_seeds *seeds;
    parseal_plan *plan;
} objects;

/* Makes one of each from memory that is overwritten before anything is used. */
static void create(objects *o)
{
    uint8_t key[PARSEAL_AES256GCM_KEYBYTES] = {1, 2, 3};
    parseal_seed seed = {.key = {4, 5, 6}, .sign = 1};
    uint64_t len[1] = {LEN};
    uint64_t offset[1] = {0};
    uint32_t index[1] = {0};
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = 1;
    shape.len = len;
    shape.in_offset = offset;
    shape.key = index;
    o->ctx = run_ctx(1);
    assert_ok(parseal_keys_create(&o->keys, o->ctx, PARSEAL_AES256GCM, key, 1, NULL));
    assert_ok(parseal_seeds_create(&o->seeds, o->ctx, &seed, 1));
    assert_ok(parseal_plan_create(&o->plan, o->keys, &shape));
    memset(key, 0xff, sizeof key);
    memset(&seed, 0xff, sizeof seed);
    memset(len, 0xff, sizeof len);
    memset(offset, 0xff, sizeof offset);
    memset(index, 0xff, sizeof index);
    memset(&shape, 0xff, sizeof shape);
}

/* What each object that is still there computes. */
static void use_keys(const parseal_keys *keys, uint8_t out[LEN + 16])
{
    const uint8_t zeros[LEN] = {0};
    parseal_msg msg = {.in = zeros, .out = out, .len = LEN};
    assert_ok(parseal_seal(keys, &msg, 1));
    memcpy(out + LEN, msg.tag, sizeof msg.tag);
}

static void use_plan(const parseal_plan *plan, uint8_t out[LEN + 16])
{
    const uint8_t zeros[LEN] = {0};
    int32_t verdict = 0;
    _Alignas(16) uint8_t workspace[4096];
    assert_true(parseal_plan_workspace_size(plan) <= sizeof workspace);
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    io.in = parseal_host_buf(zeros, LEN);
    io.out = parseal_host_buf(out, LEN);
    io.nonce = parseal_host_buf(zeros, PARSEAL_AES256GCM_NONCEBYTES);
    io.tag = parseal_host_buf(out + LEN, PARSEAL_TAGBYTES);
    io.verdict = parseal_host_buf(&verdict, sizeof verdict);
    io.workspace = parseal_host_buf(workspace, sizeof workspace);
    assert_ok(parseal_plan_seal(plan, &io, NULL));
    assert_int_equal(verdict, PARSEAL_ITEM_OK);
}

static void use_seeds(const parseal_seeds *seeds, uint8_t out[LEN])
{
    const parseal_ring words = {UINT64_C(1) << 32, 4, 0};
    uint32_t mask[LEN / 4] = {0};
    parseal_vec vec = parseal_host_vec(mask, LEN / 4, 4);
    assert_ok(parseal_mask_write(seeds, &words, &vec, 0, NULL));
    memcpy(out, mask, LEN);
}

static void use_the_rest(const objects *o)
{
    static uint8_t sealed[LEN + 16], mask[LEN];
    static bool known;
    uint8_t out[LEN + 16];
    if (!known) {
        use_keys(o->keys, sealed);
        use_seeds(o->seeds, mask);
        known = true;
    }
    if (o->keys != NULL) {
        use_keys(o->keys, out);
        assert_bytes(out, sealed, sizeof out);
    }
    if (o->plan != NULL) {
        use_plan(o->plan, out);
        assert_bytes(out, sealed, sizeof out);
    }
    if (o->seeds != NULL) {
        use_seeds(o->seeds, out);
        assert_bytes(out, mask, LEN);
    }
}

static void destroy(objects *o, unsigned which)
{
    switch (which) {
    case 0:
        parseal_ctx_destroy(o->ctx);
        o->ctx = NULL;
        break;
    case 1:
        parseal_keys_destroy(o->keys);
        o->keys = NULL;
        break;
    case 2:
        parseal_seeds_destroy(o->seeds);
        o->seeds = NULL;
        break;
    default:
        parseal_plan_destroy(o->plan);
        o->plan = NULL;
    }
}

/* All 24 orders; what is left works after every step. */
static void any_order(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 256; order++) {
        unsigned step[4];
        unsigned seen = 0;
        for (unsigned i = 0; i < 4; i++) {
            step[i] = order >> (2 * i) & 3;
            seen |= 1u << step[i];
        }
        if (seen != 15)
            continue;
        objects o;
        create(&o);
        for (unsigned i = 0; i < 4; i++) {
            use_the_rest(&o);
            destroy(&o, step[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroying_nothing),
        cmocka_unit_test(any_order),
    };
    return RUN_SUITE("lifetime", tests);
}
