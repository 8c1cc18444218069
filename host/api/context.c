/* Contexts, key sets and seed sets: creation, references, destruction. */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/choose/crossover.h"
#include "host/choose/registry.h"
#include "host/support/check.h"
#include "host/support/error.h"
#include "host/support/float_state.h"
#include "host/support/wipe.h"

/* ----------------------------------------------------------------------------------- context -- */

/* Both sides of *made, and where one is better than the other. What is open after a failure is the
 * caller's to close. */
static parseal_status open_sides(parseal_ctx *made, const parseal_options *options)
{
    const parseal_registry registry = parseal_builtin_registry();
    TRY(parseal_registry_open(registry, options, &made->backend, &made->device, &made->info));
    TRY(parseal_registry_open_beside(registry, options, made->backend, &made->cpu));
    if (made->cpu.backend == NULL)
        return PARSEAL_OK;
    const parseal_side device = {made->backend, made->device};
    TRY(crossover_find(&device, &made->cpu, made->crossover));
    memcpy(made->info.crossover, made->crossover, sizeof made->crossover);
    return PARSEAL_OK;
}

static void close_sides(const parseal_ctx *ctx)
{
    if (ctx->backend != NULL)
        ctx->backend->device_close(ctx->device);
    if (ctx->cpu.backend != NULL)
        ctx->cpu.backend->device_close(ctx->cpu.device);
}

parseal_status parseal_ctx_create(parseal_ctx **ctx, const parseal_options *options)
{
    parseal_options complete = PARSEAL_OPTIONS_INIT;
    TRY(check_pointer("ctx", ctx));
    if (options != NULL)
        TRY(copy_struct_in("options", &complete, options, sizeof complete, sizeof complete));
    if (sodium_init() < 0)
        return parseal_fail(PARSEAL_ERR_DEVICE, "libsodium could not be initialised");

    parseal_ctx *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "ctx: out of memory");
    atomic_init(&made->references, 1);
    atomic_init(&made->cpu_finished, 0);
    /* Self-tests and the times of crossovers are computed in floating point too. */
    const float_state before = float_state_set();
    const parseal_status status = open_sides(made, &complete);
    float_state_restore(&before);
    if (status != PARSEAL_OK) {
        close_sides(made);
        free(made);
        return status;
    }
    *ctx = made;
    return PARSEAL_OK;
}

parseal_ctx *parseal_ctx_retain(parseal_ctx *ctx)
{
    atomic_fetch_add_explicit(&ctx->references, 1, memory_order_relaxed);
    return ctx;
}

/* True for the one that gave up the last reference: everything others did with the object has then
 * happened before. */
static bool release(atomic_size_t *references)
{
    return atomic_fetch_sub_explicit(references, 1, memory_order_acq_rel) == 1;
}

void parseal_ctx_destroy(parseal_ctx *ctx)
{
    if (ctx == NULL || !release(&ctx->references))
        return;
    close_sides(ctx);
    free(ctx);
}

parseal_status parseal_ctx_info(const parseal_ctx *ctx, parseal_info *info)
{
    TRY(check_pointer("ctx", ctx));
    TRY(check_struct_size("info", info, sizeof ctx->info));
    parseal_info now = ctx->info;
    now.cpu_finished = atomic_load_explicit(&ctx->cpu_finished, memory_order_relaxed);
    if (ctx->backend->kernel_seconds != NULL)
        now.kernel_seconds = ctx->backend->kernel_seconds(ctx->device);
    copy_struct_out(info, &now, sizeof now);
    return PARSEAL_OK;
}

/* -------------------------------------------------------------------------------------- keys -- */

parseal_status parseal_keys_create(parseal_keys **set, parseal_ctx *ctx, int32_t alg,
                                   const uint8_t *keys, size_t n)
{
    TRY(check_pointer("set", set));
    TRY(check_pointer("ctx", ctx));
    TRY(check_pointer("keys", keys));
    if (alg != PARSEAL_AES128GCM && alg != PARSEAL_AES256GCM)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "alg: %" PRId32 " is neither PARSEAL_AES128GCM nor PARSEAL_AES256GCM",
                            alg);
    if (n == 0 || n > UINT32_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %zu keys, 1 to 2^32 - 1 expected", n);

    parseal_keys *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "keys: out of memory");
    parseal_status status = ctx->backend->keys_create(&made->data, ctx->device, alg, keys, n);
    if (status == PARSEAL_OK && ctx->cpu.backend != NULL) {
        status = ctx->cpu.backend->keys_create(&made->cpu_data, ctx->cpu.device, alg, keys, n);
        if (status != PARSEAL_OK)
            ctx->backend->keys_destroy(made->data);
    }
    wipe_stack();
    if (status != PARSEAL_OK) {
        free(made);
        return status;
    }
    atomic_init(&made->references, 1);
    made->ctx = parseal_ctx_retain(ctx);
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
    if (set == NULL || !release(&set->references))
        return;
    set->ctx->backend->keys_destroy(set->data);
    if (set->cpu_data != NULL)
        set->ctx->cpu.backend->keys_destroy(set->cpu_data);
    parseal_ctx_destroy(set->ctx);
    free(set);
}

/* ------------------------------------------------------------------------------------- seeds -- */

parseal_status parseal_seeds_create(parseal_seeds **set, parseal_ctx *ctx,
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

    parseal_seeds *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "seeds: out of memory");
    parseal_status status = ctx->backend->seeds_create(&made->data, ctx->device, seeds, n);
    if (status == PARSEAL_OK && ctx->cpu.backend != NULL) {
        status = ctx->cpu.backend->seeds_create(&made->cpu_data, ctx->cpu.device, seeds, n);
        if (status != PARSEAL_OK)
            ctx->backend->seeds_destroy(made->data);
    }
    wipe_stack();
    if (status != PARSEAL_OK) {
        free(made);
        return status;
    }
    made->ctx = parseal_ctx_retain(ctx);
    made->n = n;
    *set = made;
    return PARSEAL_OK;
}

void parseal_seeds_destroy(parseal_seeds *set)
{
    if (set == NULL)
        return;
    const bool fcp = set->fcp_modulus != 0;
    if (set->data != NULL)
        (fcp ? set->ctx->backend->fcp_destroy : set->ctx->backend->seeds_destroy)(set->data);
    if (set->cpu_data != NULL)
        (fcp ? set->ctx->cpu.backend->fcp_destroy
             : set->ctx->cpu.backend->seeds_destroy)(set->cpu_data);
    parseal_ctx_destroy(set->ctx);
    free(set);
}
