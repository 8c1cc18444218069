/* Masks of format `chacha20`, written again from its description on libsodium's keystream. */
#ifndef PARSEAL_TESTS_REF_MASK_H
#define PARSEAL_TESTS_REF_MASK_H

#include "rng.h"
#include "test.h"

/* Returns PRG(seed)[i]. */
uint64_t ref_mask_element(const parseal_seed *seed, const parseal_ring *ring, uint64_t i);

/* acc[i] += sum_j sign_j * PRG(seed_j)[first + i] mod m for n elements. acc may hold any values. */
void ref_mask_apply(const parseal_seed *seeds, size_t n_seeds, const parseal_ring *ring, void *acc,
                    uint64_t n, uint64_t first);

/* Draws n seeds with random keys, streams and signs. */
void random_seeds(rng *r, parseal_seed *seeds, size_t n);

#endif
