/* Sums over ranks against sums in 128-bit arithmetic in one process: every ring, lengths beside the
 * boundaries of chunks, in place and not, to one rank and to all, by our calls and by MPI's own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/mpi/ranks.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "world.h"

enum { RANKS_MAX = 4, CHUNK = 64 * 8, SCATTER = 20 * 8 };

/* Vectors of all ranks: each rank can make every one. */
typedef struct {
    world w;
    const parseal_ring *ring;
    uint64_t n;
    size_t size; /* bytes of a vector */
    uint8_t *in[RANKS_MAX], *want, *out;
} vectors;

static uint8_t *room(size_t size)
{
    uint8_t *p = malloc(size + 1);
    assert_non_null(p);
    memset(p, UNTOUCHED, size + 1);
    return p;
}

static void vectors_open(vectors *v, rng *r, const parseal_ring *ring, uint64_t n)
{
    *v = (vectors){.w = world_here(), .ring = ring, .n = n, .size = n * ring->element_size};
    assert_in_range(v->w.size, 1, RANKS_MAX);
    v->want = room(v->size);
    v->out = room(v->size);
    memset(v->want, 0, v->size);
    for (int i = 0; i < v->w.size; i++) {
        v->in[i] = room(v->size);
        rng_fill(r, v->in[i], v->size); /* not reduced, too */
        const void *one = v->in[i];
        ref_sum(ring, v->want, &one, 1, n);
    }
}

static void vectors_close(vectors *v)
{
    for (int i = 0; i < v->w.size; i++)
        free(v->in[i]);
    free(v->want);
    free(v->out);
}

static void check_all(const vectors *v, parseal_ctx *ctx)
{
    uint8_t *mine = v->in[v->w.rank], *before = room(v->size);
    memcpy(before, mine, v->size);
    assert_mpi_ok(parseal_mpi_allreduce(ctx, v->ring, mine, v->out, v->n, MPI_COMM_WORLD));
    assert_bytes(v->out, v->want, v->size);
    assert_bytes(mine, before, v->size);
    assert_int_equal(v->out[v->size], UNTOUCHED);
    assert_mpi_ok(parseal_mpi_allreduce(ctx, v->ring, mine, mine, v->n, MPI_COMM_WORLD));
    assert_bytes(mine, v->want, v->size);
    assert_int_equal(mine[v->size], UNTOUCHED);
    memcpy(mine, before, v->size);
    free(before);
}

static void check_root(const vectors *v, parseal_ctx *ctx, int root)
{
    uint8_t *mine = v->in[v->w.rank], *before = room(v->size);
    memcpy(before, mine, v->size);
    memset(v->out, UNTOUCHED, v->size);
    assert_mpi_ok(parseal_mpi_reduce(ctx, v->ring, mine, v->out, v->n, root, MPI_COMM_WORLD));
    assert_bytes(mine, before, v->size);
    if (v->w.rank == root)
        assert_bytes(v->out, v->want, v->size);
    else
        assert_filled(v->out, v->size, UNTOUCHED);
    assert_mpi_ok(parseal_mpi_reduce(ctx, v->ring, mine, v->w.rank == root ? mine : NULL, v->n,
                                     root, MPI_COMM_WORLD));
    assert_bytes(mine, v->w.rank == root ? v->want : before, v->size);
    memcpy(mine, before, v->size);
    free(before);
}

static void every_ring(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {0,  1,  2,  3,  4,   5,   19,  20,  21,  39,  40,
                                       41, 63, 64, 65, 127, 128, 129, 130, 191, 193, 1000};
    rng r = rng_for("sums over ranks");
    parseal_ctx *ctx = world_ctx();
    for (size_t k = 0; k < N_RINGS; k++)
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            vectors v;
            vectors_open(&v, &r, &RINGS[k], lengths[i]);
            check_all(&v, ctx);
            check_root(&v, ctx, (int)(i % (size_t)v.w.size));
            vectors_close(&v);
        }
    parseal_ctx_destroy(ctx);
}

/* With the limits that callers meet. */
static void long_vectors(void **state)
{
    (void)state;
    static const ranks_limits usual = {.chunk = UINT64_C(64) << 20, .scatter = UINT64_C(256) << 10};
    static const uint64_t lengths[] = {65535, 65536, 65537, 300001};
    const ranks_limits small = ranks_limit;
    rng r = rng_for("long sums over ranks");
    parseal_ctx *ctx = world_ctx();
    ranks_limit = usual;
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        vectors v;
        vectors_open(&v, &r, &RINGS[(3 * i + 10) % N_RINGS], lengths[i]);
        check_all(&v, ctx);
        check_root(&v, ctx, 0);
        vectors_close(&v);
    }
    ranks_limit = small;
    parseal_ctx_destroy(ctx);
}

/* MPI's own collectives with our type, and with a duplicate of it after the type has gone. */
static void types(void **state)
{
    (void)state;
    rng r = rng_for("types");
    parseal_ctx *ctx = world_ctx();
    for (size_t k = 0; k < N_RINGS; k++) {
        MPI_Datatype type, duplicate;
        MPI_Op op;
        MPI_Request request;
        int bytes;
        vectors v;
        vectors_open(&v, &r, &RINGS[k], 777);
        assert_mpi_ok(parseal_mpi_type_create(&type, ctx, v.ring));
        assert_mpi_ok(parseal_mpi_op_create(&op));
        MPI_Type_size(type, &bytes);
        assert_int_equal(bytes, v.ring->element_size);
        MPI_Type_dup(type, &duplicate);
        MPI_Iallreduce(v.in[v.w.rank], v.out, (int)v.n, type, op, MPI_COMM_WORLD, &request);
        MPI_Wait(&request, MPI_STATUS_IGNORE);
        assert_mpi_ok(parseal_mpi_type_status(type));
        MPI_Type_free(&type);
        if (v.w.size > 1)
            assert_bytes(v.out, v.want, v.size);
        memset(v.out, UNTOUCHED, v.size);
        MPI_Allreduce(v.in[v.w.rank], v.out, (int)v.n, duplicate, op, MPI_COMM_WORLD);
        assert_mpi_ok(parseal_mpi_type_status(duplicate));
        if (v.w.size > 1)
            assert_bytes(v.out, v.want, v.size);
        MPI_Type_free(&duplicate);
        MPI_Op_free(&op);
        vectors_close(&v);
    }
    parseal_ctx_destroy(ctx);
}

/* The operation itself, at the lengths that MPICH hands out and beside those of registers, on words
 * of any value. */
static void local_sums(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {1, 15, 16, 17, 63, 64, 65, 2047, 2048, 2049};
    rng r = rng_for("local sums");
    parseal_ctx *ctx = world_ctx();
    MPI_Op op;
    assert_mpi_ok(parseal_mpi_op_create(&op));
    for (size_t k = 0; k < N_RINGS; k++) {
        MPI_Datatype type;
        assert_mpi_ok(parseal_mpi_type_create(&type, ctx, &RINGS[k]));
        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
            const size_t size = (size_t)lengths[i] * RINGS[k].element_size;
            uint8_t *in = room(size), *inout = room(size), *want = room(size);
            rng_fill(&r, in, size);
            rng_fill(&r, inout, size);
            memcpy(want, inout, size);
            const void *one = in;
            ref_sum(&RINGS[k], want, &one, 1, lengths[i]);
            MPI_Reduce_local(in, inout, (int)lengths[i], type, op);
            assert_bytes(inout, want, size + 1);
            free(in);
            free(inout);
            free(want);
        }
        assert_mpi_ok(parseal_mpi_type_status(type));
        MPI_Type_free(&type);
    }
    MPI_Op_free(&op);
    parseal_ctx_destroy(ctx);
}

static int type_errors;

static void count_error(MPI_Comm *comm, int *code, ...)
{
    int class;
    (void)comm;
    MPI_Error_class(*code, &class);
    type_errors += class == MPI_ERR_TYPE;
}

/* An operation cannot return a status: it is kept, and a type of another origin is MPI's to refuse.
 * MPI_Reduce_local calls it here and now. */
static void failing_sums(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_C(1) << 20, 4, 0};
    _Alignas(8) uint8_t in[16] = {1}, inout[16] = {2};
    parseal_ctx *ctx = world_ctx();
    MPI_Datatype type;
    MPI_Errhandler counting, usual;
    MPI_Op op;
    assert_mpi_ok(parseal_mpi_type_create(&type, ctx, &ring));
    assert_mpi_ok(parseal_mpi_op_create(&op));
    MPI_Reduce_local(in, inout, 2, type, op);
    assert_int_equal(inout[0], 3);
    assert_mpi_ok(parseal_mpi_type_status(type));
    MPI_Reduce_local(in, inout + 1, 2, type, op);
    for (int i = 0; i < 2; i++) { /* later sums that go well do not hide it */
        assert_mpi_error(parseal_mpi_type_status(type), PARSEAL_ERR_ARG, "acc");
        MPI_Reduce_local(in, inout, 2, type, op);
    }
    MPI_Type_free(&type);

    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &usual);
    MPI_Comm_create_errhandler(count_error, &counting);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, counting);
    memset(inout, UNTOUCHED, sizeof inout);
    type_errors = 0;
    MPI_Type_contiguous(4, MPI_BYTE, &type);
    MPI_Type_commit(&type);
    MPI_Reduce_local(in, inout, 2, type, op);
    assert_int_equal(type_errors, 1);
    assert_filled(inout, sizeof inout, UNTOUCHED);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, usual);
    assert_mpi_error(parseal_mpi_type_status(type), PARSEAL_ERR_ARG, "type");
    assert_mpi_error(parseal_mpi_type_status(MPI_DATATYPE_NULL), PARSEAL_ERR_ARG, "type");
    MPI_Errhandler_free(&counting);
    MPI_Errhandler_free(&usual);
    MPI_Type_free(&type);
    MPI_Op_free(&op);
    parseal_ctx_destroy(ctx);
}

/* What one rank does wrong, the last one, all ranks hear of; and nothing has been written. */
static void errors(void **state)
{
    (void)state;
    static const parseal_ring ring = {UINT64_C(1) << 20, 4, 0}, large = {UINT64_C(1) << 21, 4, 0},
                              wide = {UINT64_C(1) << 20, 8, 0}, none = {1, 4, 0};
    enum { N = 100 };
    const world w = world_here();
    const bool last = w.rank == w.size - 1;
    _Alignas(8) uint8_t in[8 * N] = {0}, out[8 * N];
    char who[32];
    parseal_ctx *ctx = world_ctx();
    MPI_Datatype type;
    snprintf(who, sizeof who, "rank %d", w.size - 1);
    memset(out, UNTOUCHED, sizeof out);
#define ALL(ctx, ring, in, out, n) parseal_mpi_allreduce(ctx, ring, in, out, n, MPI_COMM_WORLD)
#define REFUSED(call, status, text)                                  \
    do {                                                             \
        assert_mpi_error(call, status, text);                        \
        assert_non_null(strstr(parseal_mpi_last_error_text(), who)); \
        assert_filled(out, sizeof out, UNTOUCHED);                   \
    } while (0)
    REFUSED(ALL(last ? NULL : ctx, &ring, in, out, N), PARSEAL_ERR_ARG, "ctx");
    REFUSED(ALL(ctx, last ? NULL : &ring, in, out, N), PARSEAL_ERR_ARG, "ring");
    REFUSED(ALL(ctx, last ? &none : &ring, in, out, N), PARSEAL_ERR_ARG, "ring.modulus");
    REFUSED(ALL(ctx, &ring, last ? NULL : in, out, N), PARSEAL_ERR_ARG, "in");
    REFUSED(ALL(ctx, &ring, in, last ? NULL : out, N), PARSEAL_ERR_ARG, "out");
    REFUSED(ALL(ctx, &ring, last ? in + 2 : in, out, N), PARSEAL_ERR_ARG, "in");
    REFUSED(ALL(ctx, &ring, in, last ? out + 1 : out, N), PARSEAL_ERR_ARG, "out");
    REFUSED(ALL(ctx, &ring, in, last ? in + 4 : out, N), PARSEAL_ERR_ALIAS, "overlaps");
    REFUSED(ALL(ctx, &ring, in, out, last ? UINT64_MAX / 2 : N), PARSEAL_ERR_SIZE, "n:");
    REFUSED(parseal_mpi_reduce(ctx, &ring, in, out, N, last ? w.size : 0, MPI_COMM_WORLD),
            PARSEAL_ERR_ARG, "root");
    REFUSED(parseal_mpi_reduce(ctx, &ring, in, out, N, last ? -2 : 0, MPI_COMM_WORLD),
            PARSEAL_ERR_ARG, "root");
    if (w.size > 1) {
        REFUSED(ALL(ctx, last ? &large : &ring, in, out, N), PARSEAL_ERR_ARG,
                "ring.modulus: 2097152 on");
        REFUSED(ALL(ctx, last ? &wide : &ring, in, out, N), PARSEAL_ERR_ARG,
                "ring.element_size: 8 on");
        REFUSED(ALL(ctx, &ring, in, out, last ? N - 1 : N), PARSEAL_ERR_ARG, "n: 99 on");
        REFUSED(parseal_mpi_reduce(ctx, &ring, in, out, N, last ? 1 : 0, MPI_COMM_WORLD),
                PARSEAL_ERR_ARG, "root: 1 on");
        REFUSED(
            parseal_mpi_reduce(ctx, &ring, in, out, N, last ? PARSEAL_MPI_ALL : 0, MPI_COMM_WORLD),
            PARSEAL_ERR_ARG, "root: -1 on");
    }
    assert_mpi_error(parseal_mpi_allreduce(ctx, &ring, in, out, N, MPI_COMM_NULL), PARSEAL_ERR_ARG,
                     "comm");
    assert_mpi_error(parseal_mpi_type_create(NULL, ctx, &ring), PARSEAL_ERR_ARG, "type");
    assert_mpi_error(parseal_mpi_type_create(&type, NULL, &ring), PARSEAL_ERR_ARG, "ctx");
    assert_mpi_error(parseal_mpi_type_create(&type, ctx, &none), PARSEAL_ERR_ARG, "ring.modulus");
    assert_mpi_error(parseal_mpi_op_create(NULL), PARSEAL_ERR_ARG, "op");
    parseal_ctx_destroy(ctx);
}

/* Other communicators: some of the ranks, in another order; and one of two groups. */
static void communicators(void **state)
{
    (void)state;
    static const parseal_ring ring = {97, 8, 0};
    const world w = world_here();
    parseal_ctx *ctx = world_ctx();
    MPI_Comm some, two_groups;
    _Alignas(8) uint8_t in[8], out[8];
    elem_store(in, 0, 8, UINT64_C(10) * (uint64_t)w.rank + 50);
    MPI_Comm_split(MPI_COMM_WORLD, w.rank == 0, -w.rank, &some);
    assert_mpi_ok(parseal_mpi_allreduce(ctx, &ring, in, out, 1, some));
    uint64_t want = 50;
    if (w.rank > 0)
        for (int i = 1; i < w.size; i++)
            want = i == 1 ? 60 : want + 50 + UINT64_C(10) * (uint64_t)i;
    assert_int_equal(elem_load(out, 0, 8), want % 97);
    if (w.size > 1) {
        MPI_Intercomm_create(some, 0, MPI_COMM_WORLD, w.rank == 0 ? w.size - 1 : 0, 7, &two_groups);
        assert_mpi_error(parseal_mpi_allreduce(ctx, &ring, in, out, 1, two_groups), PARSEAL_ERR_ARG,
                         "comm");
        MPI_Comm_free(&two_groups);
    }
    MPI_Comm_free(&some);
    parseal_ctx_destroy(ctx);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ring),    cmocka_unit_test(long_vectors), cmocka_unit_test(types),
        cmocka_unit_test(local_sums),    cmocka_unit_test(failing_sums), cmocka_unit_test(errors),
        cmocka_unit_test(communicators),
    };
    static const parseal_ring ring = {2, 4, 0};
    uint8_t one[4] = {0};
    if (parseal_mpi_allreduce(NULL, &ring, one, one, 1, MPI_COMM_WORLD) != PARSEAL_ERR_ARG)
        return 1; /* before MPI_Init */
    ranks_limit = (ranks_limits){.chunk = CHUNK, .scatter = SCATTER};
    return RUN_WORLD(argc, argv, "sums over ranks", tests);
}
