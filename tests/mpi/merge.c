/* Aggregators of several ranks, merged, against one that has counted everybody: the same export, to
 * the byte. What must not be merged is refused on every rank, and changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/mpi/ranks.h"
#include "ring.h"
#include "rng.h"
#include "run.h"
#include "world.h"

/* A round of clients has 512 / 8 / ranks of them: several rounds. */
enum { CHUNK = 64 * 8, SCATTER = 20 * 8, CLIENTS = 150 };

/* The rank that counts a client. */
typedef int home(uint64_t client, int size);

static int in_turn(uint64_t client, int size)
{
    return (int)(client % (uint64_t)size);
}

static int mostly_on_the_last(uint64_t client, int size)
{
    return client < 5 ? 0 : size - 1;
}

static int on_the_first(uint64_t client, int size)
{
    (void)client, (void)size;
    return 0;
}

static home *const homes[] = {in_turn, mostly_on_the_last, on_the_first};

/* An export, and its bytes. */
typedef struct {
    uint8_t *bytes;
    uint64_t size;
} export;

static export export_of(const parseal_aggregator *a)
{
    export e;
    assert_ok(parseal_aggregator_export_size(a, &e.size));
    e.bytes = malloc(e.size);
    assert_non_null(e.bytes);
    assert_ok(parseal_aggregator_export(a, e.bytes, e.size));
    return e;
}

static void check_export(const parseal_aggregator *a, const export *want)
{
    export got = export_of(a);
    assert_int_equal(got.size, want->size);
    assert_bytes(got.bytes, want->bytes, want->size);
    free(got.bytes);
}

static parseal_aggregator_options options_of(const parseal_ring *ring, uint64_t dim)
{
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    options.ring = *ring;
    options.dim = dim;
    return options;
}

static parseal_aggregator *empty(parseal_ctx *ctx, const parseal_aggregator_options *options)
{
    parseal_aggregator *a = NULL;
    assert_ok(parseal_aggregator_create(&a, ctx, options));
    return a;
}

/* The same bytes on every rank. */
static void add_client(parseal_aggregator *a, uint64_t client)
{
    rng r = {.state = client * 977 + run_seed()};
    uint64_t size;
    assert_ok(parseal_aggregator_update_size(a, &size));
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    rng_fill(&r, bytes, size);
    parseal_update update = {.client = client << 56 | client, .in = bytes, .len = size};
    assert_ok(parseal_aggregator_add_plain(a, &update, 1, NULL));
    free(bytes);
}

/* The rank's own clients in *partial, everybody's in *all. */
static void fill(parseal_aggregator *partial, parseal_aggregator *all, home *at, uint64_t clients)
{
    const world w = world_here();
    for (uint64_t i = 0; i < clients; i++) {
        add_client(all, i);
        if (at(i, w.size) == w.rank)
            add_client(partial, i);
    }
}

/* Merges, and compares with `want` where this rank gets a result. */
static void check_merge(parseal_ctx *ctx, const parseal_aggregator *partial, int32_t root,
                        const export *want)
{
    const world w = world_here();
    export before = export_of(partial);
    parseal_aggregator *merged = NULL;
    const bool gets = root == PARSEAL_MPI_ALL || root == w.rank;
    assert_mpi_ok(parseal_mpi_merge(gets ? &merged : NULL, ctx, partial, root, MPI_COMM_WORLD));
    if (gets)
        check_export(merged, want);
    check_export(partial, &before);
    parseal_aggregator_destroy(merged);
    free(before.bytes);
}

static void every_ring(void **state)
{
    (void)state;
    static const uint64_t dims[] = {1, 2, 3, 20, 21, 41, 63, 64, 65, 128, 129, 500};
    const world w = world_here();
    parseal_ctx *ctx = world_ctx();
    for (size_t k = 0; k < 4 * N_RINGS; k++) {
        const parseal_aggregator_options options =
            options_of(&RINGS[k % N_RINGS], dims[k % COUNT_OF(dims)]);
        parseal_aggregator *partial = empty(ctx, &options), *all = empty(ctx, &options);
        fill(partial, all, homes[k % COUNT_OF(homes)], k % 5 == 0 ? 0 : 1 + 7 * k % CLIENTS);
        export want = export_of(all);
        check_merge(ctx, partial, PARSEAL_MPI_ALL, &want);
        check_merge(ctx, partial, (int32_t)(k % (size_t)w.size), &want);
        free(want.bytes);
        parseal_aggregator_destroy(partial);
        parseal_aggregator_destroy(all);
    }
    parseal_ctx_destroy(ctx);
}

/* What comes out of a merge counts on, and goes into the next one. */
static void goes_on(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_C(4294967291), 4, 0};
    const world w = world_here();
    parseal_ctx *ctx = world_ctx();
    parseal_aggregator_options options = options_of(&ring, 333);
    options.bits = 20;
    options.quant_bits = 12;
    options.quant_clip = 1.5f;
    parseal_aggregator *partial = empty(ctx, &options), *all = empty(ctx, &options), *merged = NULL;
    fill(partial, all, in_turn, 40);
    assert_mpi_ok(parseal_mpi_merge(&merged, ctx, partial, 0, MPI_COMM_WORLD));
    parseal_aggregator_destroy(partial);
    partial = w.rank == 0 ? merged : empty(ctx, &options);
    for (uint64_t i = 40; i < 80; i++) {
        add_client(all, i);
        if (mostly_on_the_last(i, w.size) == w.rank)
            add_client(partial, i);
    }
    export want = export_of(all);
    check_merge(ctx, partial, PARSEAL_MPI_ALL, &want);
    free(want.bytes);
    parseal_aggregator_destroy(partial);
    parseal_aggregator_destroy(all);
    parseal_ctx_destroy(ctx);
}

/* Refused on every rank; neither what was to be merged nor where it was to go has changed. */
static void check_refused(parseal_ctx *ctx, const parseal_aggregator *partial, int32_t root,
                          const char *text)
{
    parseal_aggregator *const before = (parseal_aggregator *)&root, *merged = before;
    const export kept = partial != NULL ? export_of(partial) : (export){.bytes = NULL, .size = 0};
    assert_mpi_error(parseal_mpi_merge(&merged, ctx, partial, root, MPI_COMM_WORLD),
                     PARSEAL_ERR_ARG, text);
    assert_ptr_equal(merged, before);
    if (partial != NULL)
        check_export(partial, &kept);
    free(kept.bytes);
}

/* One client on two ranks, of all pairs of them; without it all is well. */
static void duplicates(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_C(1) << 32, 8, 0};
    const world w = world_here();
    parseal_ctx *ctx = world_ctx();
    const parseal_aggregator_options options = options_of(&ring, 100);
    for (int first = 0; first < w.size; first++)
        for (int second = first + 1; second < w.size; second++) {
            const uint64_t client = (uint64_t)(first * 50 + second);
            char text[100];
            parseal_aggregator *partial = empty(ctx, &options), *all = empty(ctx, &options);
            fill(partial, all, in_turn, CLIENTS);
            export want = export_of(all), mine = export_of(partial);
            parseal_aggregator *doubled = NULL;
            assert_ok(parseal_aggregator_import(&doubled, ctx, mine.bytes, mine.size));
            const uint64_t extra = CLIENTS + client % 50;
            if (w.rank == first || w.rank == second)
                add_client(doubled, extra);
            snprintf(text, sizeof text, "clients: %llu has been counted on ranks %d and %d",
                     (unsigned long long)(extra << 56 | extra), first, second);
            check_refused(ctx, doubled, PARSEAL_MPI_ALL, text);
            check_refused(ctx, doubled, second, text);
            check_merge(ctx, partial, PARSEAL_MPI_ALL, &want);
            free(want.bytes);
            free(mine.bytes);
            parseal_aggregator_destroy(doubled);
            parseal_aggregator_destroy(partial);
            parseal_aggregator_destroy(all);
        }
    parseal_ctx_destroy(ctx);
}

/* The last rank's aggregator has another shape. */
static void shapes(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_C(1) << 20, 4, 0};
    const world w = world_here();
    parseal_ctx *ctx = world_ctx();
    parseal_aggregator_options usual = options_of(&ring, 100);
    usual.bits = 18;
    usual.quant_bits = 12;
    usual.quant_clip = 1.5f;
    parseal_aggregator_options other[6];
    for (size_t i = 0; i < COUNT_OF(other); i++)
        other[i] = usual;
    other[0].ring.modulus += 1;
    other[1].ring.element_size = 8;
    other[2].dim = 101;
    other[3].bits = 19;
    other[4].quant_bits = 13;
    other[5].quant_clip = 1.25f;
    static const char *const names[COUNT_OF(other)] = {"ring.modulus: 1048577 on rank",
                                                       "ring.element_size: 8 on rank",
                                                       "dim: 101 on rank",
                                                       "bits: 19 on rank",
                                                       "quant_bits: 13 on rank",
                                                       "quant_clip: 1.25 on rank"};
    for (size_t i = 0; i < COUNT_OF(other) && w.size > 1; i++) {
        parseal_aggregator *partial = empty(ctx, w.rank == w.size - 1 ? &other[i] : &usual);
        add_client(partial, (uint64_t)w.rank);
        check_refused(ctx, partial, PARSEAL_MPI_ALL, names[i]);
        check_refused(ctx, partial, 0, names[i]);
        parseal_aggregator_destroy(partial);
    }
    parseal_ctx_destroy(ctx);
}

static void errors(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_C(1) << 20, 4, 0};
    const world w = world_here();
    const bool last = w.rank == w.size - 1;
    parseal_ctx *ctx = world_ctx();
    const parseal_aggregator_options options = options_of(&ring, 100);
    parseal_aggregator *partial = empty(ctx, &options), *merged = NULL;
    add_client(partial, (uint64_t)w.rank);
    check_refused(last ? NULL : ctx, partial, PARSEAL_MPI_ALL, "ctx: NULL");
    check_refused(ctx, last ? NULL : partial, PARSEAL_MPI_ALL, "aggregator: NULL");
    check_refused(ctx, partial, last ? w.size : 0, "root");
    check_refused(ctx, partial, last ? -2 : 0, "root");
    if (w.size > 1)
        check_refused(ctx, partial, last ? 0 : 1, "root: 0 on rank");
    assert_mpi_error(
        parseal_mpi_merge(last ? NULL : &merged, ctx, partial, PARSEAL_MPI_ALL, MPI_COMM_WORLD),
        PARSEAL_ERR_ARG, "merged: NULL");
    assert_null(merged);
    assert_mpi_error(parseal_mpi_merge(&merged, ctx, partial, 0, MPI_COMM_NULL), PARSEAL_ERR_ARG,
                     "comm");
    parseal_aggregator_destroy(partial);
    parseal_ctx_destroy(ctx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ring), cmocka_unit_test(goes_on), cmocka_unit_test(duplicates),
        cmocka_unit_test(shapes),     cmocka_unit_test(errors),
    };
    ranks_limit = (ranks_limits){.chunk = CHUNK, .scatter = SCATTER};
    return RUN_WORLD(argc, argv, "aggregators of ranks", tests);
}
