/* parseal: sums mod m, floats as ring elements and back, and elements of few bits packed into
 * bytes. parseal.h says what holds for every function.
 */
#ifndef PARSEAL_VECTOR_H
#define PARSEAL_VECTOR_H

#include "parseal/core.h"
#include "parseal/mask.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------------------------------- sums -- */

/* parseal_vec_sum: acc[i] = (acc[i] + sum_j v[j][i]) mod m for n vectors, reading and writing acc
 * once. n may be 0: acc is reduced mod m.
 *
 * Errors: PARSEAL_ERR_SIZE (a vector's length is not acc's; n above 2^31 - 1), PARSEAL_ERR_ALIAS (a
 * v[j] overlaps acc), PARSEAL_ERR_UNSUPPORTED (a buffer's kind). */
PARSEAL_API parseal_status parseal_vec_sum(parseal_ctx *ctx, const parseal_ring *ring,
                                           const parseal_vec *acc, const parseal_vec *v, size_t n,
                                           void *stream);

/* ------------------------------------------------------------------------------ quantisation -- */

enum { PARSEAL_FLOAT32 = 1, PARSEAL_BFLOAT16 = 2, PARSEAL_FLOAT16 = 3 };
enum { PARSEAL_ROUND_NEAREST = 1, PARSEAL_ROUND_STOCHASTIC = 2 };

/* How floats become ring elements: [-clip, clip] is mapped onto 0 .. 2^bits - 1. */
typedef struct {
    size_t struct_size;
    float clip;            /* c: > 0, <= FLT_MAX / 2, (2^bits - 1) / (2c) a normal float32 */
    uint32_t bits;         /* b: 1 to 24 */
    int32_t rounding;      /* PARSEAL_ROUND_* */
    int32_t float_type;    /* PARSEAL_FLOAT32, ...: of the floats that are read */
    uint32_t element_size; /* 4 or 8: of the integers */
    uint32_t reserved;     /* 0 */
} parseal_quant;

#define PARSEAL_QUANT_INIT                                                               \
    {                                                                                    \
        sizeof(parseal_quant), 0.0f, 16, PARSEAL_ROUND_STOCHASTIC, PARSEAL_FLOAT32, 4, 0 \
    }

/* parseal_quantize: q[i] = the integer that stands for x[i] (the same bytes on every backend).
 *   1. x to float32, exactly. A value that is not finite counts as 0 and in *nonfinite.
 *   2. x = min(max(x, -c), c)
 *   3. u = min(fl(fl(x + c) * s), 2^b - 1), s = float32((2^b - 1) / (2c)), no contraction
 *   4. k = floor(u), f = u - k.
 *      Stochastic: q = min(k + (floor(f * 2^32) > r), 2^b - 1), r = element first + i of seed 0's
 *      mask over the ring (2^32, 4 bytes).
 *      Nearest: q = min(k + (f >= 0.5), 2^b - 1).
 *
 * seed: a set of exactly one ChaCha20 seed where rounding is stochastic (its sign is not used),
 * NULL where it is nearest. NEVER use one seed both as a mask and for rounding. nonfinite: 8 bytes,
 * aligned to 8, that receive the count as a uint64_t; NULL: not wanted. A stochastic quantisation
 * that a CUDA graph replays needs a seed that counts (parseal_seeds_create_counting).
 *
 * Errors: PARSEAL_ERR_ARG (clip, bits or rounding out of range; seed given or missing against the
 * rounding; the stream is captured, and the seed does not count: the capture goes on),
 * PARSEAL_ERR_SIZE (lengths differ; first + n past the keystream), PARSEAL_ERR_ALIAS,
 * PARSEAL_ERR_UNSUPPORTED (a buffer's kind; with a seed that counts, x, q or nonfinite in host
 * memory; a clip below 2^-100 on a device that has no subnormal numbers). */
PARSEAL_API parseal_status parseal_quantize(parseal_ctx *ctx, const parseal_quant *quant,
                                            const parseal_vec *x, const parseal_vec *q,
                                            const parseal_seeds *seed, uint64_t first,
                                            const parseal_buf *nonfinite, void *stream);

/* How a mean is taken. */
typedef struct {
    size_t struct_size;
    uint64_t weights; /* the sum T of the clients' weights, each of which counts as
                         round(w / w_max * 2^22), where clients have scaled their values by
                         w / w_max: the mean is (sum[i] * 2c / (2^b - 1) - n_clients * c) /
                         (T / 2^22). 0: values are not weighted. This release takes only 0 */
} parseal_mean_options;

#define PARSEAL_MEAN_OPTIONS_INIT       \
    {                                   \
        sizeof(parseal_mean_options), 0 \
    }

/* parseal_dequantize: mean[i] = sum[i] * (2c / (2^b - 1)) / n_clients - c, computed in double and
 * rounded to float32; a device without double may differ by 1 ulp. sum[i] is the sum of n_clients
 * quantised values, not reduced; mean is float32. quant->rounding and quant->float_type are not
 * used. options may be NULL: everything at its default.
 *
 * Errors: PARSEAL_ERR_ARG (clip or bits out of range, n_clients 0, an option that this release does
 * not have), PARSEAL_ERR_SIZE (lengths differ), PARSEAL_ERR_ALIAS, PARSEAL_ERR_UNSUPPORTED. */
PARSEAL_API parseal_status parseal_dequantize(parseal_ctx *ctx, const parseal_quant *quant,
                                              const parseal_vec *sum, uint64_t n_clients,
                                              const parseal_vec *mean,
                                              const parseal_mean_options *options, void *stream);

/* What else a sum holds, beside the quantised values. */
typedef struct {
    size_t struct_size;
    uint64_t noise;    /* all noise in an element of the sum lies in [-noise, noise] */
    int32_t weighted;  /* not 0: an element of each client is its weight, which counts up to 2^22 */
    uint32_t reserved; /* 0 */
} parseal_quant_check_options;

#define PARSEAL_QUANT_CHECK_OPTIONS_INIT             \
    {                                                \
        sizeof(parseal_quant_check_options), 0, 0, 0 \
    }

/* parseal_quant_check says whether the sum of n_clients values of `bits` bits always fits the
 * ring: n_clients * v + 2 * noise < modulus, where v = 2^bits - 1, or with weights the larger of
 * that and 2^22. A sum that does not fit wraps silently and gives a wrong mean, so ask before a
 * round begins. options may be NULL: neither noise nor weights.
 *
 * Errors: PARSEAL_ERR_OVERFLOW (it may not fit: parseal_last_error_text says how many clients, or
 * which modulus, would do), PARSEAL_ERR_ARG (bits not in 1..24, n_clients 0, not a ring). */
PARSEAL_API parseal_status parseal_quant_check(uint64_t n_clients, uint32_t bits,
                                               const parseal_ring *ring,
                                               const parseal_quant_check_options *options);

/* ---------------------------------------------------------------------------- packed vectors -- */

/* parseal_packed_size stores in *size the bytes that n elements of `bits` bits take:
 * ceil(n * bits / 8).
 *
 * Errors: PARSEAL_ERR_ARG (bits not in 1..64), PARSEAL_ERR_SIZE (the size overflows). */
PARSEAL_API parseal_status parseal_packed_size(uint64_t n, uint32_t bits, uint64_t *size);

/* parseal_pack writes the low `bits` bits of each element to a little-endian bit stream: element i
 * takes bits [i * bits, (i + 1) * bits), the last byte is padded with zeros. parseal_unpack reads
 * it back; padding is not looked at. Elements are element_size = 4 or 8 bytes; bits is 1 to 8 *
 * element_size. packed.size must be exactly what parseal_packed_size says; any alignment.
 *
 * Errors: PARSEAL_ERR_ARG (bits, element_size), PARSEAL_ERR_SIZE, PARSEAL_ERR_ALIAS,
 * PARSEAL_ERR_UNSUPPORTED. */
PARSEAL_API parseal_status parseal_pack(parseal_ctx *ctx, uint32_t bits, uint32_t element_size,
                                        const parseal_vec *elements, const parseal_buf *packed,
                                        void *stream);
PARSEAL_API parseal_status parseal_unpack(parseal_ctx *ctx, uint32_t bits, uint32_t element_size,
                                          const parseal_buf *packed, const parseal_vec *elements,
                                          void *stream);

/* parseal_packed_sum: acc[i] = (acc[i] + sum_j unpacked(packed[j])[i]) mod m for n packed vectors
 * of acc.n elements of `bits` bits each, without unpacking them to memory. n may be 0: acc is
 * reduced mod m. bits is 1 to 8 * ring->element_size; each packed[j].size must be exactly what
 * parseal_packed_size says; any alignment.
 *
 * Errors: PARSEAL_ERR_ARG (bits), PARSEAL_ERR_SIZE (a packed[j].size; n above 2^31 - 1),
 * PARSEAL_ERR_ALIAS (a packed[j] overlaps acc), PARSEAL_ERR_UNSUPPORTED (a buffer's kind). */
PARSEAL_API parseal_status parseal_packed_sum(parseal_ctx *ctx, uint32_t bits,
                                              const parseal_ring *ring, const parseal_vec *acc,
                                              const parseal_buf *packed, size_t n, void *stream);

#ifdef __cplusplus
}
#endif

#endif
