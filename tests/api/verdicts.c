/* Verdicts: every item has one, failures are zeroed and counted, zeroed memory is not authentic. */
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

enum { ITEMS = 9, LEN = 33 };

/* Nine sealed messages, and which of them are then damaged. */
typedef struct {
    uint8_t sealed[ITEMS][LEN], out[ITEMS][LEN];
    parseal_msg msgs[ITEMS];
} batch;

static void seal(const fixture *f, batch *b)
{
    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < ITEMS; i++) {
        memset(b->sealed[i], (int)i + 1, LEN);
        b->msgs[i] = (parseal_msg){.in = b->sealed[i],
                                   .out = b->sealed[i],
                                   .len = LEN,
                                   .nonce = {(uint8_t)i},
                                   .key = (uint32_t)(i % 2),
                                   .status = PARSEAL_ITEM_UNSET};
    }
    assert_ok(parseal_seal(f->keys, b->msgs, ITEMS));
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(b->msgs[i].status, PARSEAL_ITEM_OK);
}

/* Opens with the messages of `damaged` (a bit each) broken. */
static void check_damage(const fixture *f, unsigned damaged, bool in_place)
{
    batch b;
    size_t failed = 99;
    size_t want_failed = 0;
    seal(f, &b);
    memset(b.out, UNTOUCHED, sizeof b.out);
    for (size_t i = 0; i < ITEMS; i++) {
        b.msgs[i].status = PARSEAL_ITEM_OK; /* an old verdict must not survive */
        if (!in_place)
            b.msgs[i].out = b.out[i];
        if ((damaged >> i & 1) != 0) {
            b.msgs[i].tag[15] ^= 0x80;
            want_failed++;
        }
    }
    assert_status(parseal_open(f->keys, b.msgs, ITEMS, &failed),
                  want_failed == 0 ? PARSEAL_OK : PARSEAL_ERR_AUTH);
    assert_int_equal(failed, want_failed);
    for (size_t i = 0; i < ITEMS; i++) {
        bool bad = (damaged >> i & 1) != 0;
        assert_int_equal(b.msgs[i].status, bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
        assert_filled(b.msgs[i].out, LEN, bad ? 0 : (uint8_t)(i + 1));
    }
}

static void any_set_of_failures(void **state)
{
    for (unsigned damaged = 0; damaged < 1u << ITEMS; damaged += run_slow() ? 3 : 1)
        check_damage(*state, damaged, damaged % 2 != 0);
    check_damage(*state, 0, true);
    check_damage(*state, (1u << ITEMS) - 1, false);
    check_damage(*state, (1u << ITEMS) - 1, true);
}

/* The count may be left out, the text says how many. */
static void counting(void **state)
{
    const fixture *f = *state;
    batch b;
    seal(f, &b);
    b.msgs[4].tag[0] ^= 1;
    b.msgs[7].nonce[0] ^= 0x40;
    assert_error(parseal_open(f->keys, b.msgs, ITEMS, NULL), PARSEAL_ERR_AUTH, "2");
}

static void zeroed_memory_is_not_authentic(void **state)
{
    const fixture *f = *state;
    const parseal_msg zeroed = {0};
    assert_int_not_equal(zeroed.status, PARSEAL_ITEM_OK);
    assert_int_equal(PARSEAL_ITEM_UNSET, 0);
    uint8_t in[LEN] = {0};
    uint8_t out[LEN];
    parseal_msg msg = {.in = in, .out = out, .len = LEN};
    assert_status(parseal_open(f->keys, &msg, 1, NULL), PARSEAL_ERR_AUTH);
    assert_int_equal(msg.status, PARSEAL_ITEM_BAD_TAG);
}

/* A long message whose last byte is damaged: nothing of it may be left, in place or apart. */
static void long_messages(void **state)
{
    const fixture *f = *state;
    enum { LONG = 3000001 };
    static uint8_t data[LONG], out[LONG];
    for (int in_place = 0; in_place < 2; in_place++) {
        memset(data, 0x77, sizeof data);
        memset(out, UNTOUCHED, sizeof out);
        parseal_msg msg = {.in = data, .out = data, .len = LONG};
        assert_ok(parseal_seal(f->keys, &msg, 1));
        data[LONG - 1] ^= 1;
        msg.out = in_place != 0 ? data : out;
        assert_status(parseal_open(f->keys, &msg, 1, NULL), PARSEAL_ERR_AUTH);
        assert_filled(msg.out, LONG, 0);
    }
}

/* With a plan the verdicts are all there is. */
static void plans(void **state)
{
    const fixture *f = *state;
    batch b;
    uint8_t nonce[ITEMS][PARSEAL_AES256GCM_NONCEBYTES], tag[ITEMS][PARSEAL_TAGBYTES];
    uint64_t len[ITEMS], offset[ITEMS];
    uint32_t key[ITEMS];
    int32_t verdict[ITEMS];
    _Alignas(16) uint8_t workspace[16384];
    seal(f, &b);
    for (size_t i = 0; i < ITEMS; i++) {
        memcpy(nonce[i], b.msgs[i].nonce, sizeof nonce[i]);
        memcpy(tag[i], b.msgs[i].tag, sizeof tag[i]);
        len[i] = LEN;
        offset[i] = i * LEN;
        key[i] = b.msgs[i].key;
        verdict[i] = PARSEAL_ITEM_OK;
    }
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = ITEMS;
    shape.len = len;
    shape.in_offset = offset;
    shape.key = key;
    parseal_plan *plan = NULL;
    assert_ok(parseal_plan_create(&plan, f->keys, &shape));
    assert_true(parseal_plan_workspace_size(plan) <= sizeof workspace);
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    io.in = parseal_host_buf(b.sealed, sizeof b.sealed);
    io.out = parseal_host_buf(b.sealed, sizeof b.sealed);
    io.nonce = parseal_host_buf(nonce, sizeof nonce);
    io.tag = parseal_host_buf(tag, sizeof tag);
    io.verdict = parseal_host_buf(verdict, sizeof verdict);
    io.workspace = parseal_host_buf(workspace, sizeof workspace);
    tag[0][3] ^= 4;
    b.sealed[5][LEN - 1] ^= 1;
    assert_ok(parseal_plan_open(plan, &io, NULL));
    for (size_t i = 0; i < ITEMS; i++) {
        bool bad = i == 0 || i == 5;
        assert_int_equal(verdict[i], bad ? PARSEAL_ITEM_BAD_TAG : PARSEAL_ITEM_OK);
        assert_filled(b.sealed[i], LEN, bad ? 0 : (uint8_t)(i + 1));
    }
    parseal_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(any_set_of_failures),
        WITH_FIXTURE(counting),
        WITH_FIXTURE(zeroed_memory_is_not_authentic),
        WITH_FIXTURE(long_messages),
        WITH_FIXTURE(plans),
    };
    return RUN_SUITE_PER_IMPL("verdicts", OF(PARSEAL_PRIMITIVE_AEAD), tests);
}
