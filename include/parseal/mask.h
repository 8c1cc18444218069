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

/* How the number of a set's stream changes on the device, for what a CUDA graph replays. */
typedef struct {
    size_t struct_size;
    uint64_t step;        /* the number grows by so much after each call: 1 or more */
    int32_t graph_writes; /* not 0: nobody counts (step is 0), but each call takes the number that
                             it finds in `number`, which the graph writes anew in each replay */
    uint32_t reserved;    /* 0 */
    parseal_buf number;   /* 8 bytes of the device, aligned to 8 and little-endian, which live as
                             long as the set. With graph_writes calls read them; else each call
                             writes there the number that it has used. PARSEAL_BUF_NONE: nobody
                             asks */
} parseal_counting;

#define PARSEAL_COUNTING_INIT              \
    {                                      \
        sizeof(parseal_counting), 0, 0, 0, \
        {                                  \
            0, 0, 0, 0, 0                  \
        }                                  \
    }

#define PARSEAL_STREAM_NONE UINT64_MAX /* no number was left for the call */

/* parseal_seeds_create_counting makes a set whose stream number is on the device, and counted there
 * (CUDA).
 *
 * A CUDA graph replays a captured mask with the same seeds and streams, a one-time mask twice, and
 * a captured stochastic quantisation with the same draws. So capturing them is refused but with
 * such a set. Its calls take the same arguments as those with any other, and no (key, stream) pair
 * comes twice in its life.
 *
 * The seeds must agree in their stream_id, which is the number of the first call (little-endian).
 * All seeds have the call's number as their stream_id; after the call it has grown by step, and it
 * never reaches 2^64 - 1. There are floor((2^64 - 2 - first number) / step) + 1 calls: a later one
 * writes PARSEAL_STREAM_NONE to `number`, and zeros to its vector, which is then neither under a
 * mask that was used before nor without one.
 *
 * Calls with the set take vectors on the device alone. Unlike those with other sets they must
 * follow each other: on one stream, or on streams that wait for each other. One that begins while
 * another is under way has no number, and leaves zeros, which may become of the other, too. Each
 * call has a number of its own, on parts of one vector, too; only one of no elements takes none.
 *
 * Errors: those of parseal_seeds_create, PARSEAL_ERR_ARG (stream ids that differ; step 0 without
 * graph_writes, or not 0 with it; graph_writes without `number`), PARSEAL_ERR_SIZE (number.size is
 * not 8; the number wraps at its first growth), PARSEAL_ERR_UNSUPPORTED (a backend without graphs:
 * there each call is given its seeds; `number` in host memory). */
PARSEAL_API parseal_status parseal_seeds_create_counting(parseal_seeds **set, parseal_ctx *ctx,
                                                         const parseal_seed *seeds, size_t n,
                                                         const parseal_counting *counting);

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
 * has 2^38 bytes), PARSEAL_ERR_UNSUPPORTED (a buffer's kind; with a set that counts, a vector in
 * host memory), PARSEAL_ERR_ALIAS (the vector overlaps the number of a set that counts),
 * PARSEAL_ERR_ARG (the stream is captured, and the set does not count: the capture goes on). */
PARSEAL_API parseal_status parseal_mask_apply(const parseal_seeds *seeds, const parseal_ring *ring,
                                              const parseal_vec *acc, uint64_t first, void *stream);
PARSEAL_API parseal_status parseal_mask_write(const parseal_seeds *seeds, const parseal_ring *ring,
                                              const parseal_vec *out, uint64_t first, void *stream);

#ifdef __cplusplus
}
#endif

#endif
