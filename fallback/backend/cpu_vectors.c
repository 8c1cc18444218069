/* Masks, sums, quantisation and packing behind host/backend/backend.h, and the sets of seeds. */
#include <stdlib.h>
#include <string.h>

#include "fallback/backend/cpu_device.h"
#include "fallback/batch/fcp.h"
#include "fallback/batch/vectors.h"

/* ------------------------------------------------------------------------------------- seeds -- */

typedef struct {
    size_t n;
    arena_lease lease;
    const mask_seed *list; /* what is in the lease */
} cpu_seeds;

static const cpu_seeds *seeds_of(const backend_seeds *seeds)
{
    return (const cpu_seeds *)seeds;
}

static parseal_status seeds_create(const parseal_device *device, backend_seeds **seeds,
                                   const parseal_seed *list, size_t n)
{
    cpu_seeds *s = malloc(sizeof *s);
    if (s == NULL ||
        !arena_take(cpu_of(device)->secrets, n > 0 ? n : 1, sizeof(mask_seed), false, &s->lease)) {
        free(s);
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: no guarded memory for %zu seeds", n);
    }
    mask_seed *copy = s->lease.bytes;
    for (size_t i = 0; i < n; i++) {
        memcpy(copy[i].key, list[i].key, sizeof copy[i].key);
        memcpy(copy[i].stream_id, list[i].stream_id, sizeof copy[i].stream_id);
        copy[i].sign = list[i].sign;
        copy[i].reserved = 0;
    }
    arena_filled(&s->lease);
    s->n = n;
    s->list = copy;
    *seeds = (backend_seeds *)s;
    return PARSEAL_OK;
}

static bool seeds_locked(const backend_seeds *seeds)
{
    return seeds_of(seeds)->lease.locked;
}

static void seeds_destroy(const parseal_device *device, backend_seeds *seeds)
{
    arena_give(cpu_of(device)->secrets, &((cpu_seeds *)seeds)->lease);
    free(seeds);
}

/* A set of keys of parseal/fcp.h. Only the keys are in guarded memory, as the rest is public. */
typedef struct {
    fcp_set set;
    arena_lease lease;
    int32_t signs[];
} cpu_fcp;

static const cpu_fcp *fcp_of(const backend_fcp *fcp)
{
    return (const cpu_fcp *)fcp;
}

static parseal_status fcp_create(const parseal_device *device, backend_fcp **fcp, uint64_t modulus,
                                 const uint8_t *keys, const int32_t *signs, size_t n)
{
    const fcp_impl *impl = cpu_of(device)->chosen.fcp;
    cpu_fcp *f = malloc(sizeof *f + n * sizeof *signs);
    if (f == NULL ||
        !arena_take(cpu_of(device)->secrets, n > 0 ? n : 1, impl->key_size, false, &f->lease)) {
        free(f);
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: no guarded memory for %zu keys", n);
    }
    uint8_t *expanded = f->lease.bytes;
    for (size_t i = 0; i < n; i++) {
        impl->key_init(expanded + i * impl->key_size, keys + 32 * i);
        f->signs[i] = signs[i];
    }
    arena_filled(&f->lease);
    f->set = (fcp_set){impl, fcp_format_of(modulus), n, expanded, f->signs};
    *fcp = (backend_fcp *)f;
    return PARSEAL_OK;
}

static bool fcp_locked(const backend_fcp *fcp)
{
    return fcp_of(fcp)->lease.locked;
}

static void fcp_destroy(const parseal_device *device, backend_fcp *fcp)
{
    arena_give(cpu_of(device)->secrets, &((cpu_fcp *)fcp)->lease);
    free(fcp);
}

/* ----------------------------------------------------------------------------------- vectors -- */

static parseal_status mask(const parseal_device *device, const backend_seeds *seeds,
                           const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                           bool write, void *stream)
{
    const cpu_seeds *s = seeds_of(seeds);
    /* A mask is for a vector of the same size, so the cache holds both or is of no use. */
    const bool past_caches = acc->n * ring->element_size > cpu_of(device)->cache_size / 2;
    (void)stream;
    vectors_mask(cpu_of(device)->chosen.mask, cpu_threads(device), s->list, s->n, ring->modulus,
                 ring->element_size, cpu_address(&acc->buf), first, acc->n,
                 !write        ? MASK_ADDED
                 : past_caches ? MASK_WRITTEN_PAST_CACHES
                               : MASK_WRITTEN);
    return PARSEAL_OK;
}

static parseal_status fcp_mask(const parseal_device *device, const backend_fcp *fcp,
                               const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                               bool write, void *stream)
{
    const fcp_set *set = &fcp_of(fcp)->set;
    (void)ring;
    (void)stream;
    if (fcp_apply(set, cpu_of(device)->chosen.sum, cpu_threads(device), cpu_address(&acc->buf),
                  first, acc->n, write))
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: out of memory for %zu keys", set->n);
}

const mask_family cpu_mask_family = {
    .seeds_create = seeds_create,
    .seeds_destroy = seeds_destroy,
    .seeds_locked = seeds_locked,
    .apply = mask,
    .fcp_create = fcp_create,
    .fcp_destroy = fcp_destroy,
    .fcp_locked = fcp_locked,
    .fcp_apply = fcp_mask,
};

/* Pointers to so few inputs need no memory of their own. */
enum { FEW_INPUTS = 16 };

static parseal_status sum(const parseal_device *device, const parseal_ring *ring,
                          const parseal_vec *acc, const parseal_vec *v, size_t n, void *stream)
{
    const void *few[FEW_INPUTS] = {NULL};
    const void **inputs = n <= FEW_INPUTS ? few : malloc(n * sizeof *inputs);
    (void)stream;
    if (inputs == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "v: out of memory for %zu vectors", n);
    for (size_t j = 0; j < n; j++)
        inputs[j] = cpu_address(&v[j].buf);
    vectors_sum(cpu_of(device)->chosen.sum, cpu_threads(device), ring->modulus, ring->element_size,
                cpu_address(&acc->buf), inputs, n, acc->n);
    if (inputs != few)
        free(inputs);
    return PARSEAL_OK;
}

static parseal_status quantize(const parseal_device *device, const parseal_quant *quant,
                               float scale, const parseal_vec *x, const parseal_vec *q,
                               const backend_seeds *seeds, uint64_t first,
                               const parseal_buf *nonfinite, void *stream)
{
    const quant_params params = {quant->clip, scale, quant->bits, quant->float_type,
                                 quant->element_size};
    (void)stream;
    const uint64_t count = vectors_quantize(
        cpu_of(device)->chosen.quant, cpu_of(device)->chosen.mask, cpu_threads(device), &params,
        cpu_address(&x->buf), seeds != NULL ? seeds_of(seeds)->list : NULL, first,
        cpu_address(&q->buf), q->n);
    if (nonfinite != NULL)
        memcpy(cpu_address(nonfinite), &count, sizeof count);
    return PARSEAL_OK;
}

static parseal_status dequantize(const parseal_device *device, uint32_t element_size,
                                 const parseal_vec *sum, double step, double n_clients, double clip,
                                 const parseal_vec *mean, void *stream)
{
    const dequant_params params = {step, n_clients, clip, element_size};
    (void)stream;
    vectors_dequantize(cpu_of(device)->chosen.quant, cpu_threads(device), &params,
                       cpu_address(&sum->buf), cpu_address(&mean->buf), mean->n);
    return PARSEAL_OK;
}

static parseal_status pack(const parseal_device *device, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream)
{
    const pack_impl *impl = cpu_of(device)->chosen.pack;
    (void)stream;
    if (unpack)
        vectors_unpack(impl, cpu_threads(device), bits, element_size, cpu_address(packed),
                       cpu_address(&elements->buf), elements->n);
    else
        vectors_pack(impl, cpu_threads(device), bits, element_size, cpu_address(&elements->buf),
                     cpu_address(packed), elements->n);
    return PARSEAL_OK;
}

static parseal_status packed_sum(const parseal_device *device, uint32_t bits,
                                 const parseal_ring *ring, const parseal_vec *acc,
                                 const parseal_buf *packed, size_t n, void *stream)
{
    const uint8_t **inputs = malloc((n + 1) * sizeof *inputs);
    (void)stream;
    if (inputs == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "packed: out of memory for %zu vectors", n);
    for (size_t j = 0; j < n; j++)
        inputs[j] = cpu_address(&packed[j]);
    vectors_packed_sum(cpu_of(device)->chosen.pack, cpu_of(device)->chosen.sum, cpu_threads(device),
                       bits, ring->modulus, ring->element_size, cpu_address(&acc->buf), inputs, n,
                       acc->n);
    free(inputs);
    return PARSEAL_OK;
}

const vector_family cpu_vector_family = {
    .sum = sum,
    .quantize = quantize,
    .dequantize = dequantize,
    .pack = pack,
    .packed_sum = packed_sum,
};
