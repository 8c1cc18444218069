/* Shamir's secret sharing over GF(2^16), many secrets at once (parseal/secagg.h). */
#include "host/secagg/shamir.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "host/api/buffers.h"
#include "host/secagg/gf16.h"
#include "host/support/check.h"
#include "host/support/process.h"
#include "host/support/wipe.h"

enum {
    BYTES = PARSEAL_SECRETBYTES,
    WORDS = BYTES / 2,        /* words in a secret */
    CHUNK_BYTES = 128 * 1024, /* So many bytes of coefficients are worked on at a time, in cache. */
    COMBINE_SECRETS = 128,    /* So many secrets are recovered at a time. */
    CHECKS = 4                /* Each check misses an error with a probability of 2^-16. */
};

/* ------------------------------------------------------------------------------------- words -- */

/* `words` may begin where `bytes` does. */
static void load_words(uint16_t *words, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        words[i] = (uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8);
}

static void store_words(uint8_t *bytes, const uint16_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bytes[2 * i] = (uint8_t)words[i];
        bytes[2 * i + 1] = (uint8_t)(words[i] >> 8);
    }
}

/* sum += factor * row. */
static void add_product(uint16_t *restrict sum, const uint16_t *restrict row, size_t n,
                        uint16_t factor)
{
    const gf_factor f = gf_prepare(factor);
    for (size_t i = 0; i < n; i++)
        sum[i] = (uint16_t)(sum[i] ^ gf_mul_by(&f, row[i]));
}

/* -------------------------------------------------------------------------------- evaluation -- */

/* The additive FFT of Lin, Chung and Han (FOCS 2014). V_j is the subspace of all v < 2^j. s_j(x) is
 * the product of x - v over it, which is linear over GF(2) and constant on each coset of V_j.
 * Twiddle j at x is s_j(x) / s_j(2^j). */
typedef struct {
    uint16_t at_power[GF_BITS][GF_BITS]; /* twiddle j at 2^b */
} twiddles;

static void find_twiddles(twiddles *t)
{
    uint16_t s[GF_BITS]; /* s_j(2^b) */
    for (int b = 0; b < GF_BITS; b++)
        s[b] = (uint16_t)(1u << b);
    for (int j = 0; j < GF_BITS; j++) {
        const uint16_t own = s[j], inverse = gf_inverse(own);
        for (int b = 0; b < GF_BITS; b++) {
            t->at_power[j][b] = gf_mul(s[b], inverse);
            s[b] = gf_mul(s[b], s[b] ^ own); /* s_j+1(x) = s_j(x) s_j(x - 2^j) */
        }
    }
}

static uint16_t twiddle(const twiddles *t, int j, uint32_t x)
{
    uint16_t sum = 0;
    for (int b = j; b < GF_BITS; b++)
        if (x >> b & 1)
            sum = (uint16_t)(sum ^ t->at_power[j][b]);
    return sum;
}

/* Evaluates low + X high at the points of a coset, where X is `factor`, and of its neighbour, where
 * X is factor + 1. */
static void butterfly(uint16_t *restrict low, uint16_t *restrict high, size_t n, uint16_t factor)
{
    const gf_factor f = gf_prepare(factor);
    for (size_t i = 0; i < n; i++) {
        low[i] = (uint16_t)(low[i] ^ gf_mul_by(&f, high[i]));
        high[i] = (uint16_t)(high[i] ^ low[i]);
    }
}

/* `rows` are 2^levels rows of `width` words, the coefficients of `width` polynomials. They become
 * the values at base, base + 1, ..., where base is a multiple of 2^levels. */
static void evaluate(const twiddles *t, uint16_t *rows, size_t width, int levels, uint32_t base)
{
    for (int j = levels; j-- > 0;) {
        const size_t half = width << j;
        for (uint32_t at = 0; at < UINT32_C(1) << levels; at += UINT32_C(2) << j) {
            uint16_t *low = rows + at * width;
            butterfly(low, low + half, half, twiddle(t, j, base + at));
        }
    }
}

/* ----------------------------------------------------------------------------------- sharing -- */

typedef struct {
    uint32_t threshold, n;
    int levels;     /* 2^levels >= threshold */
    size_t count;   /* secrets of the whole call */
    size_t at_once; /* secrets of a chunk, at most */
    uint16_t *coefficients, *values;
    uint8_t *shares;
    shamir_random *random;
    void *state;
    twiddles twiddles;
} dealing;

static void deal_chunk(dealing *d, const uint8_t *secrets, size_t first, size_t count)
{
    const size_t width = count * WORDS, rows = (size_t)1 << d->levels;
    uint16_t *drawn = d->coefficients + width;
    const size_t n_drawn = (d->threshold - 1) * width;
    load_words(d->coefficients, secrets + first * BYTES, width);
    if (n_drawn > 0)
        d->random(d->state, drawn, 2 * n_drawn);
    load_words(drawn, (const uint8_t *)drawn, n_drawn);
    memset(drawn + n_drawn, 0, 2 * (rows - d->threshold) * width);

    for (uint32_t base = 0; base <= d->n; base += (uint32_t)rows) {
        memcpy(d->values, d->coefficients, 2 * rows * width);
        evaluate(&d->twiddles, d->values, width, d->levels, base);
        for (uint32_t x = base != 0 ? base : 1; x <= d->n && x - base < rows; x++)
            store_words(d->shares + ((x - 1) * d->count + first) * BYTES,
                        d->values + (x - base) * width, width);
    }
}

static parseal_status deal(dealing *d, const uint8_t *secrets)
{
    const size_t rows = (size_t)1 << d->levels;
    d->at_once = CHUNK_BYTES / BYTES / rows;
    if (d->at_once < 1)
        d->at_once = 1;
    if (d->at_once > d->count)
        d->at_once = d->count;
    d->coefficients = sodium_allocarray(2 * rows * d->at_once, BYTES);
    if (d->coefficients == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY,
                            "threshold: %" PRIu32 " coefficients, out of memory", d->threshold);
    d->values = d->coefficients + rows * d->at_once * WORDS;
    find_twiddles(&d->twiddles);
    for (size_t first = 0; first < d->count; first += d->at_once)
        deal_chunk(d, secrets, first,
                   d->count - first < d->at_once ? d->count - first : d->at_once);
    sodium_free(d->coefficients);
    wipe_stack();
    return PARSEAL_OK;
}

static parseal_status check_threshold(uint32_t threshold, size_t n, const char *n_name)
{
    if (threshold < 1 || threshold > PARSEAL_HOLDERS_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "threshold: %" PRIu32 ", 1 to %u expected", threshold,
                            PARSEAL_HOLDERS_MAX);
    if (n < threshold || n > PARSEAL_HOLDERS_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "%s: %zu, from the threshold %" PRIu32 " to %u expected", n_name, n,
                            threshold, PARSEAL_HOLDERS_MAX);
    return PARSEAL_OK;
}

/* Checks that n * count shares and count secrets do not overlap. */
static parseal_status check_arrays(const uint8_t *secrets, const uint8_t *shares, size_t count,
                                   size_t n)
{
    if (count > SIZE_MAX / BYTES / n)
        return parseal_fail(PARSEAL_ERR_SIZE,
                            "count: %zu, the shares of %zu holders pass the end of memory", count,
                            n);
    if (count == 0)
        return PARSEAL_OK;
    TRY(check_pointer("secrets", secrets));
    TRY(check_pointer("shares", shares));
    const parseal_buf a = parseal_host_buf(secrets, count * BYTES);
    const parseal_buf b = parseal_host_buf(shares, count * BYTES * n);
    return check_no_overlap("secrets", &a, "shares", &b);
}

parseal_status shamir_share(const uint8_t *secrets, size_t count, uint32_t threshold, uint32_t n,
                            uint8_t *shares, shamir_random *random, void *state)
{
    dealing d = {.threshold = threshold,
                 .n = n,
                 .count = count,
                 .shares = shares,
                 .random = random,
                 .state = state};
    TRY(check_threshold(threshold, n, "n"));
    TRY(check_arrays(secrets, shares, count, n));
    if (!process_ready())
        return parseal_fail(PARSEAL_ERR_DEVICE, "libsodium could not be initialised");
    while (UINT32_C(1) << d.levels < threshold)
        d.levels++;
    return count > 0 ? deal(&d, secrets) : PARSEAL_OK;
}

static void system_random(void *state, void *bytes, size_t n)
{
    (void)state;
    randombytes_buf(bytes, n);
}

parseal_status parseal_shamir_share(const uint8_t *secrets, size_t count, uint32_t threshold,
                                    uint32_t n, uint8_t *shares)
{
    return shamir_share(secrets, count, threshold, n, shares, system_random, NULL);
}

/* ------------------------------------------------------------------------------- combination -- */

typedef struct {
    uint32_t threshold;
    size_t n, count;
    const uint8_t *shares;
    uint16_t *x;       /* the holders' indices */
    uint16_t *weights; /* the checks' weights, CHECKS rows of n */
    uint16_t *lagrange;
    twiddles twiddles;
    struct {
        uint16_t sum[COMBINE_SECRETS * WORDS], row[COMBINE_SECRETS * WORDS];
        uint16_t wrong[COMBINE_SECRETS * WORDS]; /* not 0 where a check failed */
    } * work;
} recovery;

/* to[i] = the product of x[i] - x[j] over all j != i below n. */
static void multiply_differences(uint16_t *restrict to, const uint16_t *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = 1;
    for (size_t j = 0; j < n; j++)
        for (size_t i = 0; i < n; i++) {
            const uint16_t difference = x[i] ^ x[j]; /* 0 where i == j: indices are distinct */
            to[i] = gf_mul(to[i], (uint16_t)(difference | (difference == 0)));
        }
}

/* Finds lagrange[i] with f(0) = sum of lagrange[i] f(x[i]) for all f with deg f < threshold. */
static void find_lagrange(recovery *r)
{
    uint16_t product = 1;
    multiply_differences(r->lagrange, r->x, r->threshold);
    for (size_t i = 0; i < r->threshold; i++)
        product = gf_mul(product, r->x[i]);
    for (size_t i = 0; i < r->threshold; i++)
        r->lagrange[i] = gf_mul(product, gf_inverse(gf_mul(r->x[i], r->lagrange[i])));
}

/* The y[i] are values of a polynomial of degree below threshold at the n points x[i] if and only if
 * the sum of u[i] g(x[i]) y[i] is 0 for all g of degree below n - threshold, where 1 / u[i] is the
 * product of x[i] - x[j] over j != i (the dual of a Reed-Solomon code). Each check draws one g. */
static parseal_status find_checks(recovery *r)
{
    uint16_t *u = r->lagrange; /* Nothing else needs this memory yet. */
    uint32_t last = 0;
    int levels = 0;
    for (size_t i = 0; i < r->n; i++)
        last = r->x[i] > last ? r->x[i] : last;
    while (UINT32_C(1) << levels <= last)
        levels++;
    uint16_t *g = calloc((size_t)CHECKS << levels, sizeof *g);
    if (g == NULL)
        return parseal_fail(PARSEAL_ERR_NO_MEMORY, "n_shares: %zu shares, out of memory", r->n);
    randombytes_buf(g, (r->n - r->threshold) * CHECKS * sizeof *g);
    find_twiddles(&r->twiddles);
    evaluate(&r->twiddles, g, CHECKS, levels, 0);

    multiply_differences(u, r->x, r->n);
    for (size_t i = 0; i < r->n; i++) {
        const uint16_t inverse = gf_inverse(u[i]);
        for (size_t c = 0; c < CHECKS; c++)
            r->weights[c * r->n + i] = gf_mul(inverse, g[(size_t)r->x[i] * CHECKS + c]);
    }
    free(g);
    return PARSEAL_OK;
}

/* work->sum = sum of weights[i] * share i, for secrets first .. first + count - 1. */
static void weigh(recovery *r, const uint16_t *weights, size_t n, size_t first, size_t count)
{
    memset(r->work->sum, 0, sizeof r->work->sum);
    for (size_t i = 0; i < n; i++) {
        load_words(r->work->row, r->shares + (i * r->count + first) * BYTES, count * WORDS);
        add_product(r->work->sum, r->work->row, count * WORDS, weights[i]);
    }
}

static size_t chunk_from(const recovery *r, size_t first)
{
    return r->count - first < COMBINE_SECRETS ? r->count - first : COMBINE_SECRETS;
}

static parseal_status check_shares(recovery *r)
{
    TRY(find_checks(r));
    for (size_t first = 0; first < r->count; first += COMBINE_SECRETS) {
        const size_t count = chunk_from(r, first);
        memset(r->work->wrong, 0, sizeof r->work->wrong);
        for (size_t c = 0; c < CHECKS; c++) {
            weigh(r, r->weights + c * r->n, r->n, first, count);
            for (size_t i = 0; i < count * WORDS; i++)
                r->work->wrong[i] = r->work->wrong[i] | r->work->sum[i];
        }
        for (size_t s = 0; s < count; s++)
            if (!sodium_is_zero((const uint8_t *)(r->work->wrong + s * WORDS), BYTES))
                return parseal_fail(PARSEAL_ERR_AUTH,
                                    "shares: those of secret %zu lie on no polynomial of degree "
                                    "below the threshold %" PRIu32,
                                    first + s, r->threshold);
    }
    return PARSEAL_OK;
}

static parseal_status check_indices(const uint32_t *index, size_t n, uint16_t *x, uint8_t *seen)
{
    for (size_t i = 0; i < n; i++) {
        if (index[i] < 1 || index[i] > PARSEAL_HOLDERS_MAX)
            return parseal_fail(PARSEAL_ERR_SIZE, "index[%zu]: %" PRIu32 ", 1 to %u expected", i,
                                index[i], PARSEAL_HOLDERS_MAX);
        if (seen[index[i]]++ != 0)
            return parseal_fail(PARSEAL_ERR_ARG, "index[%zu]: %" PRIu32 ", for the second time", i,
                                index[i]);
        x[i] = (uint16_t)index[i];
    }
    return PARSEAL_OK;
}

static parseal_status recover(recovery *r, const uint32_t *index, uint8_t *seen, uint8_t *secrets)
{
    TRY(check_indices(index, r->n, r->x, seen));
    if (r->n > r->threshold)
        TRY(check_shares(r));
    find_lagrange(r);
    for (size_t first = 0; first < r->count; first += COMBINE_SECRETS) {
        const size_t count = chunk_from(r, first);
        weigh(r, r->lagrange, r->threshold, first, count);
        store_words(secrets + first * BYTES, r->work->sum, count * WORDS);
    }
    return PARSEAL_OK;
}

parseal_status parseal_shamir_combine(const uint32_t *index, const uint8_t *shares, size_t n_shares,
                                      size_t count, uint32_t threshold, uint8_t *secrets)
{
    recovery r = {.threshold = threshold, .n = n_shares, .count = count, .shares = shares};
    TRY(check_threshold(threshold, n_shares, "n_shares"));
    TRY(check_pointer("index", index));
    TRY(check_arrays(secrets, shares, count, n_shares));
    if (!process_ready())
        return parseal_fail(PARSEAL_ERR_DEVICE, "libsodium could not be initialised");

    uint8_t *seen = calloc(PARSEAL_HOLDERS_MAX + 1, 1);
    uint16_t *words = calloc(n_shares * (2 + CHECKS), sizeof *words);
    r.work = sodium_malloc(sizeof *r.work);
    parseal_status status;
    if (seen == NULL || words == NULL || r.work == NULL) {
        status =
            parseal_fail(PARSEAL_ERR_NO_MEMORY, "n_shares: %zu shares, out of memory", n_shares);
    } else {
        r.x = words;
        r.lagrange = words + n_shares;
        r.weights = words + 2 * n_shares;
        status = recover(&r, index, seen, secrets);
    }
    sodium_free(r.work);
    wipe_stack();
    free(words);
    free(seen);
    return status;
}
