/* Exports of aggregators (the format is in parseal/aggregator.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/aggregate/aggregator.h"
#include "host/aggregate/format.h"
#include "host/backend/call.h"
#include "host/support/bytes.h"
#include "host/support/check.h"
#include "host/support/float_state.h"

/* ------------------------------------------------------------------------------------ export -- */

static uint64_t sum_size(const parseal_aggregator_options *shape)
{
    return shape->dim * shape->ring.element_size;
}

parseal_status parseal_aggregator_export_size(const parseal_aggregator *a, uint64_t *size)
{
    TRY(check_aggregator(a));
    TRY(check_pointer("size", size));
    *size = HEAD + 8 * (uint64_t)a->clients.n + sum_size(&a->shape) + DIGEST;
    return PARSEAL_OK;
}

static void write_head(const parseal_aggregator *a, uint8_t *out)
{
    const parseal_aggregator_options *o = &a->shape;
    uint32_t clip;
    memset(out, 0, HEAD);
    memcpy(&clip, &o->quant_clip, sizeof clip);
    memcpy(out, magic, sizeof magic);
    put_le32(out + AT_VERSION, VERSION);
    put_le32(out + AT_ELEMENT_SIZE, o->ring.element_size);
    put_le64(out + AT_MODULUS, o->ring.modulus);
    put_le64(out + AT_DIM, o->dim);
    put_le32(out + AT_BITS, o->bits);
    put_le32(out + AT_QUANT_BITS, o->quant_bits);
    put_le32(out + AT_QUANT_CLIP, clip);
    put_le64(out + AT_CLIENTS, a->clients.n);
}

parseal_status parseal_aggregator_export(const parseal_aggregator *a, void *out, size_t size)
{
    uint64_t want;
    uint8_t *bytes = out;
    TRY(parseal_aggregator_export_size(a, &want));
    TRY(check_pointer("out", out));
    if (size != want)
        return parseal_fail(PARSEAL_ERR_SIZE, "size: %zu, exactly %" PRIu64 " expected", size,
                            want);
    const size_t n = a->clients.n;
    uint64_t *clients = calloc(n + 1, sizeof *clients);
    if (clients == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "export: out of memory for %zu clients", n);
    const parseal_status status = CALL(a->ctx, memory->read, &a->acc.buf, bytes + HEAD + 8 * n);
    if (status == PARSEAL_OK) {
        client_set_list(&a->clients, clients);
        write_head(a, bytes);
        for (size_t i = 0; i < n; i++)
            put_le64(bytes + HEAD + 8 * i, clients[i]);
        digest_of(bytes, size - DIGEST, bytes + size - DIGEST);
    }
    free(clients);
    return status;
}

/* ------------------------------------------------------------------------------------ import -- */

/* An export that has been checked. */
typedef struct {
    parseal_aggregator_options shape;
    size_t n;
    const uint8_t *clients, *sum;
} import;

#define REFUSE(...) return parseal_fail(PARSEAL_ERR_FORMAT, "exported: " __VA_ARGS__)

static parseal_status read_head(import *in, const uint8_t *bytes, size_t size)
{
    if (size < HEAD + DIGEST)
        REFUSE("truncated: %zu bytes, %d are the least", size, HEAD + DIGEST);
    if (memcmp(bytes, magic, sizeof magic) != 0)
        REFUSE("magic: not an aggregator's");
    if (get_le32(bytes + AT_VERSION) != VERSION)
        REFUSE("version: %" PRIu32 ", this library knows %d", get_le32(bytes + AT_VERSION),
               VERSION);
    if (get_le32(bytes + AT_RESERVED) != 0 || get_le64(bytes + AT_RESERVED_TOO) != 0)
        REFUSE("reserved: not 0");
    parseal_aggregator_options *o = &in->shape;
    const uint32_t clip = get_le32(bytes + AT_QUANT_CLIP);
    *o = (parseal_aggregator_options)PARSEAL_AGGREGATOR_OPTIONS_INIT;
    o->ring.element_size = get_le32(bytes + AT_ELEMENT_SIZE);
    o->ring.modulus = get_le64(bytes + AT_MODULUS);
    o->dim = get_le64(bytes + AT_DIM);
    o->bits = get_le32(bytes + AT_BITS);
    o->quant_bits = get_le32(bytes + AT_QUANT_BITS);
    memcpy(&o->quant_clip, &clip, sizeof clip);
    return PARSEAL_OK;
}

/* Refuses a shape that parseal_aggregator_create would refuse. */
static parseal_status check_shape(const import *in)
{
    parseal_aggregator_options o;
    uint64_t update_size;
    char why[256];
    if (aggregator_options(&in->shape, &o, &update_size) == PARSEAL_OK && in->shape.bits == o.bits)
        return PARSEAL_OK;
    snprintf(why, sizeof why, "%s", in->shape.bits == 0 ? "bits: 0" : parseal_last_error_text());
    REFUSE("%s", why);
}

/* Refuses elements that are not reduced and clients that do not rise, as no aggregator writes
 * them. */
static parseal_status check_body(const import *in)
{
    const parseal_ring *ring = &in->shape.ring;
    for (size_t i = 1; i < in->n; i++)
        if (get_le64(in->clients + 8 * i) <= get_le64(in->clients + 8 * (i - 1)))
            REFUSE("clients: number %zu does not rise", i);
    for (uint64_t i = 0; ring->modulus != 0 && i < in->shape.dim; i++) {
        const uint64_t x =
            ring->element_size == 4 ? get_le32(in->sum + 4 * i) : get_le64(in->sum + 8 * i);
        if (x >= ring->modulus)
            REFUSE("sum: element %" PRIu64 " is %" PRIu64 ", not below the modulus", i, x);
    }
    return PARSEAL_OK;
}

static parseal_status read_export(import *in, const uint8_t *bytes, size_t size)
{
    uint8_t digest[DIGEST];
    TRY(check_pointer("exported", bytes));
    TRY(read_head(in, bytes, size));
    const uint64_t clients = get_le64(bytes + AT_CLIENTS), room = size - HEAD - DIGEST;
    const uint32_t element_size = in->shape.ring.element_size;
    if (element_size != 4 && element_size != 8)
        REFUSE("element_size: %" PRIu32, element_size);
    if (clients > room / 8)
        REFUSE("clients: %" PRIu64 " do not fit %zu bytes", clients, size);
    if (in->shape.dim > room / element_size || in->shape.dim * element_size != room - 8 * clients)
        REFUSE("dim: %" PRIu64 " elements and %" PRIu64 " clients do not make %zu bytes",
               in->shape.dim, clients, size);
    digest_of(bytes, size - DIGEST, digest);
    if (sodium_memcmp(digest, bytes + size - DIGEST, DIGEST) != 0)
        REFUSE("digest: the bytes before it are damaged");
    in->n = (size_t)clients;
    in->clients = bytes + HEAD;
    in->sum = bytes + HEAD + 8 * clients;
    TRY(check_shape(in));
    return check_body(in);
}

/* Adds the export's clients to the set, which has room for them. */
static void take_clients(parseal_aggregator *a, const import *in)
{
    for (size_t i = 0; i < in->n; i++)
        (void)client_set_add(&a->clients, get_le64(in->clients + 8 * i));
}

parseal_status parseal_aggregator_import(parseal_aggregator **aggregator, parseal_ctx *ctx,
                                         const void *exported, size_t size)
{
import in;
    parseal_aggregator *a = NULL;
    TRY(check_pointer("aggregator", aggregator));
    TRY(check_pointer("ctx", ctx));
    TRY(read_export(&in, exported, size));
    parseal_status status = parseal_aggregator_create(&a, ctx, &in.shape);
    if (status != PARSEAL_OK)
        return status;
    if (!client_set_reserve(&a->clients, in.n))
        status = parseal_fail(PARSEAL_ERR_NO_MEMORY, "import: out of memory for %zu clients", in.n);
    if (status == PARSEAL_OK)
        status = CALL(ctx, memory->write, &a->acc.buf, in.sum);
    if (status != PARSEAL_OK) {
        parseal_aggregator_destroy(a);
        return status;
    }
    take_clients(a, &in);
    *aggregator = a;
    return PARSEAL_OK;
}

/* ------------------------------------------------------------------------------------- merge -- */

/* Returns from the function that uses it where a field differs. */
#define SAME(field, format)                                                                        \
    do {                                                                                           \
        if (o->field != a->shape.field)                                                            \
            return parseal_fail(PARSEAL_ERR_ARG,                                                   \
                                "exported: " #field ": %" format ", the aggregator's is %" format, \
                                o->field, a->shape.field);                                         \
    } while (0)

static parseal_status check_mergeable(const parseal_aggregator *a, const import *in)
{
    const parseal_aggregator_options *o = &in->shape;
    SAME(ring.modulus, PRIu64);
    SAME(ring.element_size, PRIu32);
    SAME(dim, PRIu64);
    SAME(bits, PRIu32);
    SAME(quant_bits, PRIu32);
    /* The bits, as the caller's floating-point state may take a subnormal number for 0. */
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison,cert-exp42-c,cert-flp37-c) */
    if (memcmp(&o->quant_clip, &a->shape.quant_clip, sizeof o->quant_clip) != 0) {
        const float_state before = float_state_set();
        (void)parseal_fail(PARSEAL_ERR_ARG, "exported: quant_clip: %g, the aggregator's is %g",
                           (double)o->quant_clip, (double)a->shape.quant_clip);
        float_state_restore(&before);
        return PARSEAL_ERR_ARG;
    }
    for (size_t i = 0; i < in->n; i++)
        if (client_set_has(&a->clients, get_le64(in->clients + 8 * i)))
            return parseal_fail(PARSEAL_ERR_ARG,
                                "exported: clients: %" PRIu64 " has been counted before",
                                get_le64(in->clients + 8 * i));
    return PARSEAL_OK;
}

/* The export's sum need not be aligned, so it is added like an update whose elements are packed in
 * as many bits as they have in memory. */
parseal_status parseal_aggregator_merge(parseal_aggregator *a, const void *exported, size_t size)
{
import in;
    TRY(check_aggregator(a));
    TRY(read_export(&in, exported, size));
    TRY(check_mergeable(a, &in));
    if (!client_set_reserve(&a->clients, in.n))
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "merge: out of memory for %zu clients", in.n);
    const parseal_buf whole = parseal_host_buf(in.sum, sum_size(&a->shape));
    const parseal_status status =
        aggregator_add_packed(a, &whole, 1, 8 * a->shape.ring.element_size);
    if (status == PARSEAL_OK)
        take_clients(a, &in);
    return status;
}
