#include "broken.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct {
    fault fault;
    int32_t state;
    bool only, used;
} setup;

/* A CPU device, and whether it was told to use the broken implementation. */
typedef struct {
    void *inner;
    bool chosen;
} device;

static const parseal_backend *cpu(void)
{
    return &parseal_cpu_backend;
}

static void *inner(const void *d)
{
    return ((const device *)d)->inner;
}

/* Is the fault `f` to be committed by a call on this device? */
static bool commits(const void *d, fault f)
{
    if (!((const device *)d)->chosen || setup.fault != f)
        return false;
    setup.used = true;
    return true;
}

int32_t fault_primitive(fault f)
{
    static const int32_t primitives[FAULTS] = {
        [SEAL_TEXT] = PARSEAL_PRIMITIVE_AEAD,       [SEAL_TAG] = PARSEAL_PRIMITIVE_AEAD,
        [SEAL_STATUS] = PARSEAL_PRIMITIVE_AEAD,     [OPEN_ACCEPTS] = PARSEAL_PRIMITIVE_AEAD,
        [OPEN_KEEPS_TEXT] = PARSEAL_PRIMITIVE_AEAD, [MASK_LAST] = PARSEAL_PRIMITIVE_MASK,
        [MASK_WIDE] = PARSEAL_PRIMITIVE_MASK,       [MASK_SIGN] = PARSEAL_PRIMITIVE_MASK,
        [SUM_LAST] = PARSEAL_PRIMITIVE_VEC_SUM,     [SUM_UNREDUCED] = PARSEAL_PRIMITIVE_VEC_SUM,
        [QUANT_LAST] = PARSEAL_PRIMITIVE_QUANT,     [QUANT_COUNT] = PARSEAL_PRIMITIVE_QUANT,
        [DEQUANT] = PARSEAL_PRIMITIVE_QUANT,        [PACK_LAST] = PARSEAL_PRIMITIVE_PACK,
        [UNPACK_LAST] = PARSEAL_PRIMITIVE_PACK,     [PACKED_SUM_LAST] = PARSEAL_PRIMITIVE_PACK,
        [UPDATES_LAST] = PARSEAL_PRIMITIVE_PACK,    [UPDATES_ACCEPT] = PARSEAL_PRIMITIVE_PACK,
        [FCP_LAST] = PARSEAL_PRIMITIVE_FCP,         [FCP_SIGN] = PARSEAL_PRIMITIVE_FCP,
    };
    return primitives[f];
}

void broken_set(fault f, int32_t state, bool only)
{
    setup.fault = f;
    setup.state = state;
    setup.only = only;
    setup.used = false;
}

bool broken_was_used(void)
{
    return setup.used;
}

/* ---------------------------------------------------------------------------------- device -- */

static parseal_status device_open(void **made, const parseal_request *request)
{
    device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "broken device: out of memory");
    const parseal_status status = cpu()->device_open(&d->inner, request);
    if (status != PARSEAL_OK)
        free(d);
    else
        *made = d;
    return status;
}

static void device_close(void *d)
{
    cpu()->device_close(inner(d));
    free(d);
}

static const char *device_name(const void *d)
{
    return cpu()->device_name(inner(d));
}

static uint32_t device_threads(const void *d)
{
    return cpu()->device_threads(inner(d));
}

static size_t impl_count(const void *d, int32_t primitive)
{
    if (primitive != fault_primitive(setup.fault))
        return cpu()->impl_count(inner(d), primitive);
    return 1 + (setup.only ? 0 : cpu()->impl_count(inner(d), primitive));
}

static parseal_impl_entry impl_entry(const void *d, int32_t primitive, size_t index)
{
    if (primitive != fault_primitive(setup.fault))
        return cpu()->impl_entry(inner(d), primitive, index);
    if (index > 0)
        return cpu()->impl_entry(inner(d), primitive, index - 1);
    return (parseal_impl_entry){"broken", "a miracle", setup.state};
}

static void impl_use(void *d, int32_t primitive, size_t index)
{
    bool here = primitive == fault_primitive(setup.fault);
    if (here)
        ((device *)d)->chosen = index == 0;
    cpu()->impl_use(inner(d), primitive, here && index > 0 ? index - 1 : here ? 0 : index);
}

/* ------------------------------------------------------------------------------ operations -- */

static void *address(const parseal_buf *buf)
{
    return (void *)(buf->handle + (uintptr_t)buf->offset);
}

/* Flips the lowest bit of the element or byte that ends the buffer. */
static void flip_last(const parseal_buf *buf, uint32_t element_size)
{
    if (buf->size >= element_size)
        ((uint8_t *)address(buf))[buf->size - element_size] ^= 1;
}

static parseal_status keys_create(void **keys, const void *d, int32_t alg, const uint8_t *bytes,
                                  size_t n)
{
    return cpu()->keys_create(keys, inner(d), alg, bytes, n);
}

static parseal_status seeds_create(void **seeds, const void *d, const parseal_seed *list, size_t n)
{
    parseal_seed copy[8];
    bool one_sign = n <= sizeof copy / sizeof copy[0] && commits(d, MASK_SIGN);
    for (size_t i = 0; one_sign && i < n; i++) {
        copy[i] = list[i];
        copy[i].sign = 1;
    }
    return cpu()->seeds_create(seeds, inner(d), one_sign ? copy : list, n);
}

static parseal_status fcp_create(void **fcp, const void *d, uint64_t modulus, const uint8_t *keys,
                                 const int32_t *signs, size_t n)
{
    static const int32_t plus[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    bool one_sign = n <= sizeof plus / sizeof plus[0] && commits(d, FCP_SIGN);
    return cpu()->fcp_create(fcp, inner(d), modulus, keys, one_sign ? plus : signs, n);
}

static void spoil_sealed(const void *d, parseal_msg *msgs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (msgs[i].len > 1000 && commits(d, SEAL_TEXT))
            ((uint8_t *)msgs[i].out)[msgs[i].len - 1] ^= 1;
    if (commits(d, SEAL_TAG))
        msgs[n - 1].tag[PARSEAL_TAGBYTES - 1] ^= 1;
}

static void spoil_opened(const void *d, parseal_msg *msgs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (msgs[i].status != PARSEAL_ITEM_BAD_TAG)
            continue;
        if (commits(d, OPEN_ACCEPTS))
            msgs[i].status = PARSEAL_ITEM_OK;
        if (msgs[i].len > 0 && commits(d, OPEN_KEEPS_TEXT))
            memset(msgs[i].out, 0x55, msgs[i].len);
    }
}

static parseal_status batch_run(const void *d, const void *keys, parseal_msg *msgs, size_t n,
                                bool open)
{
    if (!open && commits(d, SEAL_STATUS))
        return parseal_fail(PARSEAL_ERR_DEVICE, "broken: no");
    const parseal_status status = cpu()->batch_run(inner(d), keys, msgs, n, open);
    if (open)
        spoil_opened(d, msgs, n);
    else
        spoil_sealed(d, msgs, n);
    return status;
}

static parseal_status plan_create(void **plan, const void *d, const void *keys,
                                  const parseal_aead_shape *shape)
{
    return cpu()->plan_create(plan, inner(d), keys, shape);
}

static parseal_status mask(const void *d, const void *seeds, const parseal_ring *ring,
                           const parseal_vec *acc, uint64_t first, bool write, void *stream)
{
    const parseal_status status = cpu()->mask(inner(d), seeds, ring, acc, first, write, stream);
    if (commits(d, MASK_LAST) || (ring->element_size == 8 && commits(d, MASK_WIDE)))
        flip_last(&acc->buf, ring->element_size);
    return status;
}

static parseal_status fcp_mask(const void *d, const void *fcp, const parseal_ring *ring,
                               const parseal_vec *acc, uint64_t first, bool write, void *stream)
{
    const parseal_status status = cpu()->fcp_mask(inner(d), fcp, ring, acc, first, write, stream);
    if (commits(d, FCP_LAST))
        flip_last(&acc->buf, ring->element_size);
    return status;
}

static parseal_status vec_sum(const void *d, const parseal_ring *ring, const parseal_vec *acc,
                              const parseal_vec *v, size_t n, void *stream)
{
    const parseal_status status = cpu()->vec_sum(inner(d), ring, acc, v, n, stream);
    if (commits(d, SUM_LAST))
        flip_last(&acc->buf, ring->element_size);
    if (ring->modulus == 2 && commits(d, SUM_UNREDUCED))
        *(uint8_t *)address(&acc->buf) ^= 2;
    return status;
}

static parseal_status quantize(const void *d, const parseal_quant *quant, float scale,
                               const parseal_vec *x, const parseal_vec *q, const void *seeds,
                               uint64_t first, const parseal_buf *nonfinite, void *stream)
{
    const parseal_status status =
        cpu()->quantize(inner(d), quant, scale, x, q, seeds, first, nonfinite, stream);
    if (commits(d, QUANT_LAST))
        flip_last(&q->buf, quant->element_size);
    if (nonfinite != NULL && commits(d, QUANT_COUNT))
        *(uint64_t *)address(nonfinite) += 1;
    return status;
}

static parseal_status dequantize(const void *d, uint32_t element_size, const parseal_vec *sum,
                                 double step, double n_clients, double clip,
                                 const parseal_vec *mean, void *stream)
{
    const parseal_status status =
        cpu()->dequantize(inner(d), element_size, sum, step, n_clients, clip, mean, stream);
    float *first = address(&mean->buf);
    if (mean->n > 0 && commits(d, DEQUANT))
        *first = nextafterf(nextafterf(*first, INFINITY), INFINITY);
    return status;
}

static parseal_status pack(const void *d, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream)
{
    const parseal_status status =
        cpu()->pack(inner(d), bits, element_size, elements, packed, unpack, stream);
    if (unpack && commits(d, UNPACK_LAST))
        flip_last(&elements->buf, element_size);
    if (!unpack && commits(d, PACK_LAST))
        flip_last(packed, 1);
    return status;
}

static parseal_status packed_sum(const void *d, uint32_t bits, const parseal_ring *ring,
                                 const parseal_vec *acc, const parseal_buf *packed, size_t n,
                                 void *stream)
{
    const parseal_status status = cpu()->packed_sum(inner(d), bits, ring, acc, packed, n, stream);
    if (commits(d, PACKED_SUM_LAST))
        flip_last(&acc->buf, ring->element_size);
    return status;
}

static parseal_status accumulate(const void *d, const void *keys, parseal_msg *msgs, size_t n,
                                 const parseal_sink *sink, bool *changed)
{
    const parseal_status status = cpu()->accumulate(inner(d), keys, msgs, n, sink, changed);
    if (commits(d, UPDATES_LAST))
        flip_last(&sink->acc->buf, sink->ring->element_size);
    for (size_t i = 0; i < n; i++)
        if (msgs[i].status == PARSEAL_ITEM_BAD_TAG && commits(d, UPDATES_ACCEPT))
            msgs[i].status = PARSEAL_ITEM_OK;
    return status;
}

static parseal_status memory_create(const void *d, uint64_t size, parseal_buf *memory)
{
    return cpu()->memory_create(inner(d), size, memory);
}

static void memory_destroy(const void *d, parseal_buf *memory)
{
    cpu()->memory_destroy(inner(d), memory);
}

static parseal_status memory_read(const void *d, const parseal_buf *memory, void *to)
{
    return cpu()->memory_read(inner(d), memory, to);
}

static parseal_status memory_write(const void *d, const parseal_buf *memory, const void *from)
{
    return cpu()->memory_write(inner(d), memory, from);
}

/* What needs no device goes straight to the CPU's: a static initialiser cannot read another table.
 */
static bool accepts(uint32_t buf_kind)
{
    return cpu()->accepts(buf_kind);
}

static void keys_destroy(void *keys)
{
    cpu()->keys_destroy(keys);
}

static void seeds_destroy(void *seeds)
{
    cpu()->seeds_destroy(seeds);
}

static void fcp_destroy(void *fcp)
{
    cpu()->fcp_destroy(fcp);
}

static void plan_destroy(void *plan)
{
    cpu()->plan_destroy(plan);
}

static uint64_t plan_workspace_size(const void *plan)
{
    return cpu()->plan_workspace_size(plan);
}

static parseal_status plan_run(const void *plan, const parseal_aead_io *io, bool open, void *stream)
{
    return cpu()->plan_run(plan, io, open, stream);
}

#define BROKEN_BACKEND(backend_id)                                                              \
    {                                                                                           \
        .id = (backend_id), .device_open = device_open, .device_close = device_close,           \
        .device_name = device_name, .device_threads = device_threads, .impl_count = impl_count, \
        .impl_entry = impl_entry, .impl_use = impl_use, .accepts = accepts,                     \
        .keys_create = keys_create, .keys_destroy = keys_destroy, .seeds_create = seeds_create, \
        .seeds_destroy = seeds_destroy, .batch_run = batch_run, .plan_create = plan_create,     \
        .fcp_create = fcp_create, .fcp_destroy = fcp_destroy, .fcp_mask = fcp_mask,             \
        .plan_destroy = plan_destroy, .plan_workspace_size = plan_workspace_size,               \
        .plan_run = plan_run, .mask = mask, .vec_sum = vec_sum, .quantize = quantize,           \
        .dequantize = dequantize, .pack = pack, .packed_sum = packed_sum,                       \
        .memory_create = memory_create, .memory_destroy = memory_destroy,                       \
        .memory_read = memory_read, .memory_write = memory_write, .accumulate = accumulate      \
    }

const parseal_backend broken_backend = BROKEN_BACKEND(PARSEAL_BACKEND_CPU);
const parseal_backend broken_cuda_backend = BROKEN_BACKEND(PARSEAL_BACKEND_CUDA);
