/* The work of servers of Google's fcp/secagg: adding masks of parseal/fcp.h, and packed vectors. */
#include "bench/cpu/support.h"
#include "bench/cpu/work.h"

#include <parseal/fcp.h>
#include <stdlib.h>

static parseal_vec acc_of(const struct work *w, const uint8_t *p)
{
    const uint32_t element_size = w->op->ring.element_size;
    return parseal_host_vec(p, w->size / element_size, element_size);
}

/* ------------------------------------------------------------------------------------ masks -- */

/* Signs alternate, as those of a client's pairwise masks do. */
static parseal_status make_seeds(struct work *w, const uint8_t *bytes, parseal_fcp_key *keys)
{
    parseal_fcp_mask mask = PARSEAL_FCP_MASK_INIT;
    mask.modulus = w->op->ring.modulus;
    mask.n = w->size / w->op->ring.element_size;
    for (size_t j = 0; j < w->n; j++)
        keys[j] = (parseal_fcp_key){bytes + j * PARSEAL_FCP_KEYBYTES, PARSEAL_FCP_KEYBYTES,
                                    j % 2 == 0 ? 1 : -1};
    return parseal_fcp_seeds_create(&w->data.mask.seeds, w->ctx, &mask, keys, w->n);
}

static bool prepare_fcp(struct work *w)
{
    struct mask_data *d = &w->data.mask;
    uint8_t *bytes = bench_alloc(w->n, PARSEAL_FCP_KEYBYTES);
    parseal_fcp_key *keys = bench_alloc(w->n, sizeof *keys);
    parseal_status status = PARSEAL_ERR_NO_MEMORY;
    d->acc = bench_alloc(1, w->size);
    if (bytes != NULL && keys != NULL && d->acc != NULL) {
        bench_fill(bytes, w->n * PARSEAL_FCP_KEYBYTES, 7);
        status = make_seeds(w, bytes, keys);
        if (status != PARSEAL_OK)
            complain_status("parseal_fcp_seeds_create", status);
    }
    free(keys);
    free(bytes);
    if (status != PARSEAL_OK)
        return false;
    w->bytes = (uint64_t)w->n * w->size;
    w->result[0] = (struct region){d->acc, w->size, 0, 1};
    work_reset_results(w);
    return true;
}

static parseal_status run_fcp(struct work *w)
{
    const parseal_vec acc = acc_of(w, w->data.mask.acc);
    return parseal_mask_apply(w->data.mask.seeds, &w->op->ring, &acc, 0, NULL);
}

static void release_fcp(struct work *w)
{
    parseal_seeds_destroy(w->data.mask.seeds);
    free(w->data.mask.acc);
}

/* ---------------------------------------------------------------------------- packed vectors -- */

static uint32_t bits_of(const struct work *w)
{
    uint32_t bits = 0;
    for (uint64_t x = w->op->ring.modulus - 1; x != 0; x >>= 1)
        bits++;
    return bits;
}

static bool prepare_packed(struct work *w)
{
    struct packed_data *d = &w->data.packed;
    uint64_t size;
    parseal_status status =
        parseal_packed_size(w->size / w->op->ring.element_size, bits_of(w), &size);
    if (status != PARSEAL_OK) {
        complain_status("parseal_packed_size", status);
        return false;
    }
    d->acc = bench_alloc(1, w->size);
    d->inputs = bench_alloc(w->n, (size_t)size);
    d->bufs = bench_alloc(w->n, sizeof *d->bufs);
    if (d->acc == NULL || d->inputs == NULL || d->bufs == NULL)
        return false;
    bench_fill(d->inputs, w->n * (size_t)size, 8);
    for (size_t j = 0; j < w->n; j++)
        d->bufs[j] = parseal_host_buf(d->inputs + j * size, size);
    w->bytes = (uint64_t)w->n * w->size;
    w->result[0] = (struct region){d->acc, w->size, 0, 1};
    work_reset_results(w);
    return true;
}

static parseal_status run_packed(struct work *w)
{
    const parseal_vec acc = acc_of(w, w->data.packed.acc);
    return parseal_packed_sum(w->ctx, bits_of(w), &w->op->ring, &acc, w->data.packed.bufs, w->n,
                              NULL);
}

static void release_packed(struct work *w)
{
    free(w->data.packed.bufs);
    free(w->data.packed.inputs);
    free(w->data.packed.acc);
}

const struct family family_fcp = {PARSEAL_PRIMITIVE_FCP, prepare_fcp, run_fcp, release_fcp};
const struct family family_packed_sum = {PARSEAL_PRIMITIVE_PACK, prepare_packed, run_packed,
                                         release_packed};
