/* Packing: checks arguments and hands them to the backend. */
#include <inttypes.h>

#include "host/api/buffers.h"
#include "host/backend/call.h"
#include "host/choose/crossover.h"

parseal_status parseal_packed_size(uint64_t n, uint32_t bits, uint64_t *size)
{
    TRY(check_pointer("size", size));
    if (bits < 1 || bits > 64)
        return parseal_fail(PARSEAL_ERR_ARG, "bits: %" PRIu32 ", 1 to 64 expected", bits);
    /* This is ceil(n * bits / 8) without the product n * bits, which may overflow where the result
     * does not. */
    const uint64_t whole = n / 8, rest = (n % 8 * bits + 7) / 8;
    if (whole > (UINT64_MAX - rest) / bits)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "n: %" PRIu64 " elements of %" PRIu32 " bits pass 2^64 - 1 bytes", n,
                            bits);
    *size = whole * bits + rest;
    return PARSEAL_OK;
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
    return CALL(&side, vector->pack, bits, element_size, elements, packed, unpack, stream);
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
