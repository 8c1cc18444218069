/* Quantisation: checks parameters, computes the format's constants once, hands over to the
 * backend. */
#include <float.h>
#include <inttypes.h>

#include "host/api/buffers.h"
#include "host/api/counting.h"
#include "host/backend/call.h"
#include "host/choose/crossover.h"
#include "host/support/float_state.h"
#include "host/support/sizes.h"

/* The integer that stands for the largest weight. */
#define WEIGHT_ONE (UINT64_C(1) << 22)

enum { BITS_MAX = 24 };

static uint64_t steps(uint32_t bits)
{
    return (UINT64_C(1) << bits) - 1;
}

static parseal_status check_quant_bits(const char *name, uint32_t bits)
{
    if (bits >= 1 && bits <= BITS_MAX)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_ARG, "%s: %" PRIu32 ", 1 to %d expected", name, bits, BITS_MAX);
}

/* Computes s of format 4.6. It refuses a clip with which x + c or s would leave the normal float32
 * range, as devices differ on subnormal numbers. */
static parseal_status check_clip(const parseal_quant *quant, float *scale)
{
    const double clip = quant->clip;
    if (!(clip > 0 && clip <= (double)FLT_MAX / 2))
        return parseal_fail(PARSEAL_ERR_ARG, "quant.clip: %g, expected above 0 and at most %g",
                            clip, (double)FLT_MAX / 2);
    const double s = (double)steps(quant->bits) / (2 * clip);
    if (!(s >= (double)FLT_MIN && s <= (double)FLT_MAX))
        return parseal_fail(PARSEAL_ERR_ARG,
                            "quant.clip: %g, for which (2^bits - 1) / (2 clip) = %g is not a "
                            "normal float32",
                            clip, s);
    *scale = (float)s;
    return PARSEAL_OK;
}

parseal_status check_quant(const parseal_quant *from, parseal_quant *quant, float *scale)
{
    TRY(copy_struct_in("quant", quant, from, sizeof *quant, PARSEAL_QUANT_SIZE_0));
    TRY(check_reserved("quant.reserved", quant->reserved));
    TRY(check_quant_bits("quant.bits", quant->bits));
    TRY(check_clip(quant, scale));
    return check_element_size("quant.element_size", quant->element_size);
}

static parseal_status check_lengths(const char *a_name, const parseal_vec *a, const char *b_name,
                                    const parseal_vec *b)
{
    if (a->n != b->n)
        return parseal_fail(PARSEAL_ERR_SIZE, "%s.n: %" PRIu64 ", but %s.n is %" PRIu64, a_name,
                            a->n, b_name, b->n);
    return check_no_overlap(a_name, &a->buf, b_name, &b->buf);
}

static parseal_status check_rounding(const parseal_quant *quant, const parseal_seeds *seed,
                                     uint64_t first, uint64_t n)
{
    if (quant->rounding == PARSEAL_ROUND_NEAREST) {
        if (seed != NULL)
            return parseal_fail(PARSEAL_ERR_ARG, "seed: given, but quant.rounding is nearest");
        return PARSEAL_OK;
    }
    if (quant->rounding != PARSEAL_ROUND_STOCHASTIC)
        return parseal_fail(PARSEAL_ERR_ARG, "quant.rounding: %" PRId32 " is not a PARSEAL_ROUND_*",
                            quant->rounding);
    if (seed == NULL || seed->n != 1)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "seed: %zu seeds, exactly 1 needed for stochastic rounding",
                            seed != NULL ? seed->n : 0);
    if (seed->fcp_modulus != 0)
        return parseal_fail(PARSEAL_ERR_ARG, "seed: of parseal/fcp.h, ChaCha20 expected");
    return check_keystream(first, n, 4);
}

static parseal_status check_nonfinite(const parseal_ctx *ctx, const parseal_buf *nonfinite,
                                      const parseal_vec *x, const parseal_vec *q)
{
    if (nonfinite == NULL)
        return PARSEAL_OK;
    TRY(check_buf(ctx, "nonfinite", nonfinite, sizeof(uint64_t)));
    if (nonfinite->size != sizeof(uint64_t))
        return parseal_fail(PARSEAL_ERR_SIZE, "nonfinite.size: %" PRIu64 ", 8 expected",
                            nonfinite->size);
    TRY(check_no_overlap("nonfinite", nonfinite, "x", &x->buf));
    return check_no_overlap("nonfinite", nonfinite, "q", &q->buf);
}

static parseal_status check_seed_counts(const parseal_seeds *seed, const parseal_vec *x,
                                        const parseal_vec *q, const parseal_buf *nonfinite)
{
    if (seed == NULL)
        return PARSEAL_OK;
    TRY(check_counted(seed, "x", &x->buf));
    TRY(check_counted(seed, "q", &q->buf));
    return nonfinite == NULL ? PARSEAL_OK : check_counted(seed, "nonfinite", nonfinite);
}

static parseal_status quantize(const parseal_ctx *ctx, const parseal_quant *quant,
                               const parseal_vec *x, const parseal_vec *q,
                               const parseal_seeds *seed, uint64_t first,
                               const parseal_buf *nonfinite, void *stream)
{
    parseal_quant c = PARSEAL_QUANT_INIT;
    float scale;
    TRY(check_pointer("ctx", ctx));
    TRY(check_quant(quant, &c, &scale));
    if (c.float_type < PARSEAL_FLOAT32 || c.float_type > PARSEAL_FLOAT16)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "quant.float_type: %" PRId32
                            " is not PARSEAL_FLOAT32, PARSEAL_BFLOAT16 or PARSEAL_FLOAT16",
                            c.float_type);
    TRY(check_vec(ctx, "x", x, c.float_type == PARSEAL_FLOAT32 ? 4 : 2));
    TRY(check_vec(ctx, "q", q, c.element_size));
    TRY(check_lengths("x", x, "q", q));
    TRY(check_rounding(&c, seed, first, x->n));
    if (seed != NULL)
        TRY(check_same_ctx("seed", seed->ctx, "ctx", ctx));
    TRY(check_nonfinite(ctx, nonfinite, x, q));
    TRY(check_seed_counts(seed, x, q, nonfinite));
    TRY(check_stream(ctx, stream));
    const bool in_host_memory = stream == NULL && buf_on_host(&x->buf) && buf_on_host(&q->buf) &&
                                (nonfinite == NULL || buf_on_host(nonfinite));
    const parseal_side side =
        crossover_side(ctx, PARSEAL_PRIMITIVE_QUANT, in_host_memory, x->buf.size);
    const backend_seeds *seeds = NULL;
    if (seed != NULL)
        seeds = side.device == ctx->device ? seed->seeds : seed->cpu_seeds;
    return CALL(&side, vector->quantize, &c, scale, x, q, seeds, first, nonfinite, stream);
}

parseal_status check_mean_options(const parseal_mean_options *options)
{
    parseal_mean_options c = PARSEAL_MEAN_OPTIONS_INIT;
    if (options == NULL)
        return PARSEAL_OK;
    TRY(copy_struct_in("options", &c, options, sizeof c, PARSEAL_MEAN_OPTIONS_SIZE_0));
    if (c.weights != 0)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "options.weights: %" PRIu64 ", 0 expected: this release takes no "
                            "weighted means",
                            c.weights);
    return PARSEAL_OK;
}

/* Everything that computes on the calling thread, a device's driver included, does so in the
 * default floating-point state. */
parseal_status parseal_quantize(parseal_ctx *ctx, const parseal_quant *quant, const parseal_vec *x,
                                const parseal_vec *q, const parseal_seeds *seed, uint64_t first,
                                const parseal_buf *nonfinite, void *stream)
{
    const float_state before = float_state_set();
    const parseal_status status = quantize(ctx, quant, x, q, seed, first, nonfinite, stream);
    float_state_restore(&before);
    return status;
}

static parseal_status dequantize(const parseal_ctx *ctx, const parseal_quant *quant,
                                 const parseal_vec *sum, uint64_t n_clients,
                                 const parseal_vec *mean, const parseal_mean_options *options,
                                 void *stream)
{
    parseal_quant c = PARSEAL_QUANT_INIT;
    float scale;
    TRY(check_pointer("ctx", ctx));
    TRY(check_quant(quant, &c, &scale));
    TRY(check_mean_options(options));
    if (n_clients == 0)
        return parseal_fail(PARSEAL_ERR_ARG, "n_clients: 0");
    TRY(check_vec(ctx, "sum", sum, c.element_size));
    TRY(check_vec(ctx, "mean", mean, sizeof(float)));
    TRY(check_lengths("sum", sum, "mean", mean));
    TRY(check_stream(ctx, stream));
    const double clip = c.clip;
    const parseal_side side = crossover_side(
        ctx, PARSEAL_PRIMITIVE_QUANT,
        stream == NULL && buf_on_host(&sum->buf) && buf_on_host(&mean->buf), sum->buf.size);
    return CALL(&side, vector->dequantize, c.element_size, sum, 2 * clip / (double)steps(c.bits),
                (double)n_clients, clip, mean, stream);
}

parseal_status parseal_dequantize(parseal_ctx *ctx, const parseal_quant *quant,
                                  const parseal_vec *sum, uint64_t n_clients,
                                  const parseal_vec *mean, const parseal_mean_options *options,
                                  void *stream)
{
    const float_state before = float_state_set();
    const parseal_status status = dequantize(ctx, quant, sum, n_clients, mean, options, stream);
    float_state_restore(&before);
    return status;
}

/* Returns modulus - 1. A modulus of 2^64 is stored as 0, for which this is right, too. */
static uint64_t largest_element(const parseal_ring *ring)
{
    return ring->modulus - 1;
}

/* The most that one client adds to an element, and the most that all noise together adds. */
typedef struct {
    uint64_t step, noise;
} summands;

static parseal_status summands_of(uint32_t bits, const parseal_quant_check_options *options,
                                  summands *s)
{
    parseal_quant_check_options c = PARSEAL_QUANT_CHECK_OPTIONS_INIT;
    if (options != NULL)
        TRY(copy_struct_in("options", &c, options, sizeof c, PARSEAL_QUANT_CHECK_OPTIONS_SIZE_0));
    TRY(check_reserved("options.reserved", c.reserved));
    s->step = steps(bits);
    if (c.weighted != 0 && s->step < WEIGHT_ONE)
        s->step = WEIGHT_ONE;
    s->noise = c.noise <= UINT64_MAX / 2 ? 2 * c.noise : UINT64_MAX;
    return PARSEAL_OK;
}

/* Fails because the sum passes the ring, and says which modulus or how many clients would do. */
static parseal_status overflow(uint64_t n_clients, uint32_t bits, const parseal_ring *ring,
                               const summands *s, uint64_t max_clients)
{
    if (s->noise < UINT64_MAX && n_clients <= (UINT64_MAX - 1 - s->noise) / s->step)
        return parseal_fail(PARSEAL_ERR_OVERFLOW,
                            "n_clients: %" PRIu64 " updates of %" PRIu32 " bits can sum to %" PRIu64
                            ", past ring.modulus %" PRIu64 ", which holds %" PRIu64
                            " clients; a modulus of %" PRIu64 " or more would do",
                            n_clients, bits, n_clients * s->step + s->noise, ring->modulus,
                            max_clients, n_clients * s->step + s->noise + 1);
    return parseal_fail(PARSEAL_ERR_OVERFLOW,
                        "n_clients: %" PRIu64 " updates of %" PRIu32
                        " bits pass every modulus; with these bits 2^64 holds %" PRIu64 " clients",
                        n_clients, bits, (UINT64_MAX - s->noise) / s->step);
}

parseal_status parseal_quant_check(uint64_t n_clients, uint32_t bits, const parseal_ring *ring,
                                   const parseal_quant_check_options *options)
{
    summands s;
    TRY(check_quant_bits("bits", bits));
    TRY(check_ring(ring));
    TRY(summands_of(bits, options, &s));
    if (n_clients == 0)
        return parseal_fail(PARSEAL_ERR_ARG, "n_clients: 0");
    const uint64_t most = largest_element(ring);
    const uint64_t max_clients = s.noise <= most ? (most - s.noise) / s.step : 0;
    if (n_clients <= max_clients)
        return PARSEAL_OK;
    return overflow(n_clients, bits, ring, &s, max_clients);
}
