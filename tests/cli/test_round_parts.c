/* The parts of a round: what cancels must cancel, what is wrong must be seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "host/cli/bytes.h"
#include "host/cli/round/checker.h"
#include "host/cli/round/client.h"
#include "host/cli/round/cohort.h"
#include "host/cli/round/server.h"
#include "host/cli/round/shares.h"

static const uint8_t seed[32] = {42};

static round_options make_options(uint64_t n, uint32_t degree, double dropout)
{
    round_options o = {.clients = n, .neighbours = degree, .dropout = dropout};
    o.graph = degree == n - 1 ? PARSEAL_GRAPH_COMPLETE : PARSEAL_GRAPH_HARARY;
    memcpy(o.seed, seed, sizeof o.seed);
    return o;
}

static cohort make_cohort(uint64_t n, uint32_t degree, double dropout)
{
    const round_options o = make_options(n, degree, dropout);
    cli_failure failure = {CLI_OK, ""};
    cohort c;
    assert_int_equal(cohort_create(&c, &o, &failure), CLI_OK);
    c.seed = seed; /* the options' copy ends here */
    return c;
}

static uint64_t count_dropped(const cohort *c)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < c->n; i++)
        count += cohort_drops(c, i);
    return count;
}

static void test_dropouts(void **state)
{
    static const struct {
        uint64_t n;
        double dropout;
        uint64_t dropped;
    } cases[] = {{20, 0, 0},    {20, 0.1, 2}, {10, 0.3, 3},      {100, 0.29, 29},
                 {20, 0.04, 0}, {2, 0.99, 1}, {10, 0.999999, 9}, {10, 0.9999999999999, 9}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cohort c = make_cohort(cases[i].n, 1, cases[i].dropout);
        assert_int_equal(count_dropped(&c), cases[i].dropped);
        assert_int_equal(c.survivors, cases[i].n - cases[i].dropped);
        cohort_destroy(&c);
    }
}

static void test_needs(void **state)
{
    cohort c = make_cohort(20, 19, 0.25);
    cli_failure failure = {CLI_OK, ""};
    parseal_need needs[15 + 5 * 15];
    size_t n = 0;
    (void)state;
    assert_int_equal(cohort_needs(&c, NULL, 0, &n, &failure), CLI_OK);
    assert_int_equal(n, 15 + 5 * 15);
    assert_int_equal(cohort_needs(&c, needs, n, &n, &failure), CLI_OK);
    for (size_t i = 0; i < n; i++) {
        assert_false(cohort_drops(&c, needs[i].client));
        assert_int_equal(cohort_drops(&c, needs[i].peer), i >= 15);
    }
    cohort_destroy(&c);
}

/* Holders are the client and its neighbours by rank; those that dropped out are left out. */
static void test_holders(void **state)
{
    cohort c = make_cohort(30, 6, 0.4);
    (void)state;
    assert_int_equal(cohort_holders(&c), 7);
    for (uint64_t i = 0; i < 30; i++) {
        uint32_t neighbours[6], index[7], found = 0, rank = 0;
        const uint32_t left = cohort_holders_left(&c, i, index);
        cohort_neighbours(&c, i, neighbours);
        for (uint64_t j = 0; j < 30; j++) {
            bool holds = j == i;
            for (int k = 0; k < 6; k++)
                holds = holds || neighbours[k] == j;
            if (!holds)
                continue;
            rank++;
            if (!cohort_drops(&c, j)) {
                assert_true(found < left);
                assert_int_equal(index[found++], rank);
            }
        }
        assert_int_equal(found, left);
    }
    cohort_destroy(&c);
}

/* More than half of the holders, unless this round's dropouts leave fewer. */
static void test_default_threshold(void **state)
{
    static const struct {
        uint64_t n;
        double dropout;
        uint32_t threshold;
    } cases[] = {{20, 0, 11},   {21, 0, 11},  {20, 0.45, 11},
                 {20, 0.5, 10}, {20, 0.9, 2}, {2, 0.5, 1}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cohort c = make_cohort(cases[i].n, (uint32_t)cases[i].n - 1, cases[i].dropout);
        assert_int_equal(c.threshold, cases[i].threshold);
        cohort_destroy(&c);
    }
}

static int pair_mask(const cohort *c, uint64_t own, uint64_t other, parseal_seed *mask,
                     cli_failure *failure)
{
    uint8_t key[PARSEAL_X25519BYTES];
    cohort_secret_key(c, own, key);
    return cohort_pair_mask(c, key, own, other, mask, failure);
}

/* Both clients of a pair get the same seed, with opposite signs; other pairs and rounds get
 * others. */
static void test_pair_masks(void **state)
{
    cohort c = make_cohort(4, 3, 0);
    cli_failure failure = {CLI_OK, ""};
    parseal_seed mine, theirs, other, later;
    (void)state;
    assert_int_equal(pair_mask(&c, 1, 3, &mine, &failure), CLI_OK);
    assert_int_equal(pair_mask(&c, 3, 1, &theirs, &failure), CLI_OK);
    assert_int_equal(pair_mask(&c, 2, 3, &other, &failure), CLI_OK);
    c.round++;
    assert_int_equal(pair_mask(&c, 1, 3, &later, &failure), CLI_OK);
    assert_memory_equal(mine.key, theirs.key, sizeof mine.key);
    assert_memory_equal(mine.stream_id, theirs.stream_id, sizeof mine.stream_id);
    assert_int_equal(mine.sign, -1);
    assert_int_equal(theirs.sign, 1);
    assert_memory_not_equal(mine.key, other.key, sizeof mine.key);
    assert_memory_not_equal(mine.key, later.key, sizeof mine.key);
    cohort_destroy(&c);
}

/* No seed serves two purposes, or two clients. */
static void test_seeds_differ(void **state)
{
    cohort c = make_cohort(4, 3, 0);
    parseal_seed seeds[8];
    (void)state;
    for (int i = 0; i < 8; i++)
        cohort_seed(&c, (seed_purpose)(i % 4), (uint64_t)(i / 4), &seeds[i]);
    for (int i = 0; i < 8; i++) {
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(seeds[i].key, seeds[j].key, sizeof seeds[i].key);
    }
    cohort_destroy(&c);
}

static void test_unsafe_public_key(void **state)
{
    cohort c = make_cohort(4, 3, 0);
    cli_failure failure = {CLI_OK, ""};
    parseal_seed mask;
    (void)state;
    memset((uint8_t *)c.public_keys.p + 32 * 2, 0, 32); /* a point of small order */
    assert_int_equal(pair_mask(&c, 1, 2, &mask, &failure), CLI_FAILED);
    assert_non_null(strstr(failure.text, "clients 1 and 2"));
    assert_non_null(strstr(failure.text, "public_key"));
    cohort_destroy(&c);
}

/* Two clients' updates, summed by hand in a ring whose modulus they pass. */
static void check_checker(uint64_t modulus, uint32_t element_size, const uint64_t updates[2][3],
                          const uint64_t sum[3])
{
    const parseal_ring ring = {modulus, element_size, 0};
    const float floats[3] = {0.5f, -1.0f, 2.0f};
    float mean[3] = {0.5f, -1.0f, 2.25f};
    uint8_t vec[3 * 8];
    cli_failure failure = {CLI_OK, ""};
    checker c;
    verdict v;

    assert_int_equal(checker_create(&c, &ring, 3, &failure), CLI_OK);
    for (int k = 0; k < 2; k++) {
        for (uint64_t i = 0; i < 3; i++)
            store_element(vec, i, element_size, updates[k][i]);
        checker_add(&c, floats, vec);
    }
    for (uint64_t i = 0; i < 3; i++)
        store_element(vec, i, element_size, sum[i]);
    checker_compare(&c, vec, mean, &v);
    assert_int_equal(v.differing, 0);
    assert_true(v.max_error == 0.25);

    vec[2 * element_size] ^= 1;
    checker_compare(&c, vec, mean, &v);
    assert_int_equal(v.differing, 1);
    checker_destroy(&c);
}

static void test_checker(void **state)
{
    static const uint64_t small[2][3] = {{0, 5, 6}, {0, 5, 1}};
    static const uint64_t small_sum[3] = {0, 3, 0};
    static const uint64_t wide[2][3] = {{1, UINT32_MAX, 5}, {2, 1, 6}};
    static const uint64_t wide_sum[3] = {3, 0, 11};
    static const uint64_t full[2][3] = {{1, UINT64_MAX, 5}, {2, 2, 6}};
    static const uint64_t full_sum[3] = {3, 1, 11}, big_sum[3] = {3, 2, 11};
    static const uint64_t big[2][3] = {{1, UINT64_MAX - 5, 5}, {2, 3, 6}};
    (void)state;
    check_checker(7, 4, small, small_sum);
    check_checker(UINT64_C(1) << 32, 4, wide, wide_sum);
    check_checker(0, 8, full, full_sum);
    check_checker(UINT64_MAX - 4, 8, big, big_sum); /* (2^64 - 6) + 3 - (2^64 - 5) */
}

typedef struct {
    round_options options;
    fl_round round;
    client client;
    server server;
} bench;

static void bench_create_with(bench *b, uint64_t n, uint32_t degree, double dropout,
                              uint32_t threshold)
{
    cli_failure failure = {CLI_OK, ""};
    round_options o = make_options(n, degree, dropout);
    o.dim = 100;
    o.bits = 16;
    o.threshold = threshold;
    o.ring.modulus = UINT64_C(1) << 18;
    o.ring.element_size = 4;
    b->options = o;
    assert_int_equal(fl_round_create(&b->round, &b->options, &failure), CLI_OK);
    assert_int_equal(client_create(&b->client, &b->round, &failure), CLI_OK);
    assert_int_equal(server_create(&b->server, &b->round, &failure), CLI_OK);
}

static void bench_create(bench *b)
{
    bench_create_with(b, 4, 3, 0, 0);
}

static void bench_destroy(bench *b)
{
    server_destroy(&b->server);
    client_destroy(&b->client);
    fl_round_destroy(&b->round);
}

/* Every client has left its secrets with the others. */
static void deal_all(bench *b, shares *s)
{
    cli_failure failure = {CLI_OK, ""};
    assert_int_equal(shares_create(s, &b->round, &failure), CLI_OK);
    for (uint64_t i = 0; i < b->round.cohort.n; i++)
        assert_int_equal(shares_deal(s, &b->round, i, &failure), CLI_OK);
}

/* The server gets the self-mask keys of those that stayed and the secret keys of the others. */
static void test_reconstruction(void **state)
{
    static const struct {
        uint64_t n;
        uint32_t degree;
        double dropout;
        uint32_t threshold;
    } cases[] = {{4, 3, 0, 4},    {20, 19, 0.3, 14}, {20, 19, 0.95, 1}, {50, 6, 0.3, 1},
                 {50, 6, 0.1, 0}, {51, 2, 0.9, 0},   {300, 299, 0.5, 0}};
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        cli_failure failure = {CLI_OK, ""};
        bench b;
        shares s;
        bench_create_with(&b, cases[c].n, cases[c].degree, cases[c].dropout, cases[c].threshold);
        const cohort *all = &b.round.cohort;
        deal_all(&b, &s);
        assert_int_equal(shares_reconstruct(&s, &b.round, &failure), CLI_OK);
        for (uint64_t i = 0; i < cases[c].n; i++) {
            uint32_t index[300];
            uint8_t key[32];
            parseal_seed self_mask;
            if (!cohort_is_needed(all, i, cohort_holders_left(all, i, index)))
                continue;
            cohort_secret_key(all, i, key);
            cohort_seed(all, SEED_SELF_MASK, i, &self_mask);
            assert_memory_equal(shares_secret(&s, i), cohort_drops(all, i) ? key : self_mask.key,
                                32);
        }
        shares_destroy(&s);
        bench_destroy(&b);
    }
}

static void test_below_threshold(void **state)
{
    cli_failure failure = {CLI_OK, ""};
    bench b;
    shares s;
    (void)state;
    bench_create_with(&b, 20, 19, 0.3, 15); /* 14 stay */
    deal_all(&b, &s);
    assert_int_equal(shares_reconstruct(&s, &b.round, &failure), CLI_FAILED);
    assert_non_null(strstr(failure.text, "below the threshold"));
    assert_non_null(strstr(failure.text, "14 are left, and 15 are needed"));
    shares_destroy(&s);
    bench_destroy(&b);
}

/* A share that is not what the client gave. */
static void test_wrong_share(void **state)
{
    cli_failure failure = {CLI_OK, ""};
    bench b;
    shares s;
    char expected[64];
    (void)state;
    bench_create_with(&b, 20, 19, 0.3, 3);
    deal_all(&b, &s);
    const uint32_t dropped = ((uint32_t *)b.round.cohort.turnout.p)[b.round.cohort.survivors + 2];
    ((uint8_t *)s.kept.p)[(dropped * 3 + 1) * PARSEAL_SECRETBYTES + 9] ^= 4;
    assert_int_equal(shares_reconstruct(&s, &b.round, &failure), CLI_FAILED);
    snprintf(expected, sizeof expected, "shares of client %u do not give", dropped);
    assert_non_null(strstr(failure.text, expected));
    shares_destroy(&s);
    bench_destroy(&b);
}

static void send_from(bench *b, uint64_t index)
{
    cli_failure failure = {CLI_OK, ""};
    envelope *e = server_next_envelope(&b->server);
    assert_int_equal(client_train(&b->client, &b->round, index, &failure), CLI_OK);
    assert_int_equal(client_quantise(&b->client, &b->round, &failure), CLI_OK);
    assert_int_equal(client_mask(&b->client, &b->round, &failure), CLI_OK);
    assert_int_equal(client_send(&b->client, &b->round, e, &failure), CLI_OK);
    b->server.received++; /* without opening: the tests tamper first */
}

/* No two messages share key and nonce, and a message names its client and round. */
static void test_message_format(void **state)
{
    static const uint8_t aad[16] = {3, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x01};
    static const uint8_t nonce[12] = {0x02, 0x01, 0, 0, 0, 0, 0, 0, 3};
    parseal_msg message;
    envelope e = {.client = 3};
    bench b;
    (void)state;
    bench_create(&b);
    b.round.cohort.round = 0x102;
    fl_round_message(&b.round, &e, &message);
    assert_int_equal(message.aad_len, sizeof aad);
    assert_memory_equal(message.aad, aad, sizeof aad);
    assert_memory_equal(message.nonce, nonce, sizeof nonce);
    assert_int_equal(message.key, 3);
    assert_int_equal(message.len, 225); /* 100 elements of 18 bits */
    bench_destroy(&b);
}

/* What a thief or a fault on the way could do to a message. */
static void flip_byte(envelope *e)
{
    e->bytes[17] ^= 0x40;
}

static void flip_tag(envelope *e)
{
    e->tag[15] ^= 1;
}

static void pass_for_another(envelope *e)
{
    e->client = 2;
}

static void test_tampering(void **state)
{
    static void (*const tampers[])(envelope *) = {flip_byte, flip_tag, pass_for_another};
    (void)state;
    for (size_t t = 0; t < sizeof tampers / sizeof tampers[0]; t++) {
        cli_failure failure = {CLI_OK, ""};
        bench b;
        bench_create(&b);
        send_from(&b, 0);
        send_from(&b, 1);
        tampers[t](&b.server.envelopes[1]);
        assert_int_equal(server_take(&b.server, &b.round, &failure), CLI_FAILED);
        assert_non_null(strstr(failure.text, t == 2 ? "client 2" : "client 1"));
        assert_non_null(strstr(failure.text, "not authentic"));
        bench_destroy(&b);
    }
}

/* A masked update is not the update: of 100 elements of 18 bits, a few may agree by chance. */
static void test_masks_hide(void **state)
{
    cli_failure failure = {CLI_OK, ""};
    uint8_t before[400];
    int same = 0;
    bench b;
    (void)state;
    bench_create(&b);
    assert_int_equal(client_train(&b.client, &b.round, 0, &failure), CLI_OK);
    assert_int_equal(client_quantise(&b.client, &b.round, &failure), CLI_OK);
    memcpy(before, b.client.vector.p, sizeof before);
    assert_int_equal(client_mask(&b.client, &b.round, &failure), CLI_OK);
    for (uint64_t i = 0; i < 100; i++)
        same += load_element(before, i, 4) == load_element(b.client.vector.p, i, 4);
    assert_true(same < 5);
    bench_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropouts),       cmocka_unit_test(test_needs),
        cmocka_unit_test(test_holders),        cmocka_unit_test(test_default_threshold),
        cmocka_unit_test(test_pair_masks),     cmocka_unit_test(test_seeds_differ),
        cmocka_unit_test(test_checker),        cmocka_unit_test(test_unsafe_public_key),
        cmocka_unit_test(test_reconstruction), cmocka_unit_test(test_below_threshold),
        cmocka_unit_test(test_wrong_share),    cmocka_unit_test(test_message_format),
        cmocka_unit_test(test_tampering),      cmocka_unit_test(test_masks_hide),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests_name("round parts", tests, NULL, NULL);
}
