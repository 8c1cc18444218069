/* Quantise and dequantise, pack and unpack: one array to another, 16 bits in 4-byte elements. */
#include "bench/cpu/support.h"
#include "bench/cpu/work.h"

#include <stdlib.h>
#include <string.h>

enum { BITS = 16, ELEMENT_SIZE = 4, CLIENTS = 20 };

static const float CLIP = 1.0f;

static bool make_arrays(struct work *w, size_t from_size, size_t to_size)
{
    struct convert_data *d = &w->data.convert;
    d->from = bench_alloc(1, from_size);
    d->to = bench_alloc(1, to_size);
    if (d->from == NULL || d->to == NULL)
        return false;
    d->from_size = from_size;
    d->to_size = to_size;
    bench_fill(d->from, from_size, 5);
    w->result[0] = (struct region){d->to, to_size, 0, 1};
    work_reset_results(w);
    return true;
}

/* Makes floats that are spread evenly, a little beyond the clip, so that some are clipped. */
static void make_floats(uint8_t *p, size_t size)
{
    for (size_t i = 0; i + sizeof(float) <= size; i += sizeof(float)) {
        int32_t word;
        memcpy(&word, p + i, sizeof word);
        float x = 1.05f * CLIP * (float)word / 2147483648.0f;
        memcpy(p + i, &x, sizeof x);
    }
}

/* Makes sums that CLIENTS values of BITS bits can have. */
static void make_sums(uint8_t *p, size_t size)
{
    for (size_t i = 0; i + ELEMENT_SIZE <= size; i += ELEMENT_SIZE) {
        uint32_t word;
        memcpy(&word, p + i, sizeof word);
        word %= CLIENTS * ((1u << BITS) - 1) + 1;
        for (size_t k = 0; k < ELEMENT_SIZE; k++)
            p[i + k] = (uint8_t)(word >> (8 * k));
    }
}

static bool prepare_quant(struct work *w)
{
    struct convert_data *d = &w->data.convert;
    if (!make_arrays(w, w->size, w->size))
        return false;
    w->bytes = w->size;
    if (w->op->inverse) {
        make_sums(d->from, w->size);
        return true;
    }
    make_floats(d->from, w->size);
    parseal_seed seed;
    bench_fill(&seed, sizeof seed, 6);
    seed.sign = 1;
    parseal_status status = parseal_seeds_create(&d->seed, w->ctx, &seed, 1);
    if (status != PARSEAL_OK)
        complain_status("parseal_seeds_create", status);
    return status == PARSEAL_OK;
}

static parseal_status run_quant(struct work *w)
{
    struct convert_data *d = &w->data.convert;
    uint64_t count = w->size / ELEMENT_SIZE;
    parseal_vec from = parseal_host_vec(d->from, count, ELEMENT_SIZE);
    parseal_vec to = parseal_host_vec(d->to, count, ELEMENT_SIZE);
    parseal_buf nonfinite = parseal_host_buf(&d->nonfinite, sizeof d->nonfinite);
    parseal_quant quant = PARSEAL_QUANT_INIT;
    quant.clip = CLIP;
    quant.bits = BITS;
    if (w->op->inverse)
        return parseal_dequantize(w->ctx, &quant, &from, CLIENTS, &to, NULL, NULL);
    return parseal_quantize(w->ctx, &quant, &from, &to, d->seed, 0, &nonfinite, NULL);
}

static void release(struct work *w)
{
    struct convert_data *d = &w->data.convert;
    parseal_seeds_destroy(d->seed);
    free(d->to);
    free(d->from);
}

/* w->size counts the bytes of the elements; the packed bytes are fewer. */
static bool prepare_pack(struct work *w)
{
    uint64_t packed_size;
    parseal_status status = parseal_packed_size(w->size / ELEMENT_SIZE, BITS, &packed_size);
    if (status != PARSEAL_OK) {
        complain_status("parseal_packed_size", status);
        return false;
    }
    w->bytes = w->size;
    return w->op->inverse ? make_arrays(w, (size_t)packed_size, w->size)
                          : make_arrays(w, w->size, (size_t)packed_size);
}

static parseal_status run_pack(struct work *w)
{
    const struct convert_data *d = &w->data.convert;
    uint64_t count = w->size / ELEMENT_SIZE;
    if (w->op->inverse) {
        parseal_buf packed = parseal_host_buf(d->from, d->from_size);
        parseal_vec elements = parseal_host_vec(d->to, count, ELEMENT_SIZE);
        return parseal_unpack(w->ctx, BITS, ELEMENT_SIZE, &packed, &elements, NULL);
    }
    parseal_buf packed = parseal_host_buf(d->to, d->to_size);
    parseal_vec elements = parseal_host_vec(d->from, count, ELEMENT_SIZE);
    return parseal_pack(w->ctx, BITS, ELEMENT_SIZE, &elements, &packed, NULL);
}

const struct family family_quant = {PARSEAL_PRIMITIVE_QUANT, prepare_quant, run_quant, release};
const struct family family_pack = {PARSEAL_PRIMITIVE_PACK, prepare_pack, run_pack, release};
