/* Neighbour graphs, and what a set of dropouts needs, against matrices. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "parseal/secagg.h"
#include "rng.h"
#include "run.h"

enum { N_MAX = 24 };

static const uint8_t SEED[PARSEAL_SEEDBYTES] = {1, 2, 3};
static const uint8_t OTHER_SEED[PARSEAL_SEEDBYTES] = {1, 2, 4};

static parseal_graph *make(int32_t kind, uint32_t n, uint32_t k, const uint8_t *seed)
{
    parseal_graph *g = NULL;
    assert_ok(parseal_graph_create(&g, kind, n, k, seed));
    return g;
}

typedef struct {
    uint32_t n;
    bool edge[N_MAX][N_MAX];
} matrix;

/* Reads a graph, whose lists must ascend, name distinct others, and be as long as the degree. */
static matrix read_graph(const parseal_graph *g)
{
    uint32_t neighbours[N_MAX];
    matrix m = {.n = parseal_graph_clients(g)};
    assert_in_range(m.n, 2, N_MAX);
    for (uint32_t i = 0; i < m.n; i++) {
        assert_ok(parseal_graph_neighbours(g, i, neighbours));
        for (uint32_t k = 0; k < parseal_graph_degree(g); k++) {
            assert_true(neighbours[k] < m.n && neighbours[k] != i);
            assert_true(k == 0 || neighbours[k] > neighbours[k - 1]);
            m.edge[i][neighbours[k]] = true;
        }
    }
    return m;
}

static bool symmetric(const matrix *m)
{
    for (uint32_t i = 0; i < m->n; i++)
        for (uint32_t j = 0; j < m->n; j++)
            if (m->edge[i][j] != m->edge[j][i])
                return false;
    return true;
}

/* Returns whether every client that is not `gone` can be reached from every other one. */
static bool connected(const matrix *m, uint32_t gone)
{
    uint32_t first = 0, reached, before = 0;
    const uint32_t all = (UINT32_C(1) << m->n) - 1;
    while (gone >> first & 1)
        first++;
    reached = UINT32_C(1) << first;
    while (reached != before) {
        before = reached;
        for (uint32_t i = 0; i < m->n; i++)
            for (uint32_t j = 0; j < m->n; j++)
                if ((reached >> i & 1) && m->edge[i][j] && !(gone >> j & 1))
                    reached |= UINT32_C(1) << j;
    }
    return reached == (all & ~gone);
}

static void every_size(void **state)
{
    (void)state;
    for (uint32_t n = 2; n <= N_MAX; n++) {
        for (uint32_t k = 1; k < n; k++) {
            if (n % 2 == 1 && k % 2 == 1)
                continue;
            const uint8_t *seeds[] = {NULL, SEED};
            for (size_t s = 0; s < COUNT_OF(seeds); s++) {
                parseal_graph *g = make(PARSEAL_GRAPH_HARARY, n, k, seeds[s]);
                assert_int_equal(parseal_graph_degree(g), k);
                const matrix m = read_graph(g);
                assert_true(symmetric(&m));
                assert_true(k == 1 || connected(&m, 0)); /* With k = 1 they are pairs. */
                parseal_graph_destroy(g);
            }
        }
        parseal_graph *g = make(PARSEAL_GRAPH_COMPLETE, n, n % 3 == 0 ? 0 : n - 1, NULL);
        assert_int_equal(parseal_graph_degree(g), n - 1);
        const matrix m = read_graph(g);
        for (uint32_t i = 0; i < n; i++)
            for (uint32_t j = 0; j < n; j++)
                assert_int_equal(m.edge[i][j], i != j);
        parseal_graph_destroy(g);
    }
}

/* The graph is there so that fewer than k missing clients do not part it, whoever they are. */
static void connectivity(void **state)
{
    (void)state;
    static const uint32_t cases[][2] = {{8, 3}, {9, 4}, {10, 5}, {11, 2}};
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        const uint32_t n = cases[c][0], k = cases[c][1];
        bool parted = false;
        parseal_graph *g = make(PARSEAL_GRAPH_HARARY, n, k, SEED);
        const matrix m = read_graph(g);
        for (uint32_t gone = 0; gone < (UINT32_C(1) << n) - 1; gone++) {
            uint32_t missing = 0;
            for (uint32_t i = 0; i < n; i++)
                missing += gone >> i & 1;
            if (missing < k)
                assert_true(connected(&m, gone));
            else
                parted = parted || !connected(&m, gone);
        }
        assert_true(parted);
        parseal_graph_destroy(g);
    }
}

static void own_order(void **state)
{
    (void)state;
    parseal_graph *g = make(PARSEAL_GRAPH_HARARY, 10, 5, NULL);
    const matrix m = read_graph(g);
    for (uint32_t i = 0; i < 10; i++)
        for (uint32_t j = 0; j < 10; j++) {
            const uint32_t apart = (j + 10 - i) % 10;
            assert_int_equal(m.edge[i][j],
                             apart == 1 || apart == 2 || apart == 5 || apart == 8 || apart == 9);
        }
    parseal_graph_destroy(g);
}

/* Does the shuffle as the header describes it, from one long read of the keystream. Returns how
 * many words were left out. */
static size_t naive_shuffle(uint32_t *order, uint32_t n, const uint8_t *seed)
{
    const size_t size = 4 * (size_t)n + 1000;
    uint8_t *stream = malloc(size);
    size_t at = 0, rejected = 0;
    assert_non_null(stream);
    crypto_stream_chacha20_ietf(stream, size, (const uint8_t *)"parsealgraph", seed);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n - 1; i >= 1; i--) {
        const uint64_t range = i + 1;
        uint64_t w;
        for (bool good = false; !good; rejected += !good) {
            assert_true(at + 4 <= size);
            w = stream[at] + 256u * stream[at + 1] + 65536u * stream[at + 2];
            w += UINT64_C(16777216) * stream[at + 3];
            at += 4;
            good = w < UINT64_C(4294967296) - UINT64_C(4294967296) % range;
        }
        const uint32_t j = (uint32_t)(w % range), old = order[i];
        order[i] = order[j];
        order[j] = old;
    }
    free(stream);
    return rejected;
}

/* The order is right beyond one read of the keystream too, which is 256 words, and with so many
 * clients that words are rejected. */
static void seeded_order(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {5, 24, 256, 257, 258, 900, 400000};
    const uint8_t *seeds[] = {SEED, OTHER_SEED};
    for (size_t c = 0; c < 2 * COUNT_OF(sizes); c++) {
        const uint32_t n = sizes[c / 2];
        uint32_t *order = calloc(n, sizeof *order), neighbours[2];
        parseal_graph *g = make(PARSEAL_GRAPH_HARARY, n, 2, seeds[c % 2]);
        assert_non_null(order);
        const size_t rejected = naive_shuffle(order, n, seeds[c % 2]);
        assert_int_equal(rejected > 0, n == 400000);
        for (uint32_t p = 0; p < n; p++) {
            const uint32_t a = order[(p + 1) % n], b = order[(p + n - 1) % n];
            assert_ok(parseal_graph_neighbours(g, order[p], neighbours));
            assert_int_equal(neighbours[0], a < b ? a : b);
            assert_int_equal(neighbours[1], a < b ? b : a);
        }
        parseal_graph_destroy(g);
        free(order);
    }
}

static void seed_decides(void **state)
{
    (void)state;
    const uint8_t *seeds[] = {SEED, SEED, OTHER_SEED, NULL};
    matrix m[4];
    for (size_t i = 0; i < 4; i++) {
        parseal_graph *g = make(PARSEAL_GRAPH_HARARY, N_MAX, 4, seeds[i]);
        m[i] = read_graph(g);
        parseal_graph_destroy(g);
    }
    assert_memory_equal(m[0].edge, m[1].edge, sizeof m[0].edge);
    assert_memory_not_equal(m[0].edge, m[2].edge, sizeof m[0].edge);
    assert_memory_not_equal(m[0].edge, m[3].edge, sizeof m[0].edge);
}

/* ------------------------------------------------------------------------------------- needs -- */

typedef struct {
    uint32_t survivors[N_MAX], dropped[N_MAX];
    size_t n_survivors, n_dropped;
} turnout;

static turnout random_turnout(rng *r, uint32_t n)
{
    turnout t = {.n_survivors = 0};
    uint32_t order[N_MAX];
    for (uint32_t i = 0; i < n; i++)
        order[i] = i;
    for (uint32_t i = n; i-- > 0;) {
        const uint32_t j = (uint32_t)rng_below(r, i + 1), client = order[j];
        order[j] = order[i];
        switch (rng_below(r, 3)) {
        case 0:
            t.survivors[t.n_survivors++] = client;
            break;
        case 1:
            t.dropped[t.n_dropped++] = client;
            break;
        }
    }
    return t;
}

static bool listed(const uint32_t *list, size_t n, uint32_t client)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == client)
            return true;
    return false;
}

/* Every mask is a number of its own: survivors add theirs by the protocol's rule, and what is
 * needed must bring the sum to zero, using each mask once. */
static void assert_cancels(const matrix *m, const turnout *t, const parseal_need *needs, size_t n)
{
    int64_t sum[N_MAX][N_MAX] = {{0}}; /* each pair mask's coefficient, at [i][i] a self mask's */
    for (size_t s = 0; s < t->n_survivors; s++) {
        const uint32_t i = t->survivors[s];
        sum[i][i] += 1;
        for (uint32_t j = 0; j < m->n; j++) {
            const bool took_part =
                listed(t->survivors, t->n_survivors, j) || listed(t->dropped, t->n_dropped, j);
            if (m->edge[i][j] && took_part)
                sum[i < j ? i : j][i < j ? j : i] += j < i ? 1 : -1;
        }
    }
    for (size_t k = 0; k < n; k++) {
        const uint32_t i = needs[k].client, j = needs[k].peer;
        int64_t *mask = &sum[i < j ? i : j][i < j ? j : i];
        assert_true(listed(t->survivors, t->n_survivors, i));
        assert_true(i == j || listed(t->dropped, t->n_dropped, j));
        assert_true(*mask != 0); /* So no mask is named that is not in the sum. */
        *mask += needs[k].sign;
    }
    for (uint32_t i = 0; i < m->n; i++)
        for (uint32_t j = 0; j < m->n; j++)
            assert_int_equal(sum[i][j], 0);
}

static void needs_cancel(void **state)
{
    (void)state;
    rng r = rng_for("needs");
    for (int round = 0; round < 400; round++) {
        const uint32_t n = (uint32_t)rng_range(&r, 2, N_MAX);
        uint32_t k = (uint32_t)rng_range(&r, 1, n - 1);
        parseal_need needs[N_MAX * N_MAX];
        size_t count = 0, written = 0;
        if (n % 2 == 1 && k % 2 == 1)
            k++;
        const int32_t kind = round % 4 == 0 ? PARSEAL_GRAPH_COMPLETE : PARSEAL_GRAPH_HARARY;
        parseal_graph *g = make(kind, n, kind == PARSEAL_GRAPH_COMPLETE ? 0 : k, SEED);
        const matrix m = read_graph(g);
        const turnout t = random_turnout(&r, n);
        assert_ok(parseal_graph_needs(g, t.survivors, t.n_survivors, t.dropped, t.n_dropped, NULL,
                                      0, &count));
        assert_true(count <= COUNT_OF(needs));
        if (count > 0) {
            assert_ok(parseal_graph_needs(g, t.survivors, t.n_survivors, t.dropped, t.n_dropped,
                                          needs, count, &written));
            assert_int_equal(written, count);
        }
        assert_cancels(&m, &t, needs, count);
        parseal_graph_destroy(g);
    }
}

/* The needs of clients 0 - 1 - 2 - 3 - 4 - 0 are worked out by hand. */
static void needs_in_order(void **state)
{
    (void)state;
    static const uint32_t survivors[] = {4, 1, 2}, dropped[] = {3, 0};
    static const parseal_need expected[] = {{4, 4, -1}, {1, 1, -1}, {2, 2, -1}, {2, 3, 1},
                                            {4, 3, -1}, {1, 0, -1}, {4, 0, -1}};
    parseal_need needs[COUNT_OF(expected) + 1];
    size_t count = 0;
    parseal_graph *g = make(PARSEAL_GRAPH_HARARY, 5, 2, NULL);
    memset(needs, UNTOUCHED, sizeof needs);
    assert_ok(parseal_graph_needs(g, survivors, 3, dropped, 2, needs, COUNT_OF(needs), &count));
    assert_int_equal(count, COUNT_OF(expected));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(needs[i].client, expected[i].client);
        assert_int_equal(needs[i].peer, expected[i].peer);
        assert_int_equal(needs[i].sign, expected[i].sign);
    }
    assert_filled(&needs[count], sizeof needs[count], UNTOUCHED);
    parseal_graph_destroy(g);
}

/* ---------------------------------------------------------------------------------- refusals -- */

static void refuses_graphs(void **state)
{
    (void)state;
    static const struct {
        int32_t kind;
        uint32_t n, k;
        parseal_status status;
        const char *name;
    } cases[] = {
        {PARSEAL_GRAPH_HARARY, 5, 0, PARSEAL_ERR_SIZE, "k"},
        {PARSEAL_GRAPH_HARARY, 5, 5, PARSEAL_ERR_SIZE, "k"},
        {PARSEAL_GRAPH_HARARY, 5, 6, PARSEAL_ERR_SIZE, "k"},
        {PARSEAL_GRAPH_HARARY, 5, UINT32_MAX, PARSEAL_ERR_SIZE, "k"},
        {PARSEAL_GRAPH_HARARY, 5, 3, PARSEAL_ERR_SIZE, "k"},
        {PARSEAL_GRAPH_HARARY, 21, 1, PARSEAL_ERR_SIZE, "k"},
        {PARSEAL_GRAPH_HARARY, 0, 1, PARSEAL_ERR_SIZE, "n"},
        {PARSEAL_GRAPH_HARARY, 1, 1, PARSEAL_ERR_SIZE, "n"},
        {PARSEAL_GRAPH_HARARY, PARSEAL_GRAPH_CLIENTS_MAX + 1, 2, PARSEAL_ERR_SIZE, "n"},
        {PARSEAL_GRAPH_COMPLETE, 5, 3, PARSEAL_ERR_SIZE, "k"},
        {PARSEAL_GRAPH_COMPLETE, 5, 5, PARSEAL_ERR_SIZE, "k"},
        {PARSEAL_GRAPH_COMPLETE, 1, 0, PARSEAL_ERR_SIZE, "n"},
        {0, 5, 2, PARSEAL_ERR_ARG, "kind"},
        {3, 5, 2, PARSEAL_ERR_ARG, "kind"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parseal_graph *g = NULL;
        assert_error(parseal_graph_create(&g, cases[i].kind, cases[i].n, cases[i].k, SEED),
                     cases[i].status, cases[i].name);
        assert_null(g);
    }
    assert_error(parseal_graph_create(NULL, PARSEAL_GRAPH_HARARY, 5, 2, SEED), PARSEAL_ERR_ARG,
                 "graph");
}

static void refuses_neighbours(void **state)
{
    (void)state;
    uint32_t list[2] = {7, 7};
    parseal_graph *g = make(PARSEAL_GRAPH_HARARY, 5, 2, SEED);
    assert_error(parseal_graph_neighbours(g, 5, list), PARSEAL_ERR_SIZE, "i");
    assert_error(parseal_graph_neighbours(g, 0, NULL), PARSEAL_ERR_ARG, "neighbours");
    assert_error(parseal_graph_neighbours(NULL, 0, list), PARSEAL_ERR_ARG, "graph");
    assert_int_equal(list[0], 7);
    assert_int_equal(list[1], 7);
    assert_int_equal(parseal_graph_clients(NULL), 0);
    assert_int_equal(parseal_graph_degree(NULL), 0);
    parseal_graph_destroy(g);
    parseal_graph_destroy(NULL);
}

static void refuses_lists(void **state)
{
    (void)state;
    static const struct {
        uint32_t survivors[2], dropped[2];
        parseal_status status;
        const char *name;
    } cases[] = {
        {{0, 5}, {1, 2}, PARSEAL_ERR_SIZE, "survivors"},
        {{0, 3}, {1, UINT32_MAX}, PARSEAL_ERR_SIZE, "dropped"},
        {{3, 3}, {1, 2}, PARSEAL_ERR_ARG, "survivors"},
        {{0, 3}, {2, 2}, PARSEAL_ERR_ARG, "dropped"},
        {{0, 3}, {1, 0}, PARSEAL_ERR_ARG, "dropped"},
    };
    parseal_need needs[8];
    size_t count = 99;
    parseal_graph *g = make(PARSEAL_GRAPH_HARARY, 5, 2, SEED);
    memset(needs, UNTOUCHED, sizeof needs);
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_error(
            parseal_graph_needs(g, cases[i].survivors, 2, cases[i].dropped, 2, needs, 8, &count),
            cases[i].status, cases[i].name);
    static const uint32_t some[] = {0, 1, 2};
    assert_error(parseal_graph_needs(g, some, 3, NULL, 0, needs, 2, &count), PARSEAL_ERR_SIZE,
                 "capacity");
    assert_error(parseal_graph_needs(g, some, 3, NULL, 0, NULL, 3, &count), PARSEAL_ERR_ARG,
                 "needs");
    assert_error(parseal_graph_needs(g, NULL, 3, NULL, 0, needs, 8, &count), PARSEAL_ERR_ARG,
                 "survivors");
    assert_error(parseal_graph_needs(g, some, 3, NULL, 1, needs, 8, &count), PARSEAL_ERR_ARG,
                 "dropped");
    assert_error(parseal_graph_needs(g, some, 3, NULL, 0, needs, 8, NULL), PARSEAL_ERR_ARG,
                 "n_needs");
    assert_error(parseal_graph_needs(NULL, some, 3, NULL, 0, needs, 8, &count), PARSEAL_ERR_ARG,
                 "graph");
    assert_filled(needs, sizeof needs, UNTOUCHED);
    assert_int_equal(count, 99);
    parseal_graph_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size),         cmocka_unit_test(connectivity),
        cmocka_unit_test(own_order),          cmocka_unit_test(seeded_order),
        cmocka_unit_test(seed_decides),       cmocka_unit_test(needs_cancel),
        cmocka_unit_test(needs_in_order),     cmocka_unit_test(refuses_graphs),
        cmocka_unit_test(refuses_neighbours), cmocka_unit_test(refuses_lists),
    };
    return sodium_init() < 0 ? 1 : RUN_SUITE("secagg graph", tests);
}
