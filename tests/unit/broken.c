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
    parseal_device *inner;
    bool chosen;
} device;

static device *device_of(const parseal_device *d)
{
    return (device *)(uintptr_t)d;
}

static const parseal_backend *cpu(void)
{
    return &parseal_cpu_backend;
}

static parseal_device *inner(const parseal_device *d)
{
    return device_of(d)->inner;
}

/* Is the fault `f` to be committed by a call on this device? */
static bool commits(const parseal_device *d, fault f)
{
    if (!device_of(d)->chosen || setup.fault != f)
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

static parseal_status device_open(parseal_device **made, const parseal_request *request)
{
    device *d = calloc(1, sizeof *d);
    if (d == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "broken device: out of memory");
    const parseal_status status = cpu()->open(&d->inner, request);
    if (status != PARSEAL_OK)
        free(d);
    else
        *made = (parseal_device *)d;
    return status;
}

static void device_close(parseal_device *d)
{
    cpu()->close(inner(d));
    free(d);
}

static const char *device_name(const parseal_device *d)
{
    return cpu()->name(inner(d));
}

static uint32_t device_threads(const parseal_device *d)
{
    return cpu()->threads(inner(d));
}

static size_t impl_count(const parseal_device *d, int32_t primitive)
{
    if (primitive != fault_primitive(setup.fault))
        return cpu()->impl_count(inner(d), primitive);
    return 1 + (setup.only ? 0 : cpu()->impl_count(inner(d), primitive));
}

static parseal_impl_entry impl_entry(const parseal_device *d, int32_t primitive, size_t index)
{
    if (primitive != fault_primitive(setup.fault))
        return cpu()->impl_entry(inner(d), primitive, index);
    if (index > 0)
        return cpu()->impl_entry(inner(d), primitive, index - 1);
    return (parseal_impl_entry){"broken", "a miracle", setup.state};
}

static void impl_use(parseal_device *d, int32_t primitive, size_t index)
{
    bool here = primitive == fault_primitive(setup.fault);
    if (here)
        device_of(d)->chosen = index == 0;
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

static parseal_status keys_create(const parseal_device *d, backend_keys **keys,
                                  const parseal_algorithm *alg, const uint8_t *bytes, size_t n,
                                  bool own_pages)
{
    return cpu()->aead->keys_create(inner(d), keys, alg, bytes, n, own_pages);
}

static parseal_status seeds_create(const parseal_device *d, backend_seeds **seeds,
                                   const parseal_seed *list, size_t n)
{
    parseal_seed copy[8];
    bool one_sign = n <= sizeof copy / sizeof copy[0] && commits(d, MASK_SIGN);
    for (size_t i = 0; one_sign && i < n; i++) {
        copy[i] = list[i];
        copy[i].sign = 1;
    }
    return cpu()->mask->seeds_create(inner(d), seeds, one_sign ? copy : list, n);
}

static parseal_status fcp_create(const parseal_device *d, backend_fcp **fcp, uint64_t modulus,
                                 const uint8_t *keys, const int32_t *signs, size_t n)
{
    static const int32_t plus[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    bool one_sign = n <= sizeof plus / sizeof plus[0] && commits(d, FCP_SIGN);
    return cpu()->mask->fcp_create(inner(d), fcp, modulus, keys, one_sign ? plus : signs, n);
}

static void spoil_sealed(const parseal_device *d, parseal_msg *msgs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (msgs[i].len > 1000 && commits(d, SEAL_TEXT))
            ((uint8_t *)msgs[i].out)[msgs[i].len - 1] ^= 1;
    if (commits(d, SEAL_TAG))
        msgs[n - 1].tag[PARSEAL_TAGBYTES - 1] ^= 1;
}

static void spoil_opened(const parseal_device *d, parseal_msg *msgs, size_t n)
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

static parseal_status batch_run(const parseal_device *d, const backend_keys *keys,
                                parseal_msg *msgs, size_t n, bool open)
{
    if (!open && commits(d, SEAL_STATUS))
        return parseal_fail(PARSEAL_ERR_DEVICE, "broken: no");
    const parseal_status status = cpu()->aead->run(inner(d), keys, msgs, n, open);
    if (open)
        spoil_opened(d, msgs, n);
    else
        spoil_sealed(d, msgs, n);
    return status;
}

static parseal_status plan_create(const parseal_device *d, backend_plan **plan,
                                  const backend_keys *keys, const parseal_aead_shape *shape)
{
    return cpu()->plan->create(inner(d), plan, keys, shape);
}

static parseal_status mask(const parseal_device *d, const backend_seeds *seeds,
                           const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                           bool write, void *stream)
{
    const parseal_status status =
        cpu()->mask->apply(inner(d), seeds, ring, acc, first, write, stream);
    if (commits(d, MASK_LAST) || (ring->element_size == 8 && commits(d, MASK_WIDE)))
        flip_last(&acc->buf, ring->element_size);
    return status;
}

static parseal_status fcp_mask(const parseal_device *d, const backend_fcp *fcp,
                               const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                               bool write, void *stream)
{
    const parseal_status status =
        cpu()->mask->fcp_apply(inner(d), fcp, ring, acc, first, write, stream);
    if (commits(d, FCP_LAST))
        flip_last(&acc->buf, ring->element_size);
    return status;
}

static parseal_status vec_sum(const parseal_device *d, const parseal_ring *ring,
                              const parseal_vec *acc, const parseal_vec *v, size_t n, void *stream)
{
    const parseal_status status = cpu()->vector->sum(inner(d), ring, acc, v, n, stream);
    if (commits(d, SUM_LAST))
        flip_last(&acc->buf, ring->element_size);
    if (ring->modulus == 2 && commits(d, SUM_UNREDUCED))
        *(uint8_t *)address(&acc->buf) ^= 2;
    return status;
}

static parseal_status quantize(const parseal_device *d, const parseal_quant *quant, float scale,
                               const parseal_vec *x, const parseal_vec *q,
                               const backend_seeds *seeds, uint64_t first,
                               const parseal_buf *nonfinite, void *stream)
{
    const parseal_status status =
        cpu()->vector->quantize(inner(d), quant, scale, x, q, seeds, first, nonfinite, stream);
    if (commits(d, QUANT_LAST))
        flip_last(&q->buf, quant->element_size);
    if (nonfinite != NULL && commits(d, QUANT_COUNT))
        *(uint64_t *)address(nonfinite) += 1;
    return status;
}

static parseal_status dequantize(const parseal_device *d, uint32_t element_size,
                                 const parseal_vec *sum, double step, double n_clients, double clip,
                                 const parseal_vec *mean, void *stream)
{
    const parseal_status status =
        cpu()->vector->dequantize(inner(d), element_size, sum, step, n_clients, clip, mean, stream);
    float *first = address(&mean->buf);
    if (mean->n > 0 && commits(d, DEQUANT))
        *first = nextafterf(nextafterf(*first, INFINITY), INFINITY);
    return status;
}

static parseal_status pack(const parseal_device *d, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream)
{
    const parseal_status status =
        cpu()->vector->pack(inner(d), bits, element_size, elements, packed, unpack, stream);
    if (unpack && commits(d, UNPACK_LAST))
        flip_last(&elements->buf, element_size);
    if (!unpack && commits(d, PACK_LAST))
        flip_last(packed, 1);
    return status;
}

static parseal_status packed_sum(const parseal_device *d, uint32_t bits, const parseal_ring *ring,
                                 const parseal_vec *acc, const parseal_buf *packed, size_t n,
                                 void *stream)
{
    const parseal_status status =
        cpu()->vector->packed_sum(inner(d), bits, ring, acc, packed, n, stream);
    if (commits(d, PACKED_SUM_LAST))
        flip_last(&acc->buf, ring->element_size);
    return status;
}

static parseal_status accumulate(const parseal_device *d, const backend_keys *keys,
                                 parseal_msg *msgs, size_t n, const parseal_sink *sink,
                                 bool *changed)
{
    const parseal_status status = cpu()->aead->accumulate(inner(d), keys, msgs, n, sink, changed);
    if (commits(d, UPDATES_LAST))
        flip_last(&sink->acc->buf, sink->ring->element_size);
    for (size_t i = 0; i < n; i++)
        if (msgs[i].status == PARSEAL_ITEM_BAD_TAG && commits(d, UPDATES_ACCEPT))
            msgs[i].status = PARSEAL_ITEM_OK;
    return status;
}

static parseal_status memory_create(const parseal_device *d, uint64_t size, parseal_buf *memory)
{
    return cpu()->memory->create(inner(d), size, memory);
}

static void memory_destroy(const parseal_device *d, parseal_buf *memory)
{
    cpu()->memory->destroy(inner(d), memory);
}

static parseal_status memory_read(const parseal_device *d, const parseal_buf *memory, void *to)
{
    return cpu()->memory->read(inner(d), memory, to);
}

static parseal_status memory_write(const parseal_device *d, const parseal_buf *memory,
                                   const void *from)
{
    return cpu()->memory->write(inner(d), memory, from);
}

static void keys_destroy(const parseal_device *d, backend_keys *keys)
{
    cpu()->aead->keys_destroy(inner(d), keys);
}

static void seeds_destroy(const parseal_device *d, backend_seeds *seeds)
{
    cpu()->mask->seeds_destroy(inner(d), seeds);
}

static void fcp_destroy(const parseal_device *d, backend_fcp *fcp)
{
    cpu()->mask->fcp_destroy(inner(d), fcp);
}

static void plan_destroy(const parseal_device *d, backend_plan *plan)
{
    cpu()->plan->destroy(inner(d), plan);
}

static uint64_t plan_workspace_size(const backend_plan *plan)
{
    return cpu()->plan->workspace_size(plan);
}

static parseal_status plan_run(const parseal_device *d, const backend_plan *plan,
                               const parseal_aead_io *io, bool open, void *stream)
{
    return cpu()->plan->run(inner(d), plan, io, open, stream);
}

static const memory_family memory = {memory_create, memory_destroy, memory_read, memory_write};
static const aead_family aead = {keys_create, keys_destroy, batch_run, accumulate, NULL};
static const plan_family plans = {plan_create, plan_destroy, plan_workspace_size, plan_run};
static const mask_family masks = {seeds_create, seeds_destroy, mask,     NULL, fcp_create,
                                  fcp_destroy,  NULL,          fcp_mask, NULL, NULL};
static const vector_family vectors = {vec_sum, quantize, dequantize, pack, packed_sum};

#define BROKEN_BACKEND(backend_id)                                                           \
    {                                                                                        \
        .id = (backend_id), .buf_kind = PARSEAL_BUF_HOST, .open = device_open,               \
        .close = device_close, .name = device_name, .threads = device_threads,               \
        .impl_count = impl_count, .impl_entry = impl_entry, .impl_use = impl_use,            \
        .memory = &memory, .aead = &aead, .plan = &plans, .mask = &masks, .vector = &vectors \
    }

const parseal_backend broken_backend = BROKEN_BACKEND(PARSEAL_BACKEND_CPU);
const parseal_backend broken_cuda_backend = BROKEN_BACKEND(PARSEAL_BACKEND_CUDA);
