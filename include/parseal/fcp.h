/* parseal: masks as Google's fcp/secagg expands them (parseal format `fcp-aes256ctr`), bit for bit,
 * so that a server can strip the masks of clients that run fcp, and the other way round.
 *
 * A mask belongs to one vector of a session: R, the vector's length n, the session's id and the
 * vector's name. With bw = bit length of R - 1 and nb = ceil(bw / 8), the mask of a key is
 *   1. info = session_id || BE32(bw) || BE32(n) || name
 *   2. K = SHA-256(BE32(bw) || key || 0x02 || BE32(length of info) || info)
 *   3. Keystream: AES-256 under K of the 16-byte big-endian counter 0, 1, 2, ...
 *   4. Candidates: nb bytes after nb bytes, big-endian, the low bw bits of each.
 *   5. R = 2^bw: candidate i is element i. Otherwise candidates below 2^bw - R are passed over, and
 *      element i is the i-th of the others, less R where it is not below R.
 */
#ifndef PARSEAL_FCP_H
#define PARSEAL_FCP_H

#include "parseal/core.h"
#include "parseal/mask.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PARSEAL_FCP_KEYBYTES     32u
#define PARSEAL_FCP_KEYBYTES_OLD 17u /* at most, of an old client */
#define PARSEAL_FCP_MODULUS_MAX  (UINT64_C(1) << 62)
#define PARSEAL_FCP_LENGTH_MAX   UINT64_C(2147483647) /* 2^31 - 1 */

/* What a mask is made for. */
typedef struct {
    size_t struct_size;
    uint64_t modulus; /* R: 2 to 2^62 */
    uint64_t n;       /* elements of the whole vector: at most 2^31 - 1 */
    const void *session_id;
    size_t session_id_len; /* any bytes, and any number of them; both may be empty */
    const void *name;
    size_t name_len;
} parseal_fcp_mask;

#define PARSEAL_FCP_MASK_INIT                            \
    {                                                    \
        sizeof(parseal_fcp_mask), 0, 0, NULL, 0, NULL, 0 \
    }

typedef struct {
    const uint8_t *key;
    size_t len;   /* 32; or 1 to 17, which an old client has and which are hashed as they are */
    int32_t sign; /* +1: the mask is added, -1: it is subtracted */
} parseal_fcp_key;

/* parseal_fcp_seeds_create derives the n keys' AES keys and stores them as a seed set in *set, in
 * guarded memory (on a GPU: device memory), wiped when the set is destroyed. n may be 0. A key that
 * is given twice counts twice, one with both signs cancels.
 *
 * parseal_mask_apply and parseal_mask_write take the set as they take one of parseal_seeds_create,
 * with a ring of this modulus and elements of 4 bytes where it is at most 2^32, else of 8
 * (PARSEAL_ERR_ARG otherwise); first + n must not pass mask->n (PARSEAL_ERR_SIZE).
 *
 * Slices. Where R is a power of two an element's place in the keystream is known, and a slice costs
 * what its elements cost. For other R the keystream before a slice must be gone through: a call
 * costs about as much as one of first + n elements, so such vectors are better not cut over calls.
 * With fewer keys than the CPU has threads it is gone through once more, to find where each thread
 * begins.
 *
 * Time. How many candidates are passed over for other R shows in the time a call takes, as it must
 * for elements that follow each other; these candidates are not used for anything.
 *
 * Errors: PARSEAL_ERR_ARG (modulus; a key's len or sign), PARSEAL_ERR_SIZE (mask->n above 2^31 - 1;
 * info above 2^32 - 1 bytes; n above 2^31 - 1), PARSEAL_ERR_UNSUPPORTED (on a GPU, R is not a power
 * of two). Where AUTO has picked a GPU the set is made for the CPU beside it instead: then calls on
 * host memory run there, and others return PARSEAL_ERR_UNSUPPORTED. */
PARSEAL_API parseal_status parseal_fcp_seeds_create(parseal_seeds **set, parseal_ctx *ctx,
                                                    const parseal_fcp_mask *mask,
                                                    const parseal_fcp_key *keys, size_t n);

/* parseal_fcp_seeds_create_counting makes a set that counts (mask.h): its number is the last 8
 * bytes of mask->session_id, big-endian, and so each call's masks are those that fcp has for a
 * session of that id. The device derives each call's AES keys itself. For the rest the set is what
 * parseal_seeds_create_counting says; the number that mask->session_id has is the first call's.
 *
 * Errors: those of parseal_fcp_seeds_create (PARSEAL_ERR_UNSUPPORTED where R is not a power of
 * two), those of parseal_seeds_create_counting for `counting`, PARSEAL_ERR_SIZE (session_id_len
 * below 8). */
PARSEAL_API parseal_status parseal_fcp_seeds_create_counting(parseal_seeds **set, parseal_ctx *ctx,
                                                             const parseal_fcp_mask *mask,
                                                             const parseal_fcp_key *keys, size_t n,
                                                             const parseal_counting *counting);

#ifdef __cplusplus
}
#endif

#endif
