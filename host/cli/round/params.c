#include "host/cli/round/params.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>

#include "host/cli/bytes.h"
#include "host/cli/round/draws.h"
#include "host/cli/round/model.h"

static int create_vector(params *p, uint64_t n, const char *path, cli_failure *failure)
{
    if (n == 0)
        return cli_fail(failure, CLI_USAGE, "%.200s: no parameters in it", path);
    int code = cli_buffer_create(&p->buffer, n, sizeof(float), "the parameters", failure);
    p->x = p->buffer.p;
    p->n = n;
    return code;
}

static int load_model(params *p, const char *path, cli_failure *failure)
{
    model m;
    uint64_t n = 0;
    int code = model_open(&m, path, failure);
    if (code != CLI_OK)
        return code;
    model_note_left_out(&m);
    code = model_count(&m, &n, failure);
    if (code == CLI_OK)
        code = create_vector(p, n, path, failure);
    if (code == CLI_OK)
        code = model_read(&m, p->buffer.p, failure);
    model_close(&m);
    return code;
}

static int read_f32(params *p, const source *s, cli_failure *failure)
{
    uint64_t inexact = 0;
    if (s->size % 4 != 0)
        return cli_fail(failure, CLI_USAGE, "%.200s: %llu bytes are not a whole number of float32",
                        s->path, (unsigned long long)s->size);
    int code = create_vector(p, s->size / 4, s->path, failure);
    if (code == CLI_OK)
        code = dtype_read(&dtype_f32, s, p->buffer.p, p->n, &inexact, failure);
    return code;
}

static int load_f32(params *p, const char *path, cli_failure *failure)
{
    source s;
    int code = source_open(&s, AT_FDCWD, path, SOURCE_FOLLOW, path, failure);
    if (code != CLI_OK)
        return code;
    code = read_f32(p, &s, failure);
    source_close(&s);
    return code;
}

/* Computes with values scaled by the largest magnitude, so that no square overflows or vanishes. */
static void measure(params *p)
{
    double sum = 0;
    p->max_abs = 0;
    p->nonfinite = 0;
    for (uint64_t i = 0; i < p->n; i++) {
        if (!isfinite(p->x[i]))
            p->nonfinite++;
        else if (fabsf(p->x[i]) > p->max_abs)
            p->max_abs = fabsf(p->x[i]);
    }
    if (p->max_abs > 0) {
        for (uint64_t i = 0; i < p->n; i++) {
            double scaled = isfinite(p->x[i]) ? (double)p->x[i] / (double)p->max_abs : 0;
            sum += scaled * scaled;
        }
    }
    uint64_t finite = p->n - p->nonfinite;
    p->rms = finite != 0 ? (double)p->max_abs * sqrt(sum / (double)finite) : 0;
}

int params_load(params *p, const char *path, cli_failure *failure)
{
    int code;
    memset(p, 0, sizeof *p);
    if (model_is_name(path))
        code = load_model(p, path, failure);
    else if (model_name_ends(path, ".f32"))
        code = load_f32(p, path, failure);
    else
        code = cli_fail(failure, CLI_USAGE,
                        "%.200s: neither a .safetensors, a .safetensors.index.json nor an .f32 "
                        "file",
                        path);
    if (code == CLI_OK)
        measure(p);
    else
        params_destroy(p);
    return code;
}

/* Makes two independent normal numbers of two uniform ones, by Box and Muller. */
static void box_muller(float *x, uint64_t n, const uint8_t *uniform)
{
    const double two_pi = 6.283185307179586;
    for (uint64_t i = 0; i < n; i += 2) {
        double u = ((double)load_le32(uniform + 4 * i) + 1) * 0x1p-32; /* (0, 1] */
        double v = (double)load_le32(uniform + 4 * i + 4) * 0x1p-32;
        double radius = 0.01 * sqrt(-2 * log(u));
        x[i] = (float)(radius * cos(two_pi * v));
        if (i + 1 < n)
            x[i + 1] = (float)(radius * sin(two_pi * v));
    }
}

static int gaussian_from(params *p, draws *uniform, cli_failure *failure)
{
    float *x = p->buffer.p;
    for (uint64_t first = 0; first < p->n; first += DRAWS_MAX) {
        uint64_t n = p->n - first < DRAWS_MAX ? p->n - first : DRAWS_MAX;
        /* For an odd n the last pair takes one draw more. */
        int code = draws_read(uniform, first, n + n % 2, failure);
        if (code != CLI_OK)
            return code;
        box_muller(x + first, n, uniform->u32);
    }
    return CLI_OK;
}

int params_gaussian(params *p, parseal_ctx *ctx, const parseal_seed *seed, uint64_t n,
                    cli_failure *failure)
{
    draws uniform = {NULL, {NULL, 0}, NULL};
    memset(p, 0, sizeof *p);
    int code = create_vector(p, n, "--dim", failure);
    if (code == CLI_OK)
        code = draws_create(&uniform, ctx, seed, failure);
    if (code == CLI_OK)
        code = gaussian_from(p, &uniform, failure);
    draws_destroy(&uniform);
    if (code == CLI_OK)
        measure(p);
    else
        params_destroy(p);
    return code;
}

void params_destroy(params *p)
{
    cli_buffer_destroy(&p->buffer);
    p->x = NULL;
    p->n = 0;
}

const char *params_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}
