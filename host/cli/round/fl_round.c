#include "host/cli/round/fl_round.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

#include "host/cli/bytes.h"

static int open_context(fl_round *r, const round_options *options, cli_failure *failure)
{
    parseal_options o = PARSEAL_OPTIONS_INIT;
    const parseal_info info = PARSEAL_INFO_INIT;
    o.backend = options->backend;
    o.cpu_threads = options->threads;
    o.time_kernels = 1;
    r->info = info;
    parseal_status status = parseal_ctx_create(&r->ctx, &o);
    if (status == PARSEAL_OK)
        status = parseal_ctx_info(r->ctx, &r->info);
    if (status == PARSEAL_OK && r->info.backend != PARSEAL_BACKEND_CPU)
        r->stages.device = r->ctx;
    if (status == PARSEAL_ERR_ARG) /* The environment names something unknown. */
        return cli_fail(failure, CLI_USAGE, "%s", parseal_last_error_text());
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "backend", status);
}

static int load_params(fl_round *r, const round_options *options, cli_failure *failure)
{
    parseal_seed seed;
    if (options->params != NULL)
        return params_load(&r->params, options->params, failure);
    cohort_seed(&r->cohort, SEED_PARAMETERS, 0, &seed);
    int code = params_gaussian(&r->params, r->ctx, &seed, options->dim, failure);
    sodium_memzero(&seed, sizeof seed);
    return code;
}

static int choose_quantisation(fl_round *r, const round_options *options, cli_failure *failure)
{
    const parseal_quant init = PARSEAL_QUANT_INIT;
    r->amplitude = (float)(r->params.rms / 4);
    r->quant = init;
    r->quant.bits = options->bits;
    r->quant.rounding = PARSEAL_ROUND_STOCHASTIC;
    r->quant.element_size = options->ring.element_size;
    r->quant.clip = options->clip;
    if (r->quant.clip != 0)
        return CLI_OK;

    float largest = r->params.max_abs + r->amplitude;
    r->quant.clip = largest > 0 ? largest : 1.0f; /* For all zeros any clip will do. */
    if (!round_clip_is_usable(r->quant.clip, r->quant.bits))
        return cli_fail(failure, CLI_USAGE,
                        "parameters of magnitude %g cannot be quantised to %u bits: give a --clip",
                        (double)r->params.max_abs, r->quant.bits);
    return CLI_OK;
}

static uint32_t bit_length(uint64_t x)
{
    uint32_t bits = 0;
    for (; x != 0; x >>= 1)
        bits++;
    return bits;
}

static int choose_wire_format(fl_round *r, cli_failure *failure)
{
    /* A modulus of 0 stands for 2^64, and 0 - 1 wraps to 2^64 - 1. */
    r->wire_bits = bit_length(r->ring.modulus - 1);
    parseal_status status = parseal_packed_size(r->params.n, r->wire_bits, &r->wire_size);
    if (status != PARSEAL_OK)
        return cli_fail_library(failure, "message size", status);
    if (r->wire_size > PARSEAL_MESSAGEBYTES_MAX)
        return cli_fail(failure, CLI_USAGE,
                        "%llu parameters of %u bits are more than AES-GCM's limit of %llu bytes",
                        (unsigned long long)r->params.n, r->wire_bits,
                        (unsigned long long)PARSEAL_MESSAGEBYTES_MAX);
    return CLI_OK;
}

int fl_round_create(fl_round *r, const round_options *options, cli_failure *failure)
{
    memset(r, 0, sizeof *r);
    r->ring = options->ring;
    int code = open_context(r, options, failure);
    if (code == CLI_OK) {
        stage_begin(&r->stages);
        code = cohort_create(&r->cohort, options, failure);
        stage_end(&r->stages, STAGE_AGREE, 0);
    }
    if (code == CLI_OK)
        code = load_params(r, options, failure);
    if (code == CLI_OK)
        code = choose_quantisation(r, options, failure);
    if (code == CLI_OK)
        code = choose_wire_format(r, failure);
    if (code == CLI_OK)
        code = cohort_aead_keys(&r->cohort, r->ctx, &r->keys, failure);
    if (code != CLI_OK)
        fl_round_destroy(r);
    return code;
}

void fl_round_destroy(fl_round *r)
{
    parseal_keys_destroy(r->keys);
    parseal_ctx_destroy(r->ctx);
    r->keys = NULL;
    r->ctx = NULL;
    params_destroy(&r->params);
    cohort_destroy(&r->cohort);
}

double fl_round_step(const fl_round *r)
{
    return 2.0 * (double)r->quant.clip / (double)((UINT32_C(1) << r->quant.bits) - 1);
}

uint64_t fl_round_vector_size(const fl_round *r)
{
    return r->params.n * r->ring.element_size;
}

parseal_vec fl_round_vector(const fl_round *r, const void *elements)
{
    return parseal_host_vec(elements, r->params.n, r->ring.element_size);
}

parseal_vec fl_round_floats(const fl_round *r, const void *floats)
{
    return parseal_host_vec(floats, r->params.n, sizeof(float));
}

void fl_round_message(const fl_round *r, envelope *e, parseal_msg *message)
{
    memset(message, 0, sizeof *message);
    store_le64(e->aad, e->client);
    store_le64(e->aad + 8, r->cohort.round);
    store_le64(message->nonce, r->cohort.round);
    store_le32(message->nonce + 8, (uint32_t)e->client);
    message->in = e->bytes;
    message->out = e->bytes;
    message->len = (size_t)r->wire_size;
    message->aad = e->aad;
    message->aad_len = sizeof e->aad;
    message->key = (uint32_t)e->client;
}
