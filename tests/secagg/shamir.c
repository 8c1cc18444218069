/* Secret sharing against field arithmetic bit by bit, polynomials by their definition, and direct
 * Lagrange interpolation. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "host/secagg/shamir.h"
#include "rng.h"
#include "run.h"

enum { BYTES = PARSEAL_SECRETBYTES, WORDS = BYTES / 2 };

/* ----------------------------------------------------------------------------- the reference -- */

/* Does long multiplication, then long division by x^16 + x^5 + x^3 + x^2 + 1. */
static uint32_t naive_mul(uint32_t a, uint32_t b)
{
    uint32_t product = 0;
    for (int i = 0; i < 16; i++)
        if (b & (1u << i))
            product ^= a << i;
    for (int i = 30; i >= 16; i--)
        if (product & (1u << i))
            product ^= 0x1002du << (i - 16);
    return product;
}

static uint32_t naive_inverse(uint32_t a)
{
    uint32_t power = 1;
    assert_true(a != 0);
    for (uint32_t e = 65534; e > 0; e >>= 1, a = naive_mul(a, a))
        if (e & 1)
            power = naive_mul(power, a);
    return power;
}

/* Returns the value at `at` of the polynomial of degree below n through the n points. */
static uint32_t interpolate(const uint32_t *x, const uint32_t *y, size_t n, uint32_t at)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t numerator = 1, denominator = 1;
        for (size_t j = 0; j < n; j++) {
            if (j == i)
                continue;
            numerator = naive_mul(numerator, at ^ x[j]);
            denominator = naive_mul(denominator, x[i] ^ x[j]);
        }
        sum ^= naive_mul(y[i], naive_mul(numerator, naive_inverse(denominator)));
    }
    return sum;
}

/* Returns the product of x - v over all v < 2^j. */
static uint32_t subspace_polynomial(int j, uint32_t x)
{
    uint32_t product = 1;
    for (uint32_t v = 0; v < 1u << j; v++)
        product = naive_mul(product, x ^ v);
    return product;
}

static uint32_t basis_polynomial(uint32_t i, uint32_t x)
{
    uint32_t product = 1;
    for (int j = 0; i >> j != 0; j++)
        if (i >> j & 1)
            product = naive_mul(product, naive_mul(subspace_polynomial(j, x),
                                                   naive_inverse(subspace_polynomial(j, 1u << j))));
    return product;
}

static uint32_t word_at(const uint8_t *bytes, size_t i)
{
    return bytes[2 * i] + 256u * bytes[2 * i + 1];
}

/* --------------------------------------------------------------------------------- the tools -- */

typedef struct {
    uint32_t t, n;
    size_t count;
    uint8_t *secrets, *shares;
} dealt;

static uint8_t *bytes_new(size_t n)
{
    uint8_t *p = malloc(n + 1);
    assert_non_null(p);
    memset(p, UNTOUCHED, n + 1);
    return p;
}

static dealt deal(rng *r, uint32_t t, uint32_t n, size_t count)
{
    dealt d = {t, n, count, bytes_new(count * BYTES), bytes_new(n * count * BYTES)};
    rng_fill(r, d.secrets, count * BYTES);
    assert_ok(parseal_shamir_share(d.secrets, count, t, n, d.shares));
    assert_int_equal(d.shares[n * count * BYTES], UNTOUCHED);
    return d;
}

static void dealt_free(dealt *d)
{
    free(d->secrets);
    free(d->shares);
}

static const uint8_t *share_of(const dealt *d, uint32_t holder, size_t secret)
{
    return d->shares + ((holder - 1) * d->count + secret) * BYTES;
}

/* Returns the shares that these holders put together. */
static uint8_t *collect(const dealt *d, const uint32_t *index, size_t n)
{
    uint8_t *shares = bytes_new(n * d->count * BYTES);
    for (size_t i = 0; i < n; i++)
        memcpy(shares + i * d->count * BYTES, share_of(d, index[i], 0), d->count * BYTES);
    return shares;
}

static void assert_recovers(const dealt *d, const uint32_t *index, size_t n)
{
    uint8_t *shares = collect(d, index, n), *secrets = bytes_new(d->count * BYTES);
    assert_ok(parseal_shamir_combine(index, shares, n, d->count, d->t, secrets));
    assert_bytes(secrets, d->secrets, d->count * BYTES);
    assert_int_equal(secrets[d->count * BYTES], UNTOUCHED);
    free(shares);
    free(secrets);
}

static void shuffle(rng *r, uint32_t *list, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)rng_below(r, i);
        const uint32_t old = list[j];
        list[j] = list[i - 1];
        list[i - 1] = old;
    }
}

/* Returns the holders 1 .. n in a random order. */
static uint32_t *random_order(rng *r, uint32_t n)
{
    uint32_t *order = calloc(n, sizeof *order);
    assert_non_null(order);
    for (uint32_t i = 0; i < n; i++)
        order[i] = i + 1;
    shuffle(r, order, n);
    return order;
}

/* ----------------------------------------------------------------------------- known answers -- */

static void draw(void *state, void *bytes, size_t n)
{
    rng_fill(state, bytes, n);
}

/* Every share is what the polynomial's definition gives, from the coefficients that were drawn. */
static void as_defined(void **state)
{
    (void)state;
    static const uint32_t cases[][2] = {{1, 1}, {1, 5},  {2, 2},  {2, 3},   {3, 4},   {4, 4},
                                        {4, 9}, {5, 40}, {8, 16}, {11, 21}, {17, 33}, {33, 35}};
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        const uint32_t t = cases[c][0], n = cases[c][1];
        uint8_t drawn[64 * BYTES], secret[BYTES], shares[40 * BYTES];
        rng r = rng_for("as defined"), again = r;
        rng_fill(&again, drawn, (t - 1) * BYTES);
        for (size_t i = 0; i < BYTES; i++)
            secret[i] = (uint8_t)(i * 37 + t);
        assert_ok(shamir_share(secret, 1, t, n, shares, draw, &r));
        for (uint32_t x = 1; x <= n; x++) {
            uint32_t basis[64];
            for (uint32_t k = 1; k < t; k++)
                basis[k] = basis_polynomial(k, x);
            for (size_t w = 0; w < WORDS; w++) {
                uint32_t value = word_at(secret, w);
                for (uint32_t k = 1; k < t; k++)
                    value ^= naive_mul(basis[k], word_at(drawn + (k - 1) * BYTES, w));
                assert_int_equal(word_at(shares + (x - 1) * BYTES, w), value);
            }
        }
    }
}

/* All subsets of all small sizes recover the secret, and each is interpolated directly too. */
static void every_subset(void **state)
{
    (void)state;
    rng r = rng_for("subsets");
    for (uint32_t n = 1; n <= 6; n++) {
        for (uint32_t t = 1; t <= n; t++) {
            dealt d = deal(&r, t, n, 2);
            for (uint32_t subset = 1; subset < 1u << n; subset++) {
                uint32_t index[6], x[6], y[6];
                size_t m = 0;
                for (uint32_t i = 0; i < n; i++)
                    if (subset >> i & 1)
                        index[m++] = i + 1;
                if (m < t)
                    continue;
                shuffle(&r, index, m);
                assert_recovers(&d, index, m);
                for (size_t w = 0; w < WORDS; w++) {
                    for (size_t i = 0; i < t; i++) {
                        x[i] = index[i];
                        y[i] = word_at(share_of(&d, index[i], 1), w);
                    }
                    assert_int_equal(interpolate(x, y, t, 0), word_at(d.secrets + BYTES, w));
                }
            }
            dealt_free(&d);
        }
    }
}

/* Thresholds lie about powers of two, where the transform grows, and at 1 and n. */
static void thresholds(void **state)
{
    (void)state;
    rng r = rng_for("thresholds");
    static const uint32_t sizes[] = {1,  2,   3,   7,   8,   9,   31,  32,
                                     33, 127, 128, 129, 255, 256, 257, 300};
    for (size_t a = 0; a < COUNT_OF(sizes); a++) {
        for (size_t b = a; b < COUNT_OF(sizes); b++) {
            const uint32_t t = sizes[a], n = sizes[b];
            dealt d = deal(&r, t, n, 1);
            uint32_t *order = random_order(&r, n);
            assert_recovers(&d, order, t);
            assert_recovers(&d, order, t + (n - t + 1) / 2);
            free(order);
            dealt_free(&d);
        }
    }
}

/* Each secret has a word of its own. Counts lie about the sizes of the chunks. */
static void counts(void **state)
{
    (void)state;
    rng r = rng_for("counts");
    static const size_t counts[] = {0, 1, 2, 127, 128, 129, 255, 256, 257, 1023, 1024, 1025, 2500};
    for (size_t c = 0; c < COUNT_OF(counts); c++) {
        dealt d = deal(&r, 3, 5, counts[c]);
        const uint32_t index[] = {5, 2, 4, 1};
        assert_recovers(&d, index, 3);
        assert_recovers(&d, index, 4);
        dealt_free(&d);
    }
}

/* There are as many holders as there can be, and shares come from both ends. */
static void most_holders(void **state)
{
    (void)state;
    rng r = rng_for("most");
    static const uint32_t ends[] = {65535, 1, 65534, 2, 32768, 32767};
    for (uint32_t t = 1; t <= 5; t++) {
        dealt d = deal(&r, t, PARSEAL_HOLDERS_MAX, 1);
        for (size_t first = 0; first + t <= COUNT_OF(ends); first++)
            assert_recovers(&d, ends + first, t);
        assert_recovers(&d, ends, COUNT_OF(ends));
        for (int i = 0; i < 6; i++) {
            uint32_t some[8];
            for (uint32_t k = 0; k < 8; k++) /* There is one in each eighth, so none comes twice. */
                some[k] = 8191 * k + (uint32_t)rng_range(&r, 1, 8191);
            shuffle(&r, some, 8);
            assert_recovers(&d, some, t + (uint32_t)i % 3);
        }
        dealt_free(&d);
    }
}

/* The threshold is so large that the transform has its full size, in one block and in two. */
static void largest_transforms(void **state)
{
    (void)state;
    rng r = rng_for("largest");
    static const uint32_t cases[][2] = {
        {65535, 65535}, {32769, 65535}, {32768, 65535}, {700, 1400}};
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        const uint32_t t = cases[c][0], n = cases[c][1];
        uint8_t *secret = bytes_new(BYTES), *shares = bytes_new((size_t)n * BYTES);
        uint8_t *drawn = bytes_new((size_t)t * BYTES);
        rng again = r;
        rng_fill(&r, secret, BYTES);
        again = r;
        rng_fill(&again, drawn, (size_t)(t - 1) * BYTES);
        assert_ok(shamir_share(secret, 1, t, n, shares, draw, &r));
        /* At x = 1, 2 and 3 the basis polynomials beyond the fourth vanish. */
        for (uint32_t x = 1; x <= 3; x++)
            for (size_t w = 0; w < WORDS; w++) {
                uint32_t value = word_at(secret, w);
                for (uint32_t k = 1; k <= 3; k++)
                    value ^= naive_mul(basis_polynomial(k, x), word_at(drawn + (k - 1) * BYTES, w));
                assert_int_equal(word_at(shares + (x - 1) * BYTES, w), value);
            }
        free(secret);
        free(shares);
        free(drawn);
    }
    dealt d = deal(&r, 700, 1400, 3);
    uint32_t *order = random_order(&r, 1400);
    assert_recovers(&d, order, 700);
    assert_recovers(&d, order, 1400);
    free(order);
    dealt_free(&d);
}

/* ----------------------------------------------------------------------------------- secrecy -- */

static void count_up(void *state, void *bytes, size_t n)
{
    uint32_t *next = state;
    for (size_t i = 0; i < n; i += 2, ++*next) {
        ((uint8_t *)bytes)[i] = (uint8_t)*next;
        ((uint8_t *)bytes)[i + 1] = (uint8_t)(*next >> 8);
    }
}

/* With threshold 2 a share takes every value once over all coefficients, whatever the secret is. */
static void one_share_of_two(void **state)
{
    (void)state;
    enum { COUNT = 65536 / WORDS };
    static const uint32_t words[] = {0, 1, 0x8000, 0xbeef};
    uint8_t *secrets = bytes_new(COUNT * BYTES), *shares = bytes_new(3 * COUNT * BYTES);
    for (size_t c = 0; c < COUNT_OF(words); c++) {
        uint32_t next = 0;
        for (size_t i = 0; i < COUNT * WORDS; i++) {
            secrets[2 * i] = (uint8_t)words[c];
            secrets[2 * i + 1] = (uint8_t)(words[c] >> 8);
        }
        assert_ok(shamir_share(secrets, COUNT, 2, 3, shares, count_up, &next));
        assert_int_equal(next, 65536);
        for (size_t holder = 0; holder < 3; holder++) {
            static bool seen[65536];
            memset(seen, 0, sizeof seen);
            for (size_t i = 0; i < 65536; i++) {
                const uint32_t share = word_at(shares + holder * COUNT * BYTES, i);
                assert_false(seen[share]);
                seen[share] = true;
            }
        }
    }
    free(secrets);
    free(shares);
}

/* With threshold - 1 shares of a real sharing, each value that the secret might have gives another
 * value of the share that is missing, so none can be ruled out. */
static void every_secret_is_consistent(void **state)
{
    (void)state;
    rng r = rng_for("consistent");
    for (uint32_t t = 2; t <= 4; t++) {
        static bool seen[65536];
        dealt d = deal(&r, t, 9, 1);
        uint32_t *order = random_order(&r, 9), x[4] = {0}, y[4];
        memset(seen, 0, sizeof seen);
        for (uint32_t i = 1; i < t; i++) {
            x[i] = order[i];
            y[i] = word_at(share_of(&d, order[i], 0), 3);
        }
        for (uint32_t guess = 0; guess < 65536; guess++) {
            y[0] = guess; /* This is the value at x[0] = 0. */
            const uint32_t missing = interpolate(x, y, t, order[0]);
            assert_false(seen[missing]);
            seen[missing] = true;
            if (guess == word_at(d.secrets, 3))
                assert_int_equal(missing, word_at(share_of(&d, order[0], 0), 3));
        }
        free(order);
        dealt_free(&d);
    }
}

static void shares_are_random(void **state)
{
    (void)state;
    static const uint8_t secrets[2 * BYTES] = {0};
    uint8_t a[3 * 2 * BYTES], b[3 * 2 * BYTES];
    assert_ok(parseal_shamir_share(secrets, 2, 2, 3, a));
    assert_ok(parseal_shamir_share(secrets, 2, 2, 3, b));
    assert_memory_not_equal(a, b, sizeof a);
    assert_memory_not_equal(a, a + BYTES, BYTES); /* Two secrets of one call differ. */
    for (size_t w = 1; w < WORDS; w++)            /* The words of one secret are not all alike. */
        if (word_at(a, w) != word_at(a, 0))
            return;
    fail();
}

/* ------------------------------------------------------------------------------ wrong shares -- */

static void wrong_shares_are_seen(void **state)
{
    (void)state;
    rng r = rng_for("wrong");
    for (int round = 0; round < 300; round++) {
        const uint32_t t = (uint32_t)rng_range(&r, 1, 12), n = t + (uint32_t)rng_range(&r, 1, 12);
        const size_t count = (size_t)rng_range(&r, 1, 200), victim = (size_t)rng_below(&r, count);
        dealt d = deal(&r, t, n, count);
        uint32_t *order = random_order(&r, n);
        const size_t m = (size_t)rng_range(&r, t + 1, n), who = (size_t)rng_below(&r, m);
        uint8_t *shares = collect(&d, order, m), *secrets = bytes_new(count * BYTES);
        char expected[32];
        shares[(who * count + victim) * BYTES + rng_below(&r, BYTES)] ^=
            (uint8_t)(1u << rng_below(&r, 8));
        if (victim + 1 < count && round % 3 == 0) /* The first wrong one is named. */
            shares[(who * count + victim + 1) * BYTES] ^= 1;
        assert_error(parseal_shamir_combine(order, shares, m, count, t, secrets), PARSEAL_ERR_AUTH,
                     "shares");
        snprintf(expected, sizeof expected, "secret %zu lie", victim);
        assert_non_null(strstr(parseal_last_error_text(), expected));
        assert_filled(secrets, count * BYTES, UNTOUCHED);
        free(shares);
        free(secrets);
        free(order);
        dealt_free(&d);
    }
}

/* The threshold is not the dealer's. One that is too low leads to a contradiction. */
static void another_threshold(void **state)
{
    (void)state;
    rng r = rng_for("another threshold");
    static const uint32_t index[] = {1, 2, 3, 4, 5};
    uint8_t secrets[BYTES];
    dealt d = deal(&r, 4, 5, 1);
    assert_error(parseal_shamir_combine(index, d.shares, 5, 1, 3, secrets), PARSEAL_ERR_AUTH,
                 "shares");
    assert_ok(parseal_shamir_combine(index, d.shares, 5, 1, 5, secrets));
    assert_bytes(secrets, d.secrets, BYTES);
    /* With only threshold shares nothing tells, and what comes out is not the secret. */
    assert_ok(parseal_shamir_combine(index, d.shares, 3, 1, 3, secrets));
    assert_memory_not_equal(secrets, d.secrets, BYTES);
    dealt_free(&d);
}

/* ---------------------------------------------------------------------------------- refusals -- */

static void refuses_to_share(void **state)
{
    (void)state;
    uint8_t secrets[2 * BYTES] = {0}, shares[4 * 2 * BYTES];
    memset(shares, UNTOUCHED, sizeof shares);
#define REFUSED(status, name, ...) assert_error(parseal_shamir_share(__VA_ARGS__), status, name)
    REFUSED(PARSEAL_ERR_SIZE, "threshold", secrets, 2, 0, 4, shares);
    REFUSED(PARSEAL_ERR_SIZE, "n", secrets, 2, 5, 4, shares);
    REFUSED(PARSEAL_ERR_SIZE, "n", secrets, 2, 1, 0, shares);
    REFUSED(PARSEAL_ERR_SIZE, "n", secrets, 2, 3, PARSEAL_HOLDERS_MAX + 1, shares);
    REFUSED(PARSEAL_ERR_SIZE, "threshold", secrets, 2, UINT32_MAX, UINT32_MAX, shares);
    REFUSED(PARSEAL_ERR_SIZE, "count", secrets, SIZE_MAX / BYTES / 4 + 1, 2, 4, shares);
    REFUSED(PARSEAL_ERR_ARG, "secrets", NULL, 2, 3, 4, shares);
    REFUSED(PARSEAL_ERR_ARG, "shares", secrets, 2, 3, 4, NULL);
    REFUSED(PARSEAL_ERR_ALIAS, "secrets", shares + 7 * BYTES, 1, 3, 4, shares + 4 * BYTES);
#undef REFUSED
    assert_filled(shares, sizeof shares, UNTOUCHED);
    assert_ok(parseal_shamir_share(NULL, 0, 3, 4, NULL));
}

static void refuses_to_combine(void **state)
{
    (void)state;
    rng r = rng_for("refusals");
    dealt d = deal(&r, 3, 5, 2);
    uint8_t secrets[2 * BYTES];
    memset(secrets, UNTOUCHED, sizeof secrets);
    static const uint32_t good[] = {1, 2, 3, 4, 5};
    static const struct {
        uint32_t index[4];
        parseal_status status;
        const char *name;
    } cases[] = {
        {{0, 1, 2, 3}, PARSEAL_ERR_SIZE, "index[0]"},
        {{1, 2, 3, 65536}, PARSEAL_ERR_SIZE, "index[3]"},
        {{1, 2, UINT32_MAX, 3}, PARSEAL_ERR_SIZE, "index[2]"},
        {{1, 2, 65537, 3}, PARSEAL_ERR_SIZE, "index[2]"},
        {{1, 1, 2, 3}, PARSEAL_ERR_ARG, "index[1]"},
        {{3, 1, 2, 3}, PARSEAL_ERR_ARG, "index[3]"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_error(parseal_shamir_combine(cases[i].index, d.shares, 4, 2, 3, secrets),
                     cases[i].status, cases[i].name);
#define REFUSED(status, name, ...) assert_error(parseal_shamir_combine(__VA_ARGS__), status, name)
    REFUSED(PARSEAL_ERR_SIZE, "n_shares", good, d.shares, 2, 2, 3, secrets);
    REFUSED(PARSEAL_ERR_SIZE, "n_shares", good, d.shares, 0, 2, 3, secrets);
    REFUSED(PARSEAL_ERR_SIZE, "n_shares", good, d.shares, PARSEAL_HOLDERS_MAX + 1, 2, 3, secrets);
    REFUSED(PARSEAL_ERR_SIZE, "threshold", good, d.shares, 5, 2, 0, secrets);
    REFUSED(PARSEAL_ERR_SIZE, "threshold", good, d.shares, 5, 2, PARSEAL_HOLDERS_MAX + 1, secrets);
    REFUSED(PARSEAL_ERR_SIZE, "count", good, d.shares, 5, SIZE_MAX / BYTES / 5 + 1, 3, secrets);
    REFUSED(PARSEAL_ERR_ARG, "index", NULL, d.shares, 5, 2, 3, secrets);
    REFUSED(PARSEAL_ERR_ARG, "shares", good, NULL, 5, 2, 3, secrets);
    REFUSED(PARSEAL_ERR_ARG, "secrets", good, d.shares, 5, 2, 3, NULL);
    REFUSED(PARSEAL_ERR_ALIAS, "secrets", good, d.shares, 5, 2, 3, d.shares + 9 * BYTES);
#undef REFUSED
    assert_filled(secrets, sizeof secrets, UNTOUCHED);
    dealt_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_defined),         cmocka_unit_test(every_subset),
        cmocka_unit_test(thresholds),         cmocka_unit_test(counts),
        cmocka_unit_test(most_holders),       cmocka_unit_test(largest_transforms),
        cmocka_unit_test(one_share_of_two),   cmocka_unit_test(every_secret_is_consistent),
        cmocka_unit_test(shares_are_random),  cmocka_unit_test(wrong_shares_are_seen),
        cmocka_unit_test(another_threshold),  cmocka_unit_test(refuses_to_share),
        cmocka_unit_test(refuses_to_combine),
    };
    return sodium_init() < 0 ? 1 : RUN_SUITE("secagg shamir", tests);
}
