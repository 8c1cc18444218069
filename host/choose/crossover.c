/* Times are taken as linear in the size s: the device needs a + b s seconds, which takes two
 * measurements, and the CPU c s. So the device is faster from a / (c - b) bytes on, or never. */
#include "host/choose/crossover.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/backend/call.h"
#include "host/choose/selftest/primitives.h"
#include "host/choose/selftest/tester.h"
#include "host/support/cache.h"
#include "host/support/error.h"

enum { SMALL = 1 << 20, LARGE = 1 << 23, REPEATS = 3 };

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef parseal_status (*work)(const parseal_side *side, const work_material *m, size_t size);

/* Stores the time of the fastest run in *best. */
static parseal_status best_time(work run, const parseal_side *side, const work_material *m,
                                size_t size, double *best)
{
    *best = -1;
    for (int i = 0; i <= REPEATS; i++) { /* The first run may build a program and is not counted. */
        const double begin = seconds();
        TRY(device_enter(side->backend, side->device));
        TRY(device_leave(side->backend, side->device, run(side, m, size)));
        const double taken = seconds() - begin;
        if (i > 0 && (*best < 0 || taken < *best))
            *best = taken;
    }
    return PARSEAL_OK;
}

/* Sets *complete to false where a run fails: this context then leaves the primitive to the CPU, and
 * nothing is cached. Where the CPU lacks memory, nothing can be said, and the call fails. */
static parseal_status measure(work run, const parseal_side *device, const parseal_side *cpu,
                              const work_material *m, uint64_t *crossover, bool *complete)
{
    double small, large, on_cpu;
    *crossover = UINT64_MAX;
    const parseal_status status = best_time(run, cpu, m, LARGE, &on_cpu);
    if (status == PARSEAL_ERR_NO_MEMORY)
        return status;
    if (status != PARSEAL_OK || best_time(run, device, m, SMALL, &small) != PARSEAL_OK ||
        best_time(run, device, m, LARGE, &large) != PARSEAL_OK) {
        *complete = false;
        return PARSEAL_OK;
    }
    const double per_byte = (large - small) / (LARGE - SMALL), cpu_per_byte = on_cpu / LARGE;
    const double start = small - per_byte * SMALL;
    if (per_byte < cpu_per_byte)
        *crossover = start <= 0 ? 0 : (uint64_t)(start / (cpu_per_byte - per_byte));
    return PARSEAL_OK;
}

static parseal_status measure_all(const parseal_side *device, const parseal_side *cpu,
                                  uint64_t crossover[PARSEAL_PRIMITIVES], bool *complete)
{
    work_material m = {calloc(1, LARGE), calloc(1, LARGE),
                       calloc(LARGE / WORK_MESSAGE, sizeof *m.msgs)};
    parseal_status status = PARSEAL_OK;
    *complete = true;
    if (m.from == NULL || m.to == NULL || m.msgs == NULL)
        status = parseal_fail(PARSEAL_ERR_NO_MEMORY, "ctx: no memory to measure the device with");
    for (int32_t p = 0; status == PARSEAL_OK && p < PARSEAL_PRIMITIVES; p++)
        status = measure(primitives[p].work, device, cpu, &m, &crossover[p], complete);
    free(m.from);
    free(m.to);
    free(m.msgs);
    return status;
}

static void hash_text(crypto_generichash_state *state, const char *text)
{
    (void)crypto_generichash_update(state, (const uint8_t *)text, strlen(text) + 1);
}

/* A device as one choice of implementations uses it. */
static void hash_side(crypto_generichash_state *state, const parseal_side *side,
                      const parseal_choice *choice)
{
    hash_text(state, parseal_backend_name(side->backend->id));
    hash_text(state, side->backend->name(side->device));
    for (size_t p = 0; p < PARSEAL_PRIMITIVES; p++)
        hash_text(state, choice->impl[p]);
}

/* With much memory the pieces that are measured go through at once; with less, it matters how much
 * there is, by powers of two. A limit that is another at each start, as a part of what is free,
 * must not be another key each time. */
static uint64_t memory_class(uint64_t limit)
{
    uint64_t power = 1;
    if (limit == 0 || limit >= 8 * (uint64_t)LARGE)
        return 0;
    while (power <= limit / 2)
        power *= 2;
    return power;
}

/* The key depends on the release, on both devices with their implementations, on the threads that
 * the CPU uses, and on what else the caller has chosen that makes the device slower. */
static void cache_key(const parseal_ctx *ctx, const parseal_choice *beside,
                      const parseal_options *options, uint8_t key[CACHE_KEY])
{
    crypto_generichash_state state;
    const parseal_side device = {ctx->backend, ctx->device};
    const uint64_t numbers[] = {ctx->cpu.backend->threads(ctx->cpu.device),
                                memory_class(options->device_memory), options->time_kernels != 0};
    (void)crypto_generichash_init(&state, NULL, 0, CACHE_KEY);
    hash_text(&state, parseal_version());
    hash_side(&state, &device, &ctx->choice);
    hash_side(&state, &ctx->cpu, beside);
    (void)crypto_generichash_update(&state, (const uint8_t *)numbers, sizeof numbers);
    (void)crypto_generichash_final(&state, key, CACHE_KEY);
}

parseal_status crossover_find(parseal_ctx *ctx, const parseal_choice *beside,
                              const parseal_options *options)
{
    const parseal_side device = {ctx->backend, ctx->device};
    uint8_t key[CACHE_KEY];
    size_t stored;
    bool complete = false;
    parseal_status status = PARSEAL_OK;
    cache_key(ctx, beside, options, key);
    const parseal_error before = parseal_error_save();
    uint8_t *known = cache_load("crossover", key, &stored);
    if (known != NULL && stored == sizeof ctx->crossover)
        memcpy(ctx->crossover, known, sizeof ctx->crossover);
    else
        status = measure_all(&device, &ctx->cpu, ctx->crossover, &complete);
    free(known);
    if (complete && status == PARSEAL_OK)
        cache_store("crossover", key, (const uint8_t *)ctx->crossover, sizeof ctx->crossover);
    if (status == PARSEAL_OK)
        parseal_error_restore(&before);
    return status;
}

bool crossover_prefers_cpu(const parseal_ctx *ctx, int32_t primitive, uint64_t bytes)
{
    return ctx->cpu.backend != NULL && bytes < ctx->crossover[primitive];
}

parseal_side crossover_side(const parseal_ctx *ctx, int32_t primitive, bool in_host_memory,
                            uint64_t bytes)
{
    const parseal_side device = {ctx->backend, ctx->device};
    return in_host_memory && crossover_prefers_cpu(ctx, primitive, bytes) ? ctx->cpu : device;
}
