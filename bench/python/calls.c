/* The library's own calls in a loop, for bench/python: what a call costs without Python. */
#include <stdlib.h>
#include <time.h>

#include "parseal/parseal.h"

#define PARSEAL_CALLS __attribute__((visibility("default")))

PARSEAL_CALLS double calls_mask(uint64_t n, uint64_t calls);
PARSEAL_CALLS double calls_gradients(uint64_t n, uint64_t calls);

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What the loops work on, all of it on one thread. */
typedef struct {
    parseal_ctx *ctx;
    parseal_seeds *set;
    parseal_ring ring;
    parseal_quant quant;
    parseal_vec vec, floats; /* n elements of 4 bytes each */
} bench;

static parseal_status begin(bench *b, uint64_t n)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_threads = 1;
    const parseal_seed seed = {{1}, {2}, 1};
    const parseal_quant quant = PARSEAL_QUANT_INIT;
    *b = (bench){.ring = {UINT64_C(1) << 32, 4, 0}, .quant = quant};
    b->quant.clip = 1.0f;
    uint32_t *elements = calloc(n, sizeof *elements);
    float *floats = calloc(n, sizeof *floats);
    b->vec = parseal_host_vec(elements, n, 4);
    b->floats = parseal_host_vec(floats, n, 4);
    if (elements == NULL || floats == NULL)
        return PARSEAL_ERR_NO_MEMORY;
    for (uint64_t i = 0; i < n; i++)
        floats[i] = 1e-3f * (float)(i % 1000);
    const parseal_status status = parseal_ctx_create(&b->ctx, &options);
    return status == PARSEAL_OK ? parseal_seeds_create(&b->set, b->ctx, &seed, 1) : status;
}

static void end(const bench *b)
{
    parseal_seeds_destroy(b->set);
    parseal_ctx_destroy(b->ctx);
    free((void *)b->vec.buf.handle);
    free((void *)b->floats.buf.handle);
}

static parseal_status mask(const bench *b)
{
    return parseal_mask_apply(b->set, &b->ring, &b->vec, 0, NULL);
}

static parseal_status gradients(const bench *b)
{
    parseal_status status =
        parseal_quantize(b->ctx, &b->quant, &b->floats, &b->vec, b->set, 0, NULL, NULL);
    if (status == PARSEAL_OK)
        status = mask(b);
    return status == PARSEAL_OK
               ? parseal_dequantize(b->ctx, &b->quant, &b->vec, 2, &b->floats, NULL, NULL)
               : status;
}

/* Seconds of this thread, which others cannot take away, that `calls` calls take; negative where
 * something failed. The first, which touches pages, is not counted. */
static double loop(parseal_status (*call)(const bench *), uint64_t n, uint64_t calls)
{
    bench b;
    parseal_status status = begin(&b, n);
    if (status == PARSEAL_OK)
        status = call(&b);
    const double first = seconds();
    for (uint64_t i = 0; i < calls && status == PARSEAL_OK; i++)
        status = call(&b);
    const double took = seconds() - first;
    end(&b);
    return status == PARSEAL_OK ? took : -1.0;
}

/* parseal_mask_apply on n elements of 4 bytes with one seed. */
double calls_mask(uint64_t n, uint64_t calls)
{
    return loop(mask, n, calls);
}

/* What a rank does with n gradients: quantises stochastically, adds one mask, takes the mean. */
double calls_gradients(uint64_t n, uint64_t calls)
{
    return loop(gradients, n, calls);
}
