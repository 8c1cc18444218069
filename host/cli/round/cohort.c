#include "host/cli/round/cohort.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/bytes.h"

/* Derives 32 bytes for one purpose and client: BLAKE2b of both under the simulation's seed. */
static void derive(const cohort *c, const char *purpose, uint64_t client, uint8_t out[32])
{
    crypto_generichash_state state;
    uint8_t number[8];
    store_le64(number, client);
    crypto_generichash_init(&state, c->seed, 32, 32);
    crypto_generichash_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
    crypto_generichash_update(&state, number, sizeof number);
    crypto_generichash_final(&state, out, 32);
    sodium_memzero(&state, sizeof state);
}

void cohort_secret_key(const cohort *c, uint64_t client, uint8_t key[PARSEAL_X25519BYTES])
{
    derive(c, "x25519 secret key", client, key);
}

const uint8_t *cohort_public_key(const cohort *c, uint64_t client)
{
    return (const uint8_t *)c->public_keys.p + PARSEAL_X25519BYTES * client;
}

/* Draws `count` clients by a shuffle of all that stops there. */
static int choose_dropouts(cohort *c, uint64_t count, cli_failure *failure)
{
    uint64_t n = c->n;
    uint8_t seed[32];
    cli_buffer list, numbers = {NULL, 0};
    int code = cli_buffer_create(&list, n, sizeof(uint64_t), "the choice of dropouts", failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&numbers, count, 8, "the choice of dropouts", failure);
    if (code == CLI_OK) {
        uint64_t *client = list.p;
        uint8_t *dropped = c->dropped.p;
        derive(c, "dropouts", 0, seed);
        randombytes_buf_deterministic(numbers.p, numbers.size, seed);
        memset(dropped, 0, (size_t)n);
        for (uint64_t i = 0; i < n; i++)
            client[i] = i;
        for (uint64_t i = 0; i < count && i < n; i++) {
            const uint8_t *number = (const uint8_t *)numbers.p + 8 * i;
            uint64_t j = i + load_le64(number) % (n - i);
            uint64_t chosen = client[j];
            client[j] = client[i];
            dropped[chosen] = 1;
        }
        c->survivors = n - count;
    }
    cli_buffer_destroy(&numbers);
    cli_buffer_destroy(&list);
    return code;
}

/* Lists the clients that stay, then those that drop out. */
static int list_turnout(cohort *c, cli_failure *failure)
{
    int code = cli_buffer_create(&c->turnout, c->n, sizeof(uint32_t), "the turnout", failure);
    if (code != CLI_OK)
        return code;
    uint32_t *stayed = c->turnout.p, *dropped = stayed + c->survivors;
    for (uint64_t i = 0; i < c->n; i++)
        *(cohort_drops(c, i) ? dropped++ : stayed++) = (uint32_t)i;
    return CLI_OK;
}

static int create_graph(cohort *c, const round_options *options, cli_failure *failure)
{
    uint8_t seed[PARSEAL_SEEDBYTES];
    derive(c, "neighbour graph", 0, seed);
    const parseal_status status = parseal_graph_create(
        &c->graph, options->graph, (uint32_t)options->clients, options->neighbours, seed);
    if (status != PARSEAL_OK)
        return cli_fail_library(failure, "neighbour graph", status);
    c->degree = parseal_graph_degree(c->graph);
    return CLI_OK;
}

/* Without a wish it takes more than half of the holders, so that no server can get both secrets of
 * a client by telling two halves two stories, but no more than this round's dropouts leave. */
static int choose_threshold(cohort *c, uint32_t wish, cli_failure *failure)
{
    const uint32_t majority = cohort_holders(c) / 2 + 1;
    c->threshold = wish != 0 ? wish : majority;
    if (wish != 0)
        return CLI_OK;
    cli_buffer index;
    int code = cli_buffer_create(&index, cohort_holders(c), sizeof(uint32_t), "holders", failure);
    if (code != CLI_OK)
        return code;
    for (uint64_t i = 0; i < c->n; i++) {
        const uint32_t left = cohort_holders_left(c, i, index.p);
        if (left < c->threshold && cohort_is_needed(c, i, left))
            c->threshold = left;
    }
    cli_buffer_destroy(&index);
    if (c->threshold < majority)
        cli_note("so many clients drop out that a threshold of %u, more than half of the holders "
                 "of a secret, would fail the round: it is %u",
                 majority, c->threshold);
    return CLI_OK;
}

static int compute_public_keys(cohort *c, cli_failure *failure)
{
    int code =
        cli_buffer_create(&c->public_keys, c->n, PARSEAL_X25519BYTES, "the public keys", failure);
    if (code != CLI_OK)
        return code;
    uint8_t secret[PARSEAL_X25519BYTES];
    parseal_status status = PARSEAL_OK;
    for (uint64_t i = 0; status == PARSEAL_OK && i < c->n; i++) {
        cohort_secret_key(c, i, secret);
        status = parseal_x25519_public_key((uint8_t *)c->public_keys.p + PARSEAL_X25519BYTES * i,
                                           secret);
    }
    sodium_memzero(secret, sizeof secret);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "public keys", status);
}

int cohort_create(cohort *c, const round_options *options, cli_failure *failure)
{
    memset(c, 0, sizeof *c);
    c->n = options->clients;
    c->round = 1;
    c->seed = options->seed;
    int code = create_graph(c, options, failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&c->dropped, c->n, 1, "the list of dropouts", failure);
    if (code == CLI_OK) {
        /* 0.29 of 100 is 29, though 0.29 * 100 is a little less in binary. */
        uint64_t count = (uint64_t)floor(options->dropout * (double)c->n + 1e-9);
        code = choose_dropouts(c, count < c->n ? count : c->n - 1, failure);
    }
    if (code == CLI_OK)
        code = list_turnout(c, failure);
    if (code == CLI_OK)
        code = choose_threshold(c, options->threshold, failure);
    if (code == CLI_OK)
        code = compute_public_keys(c, failure);
    if (code != CLI_OK)
        cohort_destroy(c);
    return code;
}

void cohort_destroy(cohort *c)
{
    parseal_graph_destroy(c->graph);
    c->graph = NULL;
    cli_buffer_destroy(&c->dropped);
    cli_buffer_destroy(&c->turnout);
    cli_buffer_destroy(&c->public_keys);
}

bool cohort_drops(const cohort *c, uint64_t client)
{
    return ((const uint8_t *)c->dropped.p)[client] != 0;
}

void cohort_neighbours(const cohort *c, uint64_t client, uint32_t *neighbours)
{
    /* This fails only for clients that are not in the graph. */
    (void)parseal_graph_neighbours(c->graph, (uint32_t)client, neighbours);
}

int cohort_needs(const cohort *c, parseal_need *needs, size_t capacity, size_t *n,
                 cli_failure *failure)
{
    const uint32_t *stayed = c->turnout.p;
    const parseal_status status =
        parseal_graph_needs(c->graph, stayed, (size_t)c->survivors, stayed + c->survivors,
                            (size_t)(c->n - c->survivors), needs, capacity, n);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "masks to take off", status);
}

uint32_t cohort_holders(const cohort *c)
{
    return c->degree + 1;
}

uint32_t cohort_holders_left(const cohort *c, uint64_t client, uint32_t *index)
{
    uint32_t left = 0, before = 0; /* neighbours below the client */
    cohort_neighbours(c, client, index);
    while (before < c->degree && index[before] < client)
        before++;
    memmove(index + before + 1, index + before, (c->degree - before) * sizeof *index);
    index[before] = (uint32_t)client;
    for (uint32_t k = 0; k <= c->degree; k++)
        if (!cohort_drops(c, index[k]))
            index[left++] = k + 1;
    return left;
}

bool cohort_is_needed(const cohort *c, uint64_t client, uint32_t holders_left)
{
    return !cohort_drops(c, client) || holders_left > 0;
}

static void set_stream(const cohort *c, parseal_seed *seed)
{
    store_le64(seed->stream_id, c->round);
}

void cohort_seed(const cohort *c, seed_purpose purpose, uint64_t client, parseal_seed *seed)
{
    static const char *const names[] = {"parameters", "perturbation", "rounding", "self mask"};
    derive(c, names[purpose], client, seed->key);
    set_stream(c, seed);
    seed->sign = 1;
}

void cohort_self_mask(const cohort *c, const uint8_t key[PARSEAL_SEEDBYTES], parseal_seed *mask)
{
    memcpy(mask->key, key, sizeof mask->key);
    set_stream(c, mask);
    mask->sign = 1;
}

int cohort_pair_mask(const cohort *c, const uint8_t secret_key[PARSEAL_X25519BYTES],
                     uint64_t client, uint64_t other, parseal_seed *mask, cli_failure *failure)
{
    parseal_party own = {.id = client}, peer = {.id = other};
    uint8_t round[8];
    store_le64(round, c->round);
    memcpy(own.public_key, cohort_public_key(c, client), sizeof own.public_key);
    memcpy(peer.public_key, cohort_public_key(c, other), sizeof peer.public_key);
    if (parseal_pair_seed(mask, secret_key, &own, &peer, round, sizeof round) != PARSEAL_OK)
        return cli_fail(failure, CLI_FAILED, "clients %llu and %llu agree on no mask: %s",
                        (unsigned long long)client, (unsigned long long)other,
                        parseal_last_error_text());
    set_stream(c, mask);
    return CLI_OK;
}

int cohort_aead_keys(const cohort *c, parseal_ctx *ctx, parseal_keys **keys, cli_failure *failure)
{
    cli_buffer bytes;
    int code = cli_buffer_create(&bytes, c->n, PARSEAL_AES256GCM_KEYBYTES, "the AES keys", failure);
    if (code != CLI_OK)
        return code;
    for (uint64_t i = 0; i < c->n; i++)
        derive(c, "aes-256-gcm key", i, (uint8_t *)bytes.p + PARSEAL_AES256GCM_KEYBYTES * i);
    parseal_status status =
        parseal_keys_create(keys, ctx, PARSEAL_AES256GCM, bytes.p, (size_t)c->n, NULL);
    cli_buffer_destroy(&bytes);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "AES keys", status);
}
