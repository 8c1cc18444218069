/* The neighbour graph: regular, symmetric, simple, connected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "graph.h"

enum { N_MAX = 24 };

static void read_graph(uint64_t n, uint64_t degree, int edge[N_MAX][N_MAX])
{
    cli_failure failure = {CLI_OK, ""};
    graph g;
    memset(edge, 0, sizeof(int[N_MAX][N_MAX]));
    assert_int_equal(graph_create(&g, n, degree, &failure), CLI_OK);
    for (uint64_t i = 0; i < n; i++) {
        for (uint64_t k = 0; k < degree; k++) {
            uint64_t j = graph_neighbour(&g, i, k);
            assert_true(j < n);
            edge[i][j]++;
        }
    }
}

static void test_regular_and_symmetric(void **state)
{
    int edge[N_MAX][N_MAX];
    (void)state;
    for (uint64_t n = 2; n <= N_MAX; n++) {
        for (uint64_t degree = 1; degree < n; degree++) {
            if (n % 2 == 1 && degree % 2 == 1)
                continue;
            read_graph(n, degree, edge);
            for (uint64_t i = 0; i < n; i++) {
                uint64_t row = 0;
                assert_int_equal(edge[i][i], 0);
                for (uint64_t j = 0; j < n; j++) {
                    assert_true(edge[i][j] <= 1); /* no neighbour twice */
                    assert_int_equal(edge[i][j], edge[j][i]);
                    row += (uint64_t)edge[i][j];
                }
                assert_int_equal(row, degree);
            }
        }
    }
}

static void test_nearest_and_opposite(void **state)
{
    int edge[N_MAX][N_MAX];
    (void)state;
    read_graph(10, 5, edge);
    for (uint64_t i = 0; i < 10; i++) {
        for (uint64_t j = 0; j < 10; j++) {
            uint64_t apart = (j + 10 - i) % 10;
            assert_int_equal(edge[i][j],
                             apart == 1 || apart == 2 || apart == 5 || apart == 8 || apart == 9);
        }
    }
}

static void test_refusals(void **state)
{
    static const uint64_t bad[][2] = {{5, 0}, {5, 5}, {5, 6}, {2, 2}, {5, 3}, {21, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cli_failure failure = {CLI_OK, ""};
        graph g;
        assert_int_equal(graph_create(&g, bad[i][0], bad[i][1], &failure), CLI_USAGE);
        assert_non_null(strstr(failure.text, "--neighbours"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regular_and_symmetric),
        cmocka_unit_test(test_nearest_and_opposite),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}
