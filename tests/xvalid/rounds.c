/* Whole rounds of secure aggregation: keys, shares, masks, clients that drop out after masking,
 * reconstruction, unmasking. The sum is that of the survivors' vectors, exactly. In half of the
 * rounds clients seal their updates, each under its own key; in half of them they pack them. */
#include <parseal/aggregator.h>
#include <parseal/secagg.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "ref_vec.h"
#include "ring.h"
#include "rng.h"
#include "run.h"

enum { CLIENTS_MAX = 24, DIM = 333, SECRETS = 2 };
enum { SELF, X25519 }; /* a client's two secrets */

static const char round_id[] = "round 7";

typedef struct {
    parseal_party party;
    uint8_t secret[SECRETS][PARSEAL_SECRETBYTES];
    uint8_t *shares; /* for each holder, of both secrets */
    uint8_t *plain, *masked;
    uint8_t *update; /* masked, packed and sealed, as the round has it */
    size_t update_size;
    bool dropped;
} client;

typedef struct {
    rng r;
    parseal_ctx *ctx;
    parseal_ring ring;
    uint32_t bits; /* of an element in an update; 0: whole ones */
    bool sealed;
    uint32_t n, threshold;
    parseal_graph *graph;
    client clients[CLIENTS_MAX];
    uint32_t survivors[CLIENTS_MAX], dropped[CLIENTS_MAX];
    size_t n_survivors, n_dropped;
} protocol;

static uint8_t *room(size_t size)
{
    uint8_t *p = malloc(size + 1);
    assert_non_null(p);
    return p;
}

static size_t vector_size(const protocol *p)
{
    return (size_t)DIM * p->ring.element_size;
}

static void clients_begin(protocol *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        client *c = &p->clients[i];
        memset(c, 0, sizeof *c);
        c->party.id = i;
        assert_ok(parseal_x25519_keypair(c->party.public_key, c->secret[X25519]));
        rng_fill(&p->r, c->secret[SELF], sizeof c->secret[SELF]);
        c->shares = room((size_t)p->n * sizeof c->secret);
        assert_ok(parseal_shamir_share(c->secret[0], SECRETS, p->threshold, p->n, c->shares));
        c->plain = room(vector_size(p));
        c->masked = room(vector_size(p));
        rng_fill(&p->r, c->plain, vector_size(p));
        memcpy(c->masked, c->plain, vector_size(p));
        c->update = room(vector_size(p));
    }
}

static void clients_end(protocol *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        free(p->clients[i].shares);
        free(p->clients[i].plain);
        free(p->clients[i].masked);
        free(p->clients[i].update);
    }
}

static parseal_seed seed_of(const uint8_t key[PARSEAL_SECRETBYTES], int32_t sign)
{
    parseal_seed seed = {.sign = sign};
    memcpy(seed.key, key, sizeof seed.key);
    return seed;
}

/* What client i adds to its vector: its self mask, and one for each neighbour. */
static void mask(protocol *p, uint32_t i)
{
    uint32_t neighbours[CLIENTS_MAX];
    parseal_seed seeds[CLIENTS_MAX + 1];
    parseal_seeds *set;
    client *c = &p->clients[i];
    const uint32_t degree = parseal_graph_degree(p->graph);
    const parseal_vec v = parseal_host_vec(c->masked, DIM, p->ring.element_size);
    assert_ok(parseal_graph_neighbours(p->graph, i, neighbours));
    seeds[0] = seed_of(c->secret[SELF], 1);
    for (uint32_t k = 0; k < degree; k++)
        assert_ok(parseal_pair_seed(&seeds[1 + k], c->secret[X25519], &c->party,
                                    &p->clients[neighbours[k]].party, round_id, sizeof round_id));
    assert_ok(parseal_seeds_create(&set, p->ctx, seeds, degree + 1));
    assert_ok(parseal_mask_apply(set, &p->ring, &v, 0, NULL));
    parseal_seeds_destroy(set);
}

/* A secret of a client, from what `holders` of the survivors hold of it. */
static parseal_status reconstruct(const protocol *p, uint32_t i, uint32_t holders, size_t which,
                                  uint8_t secret[PARSEAL_SECRETBYTES])
{
    uint32_t index[CLIENTS_MAX];
    uint8_t shares[CLIENTS_MAX][PARSEAL_SECRETBYTES];
    for (uint32_t k = 0; k < holders; k++) {
        index[k] = p->survivors[k] + 1;
        memcpy(shares[k],
               p->clients[i].shares +
                   ((size_t)p->survivors[k] * SECRETS + which) * PARSEAL_SECRETBYTES,
               PARSEAL_SECRETBYTES);
    }
    return parseal_shamir_combine(index, shares[0], holders, 1, p->threshold, secret);
}

/* The mask that one need stands for, from shares alone. */
static parseal_seed needed_seed(const protocol *p, const parseal_need *need)
{
    uint8_t secret[PARSEAL_SECRETBYTES];
    parseal_seed seed;
    const uint32_t holders = (uint32_t)p->n_survivors;
    if (need->client == need->peer) {
        assert_ok(reconstruct(p, need->client, p->threshold, SELF, secret));
        return seed_of(secret, need->sign);
    }
    assert_ok(reconstruct(p, need->peer, holders, X25519, secret));
    assert_ok(parseal_pair_seed(&seed, secret, &p->clients[need->peer].party,
                                &p->clients[need->client].party, round_id, sizeof round_id));
    seed.sign = need->sign;
    return seed;
}

/* In two calls, the later needs first. */
static void unmask(const protocol *p, parseal_aggregator *a)
{
    size_t n = 0;
    assert_ok(parseal_graph_needs(p->graph, p->survivors, p->n_survivors, p->dropped, p->n_dropped,
                                  NULL, 0, &n));
    parseal_need *needs = calloc(n + 1, sizeof *needs);
    parseal_seed *seeds = calloc(n + 1, sizeof *seeds);
    assert_true(needs != NULL && seeds != NULL);
    assert_ok(parseal_graph_needs(p->graph, p->survivors, p->n_survivors, p->dropped, p->n_dropped,
                                  needs, n, &n));
    for (size_t j = 0; j < n; j++)
        seeds[j] = needed_seed(p, &needs[j]);
    const size_t half = n / 2;
    for (int later = 1; later >= 0; later--) {
        parseal_seeds *set;
        assert_ok(parseal_seeds_create(&set, p->ctx, later ? seeds + half : seeds,
                                       later ? n - half : half));
        assert_ok(parseal_aggregator_unmask(a, set));
        parseal_seeds_destroy(set);
    }
    free(needs);
    free(seeds);
}

/* Some clients, in an order of their own. */
static void draw_dropouts(protocol *p, size_t n_dropped)
{
    uint32_t order[CLIENTS_MAX];
    for (uint32_t i = 0; i < p->n; i++)
        order[i] = i;
    for (uint32_t i = p->n; i > 1; i--) {
        const uint32_t k = (uint32_t)rng_below(&p->r, i), other = order[i - 1];
        order[i - 1] = order[k];
        order[k] = other;
    }
    p->n_dropped = n_dropped;
    p->n_survivors = p->n - n_dropped;
    memcpy(p->dropped, order, n_dropped * sizeof *order);
    memcpy(p->survivors, order + n_dropped, p->n_survivors * sizeof *order);
}

/* Masked elements are below the modulus, which fits the bits. */
static void pack(const protocol *p, client *c)
{
    const parseal_vec masked = parseal_host_vec(c->masked, DIM, p->ring.element_size);
    uint64_t size = vector_size(p);
    if (p->bits == 0) {
        memcpy(c->update, c->masked, (size_t)size);
    } else {
        assert_ok(parseal_packed_size(DIM, p->bits, &size));
        const parseal_buf packed = parseal_host_buf(c->update, size);
        assert_ok(parseal_pack(p->ctx, p->bits, p->ring.element_size, &masked, &packed, NULL));
    }
    c->update_size = (size_t)size;
}

/* Client i's key is key i of the server's. */
static void seal(const protocol *p, const parseal_keys *keys, parseal_update *updates)
{
    parseal_msg msgs[CLIENTS_MAX];
    for (size_t k = 0; k < p->n_survivors; k++) {
        parseal_update *u = &updates[k];
        u->key = p->survivors[k];
        u->aad = round_id;
        u->aad_len = sizeof round_id;
        msgs[k] = (parseal_msg){.in = u->in,
                                .out = p->clients[p->survivors[k]].update,
                                .len = u->len,
                                .aad = u->aad,
                                .aad_len = u->aad_len,
                                .key = u->key};
    }
    assert_ok(parseal_seal(keys, msgs, p->n_survivors));
    for (size_t k = 0; k < p->n_survivors; k++)
        memcpy(updates[k].tag, msgs[k].tag, sizeof updates[k].tag);
}

/* Before all others comes the first client's update as that of another, and is refused. */
static void add_sealed(protocol *p, parseal_aggregator *a, parseal_update *updates)
{
    uint8_t bytes[CLIENTS_MAX * PARSEAL_AES256GCM_KEYBYTES];
    parseal_keys *keys;
    rng_fill(&p->r, bytes, sizeof bytes);
    assert_ok(parseal_keys_create(&keys, p->ctx, PARSEAL_AES256GCM, bytes, p->n, NULL));
    seal(p, keys, updates);
    parseal_update forged = updates[0];
    forged.key = (forged.key + 1) % p->n;
    forged.client = forged.key;
    assert_status(parseal_aggregator_add_sealed(a, keys, &forged, 1, NULL), PARSEAL_ERR_AUTH);
    assert_ok(parseal_aggregator_add_sealed(a, keys, updates, p->n_survivors, NULL));
    parseal_keys_destroy(keys);
}

static void aggregate(protocol *p)
{
    parseal_aggregator *a;
    parseal_aggregator_options options = PARSEAL_AGGREGATOR_OPTIONS_INIT;
    parseal_update updates[CLIENTS_MAX];
    const void *plain[CLIENTS_MAX];
    uint8_t *want = room(vector_size(p)), *got = room(vector_size(p));
    const parseal_vec sum = parseal_host_vec(got, DIM, p->ring.element_size);
    options.ring = p->ring;
    options.dim = DIM;
    options.bits = p->bits;
    memset(want, 0, vector_size(p));
    for (size_t k = 0; k < p->n_survivors; k++) {
        client *c = &p->clients[p->survivors[k]];
        pack(p, c);
        updates[k] =
            (parseal_update){.client = c->party.id, .in = c->update, .len = c->update_size};
        plain[k] = c->plain;
    }
    assert_ok(parseal_aggregator_create(&a, p->ctx, &options));
    if (p->sealed)
        add_sealed(p, a, updates);
    else
        assert_ok(parseal_aggregator_add_plain(a, updates, p->n_survivors, NULL));
    unmask(p, a);
    assert_ok(parseal_aggregator_sum(a, &sum));
    ref_sum(&p->ring, want, plain, p->n_survivors, DIM);
    assert_bytes(got, want, vector_size(p));
    parseal_aggregator_destroy(a);
    free(want);
    free(got);
}

/* Fewer than the threshold recover nothing. */
static void below_threshold(const protocol *p)
{
    uint8_t secret[PARSEAL_SECRETBYTES];
    if (p->threshold > 1)
        assert_error(reconstruct(p, 0, p->threshold - 1, SELF, secret), PARSEAL_ERR_SIZE,
                     "n_shares");
}

static void run_round(protocol *p, int32_t kind, uint32_t n, uint32_t k, uint32_t threshold,
                      size_t n_dropped)
{
    uint8_t order[32];
    p->n = n;
    p->threshold = threshold;
    rng_fill(&p->r, order, sizeof order);
    assert_ok(parseal_graph_create(&p->graph, kind, n, kind == PARSEAL_GRAPH_COMPLETE ? n - 1 : k,
                                   kind == PARSEAL_GRAPH_COMPLETE ? NULL : order));
    clients_begin(p);
    draw_dropouts(p, n_dropped);
    for (uint32_t i = 0; i < n; i++)
        mask(p, i);
    aggregate(p);
    below_threshold(p);
    clients_end(p);
    parseal_graph_destroy(p->graph);
}

static void whole_rounds(void **state)
{
    (void)state;
    enum { KINDS = 3, ROUNDS = 4 };
    static const struct {
        parseal_ring ring;
        uint32_t bits;
    } kinds[2][KINDS] = {
        {{{UINT64_C(1) << 32, 4, 0}, 0}, {{1000003, 4, 0}, 0}, {{UINT64_MAX - 58, 8, 0}, 0}},
        {{{UINT64_C(1) << 20, 4, 0}, 20},
         {{UINT64_C(1) << 13, 4, 0}, 13},
         {{UINT64_C(1) << 45, 8, 0}, 45}},
    };
    static const struct {
        uint32_t n, k, threshold;
    } shapes[] = {{2, 1, 1}, {5, 4, 3}, {9, 4, 5}, {24, 7, 13}};
    protocol p = {.r = rng_for("rounds"), .ctx = run_ctx(1)};
    for (size_t s = 0; s < COUNT_OF(shapes); s++)
        for (size_t i = 0; i < KINDS * ROUNDS; i++) {
            const size_t ring = i / ROUNDS, round = i % ROUNDS, packed = (s + round) % 2;
            const uint32_t n = shapes[s].n, most = n - shapes[s].threshold;
            /* nobody, some, all but the threshold */
            const size_t dropped[ROUNDS] = {0, rng_below(&p.r, most + 1), most, most};
            p.ring = kinds[packed][ring].ring;
            p.bits = kinds[packed][ring].bits;
            p.sealed = (round / 2 + ring) % 2 != 0;
            run_round(&p, round % 2 == 0 ? PARSEAL_GRAPH_COMPLETE : PARSEAL_GRAPH_HARARY, n,
                      shapes[s].k, shapes[s].threshold, dropped[round]);
        }
    parseal_ctx_destroy(p.ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_rounds)};
    return RUN_SUITE("whole rounds", tests);
}
