/* Masks and sums over vectors of ring elements. */
#include "bench/cpu/support.h"
#include "bench/cpu/work.h"

#include <stdlib.h>
#include <string.h>

static parseal_vec ring_vec(const struct work *w, const uint8_t *p)
{
    uint32_t element_size = w->op->ring.element_size;
    return parseal_host_vec(p, w->size / element_size, element_size);
}

/* Signs alternate, as those of a client's pairwise masks do. */
static void choose_seeds(parseal_seed *seed, size_t n)
{
    bench_fill(seed, n * sizeof *seed, 3);
    for (size_t j = 0; j < n; j++)
        seed[j].sign = j % 2 == 0 ? 1 : -1;
}

static bool prepare_mask(struct work *w)
{
    struct mask_data *d = &w->data.mask;
    d->acc = bench_alloc(1, w->size);
    d->seed = bench_alloc(w->n, sizeof *d->seed);
    if (d->acc == NULL || d->seed == NULL)
        return false;
    choose_seeds(d->seed, w->n);
    parseal_status status = parseal_seeds_create(&d->seeds, w->ctx, d->seed, w->n);
    if (status != PARSEAL_OK) {
        complain_status("parseal_seeds_create", status);
        return false;
    }
    w->bytes = (uint64_t)w->n * w->size;
    w->result[0] = (struct region){d->acc, w->size, 0, 1};
    work_reset_results(w);
    return true;
}

static parseal_status run_mask(struct work *w)
{
    parseal_vec acc = ring_vec(w, w->data.mask.acc);
    return w->op->inverse ? parseal_mask_apply(w->data.mask.seeds, &w->op->ring, &acc, 0, NULL)
                          : parseal_mask_write(w->data.mask.seeds, &w->op->ring, &acc, 0, NULL);
}

static void release_mask(struct work *w)
{
    parseal_seeds_destroy(w->data.mask.seeds);
    free(w->data.mask.seed);
    free(w->data.mask.acc);
}

/* Fills with elements whose top bit is cleared: they are below the modulus, as the naive peer needs
 * them. */
static void fill_reduced(uint8_t *p, size_t size, uint32_t element_size)
{
    bench_fill(p, size, 4);
    for (size_t i = element_size - 1; i < size; i += element_size)
        p[i] &= 0x7f;
}

static bool prepare_sum(struct work *w)
{
    struct sum_data *d = &w->data.sum;
    d->acc = bench_alloc(1, w->size);
    d->inputs = bench_alloc(w->n, w->size);
    d->vecs = bench_alloc(w->n, sizeof *d->vecs);
    if (d->acc == NULL || d->inputs == NULL || d->vecs == NULL)
        return false;
    fill_reduced(d->inputs, w->n * w->size, w->op->ring.element_size);
    for (size_t j = 0; j < w->n; j++)
        d->vecs[j] = ring_vec(w, d->inputs + j * w->size);
    w->bytes = (uint64_t)w->n * w->size;
    w->result[0] = (struct region){d->acc, w->size, 0, 1};
    work_reset_results(w);
    return true;
}

static parseal_status run_sum(struct work *w)
{
    parseal_vec acc = ring_vec(w, w->data.sum.acc);
    return parseal_vec_sum(w->ctx, &w->op->ring, &acc, w->data.sum.vecs, w->n, NULL);
}

static void release_sum(struct work *w)
{
    free(w->data.sum.vecs);
    free(w->data.sum.inputs);
    free(w->data.sum.acc);
}

const struct family family_mask = {PARSEAL_PRIMITIVE_MASK, prepare_mask, run_mask, release_mask};
const struct family family_vec_sum = {PARSEAL_PRIMITIVE_VEC_SUM, prepare_sum, run_sum, release_sum};
