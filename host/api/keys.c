/* Key sets and seed sets: creation, references, destruction. */
#include <inttypes.h>
#include <stdlib.h>

#include "host/api/counting.h"
#include "host/backend/call.h"
#include "host/backend/objects.h"
#include "host/support/bytes.h"
#include "host/support/check.h"
#include "host/support/sizes.h"
#include "host/support/wipe.h"

/* -------------------------------------------------------------------------------------- keys -- */

parseal_status parseal_keys_create(parseal_keys **set, parseal_ctx *ctx, int32_t alg,
                                   const uint8_t *keys, size_t n,
                                   const parseal_keys_options *options)
{
    const parseal_algorithm *algorithm;
    parseal_keys_options complete = PARSEAL_KEYS_OPTIONS_INIT;
    TRY(check_pointer("set", set));
    TRY(check_pointer("ctx", ctx));
    TRY(check_pointer("keys", keys));
    TRY(check_algorithm("alg", alg, &algorithm));
    if (options != NULL)
        TRY(copy_struct_in("options", &complete, options, sizeof complete,
                           PARSEAL_KEYS_OPTIONS_SIZE_0));
    if (complete.limit_messages != 0)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "options.limit_messages: %" PRIu64 ", 0 expected: this release does "
                            "not count messages",
                            complete.limit_messages);
    TRY(check_reserved("options.reserved", complete.reserved));
    if (n == 0 || n > UINT32_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu keys, 1 to 2^32 - 1 expected", n);

    parseal_keys *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: out of memory");
    const bool own = complete.own_pages != 0;
    parseal_status status = CALL(ctx, aead->keys_create, &made->data, algorithm, keys, n, own);
    if (status == PARSEAL_OK && ctx->cpu.backend != NULL) {
        status = CALL(&ctx->cpu, aead->keys_create, &made->cpu_data, algorithm, keys, n, own);
        if (status != PARSEAL_OK)
            LET_GO(ctx, aead->keys_destroy, made->data);
    }
    wipe_stack();
    if (status != PARSEAL_OK) {
        free(made);
        return status;
    }
    atomic_init(&made->references, 1);
    made->ctx = parseal_ctx_retain(ctx);
    made->alg = algorithm;
    made->n = n;
    *set = made;
    return PARSEAL_OK;
}

parseal_keys *parseal_keys_retain(parseal_keys *keys)
{
    atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
    return keys;
}

void parseal_keys_destroy(parseal_keys *set)
{
    if (set == NULL || !reference_dropped(&set->references))
        return;
    LET_GO(set->ctx, aead->keys_destroy, set->data);
    if (set->cpu_data != NULL)
        LET_GO(&set->ctx->cpu, aead->keys_destroy, set->cpu_data);
    parseal_ctx_destroy(set->ctx);
    free(set);
}

static bool keys_locked(const parseal_side *side, const backend_keys *keys)
{
    return side->backend->aead->keys_locked != NULL && side->backend->aead->keys_locked(keys);
}

parseal_status parseal_keys_info(const parseal_keys *set, parseal_set_info *info)
{
    parseal_set_info found = PARSEAL_SET_INFO_INIT;
    TRY(check_pointer("set", set));
    TRY(check_struct_size("info", info, PARSEAL_SET_INFO_SIZE_0));
    const parseal_side device = {set->ctx->backend, set->ctx->device};
    found.n = set->n;
    found.alg = set->alg->id;
    found.locked = keys_locked(&device, set->data) &&
                   (set->cpu_data == NULL || keys_locked(&set->ctx->cpu, set->cpu_data));
    copy_struct_out(info, &found, sizeof found);
    return PARSEAL_OK;
}

/* ------------------------------------------------------------------------------------- seeds -- */

static parseal_status check_seeds(parseal_seeds **set, const parseal_ctx *ctx,
                                  const parseal_seed *seeds, size_t n)
{
    TRY(check_pointer("set", set));
    TRY(check_pointer("ctx", ctx));
    if (n > 0)
        TRY(check_pointer("seeds", seeds));
    if (n > INT32_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu seeds, at most 2^31 - 1 expected", n);
    for (size_t i = 0; i < n; i++)
        if (seeds[i].sign != 1 && seeds[i].sign != -1)
            return parseal_fail(PARSEAL_ERR_ARG, "seeds[%zu].sign: %" PRId32 ", +1 or -1 expected",
                                i, seeds[i].sign);
    return PARSEAL_OK;
}

/* Makes the set on the context's device, and on the CPU beside it unless it counts. */
static parseal_status create_on(const parseal_ctx *ctx, parseal_seeds *set,
                                const parseal_seed *seeds, const seeds_counting *counting)
{
    TRY(CALL(ctx, mask->seeds_create, &set->seeds, seeds, set->n));
    parseal_status status = PARSEAL_OK;
    if (counting != NULL)
        status = CALL(ctx, mask->seeds_count, set->seeds, counting);
    else if (ctx->cpu.backend != NULL)
        status = CALL(&ctx->cpu, mask->seeds_create, &set->cpu_seeds, seeds, set->n);
    if (status != PARSEAL_OK)
        LET_GO(ctx, mask->seeds_destroy, set->seeds);
    return status;
}

static parseal_status seeds_create(parseal_seeds **set, parseal_ctx *ctx, const parseal_seed *seeds,
                                   size_t n, const seeds_counting *counting)
{
    parseal_seeds *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: out of memory");
    made->n = n;
    const parseal_status status = create_on(ctx, made, seeds, counting);
    wipe_stack();
    if (status != PARSEAL_OK) {
        free(made);
        return status;
    }
    made->ctx = parseal_ctx_retain(ctx);
    if (counting != NULL) {
        made->counts = true;
        made->number = counting->number;
    }
    *set = made;
    return PARSEAL_OK;
}

parseal_status parseal_seeds_create(parseal_seeds **set, parseal_ctx *ctx,
                                    const parseal_seed *seeds, size_t n)
{
    TRY(check_seeds(set, ctx, seeds, n));
    return seeds_create(set, ctx, seeds, n, NULL);
}

/* Stores the number that all seeds have as their stream. */
static parseal_status common_stream(const parseal_seed *seeds, size_t n, uint64_t *number)
{
    *number = n > 0 ? get_le64(seeds[0].stream_id) : 0;
    for (size_t i = 1; i < n; i++)
        if (get_le64(seeds[i].stream_id) != *number)
            return parseal_fail(
                PARSEAL_ERR_ARG,
                "seeds[%zu].stream_id: not that of seeds[0], but the set counts one "
                "number for all of them",
                i);
    return PARSEAL_OK;
}

parseal_status parseal_seeds_create_counting(parseal_seeds **set, parseal_ctx *ctx,
                                             const parseal_seed *seeds, size_t n,
                                             const parseal_counting *counting)
{
    uint64_t first;
    seeds_counting checked;
    TRY(check_seeds(set, ctx, seeds, n));
    TRY(common_stream(seeds, n, &first));
    TRY(check_counting(ctx, counting, first, &checked));
    return seeds_create(set, ctx, seeds, n, &checked);
}

void parseal_seeds_destroy(parseal_seeds *set)
{
    if (set == NULL)
        return;
    if (set->seeds != NULL)
        LET_GO(set->ctx, mask->seeds_destroy, set->seeds);
    if (set->fcp != NULL)
        LET_GO(set->ctx, mask->fcp_destroy, set->fcp);
    if (set->cpu_seeds != NULL)
        LET_GO(&set->ctx->cpu, mask->seeds_destroy, set->cpu_seeds);
    if (set->cpu_fcp != NULL)
        LET_GO(&set->ctx->cpu, mask->fcp_destroy, set->cpu_fcp);
    parseal_ctx_destroy(set->ctx);
    free(set);
}

/* Returns true when the set's memory on one side is locked, or when it has none there. */
static bool seeds_locked(const parseal_backend *backend, const backend_seeds *seeds,
                         const backend_fcp *fcp)
{
    if (seeds != NULL)
        return backend->mask->seeds_locked != NULL && backend->mask->seeds_locked(seeds);
    if (fcp != NULL)
        return backend->mask->fcp_locked != NULL && backend->mask->fcp_locked(fcp);
    return true;
}

parseal_status parseal_seeds_info(const parseal_seeds *set, parseal_set_info *info)
{
    parseal_set_info found = PARSEAL_SET_INFO_INIT;
    TRY(check_pointer("set", set));
    TRY(check_struct_size("info", info, PARSEAL_SET_INFO_SIZE_0));
    found.n = set->n;
    found.locked = seeds_locked(set->ctx->backend, set->seeds, set->fcp) &&
                   seeds_locked(set->ctx->cpu.backend, set->cpu_seeds, set->cpu_fcp);
    copy_struct_out(info, &found, sizeof found);
    return PARSEAL_OK;
}
