/* The ways to compute GHASH, which are the implementations of AES-GCM on a device: by carry-less
 * multiplications; for long messages by the tensor cores' products of bits, and else by integer
 * multiplications; by these alone. How fast the first is depends on a pipe that is wide on some
 * parts and narrow on others of the same capability's neighbours, so it is measured once on each
 * kind of device, and remembered. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/cuda/device.h"
#include "host/gpu/launch.h"
#include "host/support/cache.h"
#include "host/support/float_state.h"

static const struct {
    const char *name, *needs;
    size_t kernel;
    const char *launched;
    uint64_t prepared; /* bytes that it takes of a key besides the expanded key */
} ways[CUDA_GHASH_WAYS] = {
    [CUDA_GHASH_CLMAD] = {"clmad", "carry-less multiplication: cc 8.0 and nvcc 13.3 or later",
                          CUDA_KERNEL_aead_hash_clmad, "aead_hash_clmad", GHASH_ROWS_BYTES},
    [CUDA_GHASH_MMA] = {"mma", "tensor cores' products of bits: cc 8.0 to 9.x",
                        CUDA_KERNEL_aead_hash_mma, "aead_hash_mma", GHASH_MATRIX_BYTES},
    [CUDA_GHASH_INTEGER] = {"integer", NULL, CUDA_KERNEL_aead_hash, "aead_hash", 0},
};

static bool is_there(const cuda_device *d, cuda_ghash way)
{
    return d->kernel[ways[way].kernel].blocks_max > 0;
}

/* ----------------------------------------------------------------------------------- measure -- */

/* Tiles enough for every multiprocessor's threads to have two in turn; what is in the memory does
 * not matter, as no kernel's time depends on it. */
enum { TILE = 4096, TURNS = 2, REPEATS = 2, TILES_OF_BLOCK = 4, ALIGNMENT = 256 };

typedef struct {
    const cuda_device *d;
    gpu_memory memory;
    uint64_t tiles, begin, key, prepared, work, data, size; /* places in the memory */
} bench;

static uint64_t aligned(uint64_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bench bench_of(const cuda_device *d)
{
    bench b = {.d = d};
    b.tiles = (uint64_t)TURNS * TILES_OF_BLOCK *
              most(d->kernel[CUDA_KERNEL_aead_hash].blocks_max,
                   d->kernel[CUDA_KERNEL_aead_hash_clmad].blocks_max);
    b.begin = aligned(sizeof(aead_item));
    b.key = b.begin + ALIGNMENT;
    b.prepared = b.key + aligned(sizeof(aead_key));
    b.work = b.prepared + aligned(GHASH_MATRIX_BYTES);
    b.data = b.work + aligned(32 + 16 * b.tiles);
    b.size = b.data + TILE * b.tiles;
    return b;
}

static parseal_status fill(const bench *b)
{
    const gpu_device *d = &b->d->gpu;
    const aead_item item = {.len = TILE * b->tiles};
    const uint64_t begin[2] = {0, b->tiles};
    TRY(d->driver->wipe(d, &d->own, b->memory, 0, b->size));
    TRY(gpu_write_now(d, &d->own, b->memory, 0, &item, sizeof item));
    return gpu_write_now(d, &d->own, b->memory, b->begin, begin, sizeof begin);
}

static parseal_status hash_once(const bench *b, cuda_ghash way)
{
    const gpu_place begin = {b->memory, b->begin}, key = {b->memory, b->key};
    const gpu_place prepared = {b->memory, b->prepared}, work = {b->memory, b->work};
    const gpu_place data = {b->memory, b->data};
    gpu_launch launch;
    gpu_launch_begin(&launch, &b->d->gpu, GPU_AEAD, ways[way].launched);
    gpu_arg_memory(&launch, b->memory);
    gpu_arg_u32(&launch, 1);
    gpu_arg_place(&launch, &begin);
    gpu_arg_u64(&launch, b->tiles);
    gpu_arg_u32(&launch, TILE);
    gpu_arg_place(&launch, &key);
    if (ways[way].prepared > 0)
        gpu_arg_place(&launch, &prepared);
    gpu_arg_place(&launch, &data);
    gpu_arg_u32(&launch, 0);
    gpu_arg_place(&launch, &data);
    gpu_arg_place(&launch, &work);
    return gpu_launch_run(&launch, &b->d->gpu.own, b->tiles);
}

static parseal_status time_between(const bench *b, cuda_ghash way, cu_event from, cu_event to,
                                   float *best)
{
    const cu_api *api = &b->d->api;
    TRY(hash_once(b, way)); /* The first run may load code and is not counted. */
    *best = -1;
    for (int i = 0; i < REPEATS; i++) {
        float milliseconds;
        CU_TRY(api, EventRecord, (from, b->d->gpu.own.handle));
        TRY(hash_once(b, way));
        CU_TRY(api, EventRecord, (to, b->d->gpu.own.handle));
        TRY(gpu_finish(&b->d->gpu, &b->d->gpu.own)); /* It may be done while others capture. */
        CU_TRY(api, EventElapsedTime, (&milliseconds, from, to));
        if (*best < 0 || milliseconds < *best)
            *best = milliseconds;
    }
    return PARSEAL_OK;
}

static parseal_status time_of(const bench *b, cuda_ghash way, float *best)
{
    const cu_api *api = &b->d->api;
    cu_event from, to;
    CU_TRY(api, EventCreate, (&from, 0));
    const cu_result error = api->EventCreate(&to, 0);
    parseal_status status = PARSEAL_OK;
    if (error == CU_OK) {
        status = time_between(b, way, from, to, best);
        (void)api->EventDestroy(to);
    } else {
        status = cu_failed(api, "cuEventCreate", error);
    }
    (void)api->EventDestroy(from);
    return status;
}

/* Where carry-less multiplication is as fast as the tensor cores or nearly so, it spares a key's
 * matrices; but multiplying integers costs nothing more, so that it must be clearly faster
 * there. */
static parseal_status compare(const bench *b, bool *is_first)
{
    float clmad = 0, other = 0;
    TRY(fill(b));
    TRY(time_of(b, CUDA_GHASH_CLMAD, &clmad));
    TRY(time_of(b, CUDA_GHASH_INTEGER, &other));
    *is_first = 5 * clmad <= 4 * other;
    if (!*is_first || !is_there(b->d, CUDA_GHASH_MMA))
        return PARSEAL_OK;
    TRY(time_of(b, CUDA_GHASH_MMA, &other));
    *is_first = 8 * clmad <= 9 * other;
    return PARSEAL_OK;
}

/* Returns false where it could not be found out. */
static bool measure(cuda_device *d, bool *is_first)
{
    bench b = bench_of(d);
    const bool time_kernels = d->time_kernels;
    if (b.size > gpu_budget(&d->gpu) || gpu_alloc(&d->gpu, b.size, &b.memory) != PARSEAL_OK)
        return false;
    d->time_kernels = false; /* This is no work of the caller's. */
    const float_state before = float_state_set();
    const parseal_status status = compare(&b, is_first);
    float_state_restore(&before);
    d->time_kernels = time_kernels;
    (void)gpu_finish(&d->gpu, &d->gpu.own);
    gpu_free(&d->gpu, b.memory);
    return status == PARSEAL_OK;
}

/* ---------------------------------------------------------------------------------- remember -- */

/* The key depends on the release, which has the kernels, and on the device. */
static void cache_key(const cuda_device *d, uint8_t key[CACHE_KEY])
{
    const char *const texts[] = {parseal_version(), d->gpu.name};
    const uint32_t numbers[] = {PARSEAL_CUDA_VERSION, (uint32_t)d->capability, d->multiprocessors,
                                is_there(d, CUDA_GHASH_MMA)};
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, CACHE_KEY);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        (void)crypto_generichash_update(&state, (const uint8_t *)texts[i], strlen(texts[i]) + 1);
    (void)crypto_generichash_update(&state, (const uint8_t *)numbers, sizeof numbers);
    (void)crypto_generichash_final(&state, key, CACHE_KEY);
}

/* What is expected where nothing can be measured: the pipe of double precision, which multiplies
 * without carries too, is wide on 8.0, 9.0 and 10.x. */
static bool is_expected_first(const cuda_device *d)
{
    return d->capability == 80 || (d->capability >= 90 && d->capability < 120);
}

static bool clmad_is_first(cuda_device *d)
{
    uint8_t key[CACHE_KEY], first;
    size_t size = 0;
    bool is_first = is_expected_first(d);
    const parseal_error before = parseal_error_save();
    cache_key(d, key);
    uint8_t *known = cache_load("ghash", key, &size);
    if (known != NULL && size == 1) {
        is_first = known[0] != 0;
    } else if (measure(d, &is_first)) {
        first = is_first;
        cache_store("ghash", key, &first, 1);
    } else {
        is_first = is_expected_first(d);
    }
    free(known);
    parseal_error_restore(&before);
    return is_first;
}

/* Stores the way that the environment names, or CUDA_GHASH_WAYS. */
static parseal_status wished(const cuda_device *d, size_t *way)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the library changes the environment. */
    const char *name = getenv("PARSEAL_CUDA_GHASH");
    *way = CUDA_GHASH_WAYS;
    if (name == NULL || name[0] == '\0')
        return PARSEAL_OK;
    for (size_t i = 0; i < CUDA_GHASH_WAYS; i++)
        if (strcmp(name, ways[i].name) == 0)
            *way = i;
    if (*way == CUDA_GHASH_WAYS)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "PARSEAL_CUDA_GHASH: \"%s\"; clmad, mma or integer expected", name);
    if (!is_there(d, (cuda_ghash)*way))
        return parseal_fail(PARSEAL_ERR_NO_DEVICE,
                            "cuda: PARSEAL_CUDA_GHASH: \"%s\", but there is no %s", name,
                            ways[*way].needs);
    return PARSEAL_OK;
}

/* Moves a way to the first place; the others keep their order. */
static void put_first(cuda_ghash order[CUDA_GHASH_WAYS], cuda_ghash way)
{
    size_t at = 0;
    while (order[at] != way)
        at++;
    for (; at > 0; at--)
        order[at] = order[at - 1];
    order[0] = way;
}

parseal_status cuda_order_ghash(cuda_device *d)
{
    static const cuda_ghash usual[] = {CUDA_GHASH_MMA, CUDA_GHASH_INTEGER, CUDA_GHASH_CLMAD};
    size_t way;
    TRY(wished(d, &way));
    memcpy(d->ghash_order, usual, sizeof usual);
    d->ghash = CUDA_GHASH_INTEGER;
    if (way < CUDA_GHASH_WAYS)
        put_first(d->ghash_order, (cuda_ghash)way);
    else if (is_there(d, CUDA_GHASH_CLMAD) && clmad_is_first(d))
        put_first(d->ghash_order, CUDA_GHASH_CLMAD);
    return PARSEAL_OK;
}

/* --------------------------------------------------------------------------- implementations -- */

size_t cuda_impl_count(const parseal_device *device, int32_t primitive)
{
    (void)device;
    return primitive == PARSEAL_PRIMITIVE_AEAD ? CUDA_GHASH_WAYS : 1;
}

parseal_impl_entry cuda_impl_entry(const parseal_device *device, int32_t primitive, size_t index)
{
    const cuda_device *d = cuda_of(gpu_of(device));
    if (primitive != PARSEAL_PRIMITIVE_AEAD)
        return (parseal_impl_entry){"cuda", NULL, PARSEAL_USABLE};
    const cuda_ghash way = d->ghash_order[index];
    if (is_there(d, way))
        return (parseal_impl_entry){ways[way].name, NULL, PARSEAL_USABLE};
    return (parseal_impl_entry){ways[way].name, ways[way].needs, PARSEAL_MISSING};
}

void cuda_impl_use(parseal_device *device, int32_t primitive, size_t index)
{
    cuda_device *d = (cuda_device *)device;
    if (primitive == PARSEAL_PRIMITIVE_AEAD && is_there(d, d->ghash_order[index]))
        d->ghash = d->ghash_order[index];
}
