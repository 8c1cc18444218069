/* Rings and their elements for tests and references, in plain 128-bit arithmetic. */
#ifndef PARSEAL_TESTS_RING_H
#define PARSEAL_TESTS_RING_H

#include "test.h"

__extension__ typedef unsigned __int128 u128;

/* These are the moduli that the suites try, each with the element sizes that it allows. */
extern const parseal_ring RINGS[];
extern const size_t N_RINGS;

/* Returns the bit length of modulus - 1. */
uint32_t ring_bits(const parseal_ring *ring);
u128 ring_modulus(const parseal_ring *ring);
uint64_t ring_reduce(const parseal_ring *ring, u128 x);

/* Returns element i of an array of little-endian elements of `size` = 4 or 8 bytes. */
uint64_t elem_load(const void *p, uint64_t i, uint32_t size);
void elem_store(void *p, uint64_t i, uint32_t size, uint64_t value);

#endif
