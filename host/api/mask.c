/* Masks: checks arguments and hands them to the backend. */
#include <inttypes.h>

#include "host/api/buffers.h"
#include "host/api/counting.h"
#include "host/api/masks.h"
#include "host/backend/call.h"
#include "host/choose/crossover.h"

/* A set of parseal/fcp.h fixes the ring and the length of its masks. */
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

/* A modulus that the GPU has no masks for is left to the CPU, which reaches host memory only. */
static parseal_status check_fcp_place(const parseal_seeds *seeds, const parseal_vec *acc,
                                      const char *acc_name, void *stream)
{
    if (seeds->fcp != NULL || (stream == NULL && buf_on_host(&acc->buf)))
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
    TRY(check_counted(seeds, acc_name, &acc->buf));
    return seeds->fcp_modulus != 0 ? check_fcp_place(seeds, acc, acc_name, stream) : PARSEAL_OK;
}

parseal_status masks_run(const parseal_seeds *seeds, const parseal_ring *ring,
                         const parseal_vec *acc, uint64_t first, bool write, void *stream)
{
    const parseal_ctx *ctx = seeds->ctx;
    const bool is_fcp = seeds->fcp_modulus != 0;
    parseal_side side = crossover_side(ctx, is_fcp ? PARSEAL_PRIMITIVE_FCP : PARSEAL_PRIMITIVE_MASK,
                                       stream == NULL && buf_on_host(&acc->buf), acc->buf.size);
    if (is_fcp && seeds->fcp == NULL)
        side = ctx->cpu;
    const bool on_device = side.device == ctx->device;
    return is_fcp ? CALL(&side, mask->fcp_apply, on_device ? seeds->fcp : seeds->cpu_fcp, ring, acc,
                         first, write, stream)
                  : CALL(&side, mask->apply, on_device ? seeds->seeds : seeds->cpu_seeds, ring, acc,
                         first, write, stream);
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
