#include "bench/device/kernel_times.h"

#include <string.h>

#include "host/backend/objects.h"
#include "host/cuda/device.h"

static cuda_device *device_of(const parseal_ctx *ctx)
{
    return (cuda_device *)ctx->device;
}

static const char *const names[CUDA_KERNEL_COUNT] = {
#define NAME(file, name, threads, shared, items) #name,
    CUDA_KERNELS(NAME)
#undef NAME
};

/* The seconds of each kernel at _begin. */
static double before[CUDA_KERNEL_COUNT];

/* Waits for the kernels, and lets the library add up their times: asking for the sum does both. */
static void add_up(const parseal_ctx *ctx)
{
    parseal_info info = PARSEAL_INFO_INIT;
    (void)parseal_ctx_info(ctx, &info);
}

int kernel_times_ordinal(const parseal_ctx *ctx)
{
    return device_of(ctx)->ordinal;
}

void kernel_times_begin(parseal_ctx *ctx)
{
    cuda_device *d = device_of(ctx);
    add_up(ctx);
    for (size_t k = 0; k < CUDA_KERNEL_COUNT; k++)
        before[k] = d->state->seconds[k];
    d->time_kernels = true;
}

size_t kernel_times_end(parseal_ctx *ctx, struct kernel_time *list)
{
    cuda_device *d = device_of(ctx);
    size_t n = 0;
    d->time_kernels = false;
    add_up(ctx);
    for (size_t k = 0; k < CUDA_KERNEL_COUNT && n < KERNELS_MAX; k++) {
        const double seconds = d->state->seconds[k] - before[k];
        if (seconds > 0)
            list[n++] = (struct kernel_time){names[k], seconds};
    }
    return n;
}

const char *kernel_times_use_ghash(parseal_ctx *ctx, const char *name)
{
    const int32_t aead = PARSEAL_PRIMITIVE_AEAD;
    const parseal_backend *backend = ctx->backend;
    const char *was = NULL;
    size_t wanted = CUDA_GHASH_WAYS;
    for (size_t i = 0; i < backend->impl_count(ctx->device, aead); i++) {
        const char *way = backend->impl_entry(ctx->device, aead, i).name;
        if (device_of(ctx)->ghash == device_of(ctx)->ghash_order[i])
            was = way;
        if (strcmp(way, name) == 0)
            wanted = i;
    }
    if (wanted < CUDA_GHASH_WAYS)
        backend->impl_use(ctx->device, aead, wanted);
    return was;
}
