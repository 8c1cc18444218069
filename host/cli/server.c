#include "server.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH_BYTES = 32 << 20, /* unpacked elements of a batch, and so its messages too */
    MASKS_MAX = 64          /* seeds that are stripped in one pass over the sum */
};

static int create_batch(server *s, const fl_round *r, cli_failure *failure)
{
    uint64_t slots = BATCH_BYTES / fl_round_vector_size(r);
    if (slots > r->cohort.survivors)
        slots = r->cohort.survivors;
    s->slots = slots != 0 ? (size_t)slots : 1;
    s->envelopes = calloc(s->slots, sizeof *s->envelopes);
    s->messages = calloc(s->slots, sizeof *s->messages);
    s->vectors = calloc(s->slots, sizeof *s->vectors);
    if (s->envelopes == NULL || s->messages == NULL || s->vectors == NULL)
        return cli_fail(failure, CLI_FAILED, "not enough memory for %zu messages", s->slots);
    int code = cli_buffer_create(&s->inbox, s->slots, r->wire_size, "a batch of messages", failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&s->unpacked, s->slots, fl_round_vector_size(r),
                                 "a batch of updates", failure);
    for (size_t i = 0; code == CLI_OK && i < s->slots; i++) {
        s->envelopes[i].bytes = (uint8_t *)s->inbox.p + i * r->wire_size;
        s->vectors[i] = fl_round_vector(r, (uint8_t *)s->unpacked.p + i * fl_round_vector_size(r));
    }
    return code;
}

int server_create(server *s, const fl_round *r, cli_failure *failure)
{
    memset(s, 0, sizeof *s);
    int code = create_batch(s, r, failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&s->sum, r->params.n, r->ring.element_size, "the sum", failure);
    if (code == CLI_OK) {
        memset(s->sum.p, 0, s->sum.size);
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
    sodium_free(s->masks);
    free(s->envelopes);
    free(s->messages);
    free(s->vectors);
    cli_buffer_destroy(&s->inbox);
    cli_buffer_destroy(&s->unpacked);
    cli_buffer_destroy(&s->sum);
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

static int open_batch(server *s, fl_round *r, cli_failure *failure)
{
    for (size_t i = 0; i < s->received; i++) {
        fl_round_message(r, &s->envelopes[i], &s->messages[i]);
        memcpy(s->messages[i].tag, s->envelopes[i].tag, sizeof s->messages[i].tag);
    }
    stage_begin(&r->stages);
    parseal_status status = parseal_open(r->keys, s->messages, s->received, NULL);
    stage_end(&r->stages, STAGE_OPEN, s->received * r->wire_size);
    for (size_t i = 0; status == PARSEAL_ERR_AUTH && i < s->received; i++) {
        if (s->messages[i].status != PARSEAL_ITEM_OK)
            return cli_fail(failure, CLI_FAILED, "the message of client %llu is not authentic",
                            (unsigned long long)s->envelopes[i].client);
    }
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "open", status);
}

static int unpack_batch(server *s, fl_round *r, cli_failure *failure)
{
    parseal_status status = PARSEAL_OK;
    stage_begin(&r->stages);
    for (size_t i = 0; status == PARSEAL_OK && i < s->received; i++) {
        const parseal_buf packed = parseal_host_buf(s->envelopes[i].bytes, r->wire_size);
        status = parseal_unpack(r->ctx, r->wire_bits, r->ring.element_size, &packed, &s->vectors[i],
                                NULL);
    }
    stage_end(&r->stages, STAGE_UNPACK, s->received * fl_round_vector_size(r));
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "unpack", status);
}

int server_take(server *s, fl_round *r, cli_failure *failure)
{
    const parseal_vec sum = fl_round_vector(r, s->sum.p);
    int code = open_batch(s, r, failure);
    if (code == CLI_OK)
        code = unpack_batch(s, r, failure);
    if (code != CLI_OK)
        return code;

    stage_begin(&r->stages);
    parseal_status status = parseal_vec_sum(r->ctx, &r->ring, &sum, s->vectors, s->received, NULL);
    stage_end(&r->stages, STAGE_SUM, s->received * s->sum.size);
    s->received = 0;
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "sum", status);
}

/* Adds the masks that have been collected to the sum. */
static int strip(server *s, fl_round *r, cli_failure *failure)
{
    const parseal_vec sum = fl_round_vector(r, s->sum.p);
    parseal_seeds *seeds = NULL;
    stage_begin(&r->stages);
    parseal_status status = parseal_seeds_create(&seeds, r->ctx, s->masks, s->n_masks);
    if (status == PARSEAL_OK)
        status = parseal_mask_apply(seeds, &r->ring, &sum, 0, NULL);
    parseal_seeds_destroy(seeds);
    stage_end(&r->stages, STAGE_UNMASK, s->n_masks * s->sum.size);
    progress_add(&r->progress, "unmask", s->n_masks);
    s->n_masks = 0;
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "unmask", status);
}

/* Where the seed of the next mask goes. */
static int next_mask(server *s, fl_round *r, parseal_seed **mask, cli_failure *failure)
{
    int code = s->n_masks == MASKS_MAX ? strip(s, r, failure) : CLI_OK;
    if (code == CLI_OK)
        *mask = &s->masks[s->n_masks++];
    return code;
}

/* The seed of one mask, from the secret of the client that has it to give. */
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

int server_mean(const server *s, fl_round *r, cli_buffer *mean, cli_failure *failure)
{
    const parseal_vec sum = fl_round_vector(r, s->sum.p);
    int code =
        cli_buffer_create(mean, r->params.n, sizeof(float), "the mean of the updates", failure);
    if (code != CLI_OK)
        return code;
    const parseal_vec floats = fl_round_floats(r, mean->p);
    stage_begin(&r->stages);
    parseal_status status =
        parseal_dequantize(r->ctx, &r->quant, &sum, r->cohort.survivors, &floats, NULL);
    stage_end(&r->stages, STAGE_DEQUANTISE, mean->size);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "dequantise", status);
}
