/* parseal: streaming aggregation.
 *
 * An aggregator holds the sum of clients' updates, a vector over a ring, in the memory of its
 * context's device, and nothing else that grows with their size: an update is opened, unpacked and
 * added as it comes. Then masks are stripped, and the sum or the mean is taken out. Partial sums
 * travel between machines, or over a restart, as exports.
 *
 *   create -> add_sealed, add_plain (any number, any order) -> unmask -> sum or mean
 *   export -> import, merge
 *
 * Who is who. A client is a number of the caller's, and counts once: an update under a number that
 * has been counted is refused. That stops replays and duplicates only if a client cannot write
 * another's number: let the update's key, or its aad, say whose it is.
 *
 * Concurrency. One call at a time on one aggregator; any number of aggregators at the same time.
 *
 * Memory. Beside the sum, a call that adds holds some 150 bytes for each of its updates, and on a
 * GPU what options.device_memory allows of copies on their way; an update must fit a third of that.
 * The sum itself is not counted there.
 *
 * Failures. Bad arguments change nothing, nor does PARSEAL_ERR_NO_MEMORY before a call has begun to
 * add: the same call can be made again. Where it comes later, what has been added is counted, and
 * has the status PARSEAL_ITEM_OK. After a failure in its middle the sum may be neither the old one
 * nor the new one: then every later call but update_size and destroy returns PARSEAL_ERR_DEVICE. Go
 * on from the last export. No call is finished by another backend than the context's.
 */
#ifndef PARSEAL_AGGREGATOR_H
#define PARSEAL_AGGREGATOR_H

#include "parseal/aead.h"
#include "parseal/core.h"
#include "parseal/mask.h"
#include "parseal/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct parseal_aggregator parseal_aggregator;

typedef struct {
    size_t struct_size;
    parseal_ring ring;
    uint64_t dim;  /* elements of an update: 1 or more */
    uint32_t bits; /* of an element in an update, packed as by parseal_pack: 1 to 8 *
                      ring.element_size; 0: updates are dim elements of the ring as they are, and
                      exports say 8 * ring.element_size */
    /* How updates were quantised, for parseal_aggregator_mean: as in parseal_quant. 0 and 0: they
     * were not. */
    uint32_t quant_bits;
    float quant_clip;
    uint32_t reserved; /* 0 */
} parseal_aggregator_options;

#define PARSEAL_AGGREGATOR_OPTIONS_INIT                                 \
    {                                                                   \
        sizeof(parseal_aggregator_options), {0, 0, 0}, 0, 0, 0, 0.0f, 0 \
    }

/* parseal_aggregator_create stores in *aggregator one whose sum is zero and which has counted
 * nobody. It takes dim * ring.element_size bytes of the context's device (on the CPU: of host
 * memory), and 18 to 36 bytes a client.
 *
 * Errors: PARSEAL_ERR_ARG (ring, dim, bits, quant_bits or quant_clip out of range, or quant_bits
 * above bits), PARSEAL_ERR_SIZE (the vector's size overflows), PARSEAL_ERR_NO_MEMORY. */
PARSEAL_API parseal_status parseal_aggregator_create(parseal_aggregator **aggregator,
                                                     parseal_ctx *ctx,
                                                     const parseal_aggregator_options *options);
PARSEAL_API void parseal_aggregator_destroy(parseal_aggregator *aggregator);

/* Verdicts on updates, beside PARSEAL_ITEM_*. */
enum {
    PARSEAL_ITEM_COUNTED = 3,   /* the client has been counted before: not looked at */
    PARSEAL_ITEM_BAD_LENGTH = 4 /* it is not as long as dim and bits say: not looked at */
};

/* One client's update. */
typedef struct {
    uint64_t client;
    const void *in; /* len bytes; read only */
    size_t len;
    const void *aad; /* aad_len bytes; may be NULL where aad_len is 0 */
    size_t aad_len;
    uint64_t weight; /* where an aggregator takes weighted updates whose weight is not under the
                        mask: round(w / w_max * 2^22), as in parseal_mean_options. 0 elsewhere, so
                        always in this release */
    uint8_t nonce[PARSEAL_NONCEBYTES_MAX]; /* as in parseal_msg */
    uint8_t tag[PARSEAL_TAGBYTES];
    uint32_t key;   /* index into the key set */
    int32_t status; /* out: PARSEAL_ITEM_* */
} parseal_update;

/* parseal_aggregator_update_size stores the bytes of one update in *size: what an update's len must
 * be. */
PARSEAL_API parseal_status parseal_aggregator_update_size(const parseal_aggregator *aggregator,
                                                          uint64_t *size);

/* parseal_aggregator_add_sealed opens n updates (as parseal_open does, with keys of the same
 * context) and adds those that are authentic, whose status is then PARSEAL_ITEM_OK; *n_added counts
 * them, and may be NULL. It is set by PARSEAL_OK and PARSEAL_ERR_AUTH. No plaintext is kept: on the
 * CPU it gets no further than a cache, on a GPU no further than the device's memory, and not there
 * either where updates are long enough to fill the device. `in` is read twice, and must not change
 * until the call returns.
 *
 * Of several updates of one client in one call the first that is authentic counts.
 *
 * Errors: PARSEAL_ERR_AUTH (at least one was not added, as its status says; the others were),
 * PARSEAL_ERR_ARG (keys of another context; a nonce with bytes behind the algorithm's size; a
 * weight), PARSEAL_ERR_SIZE (aad_len above its limit, a key index outside the set), and see
 * Failures. */
PARSEAL_API parseal_status parseal_aggregator_add_sealed(parseal_aggregator *aggregator,
                                                         const parseal_keys *keys,
                                                         parseal_update *updates, size_t n,
                                                         size_t *n_added);

/* parseal_aggregator_add_plain adds updates that are not sealed: aad, nonce, tag and key are not
 * looked at. Errors as above. */
PARSEAL_API parseal_status parseal_aggregator_add_plain(parseal_aggregator *aggregator,
                                                        parseal_update *updates, size_t n,
                                                        size_t *n_added);

/* parseal_aggregator_unmask adds the masks of a seed set of the same context to the sum, each with
 * its seed's sign: survivors' self masks with -1, and what the pairwise masks with clients that
 * dropped out have left, undone. Any order and any number of calls; the library cannot know whether
 * a seed was stripped before. The seeds may be those of parseal_seeds_create, or of
 * parseal_fcp_seeds_create for masks mod the same ring.
 *
 * Errors: PARSEAL_ERR_ARG (seeds of another context, of masks mod another ring, or that count),
 * PARSEAL_ERR_SIZE (dim passes the keystream's or the masks' end), PARSEAL_ERR_UNSUPPORTED (masks
 * of parseal/fcp.h that the context's backend has not: those mod no power of two are the CPU's),
 * and see Failures. */
PARSEAL_API parseal_status parseal_aggregator_unmask(parseal_aggregator *aggregator,
                                                     const parseal_seeds *seeds);

/* parseal_aggregator_count stores how many clients have been counted, those of merged exports
 * included. parseal_aggregator_has stores in *has whether this one has. */
PARSEAL_API parseal_status parseal_aggregator_count(const parseal_aggregator *aggregator,
                                                    uint64_t *count);
PARSEAL_API parseal_status parseal_aggregator_has(const parseal_aggregator *aggregator,
                                                  uint64_t client, int32_t *has);

/* parseal_aggregator_sum writes the sum, dim elements of the ring.
 * parseal_aggregator_mean writes the mean of the counted clients' updates as dim float32, by
 * parseal_dequantize. Both leave the aggregator as it is, so that more may come. The outputs may be
 * in host memory or in the device's. options may be NULL: everything at its default.
 *
 * Errors: PARSEAL_ERR_SIZE (lengths), PARSEAL_ERR_UNSUPPORTED (the buffer's kind). Of mean:
 * PARSEAL_ERR_ARG (no quantisation was given, nobody was counted, or an option that this release
 * does not have), PARSEAL_ERR_OVERFLOW (so many clients' values may not fit the ring). */
PARSEAL_API parseal_status parseal_aggregator_sum(const parseal_aggregator *aggregator,
                                                  const parseal_vec *sum);
PARSEAL_API parseal_status parseal_aggregator_mean(const parseal_aggregator *aggregator,
                                                   const parseal_vec *mean,
                                                   const parseal_mean_options *options);

/* clang-format off */
/* An export is, little-endian, at these bytes:
 *
 *    0   8  "parsealA"
 *    8   4  version: 1
 *   12   4  element_size
 *   16   8  modulus, 0 for 2^64
 *   24   8  dim
 *   32   4  bits of an element in an update: options.bits, or 8 * element_size where that is 0
 *   36   4  reserved: 0
 *   40   4  quant_bits
 *   44   4  quant_clip, a float32
 *   48   8  the number of clients, n
 *   56   8  reserved: 0
 *   64  8n  the clients, rising
 *           dim elements of the sum, element_size bytes each
 *       32  BLAKE2b-256 of all bytes before
 *
 * The digest finds damage, not forgery: who takes exports from elsewhere seals them (parseal_seal).
 * An export of masked updates gives away no more than the masked updates do.
 *
 * parseal_aggregator_export_size stores its bytes in *size. parseal_aggregator_export writes it to
 * `out`, whose size must be exactly that. */
/* clang-format on */
PARSEAL_API parseal_status parseal_aggregator_export_size(const parseal_aggregator *aggregator,
                                                          uint64_t *size);
PARSEAL_API parseal_status parseal_aggregator_export(const parseal_aggregator *aggregator,
                                                     void *out, size_t size);

/* parseal_aggregator_import makes an aggregator of an export, on any context. merge adds an
 * export's sum and clients to those of an aggregator of the same ring, dim, bits and quantisation.
 *
 * Errors: PARSEAL_ERR_FORMAT (truncated, foreign, damaged or contradictory: the text names the
 * field), and of merge PARSEAL_ERR_ARG (another ring, dim, bits or quantisation: likewise, or a
 * client that both have counted); nothing has changed then. */
PARSEAL_API parseal_status parseal_aggregator_import(parseal_aggregator **aggregator,
                                                     parseal_ctx *ctx, const void *exported,
                                                     size_t size);
PARSEAL_API parseal_status parseal_aggregator_merge(parseal_aggregator *aggregator,
                                                    const void *exported, size_t size);

#ifdef __cplusplus
}
#endif

#endif
