#include "host/cli/round/stages.h"

#include "host/cli/cli.h"

const stage_label stage_labels[STAGES] = {
    [STAGE_SHARE] = {"client", "share", "shares"},
    [STAGE_AGREE] = {"client", "agree", ""},
    [STAGE_UPDATE] = {"client", "update", "float32"},
    [STAGE_QUANTISE] = {"client", "quantise", "float32"},
    [STAGE_MASK] = {"client", "mask", "keystream"},
    [STAGE_PACK] = {"client", "pack", "elements"},
    [STAGE_SEAL] = {"client", "seal", "message"},
    [STAGE_ADD] = {"server", "add", "message"},
    [STAGE_RECONSTRUCT] = {"server", "reconstruct", "shares"},
    [STAGE_RECOVER] = {"server", "recover", ""},
    [STAGE_UNMASK] = {"server", "unmask", "keystream"},
    [STAGE_DEQUANTISE] = {"server", "dequantise", "float32"},
};

static double kernels_so_far(const stages *s)
{
    parseal_info info = PARSEAL_INFO_INIT;
    if (s->device == NULL || parseal_ctx_info(s->device, &info) != PARSEAL_OK)
        return 0;
    return info.kernel_seconds;
}

void stage_begin(stages *s)
{
    s->kernels_before = kernels_so_far(s);
    s->began = cli_now();
}

void stage_end(stages *s, stage_id id, uint64_t bytes)
{
    s->seconds[id] += cli_now() - s->began;
    s->bytes[id] += bytes;
    s->kernel_seconds[id] += kernels_so_far(s) - s->kernels_before;
}

double stages_seconds(const stages *s)
{
    double sum = 0;
    for (int i = 0; i < STAGES; i++)
        sum += s->seconds[i];
    return sum;
}

double stage_rate(const stages *s, stage_id id)
{
    return s->seconds[id] > 0 ? 1e-9 * (double)s->bytes[id] / s->seconds[id] : 0;
}
