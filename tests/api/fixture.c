#include "fixture.h"

#include <stdlib.h>

#include "check.h"
#include "run.h"

int fixture_setup(void **state)
{
    uint8_t key[2 * PARSEAL_AES256GCM_KEYBYTES] = {1};
    key[PARSEAL_AES256GCM_KEYBYTES] = 2;
    parseal_seed seed = {.key = {3}, .sign = 1};
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->ctx = run_ctx(2);
    assert_ok(parseal_keys_create(&f->keys, f->ctx, PARSEAL_AES256GCM, key, 2, NULL));
    assert_ok(parseal_seeds_create(&f->seeds, f->ctx, &seed, 1));
    *state = f;
    return 0;
}

int fixture_teardown(void **state)
{
    fixture *f = *state;
    parseal_seeds_destroy(f->seeds);
    parseal_keys_destroy(f->keys);
    parseal_ctx_destroy(f->ctx);
    free(f);
    return 0;
}

bool takes_streams(void)
{
    return run_backend() != PARSEAL_BACKEND_CPU;
}

void *nowhere(void)
{
    return (void *)(uintptr_t)4096;
}

static void refuse_buf(buf_call call, void *arg, const parseal_buf *good,
                       void (*spoil)(parseal_buf *), parseal_status want, const char *name)
{
    parseal_buf bad = *good;
    spoil(&bad);
    assert_error(call(arg, &bad), want, name);
}

static void kind_unknown(parseal_buf *buf)
{
    buf->kind = PARSEAL_BUF_OPENCL + 1;
}

static void kind_cuda(parseal_buf *buf)
{
    buf->kind = PARSEAL_BUF_CUDA;
}

static void kind_opencl(parseal_buf *buf)
{
    buf->kind = PARSEAL_BUF_OPENCL;
}

static void reserved_set(parseal_buf *buf)
{
    buf->reserved = 1;
}

static void handle_null(parseal_buf *buf)
{
    buf->handle = 0;
}

static void past_the_end_of_memory(parseal_buf *buf)
{
    buf->offset = UINT64_MAX - buf->handle - buf->size / 2;
}

static void address_wraps(parseal_buf *buf)
{
    buf->offset = UINT64_MAX;
}

static void misaligned(parseal_buf *buf)
{
    buf->handle += 1;
}

void refuse_bad_bufs(buf_call call, void *arg, const parseal_buf *good, uint64_t alignment,
                     const char *name)
{
    refuse_buf(call, arg, good, kind_unknown, PARSEAL_ERR_ARG, name);
    if (run_backend() != PARSEAL_BACKEND_CUDA)
        refuse_buf(call, arg, good, kind_cuda, PARSEAL_ERR_UNSUPPORTED, name);
    if (run_backend() != PARSEAL_BACKEND_OPENCL)
        refuse_buf(call, arg, good, kind_opencl, PARSEAL_ERR_UNSUPPORTED, name);
    refuse_buf(call, arg, good, reserved_set, PARSEAL_ERR_ARG, name);
    refuse_buf(call, arg, good, handle_null, PARSEAL_ERR_ARG, name);
    refuse_buf(call, arg, good, past_the_end_of_memory, PARSEAL_ERR_SIZE, name);
    refuse_buf(call, arg, good, address_wraps, PARSEAL_ERR_SIZE, name);
    if (alignment > 1)
        refuse_buf(call, arg, good, misaligned, PARSEAL_ERR_ARG, name);
}

typedef struct {
    vec_call call;
    void *arg;
    const parseal_vec *good;
} vec_as_buf;

static parseal_status call_vec(void *arg, const parseal_buf *buf)
{
    vec_as_buf *v = arg;
    parseal_vec vec = {*buf, v->good->n};
    return v->call(v->arg, &vec);
}

void refuse_bad_vecs(vec_call call, void *arg, const parseal_vec *good, uint32_t element_size,
                     const char *name)
{
    vec_as_buf v = {call, arg, good};
    assert_error(call(arg, NULL), PARSEAL_ERR_ARG, name);
    refuse_bad_bufs(call_vec, &v, &good->buf, element_size, name);

    parseal_vec bad = *good; /* the size is not n elements: one byte more, one less, one element */
    bad.buf.size += 1;
    assert_error(call(arg, &bad), PARSEAL_ERR_SIZE, name);
    bad.buf.size -= 2;
    assert_error(call(arg, &bad), PARSEAL_ERR_SIZE, name);
    bad = *good;
    bad.n += 1;
    assert_error(call(arg, &bad), PARSEAL_ERR_SIZE, name);

    bad = *good; /* n * element_size overflows: to 0, and to the size that is given */
    bad.n = UINT64_MAX / element_size + 1;
    bad.buf.size = 0;
    assert_error(call(arg, &bad), PARSEAL_ERR_SIZE, name);
    bad.n = good->n + UINT64_MAX / element_size + 1;
    bad.buf.size = good->buf.size;
    assert_error(call(arg, &bad), PARSEAL_ERR_SIZE, name);
    bad = parseal_host_vec(nowhere(), UINT64_MAX / 2, element_size);
    assert_error(call(arg, &bad), PARSEAL_ERR_SIZE, name);
}

void refuse_bad_rings(ring_call call, void *arg)
{
    static const parseal_ring bad[] = {
        {1, 4, 0},          {1, 8, 0},
        {0, 4, 0},          {(UINT64_C(1) << 32) + 1, 4, 0},
        {UINT64_MAX, 4, 0}, {256, 0, 0},
        {256, 1, 0},        {256, 5, 0},
        {256, 16, 0},       {256, UINT32_MAX, 0},
        {256, 4, 1},
    };
    assert_error(call(arg, NULL), PARSEAL_ERR_ARG, "ring");
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_error(call(arg, &bad[i]), PARSEAL_ERR_ARG, "ring");
}
