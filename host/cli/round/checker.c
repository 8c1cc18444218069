#include "host/cli/round/checker.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

#include "host/cli/bytes.h"

int checker_create(checker *c, const parseal_ring *ring, uint64_t n, cli_failure *failure)
{
    memset(c, 0, sizeof *c);
    c->ring = *ring;
    c->n = n;
    int code = cli_buffer_create(&c->plain, n, ring->element_size, "the plain sum", failure);
    if (code == CLI_OK)
        code = cli_buffer_create(&c->floats, n, sizeof(double), "the float mean", failure);
    if (code != CLI_OK) {
        checker_destroy(c);
        return code;
    }
    double *floats = c->floats.p;
    memset(c->plain.p, 0, c->plain.size);
    for (uint64_t i = 0; i < n; i++)
        floats[i] = 0;
    return CLI_OK;
}

void checker_destroy(checker *c)
{
    cli_buffer_destroy(&c->plain);
    cli_buffer_destroy(&c->floats);
}

/* Returns a + b mod m, for a and b below m; m = 0 stands for 2^64. */
static uint64_t add_mod(uint64_t a, uint64_t b, uint64_t m)
{
    uint64_t sum = a + b;
    return sum < a || (m != 0 && sum >= m) ? sum - m : sum;
}

void checker_add(checker *c, const float *update, const void *quantised)
{
    uint32_t size = c->ring.element_size;
    double *floats = c->floats.p;
    for (uint64_t i = 0; i < c->n; i++) {
        uint64_t before = load_element(c->plain.p, i, size);
        uint64_t value = load_element(quantised, i, size);
        store_element(c->plain.p, i, size, add_mod(before, value, c->ring.modulus));
        floats[i] += isfinite(update[i]) ? (double)update[i] : 0;
    }
    c->clients++;
}

void checker_compare(const checker *c, const void *sum, const float *mean, verdict *v)
{
    const double *floats = c->floats.p;
    memset(v, 0, sizeof *v);
    for (uint64_t i = 0; i < c->n; i++) {
        uint32_t size = c->ring.element_size;
        double error = fabs((double)mean[i] - floats[i] / (double)c->clients);
        v->differing += load_element(sum, i, size) != load_element(c->plain.p, i, size);
        if (!(error <= v->max_error)) /* A NaN must not pass for a small error. */
            v->max_error = error;
    }
    crypto_generichash(v->digest, sizeof v->digest, sum, c->plain.size, NULL, 0);
}
