/* The library's own calls in a loop, for bench/python: what a call costs without Python. */
#include <stdlib.h>
#include <time.h>

#include "parseal/parseal.h"

#define PARSEAL_CALLS __attribute__((visibility("default")))

PARSEAL_CALLS double calls_mask(uint64_t n, uint64_t calls);

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of this thread, which others cannot take away, that `calls` calls of parseal_mask_apply
 * take on n elements of 4 bytes with one seed; negative where something failed. */
PARSEAL_CALLS double calls_mask(uint64_t n, uint64_t calls)
{
    parseal_options options = PARSEAL_OPTIONS_INIT;
    options.backend = PARSEAL_BACKEND_CPU;
    options.cpu_threads = 1;
    const parseal_seed seed = {{1}, {2}, 1};
    const parseal_ring ring = {UINT64_C(1) << 32, 4, 0};
    parseal_ctx *ctx = NULL;
    parseal_seeds *set = NULL;
    uint32_t *acc = calloc(n, sizeof *acc);
    const parseal_vec vec = parseal_host_vec(acc, n, 4);
    parseal_status status = PARSEAL_ERR_NO_MEMORY;
    if (acc != NULL)
        status = parseal_ctx_create(&ctx, &options);
    if (status == PARSEAL_OK)
        status = parseal_seeds_create(&set, ctx, &seed, 1);
    if (status == PARSEAL_OK) /* the pages are touched, and the clock has gone up */
        status = parseal_mask_apply(set, &ring, &vec, 0, NULL);
    const double begin = seconds();
    for (uint64_t i = 0; i < calls && status == PARSEAL_OK; i++)
        status = parseal_mask_apply(set, &ring, &vec, 0, NULL);
    const double took = seconds() - begin;
    parseal_seeds_destroy(set);
    parseal_ctx_destroy(ctx);
    free(acc);
    return status == PARSEAL_OK ? took : -1.0;
}
