#include "host/cli/round/server.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_BYTES = 16 << 20, /* bytes of the messages that are added at once */
    MASKS_MAX = 64          /* seeds that are stripped in one pass over the sum */
};

static int create_batch(server *s, const fl_round *r, cli_failure *failure)
{
    uint64_t slots = BATCH_BYTES / r->wire_size;
    if (slots > r->cohort.survivors)
        slots = r->cohort.survivors;
    s->slots = slots != 0 ? (size_t)slots : 1;
    s->envelopes = calloc(s->slots, sizeof *s->envelopes);
    s->updates = calloc(s->slots, sizeof *s->updates);
    if (s->envelopes == NULL || s->updates == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for %zu messages", s->slots);
    int code = cli_buffer_create(&s->inbox, r->wire_size, s->slots, "a batch of messages", failure);
    for (size_t i = 0; code == CLI_OK && i < s->slots; i++)
        s->envelopes[i].bytes = (uint8_t *)s->inbox.p + i * (size_t)r->wire_size;
    return code;
}

static int create_aggregator(server *s, const fl_round *r, cli_failure *failure)
{
    parseal_aggregator_options o = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    o.ring = r->ring;
    o.dim = r->params.n;
    o.bits = r->wire_bits;
    o.quant_bits = r->quant.bits;
    o.quant_clip = r->quant.clip;
    parseal_status status = parseal_aggregator_create(&s->aggregator, r->ctx, &o);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "aggregator", status);
}

int server_create(server *s, const fl_round *r, cli_failure *failure)
{
    memset(s, 0, sizeof *s);
    int code = create_batch(s, r, failure);
    if (code == CLI_OK)
        code = create_aggregator(s, r, failure);
    if (code == CLI_OK) {
        s->masks = sodium_allocarray(MASKS_MAX, sizeof *s->masks);
        if (s->masks == NULL)
            code = cli_fail(failure, CLI_FAILED, "not enough memory for the mask seeds");
    }
    if (code != CLI_OK)
        server_destroy(s);
    return code;
}

void server_destroy(server *s)
{
    parseal_aggregator_destroy(s->aggregator);
    sodium_free(s->masks);
    free(s->envelopes);
    free(s->updates);
    cli_buffer_destroy(&s->inbox);
    memset(s, 0, sizeof *s);
}

envelope *server_next_envelope(server *s)
{
    return &s->envelopes[s->received];
}

int server_receive(server *s, fl_round *r, cli_failure *failure)
{
    s->received++;
    return s->received == s->slots ? server_take(s, r, failure) : CLI_OK;
}

static parseal_update update_of(const fl_round *r, envelope *e)
{
    parseal_msg message;
    fl_round_message(r, e, &message);
    parseal_update u = {.client = e->client,
                        .in = message.in,
                        .len = message.len,
                        .aad = message.aad,
                        .aad_len = message.aad_len,
                        .key = message.key};
    memcpy(u.nonce, message.nonce, sizeof u.nonce);
    memcpy(u.tag, e->tag, sizeof u.tag);
    return u;
}

int server_take(server *s, fl_round *r, cli_failure *failure)
{
    const size_t n = s->received;
    for (size_t i = 0; i < n; i++)
        s->updates[i] = update_of(r, &s->envelopes[i]);
    stage_begin(&r->stages);
    parseal_status status =
        parseal_aggregator_add_sealed(s->aggregator, r->keys, s->updates, n, NULL);
    stage_end(&r->stages, STAGE_ADD, n * r->wire_size);
    s->received = 0;
    for (size_t i = 0; status == PARSEAL_ERR_AUTH && i < n; i++) {
        if (s->updates[i].status == PARSEAL_ITEM_BAD_TAG)
            return cli_fail(failure, CLI_FAILED, "the message of client %llu is not authentic",
                            (unsigned long long)s->updates[i].client);
    }
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "add", status);
}

/* Adds the masks that have been collected to the sum. */
static int strip(server *s, fl_round *r, cli_failure *failure)
{
    parseal_seeds *seeds = NULL;
    stage_begin(&r->stages);
    parseal_status status = parseal_seeds_create(&seeds, r->ctx, s->masks, s->n_masks);
    if (status == PARSEAL_OK)
        status = parseal_aggregator_unmask(s->aggregator, seeds);
    parseal_seeds_destroy(seeds);
    stage_end(&r->stages, STAGE_UNMASK, s->n_masks * fl_round_vector_size(r));
    progress_add(&r->progress, "unmask", s->n_masks);
    s->n_masks = 0;
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "unmask", status);
}

/* Stores the place for the seed of the next mask, after stripping when there is no place left. */
static int next_mask(server *s, fl_round *r, parseal_seed **mask, cli_failure *failure)
{
    int code = s->n_masks == MASKS_MAX ? strip(s, r, failure) : CLI_OK;
    if (code == CLI_OK)
        *mask = &s->masks[s->n_masks++];
    return code;
}

/* Computes the seed of one mask, from the reconstructed secret of its client. */
static int collect(server *s, fl_round *r, const shares *recovered, const parseal_need *need,
                   cli_failure *failure)
{
    const uint8_t *secret = shares_secret(recovered, need->peer);
    parseal_seed *mask;
    int code = next_mask(s, r, &mask, failure);
    if (code != CLI_OK)
        return code;
    if (need->peer == need->client) {
        cohort_self_mask(&r->cohort, secret, mask);
    } else {
        stage_begin(&r->stages);
        code = cohort_pair_mask(&r->cohort, secret, need->peer, need->client, mask, failure);
        stage_end(&r->stages, STAGE_RECOVER, 0);
    }
    mask->sign = need->sign;
    return code;
}

int server_unmask(server *s, fl_round *r, const shares *recovered, cli_failure *failure)
{
    cli_buffer list = {NULL, 0};
    size_t n = 0;
    int code = cohort_needs(&r->cohort, NULL, 0, &n, failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&list, n, sizeof(parseal_need), "the list of masks", failure);
    if (code == CLI_OK)
        code = cohort_needs(&r->cohort, list.p, n, &n, failure);
    for (size_t i = 0; code == CLI_OK && i < n; i++)
        code = collect(s, r, recovered, (const parseal_need *)list.p + i, failure);
    cli_buffer_destroy(&list);
    return code == CLI_OK ? strip(s, r, failure) : code;
}

int server_sum(const server *s, const fl_round *r, cli_buffer *sum, cli_failure *failure)
{
    int code = cli_buffer_create(sum, r->params.n, r->ring.element_size, "the sum", failure);
    if (code != CLI_OK)
        return code;
    const parseal_vec elements = fl_round_vector(r, sum->p);
    parseal_status status = parseal_aggregator_sum(s->aggregator, &elements);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "sum", status);
}

int server_mean(const server *s, fl_round *r, cli_buffer *mean, cli_failure *failure)
{
    int code =
        cli_buffer_create(mean, r->params.n, sizeof(float), "the mean of the updates", failure);
    if (code != CLI_OK)
        return code;
    const parseal_vec floats = fl_round_floats(r, mean->p);
    stage_begin(&r->stages);
    parseal_status status = parseal_aggregator_mean(s->aggregator, &floats, NULL);
    stage_end(&r->stages, STAGE_DEQUANTISE, mean->size);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "dequantise", status);
}
