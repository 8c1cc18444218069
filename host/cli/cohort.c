#include "cohort.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

/* 32 bytes for one purpose and client: BLAKE2b of both under the simulation's seed. */
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

static void derive_secret_key(const cohort *c, uint64_t client, uint8_t key[32])
{
    derive(c, "x25519 secret key", client, key);
}

/* A shuffle of all clients that stops when `count` of them have been drawn. */
static int choose_dropouts(cohort *c, uint64_t count, cli_failure *failure)
{
    uint64_t n = c->graph.n;
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
        memset(dropped, 0, n);
        for (uint64_t i = 0; i < n; i++)
            client[i] = i;
        for (uint64_t i = 0; i < count; i++) {
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

static void compute_public_keys(cohort *c)
{
    uint8_t secret[32];
    for (uint64_t i = 0; i < c->graph.n; i++) {
        derive_secret_key(c, i, secret);
        crypto_scalarmult_base((uint8_t *)c->public_keys.p + 32 * i, secret);
    }
    sodium_memzero(secret, sizeof secret);
}

int cohort_create(cohort *c, const graph *g, double dropout, const uint8_t seed[32],
                  cli_failure *failure)
{
    memset(c, 0, sizeof *c);
    c->graph = *g;
    c->round = 1;
    c->seed = seed;
    int code = cli_buffer_create(&c->dropped, g->n, 1, "the list of dropouts", failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&c->public_keys, g->n, 32, "the public keys", failure);
    if (code == CLI_OK) {
        /* 0.29 of 100 is 29, though 0.29 * 100 is a little less in binary. */
        uint64_t count = (uint64_t)floor(dropout * (double)g->n + 1e-9);
        code = choose_dropouts(c, count < g->n ? count : g->n - 1, failure);
    }
    if (code == CLI_OK)
        compute_public_keys(c);
    else
        cohort_destroy(c);
    return code;
}

void cohort_destroy(cohort *c)
{
    cli_buffer_destroy(&c->dropped);
    cli_buffer_destroy(&c->public_keys);
}

bool cohort_drops(const cohort *c, uint64_t client)
{
    return ((const uint8_t *)c->dropped.p)[client] != 0;
}

uint64_t cohort_broken_pairs(const cohort *c)
{
    uint64_t pairs = 0;
    for (uint64_t i = 0; i < c->graph.n; i++) {
        if (!cohort_drops(c, i))
            continue;
        for (uint64_t k = 0; k < c->graph.degree; k++)
            pairs += !cohort_drops(c, graph_neighbour(&c->graph, i, k));
    }
    return pairs;
}

static void set_stream(const cohort *c, parseal_seed *seed)
{
    store_le64(seed->stream, c->round);
}

void cohort_seed(const cohort *c, seed_purpose purpose, uint64_t client, parseal_seed *seed)
{
    static const char *const names[] = {"parameters", "perturbation", "rounding", "self mask"};
    derive(c, names[purpose], client, seed->key);
    set_stream(c, seed);
    seed->sign = 1;
}

/* Both clients of a pair arrive at the same seed. */
static void hash_pair(const cohort *c, uint64_t a, uint64_t b, const uint8_t shared[32],
                      uint8_t seed[32])
{
    static const uint8_t domain[] = "parseal round: pair mask";
    crypto_generichash_state state;
    uint8_t numbers[24];
    store_le64(numbers, c->round);
    store_le64(numbers + 8, a < b ? a : b);
    store_le64(numbers + 16, a < b ? b : a);
    crypto_generichash_init(&state, NULL, 0, 32);
    crypto_generichash_update(&state, domain, sizeof domain);
    crypto_generichash_update(&state, numbers, sizeof numbers);
    crypto_generichash_update(&state, shared, 32);
    crypto_generichash_final(&state, seed, 32);
    sodium_memzero(&state, sizeof state);
}

int cohort_pair_mask(const cohort *c, uint64_t client, uint64_t other, parseal_seed *mask,
                     cli_failure *failure)
{
    const uint8_t *public_key = (const uint8_t *)c->public_keys.p + 32 * other;
    uint8_t secret[32], shared[32];
    int code = CLI_OK;

    derive_secret_key(c, client, secret);
    if (crypto_scalarmult(shared, secret, public_key) != 0) {
        code = cli_fail(failure, CLI_FAILED, "client %llu has an unsafe X25519 public key",
                        (unsigned long long)other);
    } else {
        hash_pair(c, client, other, shared, mask->key);
        set_stream(c, mask);
        mask->sign = other < client ? 1 : -1;
    }
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(shared, sizeof shared);
    return code;
}

int cohort_aead_keys(const cohort *c, parseal_ctx *ctx, parseal_keys **keys, cli_failure *failure)
{
    cli_buffer bytes;
    int code =
        cli_buffer_create(&bytes, c->graph.n, PARSEAL_AES256GCM_KEYBYTES, "the AES keys", failure);
    if (code != CLI_OK)
        return code;
    for (uint64_t i = 0; i < c->graph.n; i++)
        derive(c, "aes-256-gcm key", i, (uint8_t *)bytes.p + PARSEAL_AES256GCM_KEYBYTES * i);
    parseal_status status =
        parseal_keys_create(keys, ctx, PARSEAL_AES256GCM, bytes.p, (size_t)c->graph.n);
    cli_buffer_destroy(&bytes);
    return status == PARSEAL_OK ? CLI_OK : cli_fail_library(failure, "AES keys", status);
}
