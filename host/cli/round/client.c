#include "host/cli/round/client.h"

#include <sodium.h>
#include <string.h>

#include "host/cli/bytes.h"

int client_create(client *c, const fl_round *r, cli_failure *failure)
{
    memset(c, 0, sizeof *c);
    c->masks = sodium_allocarray((size_t)r->cohort.degree + 1, sizeof *c->masks);
    int code = CLI_OK;
    if (c->masks == NULL)
        code = cli_fail(failure, CLI_FAILED, "not enough memory for the mask seeds");
    if (code == CLI_OK)
        code =
            cli_buffer_create(&c->update, r->params.n, sizeof(float), "a client's update", failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&c->vector, r->params.n, r->ring.element_size,
                                 "a client's masked update", failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&c->neighbours, r->cohort.degree, sizeof(uint32_t),
                                 "a client's neighbours", failure);
    if (code != CLI_OK)
        client_destroy(c);
    return code;
}

void client_destroy(client *c)
{
    sodium_free(c->masks);
    c->masks = NULL;
    cli_buffer_destroy(&c->update);
    cli_buffer_destroy(&c->vector);
    cli_buffer_destroy(&c->neighbours);
}

/* Stands in for training: it takes a small step away from the parameters, another one for each
 * client. */
static int perturb(client *c, const fl_round *r, draws *uniform, cli_failure *failure)
{
    float *update = c->update.p;
    uint64_t n;
    for (uint64_t first = 0; first < r->params.n; first += n) {
        n = r->params.n - first < DRAWS_MAX ? r->params.n - first : DRAWS_MAX;
        int code = draws_read(uniform, first, n, failure);
        if (code != CLI_OK)
            return code;
        for (uint64_t i = 0; i < n; i++) {
            /* 24 bits are exact in float32, and give a number in [-1, 1). */
            float share = (float)(load_le32(uniform->u32 + 4 * i) >> 8) * 0x1p-23f - 1.0f;
            update[first + i] = r->params.x[first + i] + r->amplitude * share;
        }
    }
    return CLI_OK;
}

int client_train(client *c, fl_round *r, uint64_t index, cli_failure *failure)
{
    parseal_seed seed;
    draws uniform;

    c->index = index;
    stage_begin(&r->stages);
    cohort_seed(&r->cohort, SEED_PERTURBATION, index, &seed);
    int code = draws_create(&uniform, r->ctx, &seed, failure);
    sodium_memzero(&seed, sizeof seed);
    if (code != CLI_OK)
        return code;
    code = perturb(c, r, &uniform, failure);
    draws_destroy(&uniform);
    stage_end(&r->stages, STAGE_UPDATE, c->update.size);
    return code;
}

int client_quantise(client *c, fl_round *r, cli_failure *failure)
{
    const parseal_vec update = fl_round_floats(r, c->update.p);
    const parseal_vec vector = fl_round_vector(r, c->vector.p);
    uint64_t nonfinite = 0;
    const parseal_buf count = parseal_host_buf(&nonfinite, sizeof nonfinite);
    parseal_seed seed;
    parseal_seeds *rounding = NULL;

    stage_begin(&r->stages);
    cohort_seed(&r->cohort, SEED_ROUNDING, c->index, &seed);
    parseal_status status = parseal_seeds_create(&rounding, r->ctx, &seed, 1);
    sodium_memzero(&seed, sizeof seed);
    if (status == PARSEAL_OK)
        status = parseal_quantize(r->ctx, &r->quant, &update, &vector, rounding, 0, &count, NULL);
    parseal_seeds_destroy(rounding);
    stage_end(&r->stages, STAGE_QUANTISE, c->update.size);
    r->nonfinite += nonfinite;
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "quantise", status);
}

static int agree(client *c, fl_round *r, cli_failure *failure)
{
    const cohort *all = &r->cohort;
    uint32_t *neighbours = c->neighbours.p;
    uint8_t secret_key[PARSEAL_X25519BYTES];
    int code = CLI_OK;
    stage_begin(&r->stages);
    cohort_seed(all, SEED_SELF_MASK, c->index, &c->masks[0]);
    cohort_secret_key(all, c->index, secret_key);
    cohort_neighbours(all, c->index, neighbours);
    for (uint32_t k = 0; code == CLI_OK && k < all->degree; k++)
        code =
            cohort_pair_mask(all, secret_key, c->index, neighbours[k], &c->masks[k + 1], failure);
    sodium_memzero(secret_key, sizeof secret_key);
    stage_end(&r->stages, STAGE_AGREE, 0);
    return code;
}

int client_mask(client *c, fl_round *r, cli_failure *failure)
{
    const parseal_vec vector = fl_round_vector(r, c->vector.p);
    size_t n = (size_t)r->cohort.degree + 1;
    parseal_seeds *seeds = NULL;
    int code = agree(c, r, failure);
    if (code != CLI_OK)
        return code;

    stage_begin(&r->stages);
    parseal_status status = parseal_seeds_create(&seeds, r->ctx, c->masks, n);
    if (status == PARSEAL_OK)
        status = parseal_mask_apply(seeds, &r->ring, &vector, 0, NULL);
    parseal_seeds_destroy(seeds);
    stage_end(&r->stages, STAGE_MASK, n * c->vector.size);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "mask", status);
}

int client_send(client *c, fl_round *r, envelope *e, cli_failure *failure)
{
    const parseal_vec vector = fl_round_vector(r, c->vector.p);
    const parseal_buf packed = parseal_host_buf(e->bytes, r->wire_size);
    parseal_msg message;

    stage_begin(&r->stages);
    parseal_status status =
        parseal_pack(r->ctx, r->wire_bits, r->ring.element_size, &vector, &packed, NULL);
    stage_end(&r->stages, STAGE_PACK, c->vector.size);
    if (status != PARSEAL_OK)
        return cli_fail_library(failure, "pack", status);

    e->client = c->index;
    fl_round_message(r, e, &message);
    stage_begin(&r->stages);
    status = parseal_seal(r->keys, &message, 1);
    stage_end(&r->stages, STAGE_SEAL, r->wire_size);
    memcpy(e->tag, message.tag, sizeof e->tag);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "seal", status);
}
