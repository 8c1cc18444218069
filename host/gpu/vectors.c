/* Masks, sums, quantisation and packing on a GPU. */
#include "host/gpu/vectors.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/gpu/count.h"
#include "host/gpu/driver.h"
#include "host/gpu/stage.h"
#include "kernels/common/launch.h"

/* The bytes of a ChaCha20 block. */
enum { KEYSTREAM_BLOCK = 64 };

ring_params gpu_ring(const parseal_ring *ring)
{
    const uint64_t m = ring->modulus;
    ring_params p = {.modulus = m,
                     .low_bits = m - 1,
                     .power_of_two = (m & (m - 1)) == 0,
                     .element_size = ring->element_size};
    for (int shift = 1; shift < 64; shift <<= 1)
        p.low_bits |= p.low_bits >> shift;
    if (m != 0)
        p.reciprocal = UINT64_MAX / m + (UINT64_MAX % m == m - 1);
    return p;
}

/* Returns how many keystream blocks elements [first, first + n) touch. */
static uint64_t blocks_touched(uint64_t first, uint64_t n, uint32_t element_size)
{
    const uint64_t each = KEYSTREAM_BLOCK / element_size;
    return n == 0 ? 0 : (first + n - 1) / each - first / each + 1;
}

/* ------------------------------------------------------------------------------------- seeds -- */

typedef struct {
    const gpu_device *device;
    gpu_memory list;
    size_t n;
    gpu_numbers numbers;
    gpu_uses *uses;
} gpu_seeds;

static const gpu_seeds *seeds_of(const backend_seeds *seeds)
{
    return (const gpu_seeds *)seeds;
}

static void free_seeds(gpu_seeds *s)
{
    if (s == NULL)
        return;
    gpu_uses_close(s->uses); /* What is still masked would else get the mask of a seed of zeros. */
    if (s->device != NULL) {
        gpu_wipe_and_free(s->device, s->list, s->n * sizeof(mask_seed));
        gpu_numbers_close(&s->numbers, s->device);
    }
    free(s);
}

static parseal_status seeds_create(const parseal_device *device, backend_seeds **seeds,
                                   const parseal_seed *list, size_t n)
{
    const gpu_device *d = gpu_of(device);
    const gpu_stream own = d->own;
    gpu_seeds *s = calloc(1, sizeof *s);
    mask_seed *copy = sodium_allocarray(n + 1, sizeof *copy);
    parseal_status status = PARSEAL_ERR_NO_MEMORY;

    if (s != NULL && copy != NULL) {
        for (size_t i = 0; i < n; i++) {
            copy[i] = (mask_seed){.sign = list[i].sign};
            memcpy(copy[i].key, list[i].key, sizeof copy[i].key);
            memcpy(copy[i].stream_id, list[i].stream_id, sizeof copy[i].stream_id);
        }
        *s = (gpu_seeds){.device = d, .n = n};
        status = gpu_uses_open(&s->uses, d);
        if (status == PARSEAL_OK)
            status = gpu_alloc(d, n * sizeof *copy, &s->list);
        if (status == PARSEAL_OK)
            status = gpu_write_now(d, &own, s->list, 0, copy, n * sizeof *copy);
    } else {
        (void)parseal_fail(status, "seeds: out of memory for %zu seeds", n);
    }
    sodium_free(copy);
    if (status == PARSEAL_OK)
        *seeds = (backend_seeds *)s;
    else
        free_seeds(s);
    return status;
}

static void seeds_destroy(const parseal_device *device, backend_seeds *seeds)
{
    (void)device;
    free_seeds((gpu_seeds *)seeds);
}

static parseal_status seeds_count(const parseal_device *device, backend_seeds *seeds,
                                  const seeds_counting *counting)
{
    return gpu_numbers_open(&((gpu_seeds *)seeds)->numbers, gpu_of(device), counting);
}

/* `of` says what the call would do with the same streams again. */
static parseal_status check_capture(const gpu_device *d, const gpu_seeds *seeds, void *stream,
                                    const char *of)
{
    return seeds == NULL || seeds->n == 0 || seeds->numbers.state != 0
               ? PARSEAL_OK
               : gpu_refuse_capture(d, stream, of);
}

/* -------------------------------------------------------------------------------------- mask -- */

typedef struct {
    const gpu_seeds *seeds;
    ring_params ring;
    uint64_t first;
    bool write;
} mask_work;

static parseal_status mask_piece(void *arg, const gpu_stream *s, const gpu_place *places,
                                 uint64_t first, uint64_t n)
{
    const mask_work *w = arg;
    const gpu_device *d = w->seeds->device;
    gpu_launch launch;
    TRY(gpu_numbers_next(&w->seeds->numbers, d, s, w->seeds->list, w->seeds->n));
    gpu_launch_begin(&launch, d, GPU_MASK,
                     w->ring.element_size == 4 ? "mask_apply32" : "mask_apply64");
    gpu_arg_memory(&launch, w->seeds->list);
    gpu_arg_u32(&launch, (uint32_t)w->seeds->n);
    gpu_arg_value(&launch, &w->ring, sizeof w->ring);
    gpu_arg_place(&launch, &places[0]);
    gpu_arg_u64(&launch, w->first + first);
    gpu_arg_u64(&launch, n);
    gpu_arg_u32(&launch, w->write);
    return gpu_numbers_end(
        &w->seeds->numbers, d, s, &places[0], n * w->ring.element_size,
        gpu_launch_run(&launch, s, blocks_touched(w->first + first, n, w->ring.element_size)));
}

static parseal_status mask(const parseal_device *device, const backend_seeds *seeds,
                           const parseal_ring *ring, const parseal_vec *acc, uint64_t first,
                           bool write, void *stream)
{
    const gpu_operand operand = {&acc->buf, 8 * ring->element_size, !write, true};
    mask_work work = {seeds_of(seeds), gpu_ring(ring), first, write};
    TRY(check_capture(gpu_of(device), work.seeds, stream,
                      "each replay would use the same masks: give a set that counts "
                      "(parseal_seeds_create_counting)"));
    return gpu_for_elements(gpu_of(device), stream, work.seeds->uses, &operand, 1, acc->n,
                            mask_piece, &work);
}

const mask_family gpu_mask_family = {
    .seeds_create = seeds_create,
    .seeds_destroy = seeds_destroy,
    .seeds_count = seeds_count,
    .apply = mask,
    .fcp_create = gpu_fcp_create,
    .fcp_destroy = gpu_fcp_destroy,
    .fcp_count = gpu_fcp_count,
    .fcp_apply = gpu_fcp_apply,
};

/* --------------------------------------------------------------------------------------- sum -- */

/* The inputs of a call: vectors of elements or, where bits is not 0, packed vectors. */
typedef struct {
    const parseal_vec *v;
    const parseal_buf *packed;
    uint32_t bits;
    size_t n;
} sum_inputs;

static const parseal_buf *input_at(const sum_inputs *inputs, size_t j)
{
    return inputs->bits != 0 ? &inputs->packed[j] : &inputs->v[j].buf;
}

static const char *sum_kernel(const parseal_ring *ring, uint32_t bits)
{
    if (bits != 0)
        return ring->element_size == 4 ? "packed_sum32" : "packed_sum64";
    return ring->element_size == 4 ? "sum32" : "sum64";
}

/* The loop runs once even without inputs, since acc must still be reduced. */
parseal_status gpu_run_sum(const gpu_device *d, const gpu_stream *s, const parseal_ring *ring,
                           uint32_t bits, const gpu_place *acc, const gpu_place *inputs, size_t n,
                           uint64_t count)
{
    const ring_params params = gpu_ring(ring);
    const size_t at_once = d->driver->sum_inputs;
    size_t done = 0;
    do {
        const size_t left = n - done, now = left < at_once ? left : at_once;
        gpu_launch launch;
        gpu_launch_begin(&launch, d, bits != 0 ? GPU_PACK : GPU_SUM, sum_kernel(ring, bits));
        gpu_arg_value(&launch, &params, sizeof params);
        gpu_arg_place(&launch, acc);
        gpu_arg_u64(&launch, count);
        if (bits != 0)
            gpu_arg_u32(&launch, bits);
        gpu_arg_u32(&launch, (uint32_t)now);
        gpu_arg_inputs(&launch, inputs + done, now, acc);
        TRY(gpu_launch_run(&launch, s, count));
        done += now;
    } while (done < n);
    return PARSEAL_OK;
}

typedef struct {
    const gpu_device *device;
    const parseal_ring *ring;
    uint32_t bits; /* the bits of sum_inputs */
    size_t n;
    bool begun; /* something may have been added to acc */
} sum_work;

/* `places` has acc, and then the inputs. */
static parseal_status sum_piece(void *arg, const gpu_stream *s, const gpu_place *places,
                                uint64_t first, uint64_t n)
{
    sum_work *w = arg;
    (void)first;
    w->begun = true;
    return gpu_run_sum(w->device, s, w->ring, w->bits, &places[0], &places[1], w->n, n);
}

static bool is_staged(const parseal_vec *acc, const sum_inputs *inputs)
{
    bool staged = acc->buf.kind == PARSEAL_BUF_HOST;
    for (size_t j = 0; j < inputs->n; j++)
        staged = staged || input_at(inputs, j)->kind == PARSEAL_BUF_HOST;
    return staged;
}

/* Inputs that are too many to be staged side by side are added a few at a time, and fewer where
 * memory turns out to be short. */
static parseal_status sum_all(const gpu_device *d, const parseal_ring *ring, const parseal_vec *acc,
                              const sum_inputs *inputs, void *stream)
{
    const uint32_t bits = 8 * ring->element_size;
    const size_t max = is_staged(acc, inputs) ? gpu_operands_max(d, bits) : SIZE_MAX;
    size_t at_once = max > 2 ? max - 1 : 1;
    gpu_operand *operands = calloc(inputs->n + 1, sizeof *operands);
    sum_work work = {.device = d, .ring = ring, .bits = inputs->bits};
    parseal_status status = PARSEAL_OK;
    size_t done = 0;
    if (operands == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "out of memory for %zu vectors", inputs->n);
    do {
        work.n = inputs->n - done < at_once ? inputs->n - done : at_once;
        work.begun = false;
        operands[0] = (gpu_operand){&acc->buf, bits, true, true};
        for (size_t j = 0; j < work.n; j++)
            operands[1 + j] = (gpu_operand){input_at(inputs, done + j),
                                            inputs->bits != 0 ? inputs->bits : bits, true, false};
        status = gpu_for_elements(d, stream, NULL, operands, work.n + 1, acc->n, sum_piece, &work);
        if (status == PARSEAL_OK)
            done += work.n;
        else
            at_once = status == PARSEAL_ERR_NO_MEMORY && !work.begun ? work.n / 2 : 0;
    } while (at_once > 0 && done < inputs->n);
    free(operands);
    return status;
}

static parseal_status sum(const parseal_device *device, const parseal_ring *ring,
                          const parseal_vec *acc, const parseal_vec *v, size_t n, void *stream)
{
    const sum_inputs inputs = {.v = v, .n = n};
    return sum_all(gpu_of(device), ring, acc, &inputs, stream);
}

static parseal_status packed_sum(const parseal_device *device, uint32_t bits,
                                 const parseal_ring *ring, const parseal_vec *acc,
                                 const parseal_buf *packed, size_t n, void *stream)
{
    const sum_inputs inputs = {.packed = packed, .bits = bits, .n = n};
    return sum_all(gpu_of(device), ring, acc, &inputs, stream);
}

/* ------------------------------------------------------------------------------ quantisation -- */

typedef struct {
    const gpu_device *device;
    const parseal_quant *quant;
    float scale;
    const gpu_seeds *seeds; /* NULL: it rounds to nearest */
    uint64_t first;
    gpu_place nonfinite; /* memory 0: such elements are not counted */
} quantize_work;

static parseal_status quantize_piece(void *arg, const gpu_stream *s, const gpu_place *places,
                                     uint64_t first, uint64_t n)
{
    const quantize_work *w = arg;
    const bool counted = w->nonfinite.memory != 0;
    const gpu_seeds none = {0}, *seeds = w->seeds != NULL ? w->seeds : &none;
    gpu_launch launch;
    TRY(gpu_numbers_next(&seeds->numbers, w->device, s, seeds->list, seeds->n));
    gpu_launch_begin(&launch, w->device, GPU_QUANT, "quantize");
    gpu_arg_place(&launch, &places[0]);
    gpu_arg_u32(&launch, (uint32_t)w->quant->float_type);
    gpu_arg_place(&launch, &places[1]);
    gpu_arg_u32(&launch, w->quant->element_size);
    gpu_arg_value(&launch, &w->quant->clip, sizeof w->quant->clip);
    gpu_arg_value(&launch, &w->scale, sizeof w->scale);
    gpu_arg_u32(&launch, w->quant->bits);
    gpu_arg_memory(&launch, w->seeds != NULL ? w->seeds->list : places[0].memory);
    gpu_arg_u32(&launch, w->seeds != NULL);
    gpu_arg_u64(&launch, w->first + first);
    gpu_arg_u64(&launch, n);
    gpu_arg_place(&launch, counted ? &w->nonfinite : &places[1]);
    gpu_arg_u32(&launch, counted);
    return gpu_numbers_end(&seeds->numbers, w->device, s, &places[1], n * w->quant->element_size,
                           gpu_launch_run(&launch, s, blocks_touched(w->first + first, n, 4)));
}

static parseal_status quantize_all(quantize_work *w, const parseal_vec *x, const parseal_vec *q,
                                   void *stream)
{
    const uint32_t float_bits = w->quant->float_type == PARSEAL_FLOAT32 ? 32 : 16;
    const parseal_buf count = {.kind = w->device->driver->buf_kind,
                               .handle = w->nonfinite.memory,
                               .offset = w->nonfinite.at,
                               .size = sizeof(uint64_t)};
    /* The count has no element of its own, but is written by each. */
    const gpu_operand operands[] = {{&x->buf, float_bits, true, false},
                                    {&q->buf, 8 * w->quant->element_size, false, true},
                                    {&count, 0, true, true}};
    const size_t n = w->nonfinite.memory != 0 ? 3 : 2;
    return gpu_for_elements(w->device, stream, w->seeds != NULL ? w->seeds->uses : NULL, operands,
                            n, x->n, quantize_piece, w);
}

/* Waits for what a failed call has enqueued before, and keeps the failure's text. */
static void finish_failed(const gpu_device *d, const gpu_stream *s)
{
    const parseal_error error = parseal_error_save();
    (void)gpu_finish(d, s);
    parseal_error_restore(&error);
}

/* Quantises with a count in host memory, which is made on the device and read at the end. */
static parseal_status quantize_counting(quantize_work *w, const parseal_vec *x,
                                        const parseal_vec *q, uint64_t *count, void *stream)
{
    gpu_stream s;
    uint64_t found = 0;
    TRY(gpu_stream_of(w->device, stream, &s));
    TRY(gpu_alloc(w->device, sizeof found, &w->nonfinite.memory));
    parseal_status status =
        gpu_write_now(w->device, &s, w->nonfinite.memory, 0, &found, sizeof found);
    if (status == PARSEAL_OK)
        status = quantize_all(w, x, q, stream);
    if (status == PARSEAL_OK)
        status = gpu_read(w->device, &s, w->nonfinite.memory, 0, &found, sizeof found);
    if (status == PARSEAL_OK)
        *count = found;
    else
        finish_failed(w->device, &s);
    gpu_free(w->device, w->nonfinite.memory);
    return status;
}

/* x + c is 0 or at least 2^-25 c. Where that may be subnormal, a device without subnormal numbers
 * cannot round as the format asks. */
static parseal_status check_clip(const gpu_device *d, const parseal_quant *quant)
{
    if (d->has_subnormals || quant->clip >= 0x1p-100f)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_UNSUPPORTED,
                        "quant.clip: %g, at least 2^-100 on %s, which has no subnormal numbers",
                        (double)quant->clip, d->name);
}

static parseal_status quantize(const parseal_device *device, const parseal_quant *quant,
                               float scale, const parseal_vec *x, const parseal_vec *q,
                               const backend_seeds *seeds, uint64_t first,
                               const parseal_buf *nonfinite, void *stream)
{
    gpu_stream s;
    const gpu_device *d = gpu_of(device);
    quantize_work work = {.device = d,
                          .quant = quant,
                          .scale = scale,
                          .seeds = seeds_of(seeds),
                          /* Rounding to nearest does not depend on the element's number. */
                          .first = seeds != NULL ? first : 0};
    TRY(check_clip(d, quant));
    TRY(check_capture(d, work.seeds, stream,
                      "each replay would round by the same draws: give a seed that counts "
                      "(parseal_seeds_create_counting)"));
    if (nonfinite == NULL)
        return quantize_all(&work, x, q, stream);
    if (nonfinite->kind == PARSEAL_BUF_HOST)
        return quantize_counting(
            &work, x, q, (uint64_t *)(nonfinite->handle + (uintptr_t)nonfinite->offset), stream);
    work.nonfinite = (gpu_place){nonfinite->handle, nonfinite->offset};
    TRY(gpu_stream_of(d, stream, &s));
    TRY(gpu_after_default(d, stream, &s));
    TRY(d->driver->wipe(d, &s, work.nonfinite.memory, work.nonfinite.at, sizeof(uint64_t)));
    if (x->n == 0 && stream == NULL) /* Nothing else would wait for the wipe. */
        return gpu_finish(d, &s);
    return quantize_all(&work, x, q, stream);
}

typedef struct {
    const gpu_device *device;
    uint32_t element_size;
    double step, n_clients, clip;
} dequantize_work;

static parseal_status dequantize_piece(void *arg, const gpu_stream *s, const gpu_place *places,
                                       uint64_t first, uint64_t n)
{
    const dequantize_work *w = arg;
    (void)first;
    gpu_launch launch;
    gpu_launch_begin(&launch, w->device, GPU_QUANT, "dequantize");
    gpu_arg_place(&launch, &places[0]);
    gpu_arg_u32(&launch, w->element_size);
    gpu_arg_double(&launch, w->step);
    gpu_arg_double(&launch, w->n_clients);
    gpu_arg_double(&launch, w->clip);
    gpu_arg_place(&launch, &places[1]);
    gpu_arg_u64(&launch, n);
    return gpu_launch_run(&launch, s, n);
}

static parseal_status dequantize(const parseal_device *device, uint32_t element_size,
                                 const parseal_vec *sum, double step, double n_clients, double clip,
                                 const parseal_vec *mean, void *stream)
{
    const gpu_operand operands[] = {{&sum->buf, 8 * element_size, true, false},
                                    {&mean->buf, 32, false, true}};
    dequantize_work work = {gpu_of(device), element_size, step, n_clients, clip};
    return gpu_for_elements(gpu_of(device), stream, NULL, operands, 2, sum->n, dequantize_piece,
                            &work);
}

/* -------------------------------------------------------------------------------------- pack -- */

typedef struct {
    const gpu_device *device;
    uint32_t bits, element_size;
} pack_work;

static uint64_t words_of(uint32_t bits, uint64_t n)
{
    const uint64_t bytes = n / 8 * bits + (n % 8 * bits + 7) / 8;
    return bytes / 4 + (bytes % 4 != 0);
}

static parseal_status pack_piece(void *arg, const gpu_stream *s, const gpu_place *places,
                                 uint64_t first, uint64_t n)
{
    const pack_work *w = arg;
    (void)first;
    gpu_launch launch;
    gpu_launch_begin(&launch, w->device, GPU_PACK, "pack");
    gpu_arg_place(&launch, &places[0]);
    gpu_arg_u32(&launch, w->element_size);
    gpu_arg_place(&launch, &places[1]);
    gpu_arg_u32(&launch, w->bits);
    gpu_arg_u64(&launch, n);
    return gpu_launch_run(&launch, s, words_of(w->bits, n));
}

static parseal_status unpack_piece(void *arg, const gpu_stream *s, const gpu_place *places,
                                   uint64_t first, uint64_t n)
{
    const pack_work *w = arg;
    (void)first;
    gpu_launch launch;
    gpu_launch_begin(&launch, w->device, GPU_PACK, "unpack");
    gpu_arg_place(&launch, &places[1]);
    gpu_arg_place(&launch, &places[0]);
    gpu_arg_u32(&launch, w->element_size);
    gpu_arg_u32(&launch, w->bits);
    gpu_arg_u64(&launch, n);
    return gpu_launch_run(&launch, s, n);
}

static parseal_status pack(const parseal_device *device, uint32_t bits, uint32_t element_size,
                           const parseal_vec *elements, const parseal_buf *packed, bool unpack,
                           void *stream)
{
    const gpu_operand operands[] = {{&elements->buf, 8 * element_size, !unpack, unpack},
                                    {packed, bits, unpack, !unpack}};
    pack_work work = {gpu_of(device), bits, element_size};
    return gpu_for_elements(gpu_of(device), stream, NULL, operands, 2, elements->n,
                            unpack ? unpack_piece : pack_piece, &work);
}

const vector_family gpu_vector_family = {
    .sum = sum,
    .quantize = quantize,
    .dequantize = dequantize,
    .pack = pack,
    .packed_sum = packed_sum,
};
