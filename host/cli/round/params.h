/* The parameters of a round: one long float32 vector. */
#ifndef PARSEAL_HOST_CLI_ROUND_PARAMS_H
#define PARSEAL_HOST_CLI_ROUND_PARAMS_H

#include "host/cli/buffer.h"

typedef struct {
    cli_buffer buffer;
    const float *x;
    uint64_t n;
    /* The following are of the finite parameters only. */
    float max_abs;
    double rms;
    uint64_t nonfinite;
} params;

/* Loads a model in safetensors files (host/cli/round/model.h) or an .f32 file. A file that is not
 * well formed, or holds no parameter, is CLI_USAGE. */
int params_load(params *p, const char *path, cli_failure *failure);

/* Draws n parameters from a normal distribution of mean 0 and standard deviation 0.01, by the
 * seed's keystream. */
int params_gaussian(params *p, parseal_ctx *ctx, const parseal_seed *seed, uint64_t n,
                    cli_failure *failure);

void params_destroy(params *p);

/* Returns the part of a path after the last '/'. */
const char *params_file_name(const char *path);

#endif
