/* Neighbour graphs, which say who masks with whom, and what dropouts leave to be unmasked
 * (parseal/secagg.h). */
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/support/check.h"
#include "host/support/process.h"
#include "parseal/secagg.h"

/* A Harary graph keeps who stands at each place of the circle, and where each client stands. Both
 * are NULL in a complete graph, and where clients stand in their own order. */
struct parseal_graph {
    int32_t kind;
    uint32_t n, degree;
    uint32_t *client_at, *place_of;
};

/* ----------------------------------------------------------------------------------- shuffle -- */

enum { WORDS_PER_READ = 256 };

typedef struct {
    const uint8_t *seed;
    uint32_t block; /* the keystream's next block */
    size_t used;    /* how many words of the last read are used up */
    uint8_t bytes[4 * WORDS_PER_READ];
} word_source;

static uint32_t next_word(word_source *s)
{
    static const uint8_t nonce[12] = {'p', 'a', 'r', 's', 'e', 'a', 'l', 'g', 'r', 'a', 'p', 'h'};
    if (s->used == WORDS_PER_READ) {
        memset(s->bytes, 0, sizeof s->bytes);
        crypto_stream_chacha20_ietf_xor_ic(s->bytes, s->bytes, sizeof s->bytes, nonce, s->block,
                                           s->seed);
        s->block += sizeof s->bytes / 64;
        s->used = 0;
    }
    const uint8_t *p = s->bytes + 4 * s->used++;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Draws a number uniformly from 0 .. n - 1. */
static uint32_t below(word_source *s, uint32_t n)
{
    const uint64_t limit = (UINT64_C(1) << 32) / n * n;
    uint32_t word;
    do
        word = next_word(s);
    while (word >= limit);
    return word % n;
}

static parseal_status shuffle(parseal_graph *g, const uint8_t *seed)
{
    word_source words = {.seed = seed, .used = WORDS_PER_READ};
    g->client_at = calloc(g->n, sizeof *g->client_at);
    g->place_of = calloc(g->n, sizeof *g->place_of);
    if (g->client_at == NULL || g->place_of == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "n: %" PRIu32 " clients, out of memory", g->n);
    for (uint32_t i = 0; i < g->n; i++)
        g->client_at[i] = i;
    for (uint32_t i = g->n - 1; i > 0; i--) {
        const uint32_t j = below(&words, i + 1), client = g->client_at[i];
        g->client_at[i] = g->client_at[j];
        g->client_at[j] = client;
    }
    for (uint32_t i = 0; i < g->n; i++)
        g->place_of[g->client_at[i]] = i;
    sodium_memzero(&words, sizeof words);
    return PARSEAL_OK;
}

/* --------------------------------------------------------------------------------- the graph -- */

static parseal_status check_degree(int32_t kind, uint32_t n, uint32_t k)
{
    if (n < 2 || n > PARSEAL_GRAPH_CLIENTS_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "n: %" PRIu32 ", 2 to %" PRIu32 " clients expected",
                            n, PARSEAL_GRAPH_CLIENTS_MAX);
    if (kind == PARSEAL_GRAPH_COMPLETE) {
        if (k == 0 || k == n - 1)
            return PARSEAL_OK;
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "k: %" PRIu32 ", 0 or n - 1 = %" PRIu32 " expected in a complete graph",
                            k, n - 1);
    }
    if (kind != PARSEAL_GRAPH_HARARY)
        return parseal_fail(PARSEAL_ERR_ARG, "kind: %" PRId32 ", PARSEAL_GRAPH_* expected", kind);
    if (k < 1 || k >= n)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "k: %" PRIu32 ", with %" PRIu32 " clients each has 1 to %" PRIu32
                            " neighbours",
                            k, n, n - 1);
    if (k % 2 == 1 && n % 2 == 1)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "k: %" PRIu32 ", an odd number of neighbours needs an even number of "
                            "clients, not %" PRIu32,
                            k, n);
    return PARSEAL_OK;
}

parseal_status parseal_graph_create(parseal_graph **graph, int32_t kind, uint32_t n, uint32_t k,
                                    const uint8_t *seed)
{
    TRY(check_pointer("graph", graph));
    TRY(check_degree(kind, n, k));
    if (!process_ready())
        return parseal_fail(PARSEAL_ERR_DEVICE, "libsodium could not be initialised");
    parseal_graph *made = calloc(1, sizeof *made);
    if (made == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "graph: out of memory");
    made->kind = kind;
    made->n = n;
    made->degree = kind == PARSEAL_GRAPH_COMPLETE ? n - 1 : k;
    const bool shuffled = kind == PARSEAL_GRAPH_HARARY && seed != NULL;
    const parseal_status status = shuffled ? shuffle(made, seed) : PARSEAL_OK;
    if (status != PARSEAL_OK) {
        parseal_graph_destroy(made);
        return status;
    }
    *graph = made;
    return PARSEAL_OK;
}

void parseal_graph_destroy(parseal_graph *graph)
{
    if (graph == NULL)
        return;
    free(graph->client_at);
    free(graph->place_of);
    free(graph);
}

uint32_t parseal_graph_clients(const parseal_graph *graph)
{
    return graph != NULL ? graph->n : 0;
}

uint32_t parseal_graph_degree(const parseal_graph *graph)
{
    return graph != NULL ? graph->degree : 0;
}

static int ascending(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static void list_neighbours(const parseal_graph *g, uint32_t i, uint32_t *neighbours)
{
    const uint32_t reach = g->degree / 2;
    uint32_t count = 0;
    if (g->kind == PARSEAL_GRAPH_COMPLETE) {
        for (uint32_t j = 0; j < g->n; j++)
            if (j != i)
                neighbours[count++] = j;
        return;
    }
    const uint32_t place = g->place_of != NULL ? g->place_of[i] : i;
    for (uint32_t d = 1; d <= reach; d++) {
        neighbours[count++] = (place + d) % g->n;
        neighbours[count++] = (place + g->n - d) % g->n;
    }
    if (g->degree % 2 == 1)
        neighbours[count++] = (place + g->n / 2) % g->n;
    for (uint32_t k = 0; g->client_at != NULL && k < count; k++)
        neighbours[k] = g->client_at[neighbours[k]];
    qsort(neighbours, count, sizeof *neighbours, ascending);
}

static parseal_status check_client(const parseal_graph *g, const char *name, uint32_t i)
{
    if (i < g->n)
        return PARSEAL_OK;
    return parseal_fail(PARSEAL_ERR_SIZE, "%s: %" PRIu32 ", a client below %" PRIu32 " expected",
                        name, i, g->n);
}

parseal_status parseal_graph_neighbours(const parseal_graph *graph, uint32_t i,
                                        uint32_t *neighbours)
{
    TRY(check_pointer("graph", graph));
    TRY(check_client(graph, "i", i));
    TRY(check_pointer("neighbours", neighbours));
    list_neighbours(graph, i, neighbours);
    return PARSEAL_OK;
}

/* ------------------------------------------------------------------------ dropouts and needs -- */

enum { ABSENT, SURVIVED, DROPPED };

typedef struct {
    const parseal_graph *graph;
    uint8_t *state;       /* each client's state */
    uint32_t *neighbours; /* the neighbours of the client that is looked at */
} roll;

static parseal_status mark(roll *r, const char *name, const uint32_t *clients, size_t n,
                           uint8_t state)
{
    if (n > 0)
        TRY(check_pointer(name, clients));
    for (size_t i = 0; i < n; i++) {
        TRY(check_client(r->graph, name, clients[i]));
        if (r->state[clients[i]] != ABSENT)
            return parseal_fail(PARSEAL_ERR_ARG,
                                "%s: client %" PRIu32 ", which has been listed before", name,
                                clients[i]);
        r->state[clients[i]] = state;
    }
    return PARSEAL_OK;
}

/* Finds the survivors among the neighbours of a client that dropped out, and returns how many. */
static uint32_t bereaved(roll *r, uint32_t client)
{
    uint32_t count = 0;
    list_neighbours(r->graph, client, r->neighbours);
    for (uint32_t k = 0; k < r->graph->degree; k++)
        if (r->state[r->neighbours[k]] == SURVIVED)
            r->neighbours[count++] = r->neighbours[k];
    return count;
}

static parseal_status list_needs(roll *r, const uint32_t *survivors, size_t n_survivors,
                                 const uint32_t *dropped, size_t n_dropped, parseal_need *needs,
                                 size_t capacity, size_t *n_needs)
{
    size_t count = n_survivors;
    TRY(mark(r, "survivors", survivors, n_survivors, SURVIVED));
    TRY(mark(r, "dropped", dropped, n_dropped, DROPPED));
    for (size_t i = 0; i < n_dropped; i++) {
        const uint32_t pairs = bereaved(r, dropped[i]);
        if (pairs > SIZE_MAX / sizeof *needs - count)
            return parseal_fail(PARSEAL_ERR_SIZE,
                                "n_dropped: %zu, their masks pass the end of memory", n_dropped);
        count += pairs;
    }
    if (capacity != 0 && capacity < count)
        return parseal_fail(PARSEAL_ERR_SIZE, "capacity: %zu, %zu masks are needed", capacity,
                            count);
    *n_needs = count;
    if (capacity == 0)
        return PARSEAL_OK;
    for (size_t i = 0; i < n_survivors; i++)
        *needs++ = (parseal_need){survivors[i], survivors[i], -1};
    for (size_t i = 0; i < n_dropped; i++) {
        const uint32_t peer = dropped[i], pairs = bereaved(r, peer);
        for (uint32_t k = 0; k < pairs; k++) {
            const uint32_t client = r->neighbours[k];
            *needs++ = (parseal_need){client, peer, peer < client ? -1 : 1};
        }
    }
    return PARSEAL_OK;
}

parseal_status parseal_graph_needs(const parseal_graph *graph, const uint32_t *survivors,
                                   size_t n_survivors, const uint32_t *dropped, size_t n_dropped,
                                   parseal_need *needs, size_t capacity, size_t *n_needs)
{
    TRY(check_pointer("graph", graph));
    TRY(check_pointer("n_needs", n_needs));
    if (capacity != 0)
        TRY(check_pointer("needs", needs));
    roll r = {graph, calloc(graph->n, 1), calloc(graph->degree, sizeof *r.neighbours)};
    parseal_status status;
    if (r.state == NULL || r.neighbours == NULL)
        status = parseal_fail(PARSEAL_ERR_NO_MEMORY, "graph: out of memory for its needs");
    else
        status =
            list_needs(&r, survivors, n_survivors, dropped, n_dropped, needs, capacity, n_needs);
    free(r.state);
    free(r.neighbours);
    return status;
}
