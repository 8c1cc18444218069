/* Contexts: creation, references, destruction, and questions about them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/backend/call.h"
#include "host/choose/backends.h"
#include "host/choose/crossover.h"
#include "host/support/check.h"
#include "host/support/error.h"
#include "host/support/float_state.h"
#include "host/support/large_stack.h"
#include "host/support/process.h"
#include "host/support/sizes.h"
#include "host/support/threads.h"

/* Opens the device and the CPU beside it, and finds the sizes from which the device is faster.
 * After a failure the caller closes what is open. */
static parseal_status open_sides(parseal_ctx *made, const parseal_options *options)
{
    const parseal_registry registry = parseal_builtin_registry();
    TRY(parseal_registry_open(registry, options, &made->backend, &made->device, &made->choice));
    parseal_choice beside;
    TRY(parseal_registry_open_beside(registry, options, made->backend, &made->cpu, &beside));
    return made->cpu.backend != NULL ? crossover_find(made, &beside, options) : PARSEAL_OK;
}

typedef struct {
    parseal_ctx *made;
    const parseal_options *options;
    parseal_status status;
} opening;

/* Self-tests and crossovers compute in floating point, too. */
static void run_opening(void *arg)
{
    opening *o = arg;
    const float_state before = float_state_set();
    o->status = open_sides(o->made, o->options);
    float_state_restore(&before);
}

static void close_sides(const parseal_ctx *ctx)
{
    const parseal_error error = parseal_error_save();
    if (ctx->backend != NULL && !device_is_inherited(ctx->backend, ctx->device))
        ctx->backend->close(ctx->device);
    if (ctx->cpu.backend != NULL)
        ctx->cpu.backend->close(ctx->cpu.device);
    parseal_error_restore(&error);
}

parseal_status parseal_ctx_create(parseal_ctx **ctx, const parseal_options *options)
{
    parseal_options complete = PARSEAL_OPTIONS_INIT;
    TRY(check_pointer("ctx", ctx));
    if (options != NULL)
        TRY(copy_struct_in("options", &complete, options, sizeof complete, PARSEAL_OPTIONS_SIZE_0));
    TRY(check_reserved("options.reserved", complete.reserved));
    if (!process_ready())
        return parseal_fail(PARSEAL_ERR_DEVICE, "libsodium could not be initialised");

    /* Backends are told how many threads there are, not how many are wished for. */
    TRY(threads_open(complete.cpu_threads, &complete.cpu_threads));
    parseal_ctx *made = calloc(1, sizeof *made);
    arena *secrets = made != NULL ? arena_create() : NULL;
    if (secrets == NULL) {
        free(made);
        threads_close();
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "ctx: out of memory");
    }
    made->secrets = secrets;
    atomic_init(&made->references, 1);
    atomic_init(&made->cpu_finished, 0);
    /* Self-tests and GPUs' runtimes take more stack than callers may have. */
    opening o = {made, &complete, PARSEAL_OK};
    with_large_stack(run_opening, &o);
    const parseal_status status = o.status;
    if (status != PARSEAL_OK) {
        close_sides(made);
        arena_destroy(secrets);
        free(made);
        threads_close();
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

void parseal_ctx_destroy(parseal_ctx *ctx)
{
    if (ctx == NULL || !reference_dropped(&ctx->references))
        return;
    close_sides(ctx);
    arena_destroy(ctx->secrets);
    free(ctx);
    threads_close();
}

parseal_status parseal_ctx_info(const parseal_ctx *ctx, parseal_info *info)
{
    TRY(check_pointer("ctx", ctx));
    TRY(check_struct_size("info", info, PARSEAL_INFO_SIZE_0));
    parseal_info now = ctx->choice.info;
    now.cpu_finished = atomic_load_explicit(&ctx->cpu_finished, memory_order_relaxed);
    if (ctx->backend->kernel_seconds != NULL && !device_is_inherited(ctx->backend, ctx->device))
        now.kernel_seconds = ctx->backend->kernel_seconds(ctx->device);
    copy_struct_out(info, &now, sizeof now);
    return PARSEAL_OK;
}

parseal_status parseal_ctx_primitive(const parseal_ctx *ctx, int32_t primitive,
                                     parseal_primitive_info *info)
{
    parseal_primitive_info found = PARSEAL_PRIMITIVE_INFO_INIT;
    TRY(check_pointer("ctx", ctx));
    if (primitive < 0 || primitive >= PARSEAL_PRIMITIVES)
        return parseal_fail(PARSEAL_ERR_ARG, "primitive: %" PRId32 ", 0 to %d expected", primitive,
                            PARSEAL_PRIMITIVES - 1);
    TRY(check_struct_size("info", info, PARSEAL_PRIMITIVE_INFO_SIZE_0));
    memcpy(found.impl, ctx->choice.impl[primitive], sizeof found.impl);
    found.crossover = ctx->crossover[primitive];
    copy_struct_out(info, &found, sizeof found);
    return PARSEAL_OK;
}
