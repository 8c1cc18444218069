/* Shamir's secret sharing with the caller's own randomness, so that tests can repeat it. */
#ifndef PARSEAL_HOST_SECAGG_SHAMIR_H
#define PARSEAL_HOST_SECAGG_SHAMIR_H

#include "parseal/secagg.h"

/* Fills n bytes with randomness. */
typedef void shamir_random(void *state, void *bytes, size_t n);

/* Does the work of parseal_shamir_share. For one secret, `random` is called once, for (threshold -
 * 1) * 32 bytes. They are coefficients 1, 2, ..., of 16 little-endian words each, in the basis X_1,
 * X_2, ... of Lin, Chung and Han: X_i(x) is the product of s_j(x) / s_j(2^j) over the set bits j of
 * i, and s_j(x) is the product of x - v over all v < 2^j. */
parseal_status shamir_share(const uint8_t *secrets, size_t count, uint32_t threshold, uint32_t n,
                            uint8_t *shares, shamir_random *random, void *state);

#endif
