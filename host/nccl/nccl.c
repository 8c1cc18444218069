/* Sums over NCCL: this checks a call, and chooses the way in which a ring's elements are added. */
#include "parseal/nccl.h"

#include <inttypes.h>

#include "host/api/buffers.h"
#include "host/nccl/nccl_api.h"
#include "host/support/dynlib.h"

typedef struct {
    void *library;
#define NCCL_FIELD(name, result, parameters) result(*name) parameters;
    NCCL_FUNCTIONS(NCCL_FIELD)
#undef NCCL_FIELD
} nccl_api;

/* NCCL stays loaded, so that loading it again is only a look at a list. */
static parseal_status load(nccl_api *api)
{
    static const char *const names[] = {"libnccl.so.2", "libnccl.so", NULL};
    *api = (nccl_api){.library = dynlib_open(names)};
    if (api->library == NULL)
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "nccl: no %s%s", names[0], dynlib_why_none());
#define NCCL_LOAD(name, result, parameters)                                                \
    dynlib_function(api->library, "nccl" #name, &api->name, sizeof api->name);             \
    if (api->name == NULL) {                                                               \
        dynlib_close(api->library);                                                        \
        return parseal_fail(PARSEAL_ERR_NO_DEVICE, "nccl: the library has no nccl" #name); \
    }
    NCCL_FUNCTIONS(NCCL_LOAD)
#undef NCCL_LOAD
    return PARSEAL_OK;
}

static parseal_status result_of(const nccl_api *api, const char *call, int result)
{
    if (result == NCCL_OK)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_DEVICE, "nccl%s: %s", call, api->GetErrorString(result));
}

#define NCCL_TRY(api, name, ...) TRY(result_of((api), #name, (api)->name(__VA_ARGS__)))

/* -------------------------------------------------------------------------------------- ways -- */

typedef enum {
    WRAPS,  /* Words may overflow, as m divides what they count to. */
    FITS,   /* No sum of reduced elements overflows. */
    WIDENS, /* Elements of 4 bytes are summed up in 8. */
    GATHERS /* Every rank gets all elements, and sums them up mod m itself. */
} way;

static way way_of(const parseal_ring *ring, uint64_t ranks)
{
    const uint64_t m = ring->modulus, most = ring->element_size == 4 ? UINT32_MAX : UINT64_MAX;
    if ((m & (m - 1)) == 0) /* 2^64, which is 0, as well */
        return WRAPS;
    if (m - 1 <= most / ranks)
        return FITS;
    return ring->element_size == 4 ? WIDENS : GATHERS;
}

/* Returns the bytes of workspace that an element of a step takes. */
static uint64_t width(way how, uint64_t ranks)
{
    return how == WIDENS ? 8 : how == GATHERS ? 8 * ranks : 0;
}

parseal_status parseal_nccl_workspace_size(const parseal_ring *ring, uint64_t n, void *comm,
                                           uint64_t *size)
{
    enum { STEP = 1 << 20 };
    nccl_api api;
    int ranks;
    TRY(check_pointer("comm", comm));
    TRY(check_pointer("size", size));
    TRY(check_ring(ring));
    TRY(load(&api));
    const parseal_status status = result_of(&api, "CommCount", api.CommCount(comm, &ranks));
    dynlib_close(api.library);
    if (status == PARSEAL_OK)
        *size = (n < STEP ? n : STEP) * width(way_of(ring, (uint64_t)ranks), (uint64_t)ranks);
    return status;
}

/* ------------------------------------------------------------------------------------- steps -- */

/* A sum is one call. */
typedef struct {
    nccl_api api;
    parseal_ctx *ctx;
    const parseal_ring *ring;
    const parseal_vec *acc;
    parseal_buf workspace;
    void *comm, *stream;
    int ranks, rank;
} sum;

static void *address(const parseal_buf *buf)
{
    return (void *)(buf->handle + (uintptr_t)buf->offset);
}

/* Returns n elements from number `from` on. */
static parseal_vec part(const parseal_buf *buf, uint64_t from, uint64_t n, uint32_t size)
{
    parseal_vec v = {*buf, n};
    v.buf.offset += from * size;
    v.buf.size = n * size;
    return v;
}

static parseal_status reduce(const sum *s, const parseal_ring *ring, const parseal_vec *v)
{
    return parseal_vec_sum(s->ctx, ring, v, NULL, 0, s->stream);
}

/* Has NCCL add the elements as they are. */
static parseal_status add_words(const sum *s, const parseal_vec *v, int type)
{
    NCCL_TRY(&s->api, AllReduce, address(&v->buf), address(&v->buf), (size_t)v->n, type, NCCL_SUM,
             s->comm, s->stream);
    return PARSEAL_OK;
}

static parseal_status add_in_place(const sum *s, way how)
{
    if (how == FITS)
        TRY(reduce(s, s->ring, s->acc));
    TRY(add_words(s, s->acc, s->ring->element_size == 4 ? NCCL_UINT32 : NCCL_UINT64));
    return reduce(s, s->ring, s->acc);
}

static parseal_status add_widened(const sum *s, const parseal_vec *v)
{
    const parseal_ring wide_ring = {.modulus = s->ring->modulus, .element_size = 8};
    const parseal_vec wide = part(&s->workspace, 0, v->n, 8);
    TRY(parseal_unpack(s->ctx, 32, 8, &v->buf, &wide, s->stream));
    TRY(add_words(s, &wide, NCCL_UINT64));
    TRY(reduce(s, &wide_ring, &wide));
    return parseal_pack(s->ctx, 32, 8, &wide, &v->buf, s->stream);
}

/* Gathers all ranks' parts, and adds the others' to this rank's own, one after the other. */
static parseal_status add_gathered(const sum *s, const parseal_vec *v)
{
    NCCL_TRY(&s->api, AllGather, address(&v->buf), address(&s->workspace), (size_t)v->n,
             NCCL_UINT64, s->comm, s->stream);
    for (int i = 0; i < s->ranks; i++) {
        const parseal_vec other = part(&s->workspace, (uint64_t)i * v->n, v->n, 8);
        if (i != s->rank)
            TRY(parseal_vec_sum(s->ctx, s->ring, v, &other, 1, s->stream));
    }
    return PARSEAL_OK;
}

static parseal_status run(const sum *s, way how)
{
    if (how == WRAPS || how == FITS)
        return add_in_place(s, how);
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): the ways that are left have a width. */
    const uint64_t step = s->workspace.size / width(how, (uint64_t)s->ranks);
    for (uint64_t at = 0; at < s->acc->n; at += step) {
        const uint64_t left = s->acc->n - at;
        const parseal_vec v =
            part(&s->acc->buf, at, left < step ? left : step, s->ring->element_size);
        TRY(how == WIDENS ? add_widened(s, &v) : add_gathered(s, &v));
    }
    return PARSEAL_OK;
}

/* ------------------------------------------------------------------------------------- check -- */

static parseal_status check_on_device(const char *name, const parseal_buf *buf)
{
    if (buf->kind == PARSEAL_BUF_CUDA || buf->size == 0)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_UNSUPPORTED, "%s.kind: %" PRIu32 ", NCCL takes CUDA's only",
                        name, buf->kind);
}

static parseal_status check_workspace(const sum *s, const parseal_buf *workspace, way how)
{
    const uint64_t least = width(how, (uint64_t)s->ranks);
    if (least == 0 || s->acc->n == 0)
        return PARSEAL_OK;
    TRY(check_buf(s->ctx, "workspace", workspace, 8));
    TRY(check_on_device("workspace", workspace));
    TRY(check_no_overlap("acc", &s->acc->buf, "workspace", workspace));
    if (workspace->size < least)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "workspace.size: %" PRIu64 ", at least %" PRIu64 " expected",
                            workspace->size, least);
    return PARSEAL_OK;
}

static parseal_status check_sum(const parseal_ctx *ctx, const parseal_ring *ring,
                                const parseal_vec *acc, const void *comm, const void *stream)
{
    TRY(check_pointer("ctx", ctx));
    if (ctx->backend->id != PARSEAL_BACKEND_CUDA)
        return parseal_fail(PARSEAL_ERR_UNSUPPORTED, "ctx: of %s, NCCL needs cuda",
                            parseal_backend_name(ctx->backend->id));
    TRY(check_ring(ring));
    TRY(check_vec(ctx, "acc", acc, ring->element_size));
    TRY(check_on_device("acc", &acc->buf));
    TRY(check_pointer("comm", comm));
    return check_pointer("stream", stream);
}

static parseal_status run_loaded(sum *s, const parseal_buf *workspace)
{
    NCCL_TRY(&s->api, CommCount, s->comm, &s->ranks);
    NCCL_TRY(&s->api, CommUserRank, s->comm, &s->rank);
    const way how = way_of(s->ring, (uint64_t)s->ranks);
    TRY(check_workspace(s, workspace, how));
    if (width(how, 1) > 0 && s->acc->n > 0)
        s->workspace = *workspace;
    return s->acc->n > 0 ? run(s, how) : PARSEAL_OK;
}

parseal_status parseal_nccl_allreduce(parseal_ctx *ctx, const parseal_ring *ring,
                                      const parseal_vec *acc, const parseal_buf *workspace,
                                      void *comm, void *stream)
{
    TRY(check_sum(ctx, ring, acc, comm, stream));
    sum s = {.ctx = ctx, .ring = ring, .acc = acc, .comm = comm, .stream = stream};
    TRY(load(&s.api));
    const parseal_status status = run_loaded(&s, workspace);
    dynlib_close(s.api.library);
    return status;
}
