/* Sums over NCCL against sums in 128-bit arithmetic: ranks are threads, NCCL and the device are
 * emulated. Every ring, lengths beside the steps', and how often which of NCCL's calls is made. */
#include <parseal/aggregator.h>
#include <parseal/nccl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fake_nccl.h"
#include "host/cuda/cu_api.h"
#include "host/support/dynlib.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { RANKS_MAX = FAKE_NCCL_RANKS_MAX, STEP = 70, LENGTH_MAX = 3 * STEP };

static cu_api api;
static cu_context context;
static struct {
    fake_nccl_open *open;
    fake_nccl_close *close;
    fake_nccl_asked *asked;
    fake_nccl_fail *spoil;
} fake;

#define CU(name, arguments) assert_int_equal(api.name arguments, CU_OK)

static parseal_buf device_buf(uint64_t size)
{
    cu_pointer p;
    CU(MemAlloc, (&p, (size_t)size));
    return (parseal_buf){.kind = PARSEAL_BUF_CUDA, .handle = (uintptr_t)p, .size = size};
}

static void device_free(const parseal_buf *buf)
{
    CU(MemFree, ((cu_pointer)buf->handle));
}

/* One rank's half of a call. */
typedef struct {
    parseal_ctx *ctx;
    const parseal_ring *ring;
    parseal_vec acc;
    parseal_buf workspace;
    void *comm;
    cu_stream stream;
    uint8_t bytes[8 * LENGTH_MAX];
    parseal_status status;
    char text[256];
} rank;

/* Puts the bytes into acc, sums, takes them back: all on the stream. */
static void *run_rank(void *argument)
{
    rank *r = argument;
    const cu_pointer acc = (cu_pointer)r->acc.buf.handle;
    const size_t size = (size_t)r->acc.buf.size;
    cu_context popped;
    if (api.CtxPushCurrent(context) != CU_OK ||
        api.MemcpyHtoDAsync(acc, r->bytes, size, r->stream) != CU_OK)
        abort();
    r->status = parseal_nccl_allreduce(r->ctx, r->ring, &r->acc, &r->workspace, r->comm, r->stream);
    snprintf(r->text, sizeof r->text, "%s", parseal_last_error_text());
    if (api.MemcpyDtoHAsync(r->bytes, acc, size, r->stream) != CU_OK ||
        api.StreamSynchronize(r->stream) != CU_OK || api.CtxPopCurrent(&popped) != CU_OK)
        abort();
    return NULL;
}

static void run_ranks(rank *ranks, int n)
{
    pthread_t threads[RANKS_MAX];
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_rank, &ranks[i]), 0);
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void ranks_open(rank *ranks, int n, parseal_ctx *ctx)
{
    void *comms[RANKS_MAX];
    fake.open(n, comms);
    for (int i = 0; i < n; i++) {
        memset(&ranks[i], 0, sizeof ranks[i]);
        ranks[i].ctx = ctx;
        ranks[i].comm = comms[i];
        ranks[i].acc.buf = device_buf(8 * LENGTH_MAX);
        ranks[i].workspace = device_buf((uint64_t)n * 8 * STEP + 7);
        CU(StreamCreate, (&ranks[i].stream, CU_STREAM_NON_BLOCKING));
    }
}

static void ranks_close(rank *ranks, int n)
{
    void *comms[RANKS_MAX];
    for (int i = 0; i < n; i++) {
        comms[i] = ranks[i].comm;
        device_free(&ranks[i].acc.buf);
        device_free(&ranks[i].workspace);
        CU(StreamDestroy, (ranks[i].stream));
    }
    fake.close(n, comms);
}

static void set_length(rank *r, const parseal_ring *ring, uint64_t n)
{
    r->ring = ring;
    r->acc.n = n;
    r->acc.buf.size = n * ring->element_size;
}

/* Random words, not reduced. */
static void check_sum(rank *ranks, int n_ranks, rng *r, const parseal_ring *ring, uint64_t n)
{
    uint8_t want[8 * LENGTH_MAX] = {0};
    for (int i = 0; i < n_ranks; i++) {
        const void *v = ranks[i].bytes;
        set_length(&ranks[i], ring, n);
        rng_fill(r, ranks[i].bytes, sizeof ranks[i].bytes);
        ref_sum(ring, want, &v, 1, n);
    }
    run_ranks(ranks, n_ranks);
    for (int i = 0; i < n_ranks; i++) {
        assert_ok(ranks[i].status);
        assert_bytes(ranks[i].bytes, want, n * ring->element_size);
    }
}

/* The rule of parseal/nccl.h, in 128-bit arithmetic. */
static void check_calls(const rank *r, int n_ranks, uint64_t n)
{
    const fake_nccl_counts asked = fake.asked(r->comm);
    const u128 m = ring_modulus(r->ring), word = (u128)1 << 8 * r->ring->element_size;
    const bool in_place = word % m == 0 || (u128)n_ranks * (m - 1) < word;
    const bool gathers = !in_place && r->ring->element_size == 8;
    /* A workspace holds STEP elements of every rank, or as many of one. */
    const uint64_t step = gathers ? STEP : (uint64_t)STEP * (uint64_t)n_ranks;
    const int steps = in_place ? n > 0 : (int)((n + step - 1) / step);
    assert_int_equal(asked.words, n);
    assert_int_equal(asked.reduces, gathers ? 0 : steps);
    assert_int_equal(asked.gathers, gathers ? steps : 0);
}

static void every_ring(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0, 1, 2, 5, STEP - 1, STEP, STEP + 1, 2 * STEP, LENGTH_MAX};
    rng r = rng_for("sums over NCCL");
    parseal_ctx *ctx = run_ctx(0);
    for (int n_ranks = 1; n_ranks <= RANKS_MAX; n_ranks++) {
        rank ranks[RANKS_MAX];
        ranks_open(ranks, n_ranks, ctx);
        for (size_t k = 0; k < N_RINGS; k++)
            for (size_t i = k % 2; i < COUNT_OF(lengths); i += 2) {
                check_sum(ranks, n_ranks, &r, &RINGS[k], lengths[i]);
                check_calls(&ranks[0], n_ranks, lengths[i]);
            }
        ranks_close(ranks, n_ranks);
    }
    parseal_ctx_destroy(ctx);
}

/* The largest modulus whose sums fit a word, and the next that is not a power of two; all words the
 * largest element. */
static void boundaries(void **state)
{
    (void)state;
    enum { N = 11 };
    parseal_ctx *ctx = run_ctx(0);
    for (int n_ranks = 2; n_ranks <= RANKS_MAX; n_ranks++) {
        rank ranks[RANKS_MAX];
        ranks_open(ranks, n_ranks, ctx);
        for (uint32_t size = 4; size <= 8; size += 4)
            for (uint64_t more = 1; more <= 3; more++) {
                const uint64_t most = size == 4 ? UINT32_MAX : UINT64_MAX;
                const parseal_ring ring = {most / (uint64_t)n_ranks + more, size, 0};
                const uint64_t want = ring_reduce(&ring, (u128)n_ranks * (ring.modulus - 1));
                for (int i = 0; i < n_ranks; i++) {
                    set_length(&ranks[i], &ring, N);
                    for (uint64_t k = 0; k < N; k++)
                        elem_store(ranks[i].bytes, k, size, ring.modulus - 1);
                }
                run_ranks(ranks, n_ranks);
                for (int i = 0; i < n_ranks; i++) {
                    assert_ok(ranks[i].status);
                    for (uint64_t k = 0; k < N; k++)
                        assert_int_equal(elem_load(ranks[i].bytes, k, size), want);
                }
                check_calls(&ranks[0], n_ranks, N);
            }
        ranks_close(ranks, n_ranks);
    }
    parseal_ctx_destroy(ctx);
}

/* Whether a workspace is needed, and one as small as can be. */
static void workspaces(void **state)
{
    (void)state;
    static const parseal_ring wraps = {UINT64_C(1) << 20, 4, 0}, fits = {97, 8, 0},
                              widens = {UINT64_C(4294967291), 4, 0},
                              gathers = {UINT64_MAX - 58, 8, 0}, none = {1, 4, 0};
    enum { N = 5, RANKS = 3 };
    rank ranks[RANKS_MAX];
    uint64_t size;
    rng r = rng_for("workspaces");
    parseal_ctx *ctx = run_ctx(0);
    ranks_open(ranks, RANKS, ctx);
    void *comm = ranks[0].comm;
    const struct {
        const parseal_ring *ring;
        uint64_t n, size, least;
    } cases[] = {{&wraps, 1000, 0, 0},
                 {&fits, 1000, 0, 0},
                 {&widens, 1000, 8000, 8},
                 {&widens, UINT64_MAX, 8 << 20, 8},
                 {&gathers, 1000, 8000 * RANKS, 8 * RANKS},
                 {&gathers, UINT64_C(1) << 40, (8 << 20) * RANKS, 8 * RANKS}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_ok(parseal_nccl_workspace_size(cases[i].ring, cases[i].n, comm, &size));
        assert_int_equal(size, cases[i].size);
        for (int k = 0; k < RANKS; k++)
            ranks[k].workspace.size = cases[i].least;
        check_sum(ranks, RANKS, &r, cases[i].ring, N);
        for (int k = 0; k < RANKS && cases[i].least > 0; k++)
            ranks[k].workspace.size--;
        run_ranks(ranks, RANKS);
        for (int k = 0; k < RANKS; k++)
            assert_int_equal(ranks[k].status, cases[i].least > 0 ? PARSEAL_ERR_SIZE : PARSEAL_OK);
    }
    assert_error(parseal_nccl_workspace_size(&none, 1, comm, &size), PARSEAL_ERR_ARG,
                 "ring.modulus");
    assert_error(parseal_nccl_workspace_size(&fits, 1, NULL, &size), PARSEAL_ERR_ARG, "comm");
    assert_error(parseal_nccl_workspace_size(&fits, 1, comm, NULL), PARSEAL_ERR_ARG, "size");
    ranks_close(ranks, RANKS);
    parseal_ctx_destroy(ctx);
}

/* An aggregator's sum and mean without a way through host memory. */
static void aggregators(void **state)
{
    (void)state;
    enum { RANKS = 2, DIM = 50 };
    rank ranks[RANKS_MAX];
    uint8_t want[4 * DIM] = {0};
    rng r = rng_for("aggregators over NCCL");
    parseal_ctx *ctx = run_ctx(0);
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = (parseal_ring){UINT64_C(4294967291), 4, 0};
    options.dim = DIM;
    ranks_open(ranks, RANKS, ctx);
    for (int i = 0; i < RANKS; i++) {
        parseal_aggregator *a;
        uint8_t bytes[4 * DIM];
        const void *v = bytes;
        parseal_update update = {.client = (uint64_t)i, .in = bytes, .len = sizeof bytes};
        rng_fill(&r, bytes, sizeof bytes);
        ref_sum(&options.ring, want, &v, 1, DIM);
        set_length(&ranks[i], &options.ring, DIM);
        assert_ok(parseal_aggregator_create(&a, ctx, &options));
        assert_ok(parseal_aggregator_add_plain(a, &update, 1, NULL));
        assert_ok(parseal_aggregator_sum(a, &ranks[i].acc));
        CU(MemcpyDtoHAsync,
           (ranks[i].bytes, (cu_pointer)ranks[i].acc.buf.handle, sizeof bytes, ranks[i].stream));
        CU(StreamSynchronize, (ranks[i].stream));
        parseal_aggregator_destroy(a);
    }
    run_ranks(ranks, RANKS);
    for (int i = 0; i < RANKS; i++) {
        assert_ok(ranks[i].status);
        assert_bytes(ranks[i].bytes, want, sizeof want);
    }
    ranks_close(ranks, RANKS);
    parseal_ctx_destroy(ctx);
}

/* On one rank: nothing is given to NCCL, and nothing has changed. */
static void errors(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_MAX - 58, 8, 0}, none = {1, 8, 0};
    enum { N = 4 };
    rank r[RANKS_MAX];
    _Alignas(8) uint8_t host[8 * N], after[8 * N];
    parseal_ctx *ctx = run_ctx(0), *cpu;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    assert_ok(parseal_ctx_create(&cpu, &options));
    ranks_open(r, 1, ctx);
    set_length(r, &ring, N);
    memset(host, UNTOUCHED, sizeof host);
    CU(MemcpyHtoDAsync, ((cu_pointer)r->acc.buf.handle, host, sizeof host, r->stream));
    const parseal_vec on_host = parseal_host_vec(host, N, 8);
    parseal_vec longer = r->acc, shifted = r->acc;
    parseal_buf overlapping = r->acc.buf, odd = r->workspace;
    const parseal_buf host_buf = parseal_host_buf(host, sizeof host);
    longer.n++;
    shifted.buf.offset = 4;
    overlapping.offset = 8;
    odd.offset = 1, odd.size -= 8;
#define SUM(ctx, ring, acc, workspace, comm, stream) \
    parseal_nccl_allreduce(ctx, ring, acc, workspace, comm, stream)
    assert_error(SUM(NULL, &ring, &r->acc, &r->workspace, r->comm, r->stream), PARSEAL_ERR_ARG,
                 "ctx");
    assert_error(SUM(cpu, &ring, &on_host, &host_buf, r->comm, r->stream), PARSEAL_ERR_UNSUPPORTED,
                 "ctx");
    assert_error(SUM(ctx, &none, &r->acc, &r->workspace, r->comm, r->stream), PARSEAL_ERR_ARG,
                 "ring.modulus");
    assert_error(SUM(ctx, &ring, NULL, &r->workspace, r->comm, r->stream), PARSEAL_ERR_ARG, "acc");
    assert_error(SUM(ctx, &ring, &on_host, &r->workspace, r->comm, r->stream),
                 PARSEAL_ERR_UNSUPPORTED, "acc.kind");
    assert_error(SUM(ctx, &ring, &longer, &r->workspace, r->comm, r->stream), PARSEAL_ERR_SIZE,
                 "acc");
    assert_error(SUM(ctx, &ring, &shifted, &r->workspace, r->comm, r->stream), PARSEAL_ERR_ARG,
                 "acc");
    assert_error(SUM(ctx, &ring, &r->acc, &r->workspace, NULL, r->stream), PARSEAL_ERR_ARG, "comm");
    assert_error(SUM(ctx, &ring, &r->acc, &r->workspace, r->comm, NULL), PARSEAL_ERR_ARG, "stream");
    CU(StreamSynchronize, (r->stream)); /* It still writes to acc. */
    ranks_close(r, 1);

    /* Two ranks, of which the first alone calls: what is found wrong is found before they meet. */
    ranks_open(r, 2, ctx);
    set_length(r, &ring, N);
    overlapping.handle = r->acc.buf.handle;
    odd.handle = r->workspace.handle;
    CU(MemcpyHtoDAsync, ((cu_pointer)r->acc.buf.handle, host, sizeof host, r->stream));
    assert_error(SUM(ctx, &ring, &r->acc, NULL, r->comm, r->stream), PARSEAL_ERR_ARG, "workspace");
    assert_error(SUM(ctx, &ring, &r->acc, &host_buf, r->comm, r->stream), PARSEAL_ERR_UNSUPPORTED,
                 "workspace.kind");
    assert_error(SUM(ctx, &ring, &r->acc, &overlapping, r->comm, r->stream), PARSEAL_ERR_ALIAS,
                 "workspace");
    assert_error(SUM(ctx, &ring, &r->acc, &odd, r->comm, r->stream), PARSEAL_ERR_ARG, "workspace");
    CU(MemcpyDtoHAsync, (after, (cu_pointer)r->acc.buf.handle, sizeof after, r->stream));
    CU(StreamSynchronize, (r->stream));
    assert_filled(after, sizeof after, UNTOUCHED);
    const fake_nccl_counts asked = fake.asked(r->comm);
    assert_int_equal(asked.reduces + asked.gathers, 0);

    for (int i = 0; i < 2; i++) {
        set_length(&r[i], &ring, N);
        fake.spoil(r[i].comm);
    }
    run_ranks(r, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(r[i].status, PARSEAL_ERR_DEVICE);
        assert_string_equal(r[i].text, "ncclAllGather: unhandled cuda error");
    }
    ranks_close(r, 2);
    parseal_ctx_destroy(ctx);
    parseal_ctx_destroy(cpu);
}

/* Where NCCL is missing. */
static void no_nccl(void **state)
{
    static const parseal_ring ring = {97, 8, 0};
    const char *why = *state;
    uint64_t size;
    int comm;
    assert_error(parseal_nccl_workspace_size(&ring, 1, &comm, &size), PARSEAL_ERR_NO_DEVICE,
                 "nccl");
    assert_non_null(strstr(parseal_last_error_text(), why));
}

static bool find_fake(void)
{
    static const char *const names[] = {"libnccl.so.2", NULL};
    void *library = dynlib_open(names);
    if (library == NULL)
        return false;
    dynlib_function(library, "open_fake", &fake.open, sizeof fake.open);
    dynlib_function(library, "close_fake", &fake.close, sizeof fake.close);
    dynlib_function(library, "asked_of_fake", &fake.asked, sizeof fake.asked);
    dynlib_function(library, "fail_in_fake", &fake.spoil, sizeof fake.spoil);
    return fake.open != NULL && fake.close != NULL && fake.asked != NULL && fake.spoil != NULL;
}

/* nccl            on the fake one
 * nccl TEXT       there is none, and an error says so with this text */
int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ring),  cmocka_unit_test(boundaries), cmocka_unit_test(workspaces),
        cmocka_unit_test(aggregators), cmocka_unit_test(errors),
    };
    if (argc > 1) {
        const struct CMUnitTest absent[] = {cmocka_unit_test_prestate(no_nccl, argv[1])};
        return RUN_SUITE("no NCCL", absent);
    }
    cu_device device;
    if (!find_fake())
        return run_skip("no emulated NCCL");
    if (cu_api_load(&api) != PARSEAL_OK || api.Init(0) != CU_OK ||
        api.DeviceGet(&device, 0) != CU_OK ||
        api.DevicePrimaryCtxRetain(&context, device) != CU_OK ||
        api.CtxPushCurrent(context) != CU_OK)
        return run_skip("no CUDA device");
    const int failed = RUN_SUITE("sums over NCCL", tests);
    (void)api.CtxPopCurrent(&context);
    (void)api.DevicePrimaryCtxRelease(device);
    return failed;
}
