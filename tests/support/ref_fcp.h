/* Masks of parseal/fcp.h, written again from their description on OpenSSL's AES and libsodium's
 * SHA-256. */
#ifndef PARSEAL_TESTS_REF_FCP_H
#define PARSEAL_TESTS_REF_FCP_H

#include "parseal/fcp.h"
#include "test.h"

/* Returns false where these tests were built without OpenSSL. */
bool ref_fcp_exists(void);

/* sum[i] = sum_j sign_j * mask_j[i] mod R, for all mask->n elements. */
void ref_fcp_sum(const parseal_fcp_mask *mask, const parseal_fcp_key *keys, size_t n,
                 uint64_t *sum);

#endif
