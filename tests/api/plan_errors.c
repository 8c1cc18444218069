/* Plans: every error of creating and of running one, and that it changes nothing. */
#include <string.h>

#include "check.h"
#include "fixture.h"
#include "run.h"

enum { ITEMS = 3, LEN = 32, BYTES = ITEMS * LEN, AAD = 8 };

static const uint64_t lens[ITEMS] = {LEN, LEN, LEN};
static const uint64_t offsets[ITEMS] = {0, LEN, 2 * LEN};
static const uint64_t aad_lens[ITEMS] = {AAD, 0, AAD};
static const uint64_t aad_offsets[ITEMS] = {0, 0, AAD};
static const uint32_t key_indices[ITEMS] = {0, 1, 0};

static parseal_aead_shape good_shape(void)
{
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    shape.n = ITEMS;
    shape.len = lens;
    shape.in_offset = offsets;
    shape.aad_len = aad_lens;
    shape.aad_offset = aad_offsets;
    shape.key = key_indices;
    return shape;
}

static void refuse_shape(const fixture *f, const parseal_aead_shape *shape, parseal_status want,
                         const char *name)
{
    parseal_plan *const before = nowhere();
    parseal_plan *plan = before;
    assert_error(parseal_plan_create(&plan, f->keys, shape), want, name);
    assert_ptr_equal(plan, before);
}

/* A good shape but for one array. */
typedef struct {
    size_t field; /* where its pointer is in parseal_aead_shape */
    const void *array;
    parseal_status want;
    const char *name;
} bad_array;

#define SHAPE(field) offsetof(parseal_aead_shape, field)

static void refuse_arrays(const fixture *f, const bad_array *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        parseal_aead_shape shape = good_shape();
        memcpy((uint8_t *)&shape + list[i].field, &list[i].array, sizeof list[i].array);
        refuse_shape(f, &shape, list[i].want, list[i].name);
    }
}

static void shape_null_arguments(void **state)
{
    fixture *f = *state;
    static const bad_array arrays[] = {
        {SHAPE(len), NULL, PARSEAL_ERR_ARG, "len"},
        {SHAPE(in_offset), NULL, PARSEAL_ERR_ARG, "in_offset"},
        {SHAPE(aad_offset), NULL, PARSEAL_ERR_ARG, "aad_offset"},
        {SHAPE(aad_len), NULL, PARSEAL_ERR_ARG, "aad_len"},
    };
    parseal_aead_shape shape = good_shape();
    parseal_plan *plan = NULL;
    assert_error(parseal_plan_create(NULL, f->keys, &shape), PARSEAL_ERR_ARG, "plan");
    assert_error(parseal_plan_create(&plan, NULL, &shape), PARSEAL_ERR_ARG, "keys");
    assert_null(plan);
    refuse_shape(f, NULL, PARSEAL_ERR_ARG, "shape");
    refuse_arrays(f, arrays, COUNT_OF(arrays));
}

static void shape_struct_size(void **state)
{
    fixture *f = *state;
    struct {
        parseal_aead_shape shape;
        uint8_t tail[16];
    } later = {good_shape(), {0}};
    parseal_plan *plan = NULL;
    later.shape.struct_size = offsetof(parseal_aead_shape, nonce) - 1; /* of the first release */
    refuse_shape(f, &later.shape, PARSEAL_ERR_ARG, "struct_size");
    later.shape.struct_size = 0;
    refuse_shape(f, &later.shape, PARSEAL_ERR_ARG, "struct_size");
    later.shape.struct_size = sizeof later;
    assert_ok(parseal_plan_create(&plan, f->keys, &later.shape));
    parseal_plan_destroy(plan);
    later.tail[15] = 1;
    refuse_shape(f, &later.shape, PARSEAL_ERR_ARG, "struct_size");
}

static void shape_sizes(void **state)
{
    fixture *f = *state;
    static const uint64_t long_len[ITEMS] = {LEN, PARSEAL_MESSAGEBYTES_MAX + 1, LEN};
    static const uint64_t huge_len[ITEMS] = {LEN, LEN, UINT64_MAX};
    static const uint64_t far_offset[ITEMS] = {0, LEN, UINT64_MAX - LEN + 1};
    static const uint64_t long_aad[ITEMS] = {AAD, PARSEAL_AADBYTES_MAX + 1, AAD};
    static const uint64_t far_aad[ITEMS] = {0, 0, UINT64_MAX - AAD + 1};
    static const uint32_t bad_key[ITEMS] = {0, 2, 0};
    static const uint32_t worse_key[ITEMS] = {0, 1, UINT32_MAX};
    static const bad_array arrays[] = {
        {SHAPE(len), long_len, PARSEAL_ERR_SIZE, "len[1]"},
        {SHAPE(len), huge_len, PARSEAL_ERR_SIZE, "len[2]"},
        {SHAPE(in_offset), far_offset, PARSEAL_ERR_SIZE, "in_offset[2]"},
        {SHAPE(out_offset), far_offset, PARSEAL_ERR_SIZE, "out_offset[2]"},
        {SHAPE(aad_len), long_aad, PARSEAL_ERR_SIZE, "aad_len[1]"},
        {SHAPE(aad_offset), far_aad, PARSEAL_ERR_SIZE, "aad_offset[2]"},
        {SHAPE(key), bad_key, PARSEAL_ERR_SIZE, "key[1]"},
        {SHAPE(key), worse_key, PARSEAL_ERR_SIZE, "key[2]"},
    };
    parseal_aead_shape shape = good_shape();
    refuse_arrays(f, arrays, COUNT_OF(arrays));
    shape.n = SIZE_MAX;
    refuse_shape(f, &shape, PARSEAL_ERR_SIZE, "n");
}

static void shape_aliasing(void **state)
{
    fixture *f = *state;
    static const uint64_t by_one_byte[ITEMS] = {0, LEN - 1, 2 * LEN};
    static const uint64_t the_same[ITEMS] = {2 * LEN, 0, 2 * LEN};
    static const bad_array arrays[] = {
        {SHAPE(out_offset), by_one_byte, PARSEAL_ERR_ALIAS, "shape"},
        {SHAPE(out_offset), the_same, PARSEAL_ERR_ALIAS, "shape"},
        /* without out_offset the outputs lie where the inputs do */
        {SHAPE(in_offset), by_one_byte, PARSEAL_ERR_ALIAS, "shape"},
    };
    parseal_aead_shape shape = good_shape();
    parseal_plan *plan = NULL;
    refuse_arrays(f, arrays, COUNT_OF(arrays));
    shape.in_offset = by_one_byte; /* inputs may overlap */
    shape.out_offset = offsets;
    assert_ok(parseal_plan_create(&plan, f->keys, &shape));
    parseal_plan_destroy(plan);
}

/* --------------------------------------------------------------------------------- running -- */

/* A plan with everything that a run needs, in one block so that overlaps are easy to make. */
typedef struct {
    const fixture *f;
    parseal_plan *plan;
    parseal_aead_io io;
    _Alignas(16) uint8_t bytes[8192], before[8192];
} bench;

enum {
    AT_IN = 0,
    AT_OUT = 128,
    AT_AAD = 256,
    AT_NONCE = 320,
    AT_TAG = 384,
    AT_VERDICT = 448,
    AT_WORKSPACE = 512
};

static parseal_buf at(bench *b, size_t offset, uint64_t size)
{
    return parseal_host_buf(b->bytes + offset, size);
}

static void good_io(bench *b)
{
    uint64_t workspace = parseal_plan_workspace_size(b->plan);
    assert_true(workspace <= sizeof b->bytes - AT_WORKSPACE);
    b->io = (parseal_aead_io)PARSEAL_AEAD_IO_INIT;
    b->io.in = at(b, AT_IN, BYTES);
    b->io.out = at(b, AT_OUT, BYTES);
    b->io.aad = at(b, AT_AAD, 2 * AAD);
    b->io.nonce = at(b, AT_NONCE, ITEMS * PARSEAL_AES256GCM_NONCEBYTES);
    b->io.tag = at(b, AT_TAG, ITEMS * PARSEAL_TAGBYTES);
    b->io.verdict = at(b, AT_VERDICT, ITEMS * 4);
    if (workspace != 0)
        b->io.workspace = at(b, AT_WORKSPACE, workspace);
}

static void bench_open(bench *b, const fixture *f)
{
    parseal_aead_shape shape = good_shape();
    memset(b, 0, sizeof *b);
    b->f = f;
    assert_ok(parseal_plan_create(&b->plan, f->keys, &shape));
    memset(b->bytes, UNTOUCHED, sizeof b->bytes);
    good_io(b);
}

/* Seal and open refuse b->io; then b->io is a good one again. */
static void refuse(bench *b, parseal_status want, const char *name)
{
    memcpy(b->before, b->bytes, sizeof b->bytes);
    assert_error(parseal_plan_seal(b->plan, &b->io, NULL), want, name);
    assert_error(parseal_plan_open(b->plan, &b->io, NULL), want, name);
    assert_bytes(b->bytes, b->before, sizeof b->bytes);
    good_io(b);
}

static void run_null_arguments(void **state)
{
    bench b;
    bench_open(&b, *state);
    assert_error(parseal_plan_seal(NULL, &b.io, NULL), PARSEAL_ERR_ARG, "plan");
    assert_error(parseal_plan_open(NULL, &b.io, NULL), PARSEAL_ERR_ARG, "plan");
    assert_error(parseal_plan_seal(b.plan, NULL, NULL), PARSEAL_ERR_ARG, "io");
    assert_error(parseal_plan_open(b.plan, NULL, NULL), PARSEAL_ERR_ARG, "io");
    assert_stream_refused(parseal_plan_seal(b.plan, &b.io, nowhere()));
    assert_stream_refused(parseal_plan_open(b.plan, &b.io, nowhere()));
    assert_filled(b.bytes, sizeof b.bytes, UNTOUCHED);
    assert_int_equal(parseal_plan_workspace_size(NULL), 0);
    assert_ok(parseal_plan_seal(b.plan, &b.io, NULL)); /* what the others vary is good */
    assert_ok(parseal_plan_open(b.plan, &b.io, NULL));
    parseal_plan_destroy(b.plan);
}

static void run_struct_size(void **state)
{
    bench b;
    bench_open(&b, *state);
    struct {
        parseal_aead_io io;
        uint8_t tail[8];
    } later = {b.io, {0}};
    b.io.struct_size = sizeof b.io - 1;
    refuse(&b, PARSEAL_ERR_ARG, "struct_size");
    b.io.struct_size = 0;
    refuse(&b, PARSEAL_ERR_ARG, "struct_size");
    later.io.struct_size = sizeof later;
    later.tail[0] = 1;
    assert_error(parseal_plan_seal(b.plan, &later.io, NULL), PARSEAL_ERR_ARG, "struct_size");
    assert_filled(b.bytes, sizeof b.bytes, UNTOUCHED);
    later.tail[0] = 0;
    assert_ok(parseal_plan_seal(b.plan, &later.io, NULL));
    parseal_plan_destroy(b.plan);
}

/* The buffers of b->io by name. */
static const struct {
    const char *name;
    size_t offset;
    uint64_t alignment;
} buffers[] = {
    {"in", offsetof(parseal_aead_io, in), 1},
    {"out", offsetof(parseal_aead_io, out), 1},
    {"aad", offsetof(parseal_aead_io, aad), 1},
    {"nonce", offsetof(parseal_aead_io, nonce), 1},
    {"tag", offsetof(parseal_aead_io, tag), 1},
    {"verdict", offsetof(parseal_aead_io, verdict), 4},
    {"workspace", offsetof(parseal_aead_io, workspace), 16},
};

static parseal_buf *io_buf(bench *b, size_t i)
{
    return (parseal_buf *)(void *)((uint8_t *)&b->io + buffers[i].offset);
}

typedef struct {
    bench *b;
    size_t which;
    bool open;
} one_buffer;

static parseal_status run_with(void *arg, const parseal_buf *buf)
{
    one_buffer *o = arg;
    good_io(o->b);
    *io_buf(o->b, o->which) = *buf;
    return (o->open ? parseal_plan_open : parseal_plan_seal)(o->b->plan, &o->b->io, NULL);
}

static void run_bad_buffers(void **state)
{
    bench b;
    bench_open(&b, *state);
    for (size_t i = 0; i < COUNT_OF(buffers); i++) {
        parseal_buf good = *io_buf(&b, i);
        if (good.size == 0) /* this plan needs no workspace */
            continue;
        one_buffer seal = {&b, i, false};
        one_buffer open = {&b, i, true};
        refuse_bad_bufs(run_with, &seal, &good, buffers[i].alignment, buffers[i].name);
        refuse_bad_bufs(run_with, &open, &good, buffers[i].alignment, buffers[i].name);
        good_io(&b);
    }
    assert_filled(b.bytes, sizeof b.bytes, UNTOUCHED);
    parseal_plan_destroy(b.plan);
}

static void run_small_buffers(void **state)
{
    bench b;
    bench_open(&b, *state);
    for (size_t i = 0; i < COUNT_OF(buffers); i++) {
        if (io_buf(&b, i)->size == 0)
            continue;
        io_buf(&b, i)->size--;
        refuse(&b, PARSEAL_ERR_SIZE, buffers[i].name);
        io_buf(&b, i)->size = 0;
        refuse(&b, PARSEAL_ERR_SIZE, buffers[i].name);
        *io_buf(&b, i) = (parseal_buf){0};
        refuse(&b, PARSEAL_ERR_SIZE, buffers[i].name);
    }
    parseal_plan_destroy(b.plan);
}

static void run_aliasing(void **state)
{
    bench b;
    bench_open(&b, *state);
    b.io.out = at(&b, AT_IN + 1, BYTES); /* in and out, one byte apart */
    refuse(&b, PARSEAL_ERR_ALIAS, "io.in");
    b.io.in = at(&b, AT_OUT + BYTES - 1, BYTES);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.in");
    b.io.aad = at(&b, AT_OUT, 2 * AAD);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.aad");
    b.io.nonce = at(&b, AT_OUT + 5, ITEMS * PARSEAL_AES256GCM_NONCEBYTES);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.nonce");
    b.io.tag = at(&b, AT_OUT, ITEMS * PARSEAL_TAGBYTES);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.tag");
    b.io.verdict = at(&b, AT_OUT, ITEMS * 4);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.verdict");
    b.io.verdict = at(&b, AT_IN, ITEMS * 4);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.verdict");
    b.io.verdict = at(&b, AT_AAD, ITEMS * 4);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.verdict");
    b.io.verdict = at(&b, AT_NONCE, ITEMS * 4);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.verdict");
    b.io.verdict = at(&b, AT_TAG + 44, ITEMS * 4);
    refuse(&b, PARSEAL_ERR_ALIAS, "io.verdict");
    if (b.io.workspace.size != 0) {
        b.io.workspace = at(&b, AT_IN, b.io.workspace.size);
        refuse(&b, PARSEAL_ERR_ALIAS, "io.workspace");
    }
    /* the tags are written when sealing only */
    b.io.tag = at(&b, AT_IN, ITEMS * PARSEAL_TAGBYTES);
    assert_error(parseal_plan_seal(b.plan, &b.io, NULL), PARSEAL_ERR_ALIAS, "io.tag");
    b.io.tag = at(&b, AT_NONCE, ITEMS * PARSEAL_TAGBYTES);
    assert_error(parseal_plan_seal(b.plan, &b.io, NULL), PARSEAL_ERR_ALIAS, "io.tag");
    assert_filled(b.bytes, sizeof b.bytes, UNTOUCHED);
    parseal_plan_destroy(b.plan);
}

/* One buffer for in and out wants a shape whose offsets are equal. */
static void run_in_place_needs_equal_offsets(void **state)
{
    bench b;
    const uint64_t moved[ITEMS] = {2 * LEN, LEN, 0};
    parseal_aead_shape shape = good_shape();
    bench_open(&b, *state);
    parseal_plan_destroy(b.plan);
    shape.out_offset = moved;
    assert_ok(parseal_plan_create(&b.plan, b.f->keys, &shape));
    b.io.out = b.io.in;
    refuse(&b, PARSEAL_ERR_ALIAS, "io.in");
    assert_ok(parseal_plan_seal(b.plan, &b.io, NULL));
    parseal_plan_destroy(b.plan);
}

static void empty_plans(void **state)
{
    fixture *f = *state;
    parseal_aead_shape shape = PARSEAL_AEAD_SHAPE_INIT;
    parseal_plan *plan = NULL;
    assert_ok(parseal_plan_create(&plan, f->keys, &shape));
    parseal_aead_io io = PARSEAL_AEAD_IO_INIT;
    _Alignas(16) uint8_t workspace[4096];
    uint64_t size = parseal_plan_workspace_size(plan);
    assert_true(size <= sizeof workspace);
    if (size != 0)
        io.workspace = parseal_host_buf(workspace, size);
    assert_ok(parseal_plan_seal(plan, &io, NULL));
    assert_ok(parseal_plan_open(plan, &io, NULL));
    parseal_plan_destroy(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(shape_null_arguments), WITH_FIXTURE(shape_struct_size),
        WITH_FIXTURE(shape_sizes),          WITH_FIXTURE(shape_aliasing),
        WITH_FIXTURE(run_null_arguments),   WITH_FIXTURE(run_struct_size),
        WITH_FIXTURE(run_bad_buffers),      WITH_FIXTURE(run_small_buffers),
        WITH_FIXTURE(run_aliasing),         WITH_FIXTURE(run_in_place_needs_equal_offsets),
        WITH_FIXTURE(empty_plans),
    };
    return RUN_SUITE("plan_errors", tests);
}
