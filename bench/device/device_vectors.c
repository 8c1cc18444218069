/* Masks, sums, quantising and packing on vectors in device memory. One description of each call
 * serves both sides: the whole vectors on the GPU, and a slice of them on the CPU. */
#include "bench/cpu/support.h"
#include "bench/device/operation.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 16, CLIENTS = 20, INPUTS_MAX = 16 };
enum { FILL_BYTES = 32 << 20, SLICE_ALIGN = 4096 };

static const float CLIP = 1.0f;

/* The places of a call's data: elements `first` to first + n - 1 of the whole vectors. */
struct vector_place {
    parseal_ctx *ctx;
    const parseal_seeds *seeds;
    uint32_t buf_kind;
    uint64_t first, n;
    uintptr_t out, in[INPUTS_MAX];
    void *stream;
};

struct vector_call {
    uint32_t inputs;            /* with `many` the operation's n instead */
    uint32_t in_size, out_size; /* bytes of an element; 0: the ring's element_size */
    bool many, adds, floats;    /* adds: the output is added to; floats: the input is floats */
    uint32_t seeds;             /* with `many_seeds` the operation's n instead */
    bool many_seeds;
    parseal_status (*call)(const struct device_operation *op, const struct vector_place *p);
};

struct vectors_data {
    uint64_t elements, slice; /* elements of the vectors, and of the sample */
    uint32_t in_size, out_size, inputs;
    parseal_seeds *gpu_seeds, *cpu_seeds;
    struct vector_place gpu, cpu;
    uint8_t *start, *expected, *got, *in; /* the sample's; `start` is the output before the call */
};

static parseal_vec vec_of(const struct vector_place *p, uintptr_t at, uint32_t element_size)
{
    parseal_vec vec = parseal_host_vec(NULL, p->n, element_size);
    vec.buf.kind = p->buf_kind;
    vec.buf.handle = at;
    return vec;
}

static parseal_status run_mask_write(const struct device_operation *op,
                                     const struct vector_place *p)
{
    const parseal_vec out = vec_of(p, p->out, op->ring.element_size);
    return parseal_mask_write(p->seeds, &op->ring, &out, p->first, p->stream);
}

static parseal_status run_mask_add(const struct device_operation *op, const struct vector_place *p)
{
    const parseal_vec acc = vec_of(p, p->out, op->ring.element_size);
    return parseal_mask_apply(p->seeds, &op->ring, &acc, p->first, p->stream);
}

static parseal_status run_sum(const struct device_operation *op, const struct vector_place *p)
{
    const parseal_vec acc = vec_of(p, p->out, op->ring.element_size);
    parseal_vec v[INPUTS_MAX];
    for (size_t j = 0; j < op->n; j++)
        v[j] = vec_of(p, p->in[j], op->ring.element_size);
    return parseal_vec_sum(p->ctx, &op->ring, &acc, v, (size_t)op->n, p->stream);
}

static parseal_quant quant(void)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = CLIP;
    quant.bits = BITS;
    return quant;
}

static parseal_status run_quantize(const struct device_operation *op, const struct vector_place *p)
{
    const parseal_quant q = quant();
    const parseal_vec from = vec_of(p, p->in[0], 4), to = vec_of(p, p->out, 4);
    (void)op;
    return parseal_quantize(p->ctx, &q, &from, &to, p->seeds, p->first, NULL, p->stream);
}

static parseal_status run_dequantize(const struct device_operation *op,
                                     const struct vector_place *p)
{
    const parseal_quant q = quant();
    const parseal_vec from = vec_of(p, p->in[0], 4), to = vec_of(p, p->out, 4);
    (void)op;
    return parseal_dequantize(p->ctx, &q, &from, CLIENTS, &to, NULL, p->stream);
}

static parseal_status run_pack(const struct device_operation *op, const struct vector_place *p)
{
    const parseal_vec elements = vec_of(p, p->in[0], 4);
    const parseal_vec packed = vec_of(p, p->out, BITS / 8);
    (void)op;
    return parseal_pack(p->ctx, BITS, 4, &elements, &packed.buf, p->stream);
}

static parseal_status run_unpack(const struct device_operation *op, const struct vector_place *p)
{
    const parseal_vec packed = vec_of(p, p->in[0], BITS / 8);
    const parseal_vec elements = vec_of(p, p->out, 4);
    (void)op;
    return parseal_unpack(p->ctx, BITS, 4, &packed.buf, &elements, p->stream);
}

const struct vector_call call_mask_write = {.seeds = 1, .call = run_mask_write};
const struct vector_call call_mask_add = {.many_seeds = true, .adds = true, .call = run_mask_add};
const struct vector_call call_sum = {.many = true, .adds = true, .call = run_sum};
const struct vector_call call_quantize = {
    .inputs = 1, .in_size = 4, .out_size = 4, .floats = true, .seeds = 1, .call = run_quantize};
const struct vector_call call_dequantize = {
    .inputs = 1, .in_size = 4, .out_size = 4, .call = run_dequantize};
const struct vector_call call_pack = {
    .inputs = 1, .in_size = 4, .out_size = BITS / 8, .call = run_pack};
const struct vector_call call_unpack = {
    .inputs = 1, .in_size = BITS / 8, .out_size = 4, .call = run_unpack};

/* ---------------------------------------------------------------------------------- the data -- */

/* Sets the sizes. The operation's size counts the bytes of its wider side. */
static struct vectors_data shape_of(const struct device_work *w)
{
    const struct vector_call *call = w->op->vector;
    struct vectors_data d = {.inputs = call->many ? (uint32_t)w->n : call->inputs};
    d.in_size = call->in_size != 0 ? call->in_size : w->op->ring.element_size;
    d.out_size = call->out_size != 0 ? call->out_size : w->op->ring.element_size;
    d.elements = w->size / (d.in_size > d.out_size ? d.in_size : d.out_size);
    return d;
}

/* Returns the bytes that a run of n elements counts as: keystream where there is a ring and no
 * input. */
static uint64_t counted(const struct device_work *w, const struct vectors_data *d, uint64_t n)
{
    const struct vector_call *call = w->op->vector;
    if (call == &call_mask_write || call == &call_mask_add)
        return n * d->out_size * w->n;
    return n * (d->inputs * (uint64_t)d->in_size + (call->adds ? 2 : 1) * (uint64_t)d->out_size);
}

static uint64_t footprint(const struct device_work *w)
{
    const struct vectors_data d = shape_of(w);
    return d.elements * (d.inputs * (uint64_t)d.in_size + d.out_size);
}

/* Makes floats that are spread evenly, a little beyond the clip, so that some are clipped. */
static void make_floats(uint8_t *p, size_t size)
{
    for (size_t i = 0; i + sizeof(float) <= size; i += sizeof(float)) {
        int32_t word;
        memcpy(&word, p + i, sizeof word);
        const float x = 1.05f * CLIP * (float)word / 2147483648.0f;
        memcpy(p + i, &x, sizeof x);
    }
}

static uintptr_t make_vector(const struct device_work *w, uint64_t size, uint64_t seed, bool floats)
{
    const struct device *device = w->side->device;
    const size_t block_size = size < FILL_BYTES ? (size_t)size : FILL_BYTES;
    const device_pointer p = device_alloc(device, size);
    uint8_t *block = bench_alloc(block_size, 1);
    if (p != 0 && block != NULL) {
        bench_fill(block, block_size, seed);
        if (floats)
            make_floats(block, block_size);
        if (device_repeat(device, p, size, block, block_size)) {
            free(block);
            return (uintptr_t)p;
        }
    }
    free(block);
    device_free(device, p);
    return 0;
}

static bool make_seeds(struct device_work *w, struct vectors_data *d, size_t n)
{
    parseal_seed *list = bench_alloc(n, sizeof *list);
    if (list == NULL)
        return false;
    bench_fill(list, n * sizeof *list, 3);
    for (size_t j = 0; j < n; j++)
        list[j].sign = j % 2 == 0 ? 1 : -1;
    parseal_status status = parseal_seeds_create(&d->gpu_seeds, w->side->gpu, list, n);
    if (status == PARSEAL_OK)
        status = parseal_seeds_create(&d->cpu_seeds, w->side->cpu, list, n);
    free(list);
    if (status != PARSEAL_OK)
        complain_status("parseal_seeds_create", status);
    return status == PARSEAL_OK;
}

/* Returns as many elements as the sample may have, seeds and inputs counted. */
static uint64_t slice_elements(const struct device_work *w, const struct vectors_data *d)
{
    const uint64_t each = counted(w, d, 1);
    const uint64_t most =
        each > 0 ? w->side->sample_bytes / each / SLICE_ALIGN * SLICE_ALIGN : UINT64_MAX;
    const uint64_t slice = most > SLICE_ALIGN ? most : SLICE_ALIGN;
    return slice < d->elements ? slice : d->elements;
}

static bool prepare(struct device_work *w)
{
    const struct vector_call *call = w->op->vector;
    struct vectors_data *d = calloc(1, sizeof *d);
    if (d == NULL)
        return false;
    *d = shape_of(w);
    w->data = d;
    const uint32_t seeds = call->many_seeds ? (uint32_t)w->n : call->seeds;
    if (seeds > 0 && !make_seeds(w, d, seeds))
        return false;
    d->slice = slice_elements(w, d);
    w->bytes = counted(w, d, d->elements);
    w->sample_bytes = counted(w, d, d->slice);
    d->gpu = (struct vector_place){
        w->side->gpu, d->gpu_seeds,           PARSEAL_BUF_CUDA, 0, d->elements, 0,
        {0},          w->side->device->stream};
    d->gpu.out = make_vector(w, d->elements * d->out_size, 4, false);
    for (uint32_t j = 0; j < d->inputs; j++) {
        d->gpu.in[j] = make_vector(w, d->elements * d->in_size, 5 + j, call->floats);
        if (d->gpu.in[j] == 0)
            return false;
    }
    d->start = bench_alloc((size_t)d->slice, d->out_size);
    d->expected = bench_alloc((size_t)d->slice, d->out_size);
    d->got = bench_alloc((size_t)d->slice, d->out_size);
    d->in = bench_alloc((size_t)d->slice * d->inputs + 1, d->in_size);
    return d->gpu.out != 0 && d->start != NULL && d->expected != NULL && d->got != NULL &&
           d->in != NULL;
}

static bool fine(const struct device_work *w, const char *where, parseal_status status)
{
    if (status != PARSEAL_OK)
        complain("%s on the %s: %s: %s", w->op->name, where, parseal_status_name(status),
                 parseal_last_error_text());
    return status == PARSEAL_OK;
}

static bool run(struct device_work *w)
{
    const struct vectors_data *d = w->data;
    return fine(w, "GPU", w->op->vector->call(w->op, &d->gpu));
}

static bool run_sample(struct device_work *w)
{
    const struct vectors_data *d = w->data;
    return fine(w, "CPU", w->op->vector->call(w->op, &d->cpu));
}

static bool take_slice(struct device_work *w, uint64_t first)
{
    struct vectors_data *d = w->data;
    const struct device *device = w->side->device;
    d->cpu = (struct vector_place){.ctx = w->side->cpu,
                                   .seeds = d->cpu_seeds,
                                   .buf_kind = PARSEAL_BUF_HOST,
                                   .first = first,
                                   .n = d->slice,
                                   .out = (uintptr_t)d->expected};
    for (uint32_t j = 0; j < d->inputs; j++) {
        uint8_t *to = d->in + j * d->slice * d->in_size;
        if (!device_download(device, to, d->gpu.in[j] + first * d->in_size, d->slice * d->in_size))
            return false;
        d->cpu.in[j] = (uintptr_t)to;
    }
    return device_download(device, d->start, d->gpu.out + first * d->out_size,
                           d->slice * d->out_size);
}

/* Checks a slice that is one end of the vector. */
static bool check_slice(struct device_work *w, uint64_t first)
{
    struct vectors_data *d = w->data;
    const uint64_t size = d->slice * d->out_size;
    if (!take_slice(w, first) || !run(w) || !device_wait(w->side->device))
        return false;
    memcpy(d->expected, d->start, (size_t)size);
    return run_sample(w) &&
           device_download(w->side->device, d->got, d->gpu.out + first * d->out_size, size) &&
           same_bytes(w, "result", d->got, d->expected, size);
}

static bool check(struct device_work *w)
{
    const struct vectors_data *d = w->data;
    return check_slice(w, 0) && check_slice(w, d->elements - d->slice);
}

static void release(struct device_work *w)
{
    struct vectors_data *d = w->data;
    if (d == NULL)
        return;
    device_free(w->side->device, d->gpu.out);
    for (uint32_t j = 0; j < d->inputs; j++)
        device_free(w->side->device, d->gpu.in[j]);
    parseal_seeds_destroy(d->gpu_seeds);
    parseal_seeds_destroy(d->cpu_seeds);
    free(d->start);
    free(d->expected);
    free(d->got);
    free(d->in);
    free(d);
}

const struct operation_kind kind_vectors = {false, footprint,  prepare, run,
                                            check, run_sample, release};
