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

static int collect_self_mask(server *s, fl_round *r, uint64_t client, cli_failure *failure)
{
    parseal_seed *mask;
    int code = next_mask(s, r, &mask, failure);
    if (code == CLI_OK) {
        cohort_seed(&r->cohort, SEED_SELF_MASK, client, mask);
        mask->sign = -1;
    }
    return code;
}

/* What a client that dropped out would have added is what its neighbours' masks lack: the sum
 * gets it now. */
static int collect_pair_masks(server *s, fl_round *r, uint64_t dropped, cli_failure *failure)
{
    const cohort *all = &r->cohort;
    parseal_seed *mask;
    int code = CLI_OK;
    for (uint64_t k = 0; code == CLI_OK && k < all->graph.degree; k++) {
        uint64_t neighbour = graph_neighbour(&all->graph, dropped, k);
        if (cohort_drops(all, neighbour))
            continue;
        code = next_mask(s, r, &mask, failure);
        if (code != CLI_OK)
            break;
        stage_begin(&r->stages);
        code = cohort_pair_mask(all, dropped, neighbour, mask, failure);
        stage_end(&r->stages, STAGE_RECOVER, 0);
    }
    return code;
}

int server_unmask(server *s, fl_round *r, cli_failure *failure)
{
    int code = CLI_OK;
    for (uint64_t i = 0; code == CLI_OK && i < r->cohort.graph.n; i++)
        code = cohort_drops(&r->cohort, i) ? collect_pair_masks(s, r, i, failure)
                                           : collect_self_mask(s, r, i, failure);
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
