/* Long vectors are summed up in chunks, as MPI counts in int, and keeps copies of what it sums. */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "host/mpi/ranks.h"

ranks_limits ranks_limit = {.chunk = UINT64_C(64) << 20, .scatter = UINT64_C(256) << 10};

parseal_status ranks_check_root(const ranks *r, int32_t root)
{
    if (root == PARSEAL_MPI_ALL || (root >= 0 && root < r->size))
        return PARSEAL_OK;
    return ranks_fail(PARSEAL_ERR_ARG, "root: %" PRId32 ", but there are %d ranks", root, r->size);
}

bool ranks_gets(const ranks *r, int32_t root)
{
    return root == PARSEAL_MPI_ALL || root == r->rank;
}

/* -------------------------------------------------------------------------------------- open -- */

static uint64_t chunk_of(const parseal_ring *ring, uint64_t n)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): the ring has been checked. */
    const uint64_t most = ranks_limit.chunk / ring->element_size;
    return n < most ? n : most;
}

/* Returns how many of n elements lie before rank i's share. */
static uint64_t share_begin(uint64_t n, int i, int size)
{
    return n / (uint64_t)size * (uint64_t)i + n % (uint64_t)size * (uint64_t)i / (uint64_t)size;
}

static uint64_t share_of(uint64_t n, int i, int size)
{
    return share_begin(n, i + 1, size) - share_begin(n, i, size);
}

static parseal_status make_share(ranks_sum *sum, const ranks *r)
{
    const uint64_t n = chunk_of(&sum->ring, sum->n);
    const uint64_t most = n / (uint64_t)r->size + 1;
    sum->share = malloc((size_t)most * sum->ring.element_size);
    sum->counts = calloc(2 * (size_t)r->size, sizeof *sum->counts);
    if (sum->share == NULL || sum->counts == NULL)
        return ranks_fail(PARSEAL_ERR_NO_MEMORY,
                          "out of memory for a share of %" PRIu64 " elements", most);
    return PARSEAL_OK;
}

parseal_status ranks_sum_open(ranks_sum *sum, const ranks *r, parseal_ctx *ctx,
                              const parseal_ring *ring, uint64_t n)
{
    *sum = (ranks_sum){.type = MPI_DATATYPE_NULL,
                       .op = MPI_OP_NULL,
                       .ctx = ctx,
                       .ring = *ring,
                       .n = n,
                       .open = true};
    RANKS_TRY(parseal_mpi_type_create(&sum->type, ctx, ring));
    RANKS_TRY(parseal_mpi_op_create(&sum->op));
    return make_share(sum, r);
}

void ranks_sum_close(ranks_sum *sum)
{
    if (!sum->open)
        return;
    free(sum->share);
    free(sum->counts);
    if (sum->op != MPI_OP_NULL)
        (void)MPI_Op_free(&sum->op);
    if (sum->type != MPI_DATATYPE_NULL)
        (void)MPI_Type_free(&sum->type);
    sum->open = false;
}

/* --------------------------------------------------------------------------------------- run -- */

/* One rank alone has nothing to add, but its elements must be reduced, which MPI would not do. */
static parseal_status alone(const ranks_sum *sum, const void *in, void *out)
{
    const parseal_vec acc = parseal_host_vec(out, sum->n, sum->ring.element_size);
    if (in != out && sum->n > 0)
        memcpy(out, in, (size_t)acc.buf.size);
    return ranks_library(parseal_vec_sum(sum->ctx, &sum->ring, &acc, NULL, 0, NULL));
}

static parseal_status chunk_to_root(const ranks_sum *sum, const ranks *r, const void *in, void *out,
                                    int n, int root)
{
    const void *from = in == out && r->rank == root ? MPI_IN_PLACE : in;
    RANKS_MPI(MPI_Reduce, from, out, n, sum->type, sum->op, root, r->comm);
    return PARSEAL_OK;
}

static parseal_status small_chunk_to_all(const ranks_sum *sum, const ranks *r, const void *in,
                                         void *out, int n)
{
    if (in != out) /* MPI_IN_PLACE is for all ranks or for none, and ranks may differ. */
        memcpy(out, in, (size_t)n * sum->ring.element_size);
    RANKS_MPI(MPI_Allreduce, MPI_IN_PLACE, out, n, sum->type, sum->op, r->comm);
    return PARSEAL_OK;
}

static parseal_status large_chunk_to_all(const ranks_sum *sum, const ranks *r, const void *in,
                                         void *out, int n)
{
    int *counts = sum->counts, *before = counts + r->size;
    for (int i = 0; i < r->size; i++) {
        before[i] = (int)share_begin((uint64_t)n, i, r->size);
        counts[i] = (int)share_of((uint64_t)n, i, r->size);
    }
    RANKS_MPI(MPI_Reduce_scatter, in, sum->share, counts, sum->type, sum->op, r->comm);
    RANKS_MPI(MPI_Allgatherv, sum->share, counts[r->rank], sum->type, out, counts, before,
              sum->type, r->comm);
    return PARSEAL_OK;
}

static parseal_status sum_chunk(const ranks_sum *sum, const ranks *r, const void *in, void *out,
                                int n, int32_t root)
{
    if (root != PARSEAL_MPI_ALL)
        return chunk_to_root(sum, r, in, out, n, root);
    if ((uint64_t)n * sum->ring.element_size > ranks_limit.scatter)
        return large_chunk_to_all(sum, r, in, out, n);
    return small_chunk_to_all(sum, r, in, out, n);
}

static parseal_status sum_chunks(const ranks_sum *sum, const ranks *r, const void *in, void *out,
                                 int32_t root)
{
    const uint64_t chunk = chunk_of(&sum->ring, sum->n), size = sum->ring.element_size;
    for (uint64_t at = 0; at < sum->n; at += chunk) {
        const uint64_t left = sum->n - at;
        uint8_t *to = ranks_gets(r, root) ? (uint8_t *)out + at * size : NULL;
        RANKS_TRY(sum_chunk(sum, r, (const uint8_t *)in + at * size, to,
                            (int)(left < chunk ? left : chunk), root));
    }
    return PARSEAL_OK;
}

parseal_status ranks_sum_run(const ranks_sum *sum, const ranks *r, const void *in, void *out,
                             int32_t root)
{
    if (r->size == 1)
        return alone(sum, in, out);
    RANKS_TRY(sum_chunks(sum, r, in, out, root));
    return ranks_agree(r, parseal_mpi_type_status(sum->type), NULL, 0);
}

/* ------------------------------------------------------------------------------------- calls -- */

static parseal_status check_vector(const char *name, const void *p, uint64_t n, uint32_t size)
{
    if (p == NULL && n > 0)
        return ranks_fail(PARSEAL_ERR_ARG, "%s: NULL", name);
    if ((uintptr_t)p % size != 0)
        return ranks_fail(PARSEAL_ERR_ARG, "%s: address is not a multiple of %" PRIu32, name, size);
    if (n > SIZE_MAX / 2 / size || n * size > UINTPTR_MAX - (uintptr_t)p)
        return ranks_fail(PARSEAL_ERR_SIZE, "n: %" PRIu64 " elements at %s pass the end of memory",
                          n, name);
    return PARSEAL_OK;
}

static parseal_status check_vectors(const parseal_ring *ring, const void *in, const void *out,
                                    uint64_t n, bool gets)
{
    const uintptr_t a = (uintptr_t)in, b = (uintptr_t)out;
    RANKS_TRY(check_vector("in", in, n, ring->element_size));
    if (!gets)
        return PARSEAL_OK;
    RANKS_TRY(check_vector("out", out, n, ring->element_size));
    const uint64_t size = n * ring->element_size;
    if (a != b && a < b + size && b < a + size)
        return ranks_fail(PARSEAL_ERR_ALIAS, "in overlaps out");
    return PARSEAL_OK;
}

static parseal_status prepare(ranks_sum *sum, const ranks *r, parseal_ctx *ctx,
                              const parseal_ring *ring, const void *in, const void *out, uint64_t n,
                              int32_t root)
{
    RANKS_TRY(ranks_check_ring(ctx, ring));
    RANKS_TRY(ranks_check_root(r, root));
    RANKS_TRY(check_vectors(ring, in, out, n, ranks_gets(r, root)));
    return ranks_sum_open(sum, r, ctx, ring, n);
}

static parseal_status reduce(parseal_ctx *ctx, const parseal_ring *ring, const void *in, void *out,
                             uint64_t n, int32_t root, MPI_Comm comm)
{
    ranks r;
    ranks_sum sum = {.open = false};
    RANKS_TRY(ranks_open(&r, comm));
    parseal_status status = prepare(&sum, &r, ctx, ring, in, out, n, root);
    const ranks_field same[] = {
        {"ring.element_size", ring != NULL ? ring->element_size : 0, false},
        {"ring.modulus", ring != NULL ? ring->modulus : 0, false},
        {"n", n, false},
        {"root", (uint64_t)(int64_t)root, false},
    };
    status = ranks_agree(&r, status, same, sizeof same / sizeof same[0]);
    if (status == PARSEAL_OK)
        status = ranks_sum_run(&sum, &r, in, out, root);
    ranks_sum_close(&sum);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the sum was open, and its memory is free now. */
    return status;
}

parseal_status parseal_mpi_reduce(parseal_ctx *ctx, const parseal_ring *ring, const void *in,
                                  void *out, uint64_t n, int32_t root, MPI_Comm comm)
{
    return reduce(ctx, ring, in, out, n, root, comm);
}

parseal_status parseal_mpi_allreduce(parseal_ctx *ctx, const parseal_ring *ring, const void *in,
                                     void *out, uint64_t n, MPI_Comm comm)
{
    return reduce(ctx, ring, in, out, n, PARSEAL_MPI_ALL, comm);
}
