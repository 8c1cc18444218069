/* parseal: masks, which are the ChaCha20 keystream of seeds, expanded to elements of a ring.
 * parseal.h says what holds for every function.
 */
#ifndef PARSEAL_MASK_H
#define PARSEAL_MASK_H

#include "parseal/core.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PARSEAL_SEEDBYTES     32u
#define PARSEAL_STREAMIDBYTES 8u

/* One mask: the PRG's key, the stream under that key (a round's number, say), and whether the
 * mask is added or subtracted.
 *
 * PRG(seed)[i], for a ring with elements of w bytes, is (parseal format `chacha20`):
 *   1. k = bit length of modulus - 1; t = 0.
 *   2. Take w bytes at byte i * w of the RFC 8439 ChaCha20 keystream under `key`, with nonce
 *      LE32(t) || stream_id and block counter starting at 0; read them little-endian, keep k bits.
 *   3. A value below modulus is the element; else t = t + 1, and again from 2.
 * It is exactly uniform, and element i does not depend on the others. */
typedef struct {
    uint8_t key[PARSEAL_SEEDBYTES];
    uint8_t stream_id[PARSEAL_STREAMIDBYTES];
    int32_t sign; /* +1 or -1 */
} parseal_seed;

typedef struct parseal_seeds parseal_seeds;

/* parseal_seeds_create copies n seeds into guarded memory (on a GPU: device memory; parseal.h,
 * "Secrets") and stores the set in *set. The set is wiped when it is destroyed. n may be 0: a set
 * that adds nothing.
 *
 * Errors: PARSEAL_ERR_ARG (a sign other than +1 and -1), PARSEAL_ERR_SIZE (n above 2^31 - 1). */
PARSEAL_API parseal_status parseal_seeds_create(parseal_seeds **set, parseal_ctx *ctx,
                                                const parseal_seed *seeds, size_t n);
PARSEAL_API void parseal_seeds_destroy(parseal_seeds *set);

/* parseal_seeds_info fills *info with what is known of the set, which may be one of parseal/fcp.h.
 * info->struct_size must be set. */
PARSEAL_API parseal_status parseal_seeds_info(const parseal_seeds *set, parseal_set_info *info);

/* parseal_mask_apply: acc[i] = (acc[i] + sum_j sign_j * PRG(seed_j)[first + i]) mod m, reading and
 * writing acc once however many seeds there are.
 *
 * parseal_mask_write: out[i] = (sum_j sign_j * PRG(seed_j)[first + i]) mod m.
 *
 * `first` is the index of the vector's first element in the whole mask, so that a vector may be cut
 * over calls, threads and devices.
 *
 * A set of parseal_fcp_seeds_create has masks of its own ring and length: see parseal/fcp.h.
 *
 * Errors: PARSEAL_ERR_SIZE (vector and ring disagree; first + n reaches past the keystream, which
 * has 2^38 bytes), PARSEAL_ERR_UNSUPPORTED (a buffer's kind). */
PARSEAL_API parseal_status parseal_mask_apply(const parseal_seeds *seeds, const parseal_ring *ring,
                                              const parseal_vec *acc, uint64_t first, void *stream);
PARSEAL_API parseal_status parseal_mask_write(const parseal_seeds *seeds, const parseal_ring *ring,
                                              const parseal_vec *out, uint64_t first, void *stream);

#ifdef __cplusplus
}
#endif

#endif
