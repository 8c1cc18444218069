/* A whole server with clients to talk to, for people who read README.md:
 *
 *     cc server.c $(pkg-config --cflags --libs parseal) && ./a.out
 *
 * Five clients quantise, mask and seal their vectors; somebody changes the last message; the server
 * adds what is authentic, strips those clients' masks, and prints the mean. */
#include <parseal/aggregator.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENTS = 5, DIM = 1000, UPDATE = DIM * 4 };
#define DO(call)              \
    if ((call) != PARSEAL_OK) \
    return fprintf(stderr, "%s\n", parseal_last_error_text()), 1

static uint8_t keys[CLIENTS][32], updates[CLIENTS][UPDATE];
static parseal_seed masks[CLIENTS];
static parseal_update inbox[CLIENTS];

/* Client i's message: quantised values of i + 1, masked, and sealed under a key of its own. */
static int client_sends(parseal_ctx *ctx, const parseal_keys *set, const parseal_ring *ring, int i)
{
    parseal_seeds *mask;
    masks[i].sign = 1;
    const parseal_vec v = parseal_host_vec(updates[i], DIM, 4);
    for (int k = 0; k < DIM; k++)
        updates[i][4 * k] = (uint8_t)(i + 1); /* elements are little-endian */
    DO(parseal_seeds_create(&mask, ctx, &masks[i], 1));
    DO(parseal_mask_apply(mask, ring, &v, 0, NULL));
    parseal_seeds_destroy(mask);
    parseal_msg m = {.in = updates[i], .out = updates[i], .len = UPDATE, .key = (uint32_t)i};
    DO(parseal_seal(set, &m, 1)); /* its nonce, zeros, is used once under that key */
    inbox[i] = (parseal_update){.client = (uint64_t)i, .in = m.out, .len = UPDATE, .key = m.key};
    memcpy(inbox[i].tag, m.tag, sizeof m.tag);
    return 0;
}

int main(void)
{
    parseal_ctx *ctx;
    parseal_keys *set;
    parseal_seeds *self_masks;
    parseal_aggregator *sum;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    static float mean[DIM];
    size_t added;
    options.ring = (parseal_ring){UINT64_C(1) << 32, 4, 0};
    options.dim = DIM;
    options.quant_bits = 8, options.quant_clip = 127.5f; /* 0 ... 255 are -127.5 ... 127.5 */
    for (int i = 0; i < CLIENTS; i++) /* in earnest they come from a key exchange */
        keys[i][0] = masks[i].key[0] = (uint8_t)(i + 1);
    DO(parseal_ctx_create(&ctx, NULL));
    DO(parseal_keys_create(&set, ctx, PARSEAL_AES256GCM, keys[0], CLIENTS, NULL));
    DO(parseal_aggregator_create(&sum, ctx, &options));
    for (int i = 0; i < CLIENTS; i++)
        if (client_sends(ctx, set, &options.ring, i) != 0)
            return 1;
    inbox[4].tag[0] ^= 1; /* somebody has changed the last message */
    if (parseal_aggregator_add_sealed(sum, set, inbox, CLIENTS, &added) == PARSEAL_ERR_AUTH)
        printf("%zu of %d counted: %s\n", added, CLIENTS, parseal_last_error_text());
    for (int i = 0; i < CLIENTS; i++)
        masks[i].sign = -1;
    DO(parseal_seeds_create(&self_masks, ctx, masks, added)); /* of those who count: the first */
    DO(parseal_aggregator_unmask(sum, self_masks));
    DO(parseal_aggregator_mean(sum, &(parseal_vec){parseal_host_buf(mean, sizeof mean), DIM},
                               NULL));
    printf("mean %.1f\n", mean[0] + 127.5f); /* (1 + 2 + 3 + 4) / 4 */
    parseal_aggregator_destroy(sum);
    parseal_seeds_destroy(self_masks);
    parseal_keys_destroy(set);
    parseal_ctx_destroy(ctx);
}
