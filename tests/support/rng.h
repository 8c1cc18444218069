/* Reproducible test data, by SplitMix64. It is not for keys. */
#ifndef PARSEAL_TESTS_RNG_H
#define PARSEAL_TESTS_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state;
} rng;

/* Returns a generator for one test; `name` separates the tests of a process with one run_seed(). */
rng rng_for(const char *name);

uint64_t rng_u64(rng *r);
/* Draws from 0 .. n - 1. The bias of the plain remainder does not matter here. */
uint64_t rng_below(rng *r, uint64_t n);
/* Draws from `from` .. `to`, both included. */
uint64_t rng_range(rng *r, uint64_t from, uint64_t to);
void rng_fill(rng *r, void *p, size_t n);

#endif
