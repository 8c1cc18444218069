#include "host/cli/round/draws.h"

int draws_create(draws *d, parseal_ctx *ctx, const parseal_seed *seed, cli_failure *failure)
{
    d->seed = NULL;
    int code = cli_buffer_create(&d->buffer, DRAWS_MAX, 4, "random numbers", failure);
    if (code != CLI_OK)
        return code;
    d->u32 = d->buffer.p;
    parseal_status status = parseal_seeds_create(&d->seed, ctx, seed, 1);
    if (status != PARSEAL_OK) {
        draws_destroy(d);
        return cli_fail_library(failure, "random numbers", status);
    }
    return CLI_OK;
}

void draws_destroy(draws *d)
{
    parseal_seeds_destroy(d->seed);
    d->seed = NULL;
    cli_buffer_destroy(&d->buffer);
}

int draws_read(draws *d, uint64_t first, uint64_t n, cli_failure *failure)
{
    const parseal_ring words = {UINT64_C(1) << 32, 4, 0};
    const parseal_vec out = parseal_host_vec(d->u32, n, 4);
    parseal_status status = parseal_mask_write(d->seed, &words, &out, first, NULL);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "random numbers", status);
}
