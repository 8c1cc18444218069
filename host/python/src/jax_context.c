/* The contexts that handlers use: one of the process for the CPU, and one for each CUDA device. */
#include "jax.h"

#include <stdio.h>

/* Made when parseal.jax is imported, and used for ever: threads of XLA may be in a handler when the
 * process ends. A context of the CPU serves the children of fork, too. */
static parseal_ctx *_Atomic cpu_context;

/* The default context, where it is the CPU's, or else one of the CPU's own, as XLA's platform "cpu"
 * has its arrays and its threads there. Where an environment variable asks for a GPU there is none,
 * and the default one copies arrays to its device and back. */
int jax_begin_contexts(core_state *state)
{
    parseal_ctx *ctx, *own = NULL;
    parseal_info info = PARSEAL_INFO_INIT;
    if (atomic_load(&cpu_context) != NULL)
        return 0;
    held *context = enter_context(state, NULL, &ctx);
    if (context == NULL)
        return -1;
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    if (parseal_ctx_info(ctx, &info) == PARSEAL_OK && info.backend != PARSEAL_BACKEND_CPU &&
        parseal_ctx_create(&own, &options) == PARSEAL_OK)
        ctx = own;
    parseal_ctx *none = NULL;
    const bool first = atomic_compare_exchange_strong(&cpu_context, &none, ctx);
    if (!first)
        parseal_ctx_destroy(own);
    if (!first || ctx == own)
        held_leave(context); /* else nobody leaves it: it stays good after it is closed */
    return 0;
}

parseal_ctx *jax_cpu_context(void)
{
    return atomic_load_explicit(&cpu_context, memory_order_acquire);
}

enum { DEVICES = 64 };

static parseal_ctx *_Atomic cuda_contexts[DEVICES];

parseal_ctx *jax_cuda_context(int32_t ordinal)
{
    if (ordinal < 0 || ordinal >= DEVICES)
        return NULL;
    parseal_ctx *found = atomic_load_explicit(&cuda_contexts[ordinal], memory_order_acquire);
    if (found != NULL)
        return found;
    char device[16];
    parseal_options options = PARSEAL_OPTIONS_INIT;
    snprintf(device, sizeof device, "%d", (int)ordinal);
    options.backend = PARSEAL_BACKEND_CUDA;
    options.device = device;
    parseal_ctx *made = NULL;
    if (parseal_ctx_create(&made, &options) != PARSEAL_OK)
        return NULL;
    if (atomic_compare_exchange_strong(&cuda_contexts[ordinal], &found, made))
        return made;
    parseal_ctx_destroy(made); /* another thread was first */
    return found;
}
