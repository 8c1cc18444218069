#include "host/cli/round/params.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "host/cli/bytes.h"
#include "host/cli/round/draws.h"
#include "host/cli/round/float16.h"
#include "host/cli/round/safetensors.h"

enum { CHUNK = 65536 }; /* elements that are converted at once */

/* A file of parameters that is being read into a vector. */
typedef struct {
    FILE *file;
    uint64_t size;
    const char *path;
} source;

static int source_open(source *s, const char *path, cli_failure *failure)
{
    struct stat status;
    s->path = path;
    s->file = fopen(path, "rb");
    if (s->file == NULL || fstat(fileno(s->file), &status) != 0) {
        const char *reason = strerror(errno);
        if (s->file != NULL)
            fclose(s->file);
        return cli_fail(failure, CLI_USAGE, "%.200s: %s", path, reason);
    }
    if (!S_ISREG(status.st_mode)) {
        fclose(s->file);
        return cli_fail(failure, CLI_USAGE, "%.200s: not a regular file", path);
    }
    s->size = (uint64_t)status.st_size;
    return CLI_OK;
}

static void convert(float *x, const uint8_t *bytes, size_t n, dtype_class type)
{
    for (size_t i = 0; i < n; i++) {
        if (type == DTYPE_F32)
            x[i] = float_from_bits(load_le32(bytes + 4 * i));
        else if (type == DTYPE_F16)
            x[i] = float_from_float16(load_le16(bytes + 2 * i));
        else
            x[i] = float_from_bfloat16(load_le16(bytes + 2 * i));
    }
}

/* Reads n floats from where the file stands. */
static int read_floats(const source *s, float *x, uint64_t n, dtype_class type,
                       cli_failure *failure)
{
    uint8_t bytes[4 * CHUNK];
    size_t each = type == DTYPE_F32 ? 4 : 2;
    while (n != 0) {
        size_t step = n < CHUNK ? (size_t)n : CHUNK;
        if (fread(bytes, each, step, s->file) != step)
            return cli_fail(failure, CLI_USAGE, "%.200s: %s", s->path,
                            ferror(s->file) ? strerror(errno) : "the file ends too early");
        convert(x, bytes, step, type);
        x += step;
        n -= step;
    }
    return CLI_OK;
}

static bool is_parameter(const safetensors_tensor *tensor)
{
    return tensor->dtype->class != DTYPE_NOT_FLOAT;
}

static void note_skipped(const safetensors_header *header, const char *path)
{
    const safetensors_tensor *first = NULL;
    size_t skipped = 0;
    for (size_t i = 0; i < header->n; i++) {
        if (is_parameter(&header->tensors[i]))
            continue;
        if (first == NULL)
            first = &header->tensors[i];
        skipped++;
    }
    if (first != NULL)
        cli_note("%.200s: %zu integer or boolean tensor%s left out ('%.100s', %s%s)", path, skipped,
                 skipped == 1 ? "" : "s", first->name, first->dtype->name,
                 skipped == 1 ? "" : ", and others");
}

static int create_vector(params *p, uint64_t n, const char *path, cli_failure *failure)
{
    if (n == 0)
        return cli_fail(failure, CLI_USAGE, "%.200s: no parameters in it", path);
    int code = cli_buffer_create(&p->buffer, n, sizeof(float), "the parameters", failure);
    p->x = p->buffer.p;
    p->n = n;
    return code;
}

static int read_tensors(params *p, const source *s, const safetensors_header *header,
                        cli_failure *failure)
{
    uint64_t n = 0;
    for (size_t i = 0; i < header->n; i++)
        n += is_parameter(&header->tensors[i]) ? header->tensors[i].elements : 0;
    int code = create_vector(p, n, s->path, failure);

    float *x = p->buffer.p;
    for (size_t i = 0; code == CLI_OK && i < header->n; i++) {
        const safetensors_tensor *tensor = &header->tensors[i];
        if (!is_parameter(tensor))
            continue;
        if (fseeko(s->file, (off_t)(header->data_at + tensor->begin), SEEK_SET) != 0)
            return cli_fail(failure, CLI_USAGE, "%.200s: %s", s->path, strerror(errno));
        code = read_floats(s, x, tensor->elements, tensor->dtype->class, failure);
        x += tensor->elements;
    }
    return code;
}

static int load_safetensors(params *p, const source *s, cli_failure *failure)
{
    safetensors_header header;
    int code = safetensors_read_header(&header, s->file, s->size, s->path, failure);
    if (code != CLI_OK)
        return code;
    code = read_tensors(p, s, &header, failure);
    if (code == CLI_OK)
        note_skipped(&header, s->path);
    safetensors_destroy(&header);
    return code;
}

static int load_f32(params *p, const source *s, cli_failure *failure)
{
    if (s->size % 4 != 0)
        return cli_fail(failure, CLI_USAGE, "%.200s: %llu bytes are not a whole number of float32",
                        s->path, (unsigned long long)s->size);
    int code = create_vector(p, s->size / 4, s->path, failure);
    if (code == CLI_OK)
        code = read_floats(s, p->buffer.p, p->n, DTYPE_F32, failure);
    return code;
}

/* Scaled by the largest magnitude, so that no square overflows or vanishes. */
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

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

int params_load(params *p, const char *path, cli_failure *failure)
{
    bool is_safetensors = ends_with(path, ".safetensors");
    source s = {NULL, 0, NULL};

    memset(p, 0, sizeof *p);
    if (!is_safetensors && !ends_with(path, ".f32"))
        return cli_fail(failure, CLI_USAGE, "%.200s: neither a .safetensors nor an .f32 file",
                        path);
    int code = source_open(&s, path, failure);
    if (code != CLI_OK)
        return code;
    code = is_safetensors ? load_safetensors(p, &s, failure) : load_f32(p, &s, failure);
    fclose(s.file);
    if (code == CLI_OK)
        measure(p);
    else
        params_destroy(p);
    return code;
}

/* Box and Muller: two uniform numbers make two independent normal ones. */
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
        /* An odd n takes its last pair from one draw more. */
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
