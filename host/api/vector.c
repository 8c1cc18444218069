/* Masks, sums and packing: checks arguments and hands them to the backend. */
#include <inttypes.h>
#include <stdio.h>

#include "host/api/masks.h"
#include "host/choose/crossover.h"
#include "host/support/check.h"

/* -------------------------------------------------------------------------------------- mask -- */

/* A set of parseal/fcp.h has a ring and a length of its own. */
static parseal_status check_fcp(const parseal_seeds *seeds, const parseal_ring *ring,
                                uint64_t first, uint64_t n)
{
    const uint32_t element_size = seeds->fcp_modulus > (uint64_t)UINT32_MAX + 1 ? 8 : 4;
    if (ring->modulus != seeds->fcp_modulus)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "ring.modulus: %" PRIu64 ", but the seeds' masks are mod %" PRIu64,
                            ring->modulus, seeds->fcp_modulus);
    if (ring->element_size != element_size)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "ring.element_size: %" PRIu32 ", but the seeds' masks have %" PRIu32,
                            ring->element_size, element_size);
    if (n > seeds->fcp_length || first > seeds->fcp_length - n)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "first: %" PRIu64 " + %" PRIu64
                            " elements pass the masks' length, %" PRIu64,
                            first, n, seeds->fcp_length);
    return PARSEAL_OK;
}

/* Moduli that a GPU has no masks for are the CPU's, which reaches host memory alone. */
static parseal_status check_fcp_place(const parseal_seeds *seeds, const parseal_vec *acc,
                                      const char *acc_name, void *stream)
{
    if (seeds->data != NULL || (stream == NULL && buf_on_host(&acc->buf)))
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                        "%s: only in host memory and without a stream: the %s backend has no masks "
                        "mod %" PRIu64 ", the CPU has",
                        acc_name, parseal_backend_name(seeds->ctx->backend->id),
                        seeds->fcp_modulus);
}

parseal_status masks_check(const parseal_seeds *seeds, const parseal_ring *ring,
                           const parseal_vec *acc, const char *acc_name, uint64_t first,
                           void *stream)
{
    if (seeds->fcp_modulus != 0)
        TRY(check_fcp(seeds, ring, first, acc->n));
    else
        TRY(check_keystream(first, acc->n, ring->element_size));
    TRY(check_stream(seeds->ctx, stream));
    return seeds->fcp_modulus != 0 ? check_fcp_place(seeds, acc, acc_name, stream) : PARSEAL_OK;
}

parseal_status masks_run(const parseal_seeds *seeds, const parseal_ring *ring,
                         const parseal_vec *acc, uint64_t first, bool write, void *stream)
{
    const parseal_ctx *ctx = seeds->ctx;
    const bool is_fcp = seeds->fcp_modulus != 0;
    parseal_side side = crossover_side(ctx, is_fcp ? PARSEAL_PRIMITIVE_FCP : PARSEAL_PRIMITIVE_MASK,
                                       stream == NULL && buf_on_host(&acc->buf), acc->buf.size);
    if (seeds->data == NULL)
        side = ctx->cpu;
    const void *data = side.device == ctx->device ? seeds->data : seeds->cpu_data;
    return is_fcp ? side.backend->fcp_mask(side.device, data, ring, acc, first, write, stream)
                  : side.backend->mask(side.device, data, ring, acc, first, write, stream);
}

static parseal_status mask(const parseal_seeds *seeds, const parseal_ring *ring,
                           const parseal_vec *acc, const char *acc_name, uint64_t first, bool write,
                           void *stream)
{
    TRY(check_pointer("seeds", seeds));
    TRY(check_ring(ring));
    TRY(check_vec(seeds->ctx, acc_name, acc, ring->element_size));
    TRY(masks_check(seeds, ring, acc, acc_name, first, stream));
    return masks_run(seeds, ring, acc, first, write, stream);
}

parseal_status parseal_mask_apply(const parseal_seeds *seeds, const parseal_ring *ring,
                                  const parseal_vec *acc, uint64_t first, void *stream)
{
    return mask(seeds, ring, acc, "acc", first, false, stream);
}

parseal_status parseal_mask_write(const parseal_seeds *seeds, const parseal_ring *ring,
                                  const parseal_vec *out, uint64_t first, void *stream)
{
    return mask(seeds, ring, out, "out", first, true, stream);
}

/* --------------------------------------------------------------------------------------- sum -- */

static parseal_status check_input(const parseal_ctx *ctx, const parseal_ring *ring,
                                  const parseal_vec *acc, const parseal_vec *v, size_t j)
{
    char name[32];
    snprintf(name, sizeof name, "v[%zu]", j);
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
    return side.backend->vec_sum(side.device, ring, acc, v, n, stream);
}

/* -------------------------------------------------------------------------------------- pack -- */

parseal_status parseal_packed_size(uint64_t n, uint32_t bits, uint64_t *size)
{
    TRY(check_pointer("size", size));
    if (bits < 1 || bits > 64)
        return parseal_fail(PARSEAL_ERR_ARG, "bits: %" PRIu32 ", 1 to 64 expected", bits);
    /* ceil(n * bits / 8) without n * bits, which may not fit where the result does */
    const uint64_t whole = n / 8, rest = (n % 8 * bits + 7) / 8;
    if (whole > (UINT64_MAX - rest) / bits)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "n: %" PRIu64 " elements of %" PRIu32 " bits pass 2^64 - 1 bytes", n,
                            bits);
    *size = whole * bits + rest;
    return PARSEAL_OK;
}

static parseal_status check_bits(uint32_t bits, uint32_t element_size)
{
    if (bits >= 1 && bits <= 8 * element_size)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG,
                        "bits: %" PRIu32 ", 1 to %" PRIu32 " expected for elements of %" PRIu32
                        " bytes",
                        bits, 8 * element_size, element_size);
}

static parseal_status pack(parseal_ctx *ctx, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream)
{
    uint64_t size;
    TRY(check_pointer("ctx", ctx));
    TRY(check_element_size("element_size", element_size));
    TRY(check_bits(bits, element_size));
    TRY(check_vec(ctx, "elements", elements, element_size));
    TRY(parseal_packed_size(elements->n, bits, &size));
    TRY(check_buf(ctx, "packed", packed, 1));
    if (packed->size != size)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "packed.size: %" PRIu64 ", exactly %" PRIu64 " expected", packed->size,
                            size);
    TRY(check_no_overlap("elements", &elements->buf, "packed", packed));
    TRY(check_stream(ctx, stream));
    const parseal_side side = crossover_side(
        ctx, PARSEAL_PRIMITIVE_PACK,
        stream == NULL && buf_on_host(&elements->buf) && buf_on_host(packed), elements->buf.size);
    return side.backend->pack(side.device, bits, element_size, elements, packed, unpack, stream);
}

parseal_status parseal_pack(parseal_ctx *ctx, uint32_t bits, uint32_t element_size,
                            const parseal_vec *elements, const parseal_buf *packed, void *stream)
{
    return pack(ctx, bits, element_size, elements, packed, false, stream);
}

parseal_status parseal_unpack(parseal_ctx *ctx, uint32_t bits, uint32_t element_size,
                              const parseal_buf *packed, const parseal_vec *elements, void *stream)
{
    return pack(ctx, bits, element_size, elements, packed, true, stream);
}

static parseal_status check_packed(const parseal_ctx *ctx, const parseal_vec *acc, uint64_t size,
                                   const parseal_buf *packed, size_t j)
{
    char name[40];
    snprintf(name, sizeof name, "packed[%zu]", j);
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
    return side.backend->packed_sum(side.device, bits, ring, acc, packed, n, stream);
}
