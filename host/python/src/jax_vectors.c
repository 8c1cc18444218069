/* Handlers of what takes no seeds: sums, dequantisation, packing. */
#include "jax.h"

#include <stdlib.h>

static parseal_ring ring_of(const XLA_FFI_Buffer *buffer, int64_t modulus)
{
    return (parseal_ring){(uint64_t)modulus, jax_element_size(buffer), 0};
}

/* The sum of n vectors upon acc, by `call`, which gets them as vectors or as bytes. */
static XLA_FFI_Error *summed(const jax_call *c)
{
    int64_t modulus = 0;
    const XLA_FFI_Buffer *vectors = jax_arg(c, 1);
    XLA_FFI_Error *error = jax_integer(c, "modulus", &modulus);
    if (error != NULL)
        return error;
    if (jax_arg(c, 0)->data != jax_ret(c, 0)->data)
        return jax_error(c, XLA_FFI_Error_Code_INTERNAL, "acc and its result are two buffers");
    const uint64_t n = vectors->rank > 0 ? (uint64_t)vectors->dims[0] : 0;
    const parseal_ring ring = ring_of(vectors, modulus);
    const parseal_vec acc = jax_vec(c, jax_ret(c, 0), 0, 1);
    parseal_vec *v = calloc((size_t)n + 1, sizeof *v);
    if (v == NULL)
        return jax_error(c, XLA_FFI_Error_Code_RESOURCE_EXHAUSTED, "no memory for %llu vectors",
                         (unsigned long long)n);
    for (uint64_t i = 0; i < n; i++)
        v[i] = jax_vec(c, vectors, i, n);
    error = jax_done(c, parseal_vec_sum(c->ctx, &ring, &acc, v, (size_t)n, c->stream));
    free(v);
    return error;
}

/* n_clients is an attribute, or where that is 0 the operand uint32[2]. */
static XLA_FFI_Error *dequantize(const jax_call *c)
{
    parseal_quant quant = PARSEAL_QUANT_INIT;
    int64_t bits = 0, n_clients = 0;
    const parseal_vec total = jax_vec(c, jax_arg(c, 0), 0, 1);
    const parseal_vec mean = jax_vec(c, jax_ret(c, 0), 0, 1);
    jax_bytes words;
    quant.element_size = jax_element_size(jax_arg(c, 0));
    XLA_FFI_Error *error = jax_float(c, "clip", &quant.clip);
    if (error == NULL)
        error = jax_integer(c, "bits", &bits);
    if (error == NULL)
        error = jax_integer(c, "n_clients", &n_clients);
    quant.bits = (uint32_t)bits;
    if (error == NULL && c->frame->args.size > 1) {
        error = jax_read(c, "n_clients", jax_arg(c, 1), 8, &words);
        if (error == NULL) {
            n_clients = (int64_t)jax_number(&words, 0);
            jax_release(&words);
        }
    }
    if (error != NULL)
        return error;
    return jax_done(
        c, parseal_dequantize(c->ctx, &quant, &total, (uint64_t)n_clients, &mean, NULL, c->stream));
}

static XLA_FFI_Error *pack(const jax_call *c)
{
    int64_t bits = 0;
    const parseal_vec elements = jax_vec(c, jax_arg(c, 0), 0, 1);
    const parseal_buf packed = jax_buf(c, jax_ret(c, 0), 0, 1);
    XLA_FFI_Error *error = jax_integer(c, "bits", &bits);
    if (error != NULL)
        return error;
    return jax_done(c, parseal_pack(c->ctx, (uint32_t)bits, jax_element_size(jax_arg(c, 0)),
                                    &elements, &packed, c->stream));
}

static XLA_FFI_Error *unpack(const jax_call *c)
{
    int64_t bits = 0;
    const parseal_buf packed = jax_buf(c, jax_arg(c, 0), 0, 1);
    const parseal_vec elements = jax_vec(c, jax_ret(c, 0), 0, 1);
    XLA_FFI_Error *error = jax_integer(c, "bits", &bits);
    if (error != NULL)
        return error;
    return jax_done(c, parseal_unpack(c->ctx, (uint32_t)bits, jax_element_size(jax_ret(c, 0)),
                                      &packed, &elements, c->stream));
}

JAX_TARGETS(summed, JAX_CAPTURABLE, 2, 2, 1, summed)
JAX_TARGETS(dequantize, JAX_CAPTURABLE, 1, 1, 1, dequantize)
JAX_TARGETS(dequantize_by, 0, 2, 2, 1, dequantize)
JAX_TARGETS(pack, JAX_CAPTURABLE, 1, 1, 1, pack)
JAX_TARGETS(unpack, JAX_CAPTURABLE, 1, 1, 1, unpack)

const jax_row jax_vector_rows[] = {JAX_ROW(summed, cpu),        JAX_ROW(summed, cuda),
                                   JAX_ROW(dequantize, cpu),    JAX_ROW(dequantize, cuda),
                                   JAX_ROW(dequantize_by, cpu), JAX_ROW(dequantize_by, cuda),
                                   JAX_ROW(pack, cpu),          JAX_ROW(pack, cuda),
                                   JAX_ROW(unpack, cpu),        JAX_ROW(unpack, cuda)};
const size_t jax_vector_rows_n = sizeof jax_vector_rows / sizeof *jax_vector_rows;
