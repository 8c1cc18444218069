/* Sums of vectors and of packed vectors: checks arguments and hands them to the backend. */
#include <inttypes.h>

#include "host/api/buffers.h"
#include "host/backend/call.h"
#include "host/choose/crossover.h"

static parseal_status check_input(const parseal_ctx *ctx, const parseal_ring *ring,
                                  const parseal_vec *acc, const parseal_vec *v, size_t j)
{
    char name[BUF_NAME];
    buf_name(name, "v", j);
    TRY(check_vec(ctx, name, v, ring->element_size));
    if (v->n != acc->n)
        return parseal_fail(PARSEAL_ERR_SIZE, "%s.n: %" PRIu64 ", but acc.n is %" PRIu64, name,
                            v->n, acc->n);
    return check_no_overlap(name, &v->buf, "acc", &acc->buf);
}

parseal_status parseal_vec_sum(parseal_ctx *ctx, const parseal_ring *ring, const parseal_vec *acc,
                               const parseal_vec *v, size_t n, void *stream)
{
    TRY(check_pointer("ctx", ctx));
    TRY(check_ring(ring));
    TRY(check_vec(ctx, "acc", acc, ring->element_size));
    if (n > INT32_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu vectors, at most 2^31 - 1 expected", n);
    if (n > 0)
        TRY(check_pointer("v", v));
    bool in_host_memory = stream == NULL && buf_on_host(&acc->buf);
    for (size_t j = 0; j < n; j++) {
        TRY(check_input(ctx, ring, acc, &v[j], j));
        in_host_memory = in_host_memory && buf_on_host(&v[j].buf);
    }
    TRY(check_stream(ctx, stream));
    const parseal_side side =
        crossover_side(ctx, PARSEAL_PRIMITIVE_VEC_SUM, in_host_memory, acc->buf.size);
    return CALL(&side, vector->sum, ring, acc, v, n, stream);
}

static parseal_status check_packed(const parseal_ctx *ctx, const parseal_vec *acc, uint64_t size,
                                   const parseal_buf *packed, size_t j)
{
    char name[BUF_NAME];
    buf_name(name, "packed", j);
    TRY(check_buf(ctx, name, packed, 1));
    if (packed->size != size)
        return parseal_fail(PARSEAL_ERR_SIZE, "%s.size: %" PRIu64 ", exactly %" PRIu64 " expected",
                            name, packed->size, size);
    return check_no_overlap(name, packed, "acc", &acc->buf);
}

parseal_status parseal_packed_sum(parseal_ctx *ctx, uint32_t bits, const parseal_ring *ring,
                                  const parseal_vec *acc, const parseal_buf *packed, size_t n,
                                  void *stream)
{
    uint64_t size;
    TRY(check_pointer("ctx", ctx));
    TRY(check_ring(ring));
    TRY(check_bits(bits, ring->element_size));
    TRY(check_vec(ctx, "acc", acc, ring->element_size));
    TRY(parseal_packed_size(acc->n, bits, &size));
    if (n > INT32_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu vectors, at most 2^31 - 1 expected", n);
    if (n > 0)
        TRY(check_pointer("packed", packed));
    bool in_host_memory = stream == NULL && buf_on_host(&acc->buf);
    for (size_t j = 0; j < n; j++) {
        TRY(check_packed(ctx, acc, size, &packed[j], j));
        in_host_memory = in_host_memory && buf_on_host(&packed[j]);
    }
    TRY(check_stream(ctx, stream));
    const parseal_side side =
        crossover_side(ctx, PARSEAL_PRIMITIVE_PACK, in_host_memory, acc->buf.size);
    return CALL(&side, vector->packed_sum, bits, ring, acc, packed, n, stream);
}
