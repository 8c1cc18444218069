/* Plans between guard pages: the shape's arrays while it is created, every buffer while it runs. */
#include <string.h>

#include "check.h"
#include "rng.h"
#include "run.h"
#include "sizes.h"

enum { ITEMS = 3, BYTES_MAX = 4 * 4200, AAD = 13, WORKSPACE_MAX = 1 << 16 };
enum { IN, OUT, AAD_BUF, NONCE, TAG, VERDICT, WORKSPACE, BUFS };
enum { LEN, IN_OFFSET, OUT_OFFSET, AAD_LEN, AAD_OFFSET, KEY, SHAPE, IO, ARRAYS };

typedef struct {
    parseal_keys *keys;
    guard_buf arrays[ARRAYS], bufs[BUFS];
    uint8_t text[BYTES_MAX];
    rng r;
} bench;

/* The shape and its arrays, none of them writable. The messages lie one directly after another. */
static const parseal_aead_shape *place_shape(bench *t, guard_side side, size_t n, size_t *bytes)
{
    const uint64_t len[ITEMS] = {n, n / 3, n + 5};
    const uint64_t offset[ITEMS] = {0, n, n + n / 3};
    const uint64_t aad_len[ITEMS] = {AAD, 0, AAD};
    const uint64_t aad_offset[ITEMS] = {0, 0, AAD};
    const uint32_t key[ITEMS] = {0, 1, 1};
    const size_t size = sizeof len;
    guard_buf *a = t->arrays;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = ITEMS;
    shape.len = guard_copy(&a[LEN], side, len, size, 8);
    shape.in_offset = guard_copy(&a[IN_OFFSET], side, offset, size, 8);
    shape.out_offset = guard_copy(&a[OUT_OFFSET], side, offset, size, 8);
    shape.aad_len = guard_copy(&a[AAD_LEN], side, aad_len, size, 8);
    shape.aad_offset = guard_copy(&a[AAD_OFFSET], side, aad_offset, size, 8);
    shape.key = guard_copy(&a[KEY], side, key, sizeof key, 4);
    *bytes = n + n / 3 + n + 5;
    return guard_copy(&a[SHAPE], side, &shape, sizeof shape, _Alignof(parseal_aead_shape));
}

static parseal_buf placed(guard_buf *g, guard_side side, size_t size, size_t alignment)
{
    return parseal_host_buf(guard_place_aligned(g, side, size, alignment), size);
}

/* Every buffer of exactly the size that the run needs. */
static parseal_aead_io place_io(bench *t, guard_side side, const parseal_plan *plan, size_t bytes,
                                bool in_place)
{
    uint64_t workspace = parseal_plan_workspace_size(plan);
    assert_true(workspace <= WORKSPACE_MAX);
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    io.in = placed(&t->bufs[IN], side, bytes, 1);
    io.out = in_place ? io.in : placed(&t->bufs[OUT], side, bytes, 1);
    io.aad = placed(&t->bufs[AAD_BUF], side, 2 * AAD, 1);
    io.nonce = placed(&t->bufs[NONCE], side, ITEMS * PARSEAL_AES256GCM_NONCEBYTES, 1);
    io.tag = placed(&t->bufs[TAG], side, ITEMS * PARSEAL_TAGBYTES, 1);
    io.verdict = placed(&t->bufs[VERDICT], side, ITEMS * 4, 4);
    io.workspace = placed(&t->bufs[WORKSPACE], side, (size_t)workspace, 16);
    rng_fill(&t->r, t->text, bytes);
    memcpy(t->bufs[IN].p, t->text, bytes);
    rng_fill(&t->r, t->bufs[AAD_BUF].p, 2 * AAD);
    rng_fill(&t->r, t->bufs[NONCE].p, ITEMS * PARSEAL_AES256GCM_NONCEBYTES);
    guard_readonly(&t->bufs[AAD_BUF]);
    guard_readonly(&t->bufs[NONCE]);
    if (!in_place)
        guard_readonly(&t->bufs[IN]);
    return io;
}

static const parseal_aead_io *io_copy(bench *t, guard_side side, const parseal_aead_io *io)
{
    return guard_copy(&t->arrays[IO], side, io, sizeof *io, _Alignof(parseal_aead_io));
}

static void assert_all_ok(const bench *t)
{
    int32_t verdict[ITEMS];
    memcpy(verdict, t->bufs[VERDICT].p, sizeof verdict);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(verdict[i], PARSEAL_ITEM_OK);
    for (size_t i = 0; i < BUFS; i++)
        if (t->bufs[i].p != NULL)
            guard_check(&t->bufs[i]);
}

static void seal_and_open(bench *t, guard_side side, const parseal_plan *plan, size_t bytes,
                          bool in_place)
{
    parseal_aead_io io = place_io(t, side, plan, bytes, in_place);
    assert_ok(parseal_plan_seal(plan, io_copy(t, side, &io), NULL));
    assert_all_ok(t);
    guard_readonly(&t->bufs[TAG]);
    if (!in_place) {
        guard_readonly(&t->bufs[OUT]);
        io.in = io.out;
        io.out = placed(&t->bufs[IN], side, bytes, 1);
    }
    assert_ok(parseal_plan_open(plan, io_copy(t, side, &io), NULL));
    assert_all_ok(t);
    assert_bytes(t->bufs[IN].p, t->text, bytes);
}

static void visit(void *arg, guard_side side, size_t n)
{
    bench *t = arg;
    size_t bytes;
    parseal_plan *plan = NULL;
    assert_ok(parseal_plan_create(&plan, t->keys, place_shape(t, side, n, &bytes)));
    seal_and_open(t, side, plan, bytes, false);
    seal_and_open(t, side, plan, bytes, true);
    parseal_plan_destroy(plan);
}

static void plans(void **state)
{
    (void)state;
    static bench t;
    uint8_t key[2 * PARSEAL_AES256GCM_KEYBYTES] = {1, 2};
    parseal_ctx *ctx = run_ctx(2);
    t.r = rng_for("plans");
    assert_ok(parseal_keys_create(&t.keys, ctx, PARSEAL_AES256GCM, key, 2, NULL));
    guards_open(t.arrays, ARRAYS, sizeof(parseal_aead_io));
    guards_open(t.bufs, BUFS, BYTES_MAX);
    guard_close(&t.bufs[WORKSPACE]);
    guard_open(&t.bufs[WORKSPACE], WORKSPACE_MAX);
    visit_sizes(visit, &t);
    guards_close(t.bufs, BUFS);
    guards_close(t.arrays, ARRAYS);
    parseal_keys_destroy(t.keys);
    parseal_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plans)};
    return RUN_SUITE_PER_IMPL("guarded plan", OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
