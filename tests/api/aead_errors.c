/* Key sets and host-level batches: every error, and that it changes nothing. */
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

static void keys_create(void **state)
{
    fixture *f = *state;
    const uint8_t key[64] = {0};
    parseal_keys *const before = nowhere();
    parseal_keys *set = before;
    const int32_t alg = PARSEAL_AES256GCM;
    assert_error(parseal_keys_create(NULL, f->ctx, alg, key, 1, NULL), PARSEAL_ERR_ARG, "set");
    assert_error(parseal_keys_create(&set, NULL, alg, key, 1, NULL), PARSEAL_ERR_ARG, "ctx");
    assert_error(parseal_keys_create(&set, f->ctx, alg, NULL, 1, NULL), PARSEAL_ERR_ARG, "keys");
    static const int32_t unknown[] = {0, 3, -1, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_error(parseal_keys_create(&set, f->ctx, unknown[i], key, 1, NULL), PARSEAL_ERR_ARG,
                     "alg");
    static const size_t counts[] = {0, (size_t)UINT32_MAX + 1, SIZE_MAX / 16, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        assert_error(parseal_keys_create(&set, f->ctx, alg, key, counts[i], NULL), PARSEAL_ERR_SIZE,
                     "n");
    assert_ptr_equal(set, before);
}

/* A limit is refused by name until messages are counted. */
static void keys_options(void **state)
{
    fixture *f = *state;
    static const uint64_t limits[] = {1, UINT64_C(1) << 32, UINT64_MAX};
    const uint8_t key[32] = {0};
    parseal_keys *const before = nowhere();
    parseal_keys *set = before;
    parseal_keys_options options = PARSEAL_KEYS_OPTIONS_INIT;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        options.limit_messages = limits[i];
        assert_error(parseal_keys_create(&set, f->ctx, PARSEAL_AES256GCM, key, 1, &options),
                     PARSEAL_ERR_ARG, "limit_messages");
    }
    options.limit_messages = 0;
    options.reserved = 1;
    assert_error(parseal_keys_create(&set, f->ctx, PARSEAL_AES256GCM, key, 1, &options),
                 PARSEAL_ERR_ARG, "reserved");
    assert_ptr_equal(set, before);
    options.reserved = 0;
    assert_ok(parseal_keys_create(&set, f->ctx, PARSEAL_AES256GCM, key, 1, &options));
    parseal_keys_destroy(set);
}

static void set_info(void **state)
{
    fixture *f = *state;
    parseal_set_info info = PARSEAL_SET_INFO_INIT;
    assert_error(parseal_keys_info(NULL, &info), PARSEAL_ERR_ARG, "set");
    assert_error(parseal_keys_info(f->keys, NULL), PARSEAL_ERR_ARG, "info");
    assert_error(parseal_seeds_info(NULL, &info), PARSEAL_ERR_ARG, "set");
    assert_error(parseal_seeds_info(f->seeds, NULL), PARSEAL_ERR_ARG, "info");
    assert_ok(parseal_keys_info(f->keys, &info));
    assert_int_equal(info.n, 2);
    assert_int_equal(info.alg, PARSEAL_AES256GCM);
    assert_true(info.locked == 0 || info.locked == 1);
    assert_ok(parseal_seeds_info(f->seeds, &info));
    assert_int_equal(info.n, 1);
    assert_int_equal(info.alg, 0);
}

enum { LEN = 64, ITEMS = 3 };

/* Three good messages, in place, each with some aad; the batch and what it was. */
typedef struct {
    uint8_t data[ITEMS][LEN], aad[ITEMS][16], data_before[ITEMS][LEN];
    parseal_msg msgs[ITEMS], msgs_before[ITEMS];
} batch;

static void batch_init(batch *b)
{
    memset(b, 0, sizeof *b);
    memset(b->data, UNTOUCHED, sizeof b->data);
    for (uint32_t i = 0; i < ITEMS; i++) {
        parseal_msg *msg = &b->msgs[i];
        msg->in = b->data[i];
        msg->out = b->data[i];
        msg->len = LEN;
        msg->aad = b->aad[i];
        msg->aad_len = sizeof b->aad[i];
        msg->key = i % 2;
        msg->status = 12345;
        memset(msg->tag, UNTOUCHED, sizeof msg->tag);
    }
}

/* Both directions refuse these messages of the batch and leave all of it alone. */
static void refuse_some(const fixture *f, batch *b, size_t first, size_t n, parseal_status want,
                        const char *name)
{
    size_t failed = 12345;
    memcpy(b->msgs_before, b->msgs, sizeof b->msgs);
    memcpy(b->data_before, b->data, sizeof b->data);
    assert_error(parseal_seal(f->keys, b->msgs + first, n), want, name);
    assert_error(parseal_open(f->keys, b->msgs + first, n, &failed), want, name);
    assert_bytes(b->msgs, b->msgs_before, sizeof b->msgs);
    assert_bytes(b->data, b->data_before, sizeof b->data);
    assert_int_equal(failed, 12345);
}

/* The batch is refused; then it is a good one again. */
static void refuse(const fixture *f, batch *b, parseal_status want, const char *name)
{
    refuse_some(f, b, 0, ITEMS, want, name);
    batch_init(b);
}

/* So is its message i, which is the one at fault, by itself. field: the rest of msgs[i]'s name. */
static void refuse_each_way(const fixture *f, batch *b, size_t i, parseal_status want,
                            const char *field)
{
    char name[32];
    snprintf(name, sizeof name, "msgs[0]%s", field);
    refuse_some(f, b, i, 1, want, name);
    snprintf(name, sizeof name, "msgs[%zu]%s", i, field);
    refuse(f, b, want, name);
}

static void the_batch_is_good(void **state)
{
    fixture *f = *state;
    batch b;
    batch_init(&b);
    assert_ok(parseal_seal(f->keys, b.msgs, ITEMS));
    assert_ok(parseal_open(f->keys, b.msgs, ITEMS, NULL));
    assert_filled(b.data, sizeof b.data, UNTOUCHED);
}

static void null_arguments(void **state)
{
    fixture *f = *state;
    batch b;
    size_t failed = 12345;
    batch_init(&b);
    assert_error(parseal_seal(NULL, b.msgs, ITEMS), PARSEAL_ERR_ARG, "keys");
    assert_error(parseal_open(NULL, b.msgs, ITEMS, &failed), PARSEAL_ERR_ARG, "keys");
    assert_error(parseal_seal(NULL, NULL, 0), PARSEAL_ERR_ARG, "keys");
    assert_error(parseal_seal(f->keys, NULL, 1), PARSEAL_ERR_ARG, "msgs");
    assert_error(parseal_open(f->keys, NULL, 1, &failed), PARSEAL_ERR_ARG, "msgs");
    assert_int_equal(failed, 12345);
    b.msgs[1].in = NULL;
    refuse_each_way(f, &b, 1, PARSEAL_ERR_ARG, ".in");
    b.msgs[2].out = NULL;
    refuse_each_way(f, &b, 2, PARSEAL_ERR_ARG, ".out");
    b.msgs[0].aad = NULL;
    refuse_each_way(f, &b, 0, PARSEAL_ERR_ARG, ".aad");
}

static void sizes(void **state)
{
    fixture *f = *state;
    static const size_t too_long[] = {(size_t)PARSEAL_MESSAGEBYTES_MAX + 1, SIZE_MAX / 2,
                                      SIZE_MAX - 15, SIZE_MAX};
    batch b;
    batch_init(&b);
    for (size_t i = 0; i < COUNT_OF(too_long); i++) {
        b.msgs[1].len = too_long[i];
        refuse_each_way(f, &b, 1, PARSEAL_ERR_SIZE, ".len");
    }
    if (SIZE_MAX > UINT32_MAX) { /* and where nothing is in the way of so many bytes */
        b.msgs[1].in = b.msgs[1].out = (void *)(UINTPTR_MAX - too_long[0]);
        b.msgs[1].len = too_long[0];
        refuse_each_way(f, &b, 1, PARSEAL_ERR_SIZE, ".len");
    }
    static const size_t too_much_aad[] = {(size_t)PARSEAL_AADBYTES_MAX + 1, SIZE_MAX};
    for (size_t i = 0; i < COUNT_OF(too_much_aad); i++) {
        b.msgs[2].aad_len = too_much_aad[i];
        refuse_each_way(f, &b, 2, PARSEAL_ERR_SIZE, ".aad_len");
    }
    b.msgs[2].key = 2;
    refuse_each_way(f, &b, 2, PARSEAL_ERR_SIZE, ".key");
    b.msgs[2].key = UINT32_MAX;
    refuse_each_way(f, &b, 2, PARSEAL_ERR_SIZE, ".key");
}

/* A caller who has filled all of the field relies on bytes that the algorithm does not take. */
static void bytes_behind_the_nonce(void **state)
{
    fixture *f = *state;
    batch b;
    batch_init(&b);
    for (size_t i = PARSEAL_AES256GCM_NONCEBYTES; i < PARSEAL_NONCEBYTES_MAX; i++) {
        b.msgs[2].nonce[i] = i % 2 == 0 ? 1 : 0x80;
        refuse_each_way(f, &b, 2, PARSEAL_ERR_ARG, ".nonce");
    }
    memset(b.msgs[1].nonce, 0xff, PARSEAL_AES256GCM_NONCEBYTES);
    assert_ok(parseal_seal(f->keys, b.msgs, ITEMS));
}

/* Ranges that pass the end of the address space. */
static void ranges_that_wrap(void **state)
{
    fixture *f = *state;
    batch b;
    void *const top = (void *)(UINTPTR_MAX - LEN / 2);
    batch_init(&b);
    b.msgs[0].in = top;
    refuse_each_way(f, &b, 0, PARSEAL_ERR_SIZE, ".in");
    b.msgs[1].out = top;
    refuse_each_way(f, &b, 1, PARSEAL_ERR_SIZE, ".out");
    b.msgs[2].aad = top;
    b.msgs[2].aad_len = LEN;
    refuse_each_way(f, &b, 2, PARSEAL_ERR_SIZE, ".aad");
    assert_error(parseal_seal(f->keys, b.msgs, SIZE_MAX), PARSEAL_ERR_SIZE, "n");
    assert_error(parseal_open(f->keys, b.msgs, SIZE_MAX / sizeof b.msgs[0], NULL), PARSEAL_ERR_SIZE,
                 "n");
}

static void aliasing(void **state)
{
    fixture *f = *state;
    batch b;

    batch_init(&b);
    /* in and out of one message, one byte apart */
    b.msgs[0].len = LEN - 1;
    b.msgs[0].out = b.data[0] + 1;
    refuse_each_way(f, &b, 0, PARSEAL_ERR_ALIAS, "");
    b.msgs[0].len = LEN - 1;
    b.msgs[0].in = b.data[0] + 1;
    refuse_each_way(f, &b, 0, PARSEAL_ERR_ALIAS, "");

    /* two outputs share a byte */
    b.msgs[2].out = b.data[0] + LEN - 1;
    b.msgs[2].in = b.data[0] + LEN - 1;
    b.msgs[2].len = 1;
    refuse(f, &b, PARSEAL_ERR_ALIAS, "msgs[");
    /* two messages in place on the same bytes */
    b.msgs[1].in = b.data[0];
    b.msgs[1].out = b.data[0];
    refuse(f, &b, PARSEAL_ERR_ALIAS, "msgs[");
    /* an output is another message's input */
    b.msgs[1].in = b.data[0];
    refuse(f, &b, PARSEAL_ERR_ALIAS, "msgs[");
    /* an output shares a byte with its own aad */
    b.msgs[0].aad = b.data[0] + LEN - 1;
    b.msgs[0].aad_len = 1;
    refuse_each_way(f, &b, 0, PARSEAL_ERR_ALIAS, "");
    /* and with another message's */
    b.msgs[2].aad = b.data[0];
    refuse(f, &b, PARSEAL_ERR_ALIAS, "msgs[");
    /* an output lies in the array of messages */
    b.msgs[1].in = b.data[1];
    b.msgs[1].out = &b.msgs[1].tag;
    b.msgs[1].len = 1;
    refuse_each_way(f, &b, 1, PARSEAL_ERR_ALIAS, ".out");
}

/* Inputs may overlap freely, and what is empty overlaps nothing. */
static void what_is_no_alias(void **state)
{
    fixture *f = *state;
    uint8_t out[2][LEN], in[LEN] = {0};
    parseal_msg msgs[3] = {
        {.in = in, .out = out[0], .len = LEN, .aad = in, .aad_len = LEN},
        {.in = in, .out = out[1], .len = LEN, .aad = in + 1, .aad_len = 5, .key = 1},
        {.in = out[0] + 5, .out = out[1] + 7, .len = 0, .aad = out[1] + 3, .aad_len = 0},
    };
    assert_ok(parseal_seal(f->keys, msgs, 3));
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(msgs[i].status, PARSEAL_ITEM_OK);
}

static void nothing_to_do(void **state)
{
    fixture *f = *state;
    size_t failed = 12345;
    assert_ok(parseal_seal(f->keys, NULL, 0));
    assert_ok(parseal_open(f->keys, NULL, 0, &failed));
    assert_int_equal(failed, 0);
    parseal_msg empty = {.nonce = {1}};
    assert_ok(parseal_seal(f->keys, &empty, 1)); /* no text, no aad, no pointers */
    assert_int_equal(empty.status, PARSEAL_ITEM_OK);
    assert_ok(parseal_open(f->keys, &empty, 1, NULL));
    empty.tag[0] ^= 1;
    assert_status(parseal_open(f->keys, &empty, 1, &failed), PARSEAL_ERR_AUTH);
    assert_int_equal(failed, 1);
    assert_int_equal(empty.status, PARSEAL_ITEM_BAD_TAG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(keys_create),
        WITH_FIXTURE(the_batch_is_good),
        WITH_FIXTURE(null_arguments),
        WITH_FIXTURE(sizes),
        WITH_FIXTURE(ranges_that_wrap),
        WITH_FIXTURE(aliasing),
        WITH_FIXTURE(keys_options),
        WITH_FIXTURE(set_info),
        WITH_FIXTURE(bytes_behind_the_nonce),
        WITH_FIXTURE(what_is_no_alias),
        WITH_FIXTURE(nothing_to_do),
    };
    return RUN_SUITE("aead_errors", tests);
}
