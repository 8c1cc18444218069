/* The options of `parseal round`: defaults, values, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "host/cli/round/round_options.h"

enum { ARGS_MAX = 16 };

/* args: words parted by blanks; '' is an empty word. Pointers in *o into the line stay good until
 * the next call. */
static int parse(const char *args, round_options *o, cli_failure *failure)
{
    static char line[512];
    static char name[] = "round", empty[] = "";
    char *argv[ARGS_MAX + 2] = {name};
    int argc = 1;
    assert_true(strlen(args) < sizeof line);
    strcpy(line, args);
    for (char *rest, *word = strtok_r(line, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        assert_true(argc <= ARGS_MAX);
        argv[argc++] = strcmp(word, "''") == 0 ? empty : word;
    }
    return round_options_parse(o, argc, argv, failure);
}

static round_options parse_good(const char *args)
{
    cli_failure failure = {CLI_OK, ""};
    round_options o;
    if (parse(args, &o, &failure) != CLI_OK)
        fail_msg("%s: %s", args, failure.text);
    return o;
}

static void test_defaults(void **state)
{
    round_options o = parse_good(""), other = parse_good("");
    (void)state;
    assert_int_equal(o.clients, 20);
    assert_null(o.params);
    assert_int_equal(o.dim, 1000000);
    assert_true(o.dropout == 0.1);
    assert_int_equal(o.graph, PARSEAL_GRAPH_COMPLETE);
    assert_int_equal(o.neighbours, 19);
    assert_int_equal(o.threshold, 0);
    assert_true(o.clip == 0);
    assert_int_equal(o.bits, 16);
    assert_int_equal(o.ring.modulus, 1 << 21); /* above 20 * 65535 = 1310700 */
    assert_int_equal(o.ring.element_size, 4);
    assert_int_equal(o.backend, PARSEAL_BACKEND_AUTO);
    assert_int_equal(o.threads, 0);
    assert_null(o.json);
    assert_memory_not_equal(o.seed, other.seed, sizeof o.seed);
}

static void test_neighbours(void **state)
{
    static const struct {
        const char *args;
        uint32_t neighbours;
        int32_t graph;
    } cases[] = {
        {"--clients 21", 20, PARSEAL_GRAPH_COMPLETE},
        {"--clients 22", 20, PARSEAL_GRAPH_HARARY},
        {"--clients 22 --neighbours all", 21, PARSEAL_GRAPH_COMPLETE},
        {"--clients 22 --neighbours 21", 21, PARSEAL_GRAPH_COMPLETE},
        {"--clients 22 --neighbours 3", 3, PARSEAL_GRAPH_HARARY},
        {"--clients 2", 1, PARSEAL_GRAPH_COMPLETE},
        {"--clients 22 --graph complete", 21, PARSEAL_GRAPH_COMPLETE},
        {"--clients 22 --graph complete --neighbours 21", 21, PARSEAL_GRAPH_COMPLETE},
        {"--graph complete --clients 22 --neighbours all", 21, PARSEAL_GRAPH_COMPLETE},
        {"--clients 22 --graph harary", 20, PARSEAL_GRAPH_HARARY},
        {"--clients 21 --graph harary", 20, PARSEAL_GRAPH_HARARY},
        {"--clients 22 --graph harary --neighbours all", 21, PARSEAL_GRAPH_HARARY},
        {"--clients 65535 --neighbours all", 65534, PARSEAL_GRAPH_COMPLETE},
        {"--clients 1000000 --neighbours 65534 --bits 1", 65534, PARSEAL_GRAPH_HARARY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        round_options o = parse_good(cases[i].args);
        assert_int_equal(o.neighbours, cases[i].neighbours);
        assert_int_equal(o.graph, cases[i].graph);
    }
}

static void test_threshold(void **state)
{
    (void)state;
    assert_int_equal(parse_good("--threshold 1").threshold, 1);
    assert_int_equal(parse_good("--threshold 20").threshold, 20); /* the client and 19 others */
    assert_int_equal(parse_good("--threshold 5 --clients 100 --neighbours 4").threshold, 5);
}

static void test_modulus(void **state)
{
    static const struct {
        const char *args;
        uint64_t modulus;
        uint32_t element_size;
    } cases[] = {
        {"--clients 2 --bits 1", 4, 4}, /* a sum of 2 must stay below it */
        {"--clients 3 --bits 1", 4, 4},
        {"--clients 255 --bits 24", UINT64_C(1) << 32, 4},
        {"--clients 257 --bits 24", UINT64_C(1) << 33, 8},
        {"--modulus 2^32", UINT64_C(1) << 32, 4},
        {"--modulus 4294967297", UINT64_C(4294967297), 8},
        {"--modulus 1310701", 1310701, 4},
        {"--modulus 2^64", 0, 8},
        {"--modulus 18446744073709551616", 0, 8},
        {"--modulus 18446744073709551615", UINT64_MAX, 8},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        round_options o = parse_good(cases[i].args);
        assert_true(o.ring.modulus == cases[i].modulus);
        assert_int_equal(o.ring.element_size, cases[i].element_size);
    }
}

static void test_seed(void **state)
{
    static const uint8_t one[32] = {1}, big[32] = {255, 255, 255, 255, 255, 255, 255, 255};
    static const uint8_t hex[32] = {0xAb, 0xcd};
    (void)state;
    assert_memory_equal(parse_good("--seed 1").seed, one, 32);
    assert_memory_equal(parse_good("--seed 18446744073709551615").seed, big, 32);
    assert_memory_equal(parse_good("--seed Abcd0000000000000000000000000000"
                                   "00000000000000000000000000000000")
                            .seed,
                        hex, 32);
}

static void test_other_values(void **state)
{
    round_options o = parse_good("--params x.f32 --dropout 0 --clip 0.5 --backend cpu --threads 3 "
                                 "--json out.json");
    (void)state;
    assert_string_equal(o.params, "x.f32");
    assert_true(o.dropout == 0);
    assert_true(o.clip == 0.5f);
    assert_int_equal(o.backend, PARSEAL_BACKEND_CPU);
    assert_int_equal(o.threads, 3);
    assert_string_equal(o.json, "out.json");
    assert_true(parse_good("--help").help);
    assert_true(parse_good("-h").help);
}

static void test_refusals(void **state)
{
    static const struct {
        const char *args, *text;
    } cases[] = {
        {"--clients 1", "--clients '1'"},
        {"--clients 1000001", "--clients '1000001'"},
        {"--clients -5", "--clients '-5'"},
        {"--clients ''", "--clients ''"},
        {"--clients 5x", "--clients '5x'"},
        {"--clients 18446744073709551621", "--clients"}, /* 2^64 + 5 */
        {"--clients", "'--clients' needs a value"},
        {"--dim 0", "--dim '0'"},
        {"--dim 68719476737", "--dim"},
        {"--dim 5 --params x.f32", "--dim and --params"},
        {"--dropout 1", "--dropout '1'"},
        {"--dropout -0.1", "--dropout '-0.1'"},
        {"--dropout nan", "--dropout 'nan'"},
        {"--dropout 0.5x", "--dropout '0.5x'"},
        {"--neighbours 0", "--neighbours '0'"},
        {"--neighbours 20", "--neighbours 20"},
        {"--neighbours some", "--neighbours 'some'"},
        {"--clients 5 --neighbours 3", "odd number of neighbours"},
        {"--graph complete --neighbours 3", "--neighbours 3"},
        {"--graph ring", "--graph 'ring'"},
        {"--graph ''", "--graph ''"},
        {"--clients 65536 --neighbours all", "--neighbours 65535"},
        {"--clients 100000 --graph complete", "--neighbours 99999"},
        {"--threshold 0", "--threshold '0'"},
        {"--threshold 21", "--threshold 21"},
        {"--threshold 65536", "--threshold '65536'"},
        {"--threshold 6 --clients 100 --neighbours 4", "--threshold 6"},
        {"--clip 0", "--clip '0'"},
        {"--clip -1", "--clip '-1'"},
        {"--clip inf", "--clip 'inf'"},
        {"--clip 1e39", "--clip '1e39'"},
        {"--clip 1e-40", "--clip '1e-40'"},
        {"--clip 3e38 --bits 1", "--clip 3e+38"},
        {"--clip 2e-38 --bits 24", "--clip 2e-38"},
        {"--bits 0", "--bits '0'"},
        {"--bits 25", "--bits '25'"},
        {"--modulus 1", "--modulus '1'"},
        {"--modulus 2^0", "--modulus '2^0'"},
        {"--modulus 2^65", "--modulus '2^65'"},
        {"--modulus 2^", "--modulus '2^'"},
        {"--modulus 1e9", "--modulus '1e9'"},
        {"--modulus 18446744073709551617", "--modulus"},
        {"--backend tpu", "--backend 'tpu'"},
        {"--threads 0", "--threads '0'"},
        {"--seed xyz", "--seed 'xyz'"},
        {"--seed 18446744073709551616", "--seed"},
        {"--seed 0x1", "--seed '0x1'"},
        {"--seed g000000000000000000000000000000000000000000000000000000000000000", "--seed 'g"},
        {"--speed 3", "unknown option '--speed'"},
        {"-x", "unknown option '-x'"},
        {"--clients 5 operand", "unexpected argument 'operand'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_failure failure = {CLI_OK, ""};
        round_options o;
        int code = parse(cases[i].args, &o, &failure);
        if (code != CLI_USAGE || strstr(failure.text, cases[i].text) == NULL)
            print_error("%s: %d, '%s'\n", cases[i].args, code, failure.text);
        assert_int_equal(code, CLI_USAGE);
        assert_non_null(strstr(failure.text, cases[i].text));
    }
}

/* The library says which modulus or how many clients would do. */
static void test_sums_that_do_not_fit(void **state)
{
    static const char *const cases[] = {"--modulus 1310700", "--modulus 2^20",
                                        "--modulus 2^32 --bits 24 --clients 257 --neighbours 2"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cli_failure failure = {CLI_OK, ""};
        round_options o;
        assert_int_equal(parse(cases[i], &o, &failure), CLI_USAGE);
        assert_string_equal(failure.text, parseal_last_error_text());
        assert_int_not_equal(failure.text[0], '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),  cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_threshold), cmocka_unit_test(test_modulus),
        cmocka_unit_test(test_seed),      cmocka_unit_test(test_other_values),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_sums_that_do_not_fit),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("round options", tests, NULL, NULL);
}
