/* What comes before the work: sets of keys and of seeds, and contexts. A run makes one and destroys
 * it. */
#include "bench/cpu/support.h"
#include "bench/cpu/work.h"

#include <stdlib.h>
#include <string.h>

static bool prepare_keys(struct work *w)
{
    struct set_data *d = &w->data.set;
    d->key = bench_alloc(w->n, w->size);
    if (d->key == NULL)
        return false;
    bench_fill(d->key, w->n * w->size, 9);
    return true;
}

static parseal_status run_keys(struct work *w)
{
    parseal_keys *keys = NULL;
    parseal_status status =
        parseal_keys_create(&keys, w->ctx, w->op->alg, w->data.set.key, w->n, NULL);
    parseal_keys_destroy(keys);
    return status;
}

/* The seeds' keys also lie one after another, for the peers. */
static bool prepare_seeds(struct work *w)
{
    struct set_data *d = &w->data.set;
    if (!prepare_keys(w))
        return false;
    d->seed = bench_alloc(w->n, sizeof *d->seed);
    if (d->seed == NULL)
        return false;
    memset(d->seed, 0, w->n * sizeof *d->seed);
    for (size_t j = 0; j < w->n; j++) {
        memcpy(d->seed[j].key, d->key + j * w->size, sizeof d->seed[j].key);
        d->seed[j].sign = 1;
    }
    return true;
}

static parseal_status run_seeds(struct work *w)
{
    parseal_seeds *seeds = NULL;
    parseal_status status = parseal_seeds_create(&seeds, w->ctx, w->data.set.seed, w->n);
    parseal_seeds_destroy(seeds);
    return status;
}

/* The bench's own context lives meanwhile. */
static bool prepare_context(struct work *w)
{
    parseal_info info = PARSEAL_INFO_INIT;
    parseal_status status = parseal_ctx_info(w->ctx, &info);
    if (status != PARSEAL_OK) {
        complain_status("parseal_ctx_info", status);
        return false;
    }
    w->data.set.options = (parseal_options)PARSEAL_OPTIONS_INIT;
    w->data.set.options.backend = info.backend;
    w->data.set.options.cpu_threads = w->threads;
    return true;
}

static parseal_status run_context(struct work *w)
{
    parseal_ctx *ctx = NULL;
    parseal_status status = parseal_ctx_create(&ctx, &w->data.set.options);
    parseal_ctx_destroy(ctx);
    return status;
}

static void release(struct work *w)
{
    free(w->data.set.seed);
    free(w->data.set.key);
}

const struct family family_keys = {PARSEAL_PRIMITIVE_AEAD, prepare_keys, run_keys, release};
const struct family family_seeds = {PARSEAL_PRIMITIVE_MASK, prepare_seeds, run_seeds, release};
const struct family family_context = {NO_PRIMITIVE, prepare_context, run_context, release};
