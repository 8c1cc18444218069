/* Builds the sources of kernels/opencl into programs of a device. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/opencl/device.h"
#include "host/support/cache.h"
#include "host/support/large_stack.h"

/* The texts that kernels/embed.cmake makes from kernels/opencl/NAME.cl. */
#define SOURCE(upper, name, X)                    \
    extern const unsigned char ocl_##name##_cl[]; \
    extern const size_t ocl_##name##_cl_size;
KERNEL_FILES(SOURCE, KERNEL_FILE_NONE, )

typedef struct {
    const char *name;
    const unsigned char *text;
    const size_t *size;
} source;

static const source sources[GPU_PROGRAMS] = {
#define SOURCE_ROW(upper, name, X) \
    [GPU_##upper] = {#name ".cl", ocl_##name##_cl, &ocl_##name##_cl_size},
    KERNEL_FILES(SOURCE_ROW, KERNEL_FILE_NONE, )};

/* A GPU keeps AES's state in registers only if all functions are inlined; a CPU has too few. */
static const char *build_options(const ocl_device *d)
{
    if (d->is_gpu)
        return d->has_double ? "-cl-std=CL1.2 -DHAS_DOUBLE=1 -DPARSEAL_INLINE_ALL"
                             : "-cl-std=CL1.2 -DHAS_DOUBLE=0 -DPARSEAL_INLINE_ALL";
    return d->has_double ? "-cl-std=CL1.2 -DHAS_DOUBLE=1" : "-cl-std=CL1.2 -DHAS_DOUBLE=0";
}

/* Hashes everything that a binary depends on. */
static void cache_key(const ocl_device *d, const source *s, uint8_t key[CACHE_KEY])
{
    crypto_generichash_state state;
    const char *const parts[] = {d->gpu.name, d->version, build_options(d)};
    (void)crypto_generichash_init(&state, NULL, 0, CACHE_KEY);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        (void)crypto_generichash_update(&state, (const uint8_t *)parts[i], strlen(parts[i]) + 1);
    (void)crypto_generichash_update(&state, s->text, *s->size);
    (void)crypto_generichash_final(&state, key, CACHE_KEY);
}

static cl_int build(const ocl_device *d, cl_program program)
{
    return d->api.BuildProgram(program, 1, &d->id, build_options(d), NULL, NULL);
}

/* Returns NULL where the cache has no binary that this device takes. */
static cl_program from_cache(const ocl_device *d, const uint8_t key[CACHE_KEY])
{
    size_t size;
    uint8_t *bytes = cache_load("opencl", key, &size);
    if (bytes == NULL)
        return NULL;
    cl_int error, binary_error;
    const unsigned char *binary = bytes;
    cl_program program = d->api.CreateProgramWithBinary(d->context, 1, &d->id, &size, &binary,
                                                        &binary_error, &error);
    free(bytes);
    if (program == NULL)
        return NULL;
    if (error == CL_SUCCESS && build(d, program) == CL_SUCCESS)
        return program;
    (void)d->api.ReleaseProgram(program);
    return NULL;
}

static void to_cache(const ocl_device *d, cl_program program, const uint8_t key[CACHE_KEY])
{
    size_t size = 0;
    if (d->api.GetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof size, &size, NULL) !=
            CL_SUCCESS ||
        size == 0)
        return;
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        return;
    if (d->api.GetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof bytes, &bytes, NULL) ==
        CL_SUCCESS)
        cache_store("opencl", key, bytes, size);
    free(bytes);
}

static parseal_status build_failed(const ocl_device *d, const source *s, cl_program program,
                                   cl_int error)
{
    char log[4096] = "";
    if (d->api.GetProgramBuildInfo(program, d->id, CL_PROGRAM_BUILD_LOG, sizeof log - 1, log,
                                   NULL) != CL_SUCCESS)
        log[0] = '\0';
    log[strcspn(log, "\r\n")] = '\0';
    return parseal_fail(PARSEAL_ERR_DEVICE, "opencl: %s does not build on %s: %s: %.120s", s->name,
                        d->gpu.name, cl_error_name(error), log);
}

static parseal_status from_source(const ocl_device *d, const source *s, cl_program *program)
{
    cl_int error;
    const char *text = (const char *)s->text;
    *program = d->api.CreateProgramWithSource(d->context, 1, &text, s->size, &error);
    if (*program == NULL)
        return cl_failed("clCreateProgramWithSource", error);
    error = build(d, *program);
    if (error == CL_SUCCESS)
        return PARSEAL_OK;
    const parseal_status status = build_failed(d, s, *program, error);
    (void)d->api.ReleaseProgram(*program);
    *program = NULL;
    return status;
}

static parseal_status make(const ocl_device *d, const source *s, cl_program *program)
{
    uint8_t key[CACHE_KEY];
    cache_key(d, s, key);
    *program = from_cache(d, key);
    if (*program != NULL)
        return PARSEAL_OK;
    TRY(from_source(d, s, program));
    to_cache(d, *program, key);
    return PARSEAL_OK;
}

typedef struct {
    const ocl_device *d;
    const source *s;
    cl_program *program;
    parseal_status status;
} job;

static void run_make(void *arg)
{
    job *j = arg;
    j->status = make(j->d, j->s, j->program);
}

parseal_status ocl_program_of(const ocl_device *d, gpu_program which, cl_program *program)
{
    cl_program *built = &d->state->built[which];
    job j = {d, &sources[which], built, PARSEAL_OK};
    (void)pthread_mutex_lock(&d->gpu.shared->lock);
    if (*built == NULL)
        with_large_stack(run_make, &j);
    *program = *built;
    (void)pthread_mutex_unlock(&d->gpu.shared->lock);
    return j.status;
}
