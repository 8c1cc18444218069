/* parseal: AES-GCM in batches, of messages in host memory and on buffers of a device. parseal.h
 * says what holds for every function.
 */
#ifndef PARSEAL_AEAD_H
#define PARSEAL_AEAD_H

#include "parseal/core.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -------------------------------------------------------------------------------- algorithms -- */

/* AES-GCM as in NIST SP 800-38D, with 96-bit nonces and 128-bit tags only.
 *
 * A NONCE MUST NEVER REPEAT UNDER ONE KEY: two messages under the same pair reveal the XOR of
 * their plaintexts and the authentication key. Use a counter (SP 800-38D section 8.2.1), or at most
 * 2^32 random nonces per key (section 8.3). Under one key, stay below 2^32 messages with random
 * nonces; a message has at most 2^36 - 32 bytes (section 5.2.1.1). */
#define PARSEAL_AES128GCM_KEYBYTES   16u
#define PARSEAL_AES256GCM_KEYBYTES   32u
#define PARSEAL_AES128GCM_NONCEBYTES 12u
#define PARSEAL_AES256GCM_NONCEBYTES 12u
#define PARSEAL_NONCEBYTES_MAX       24u /* of any algorithm, those of later releases included */
#define PARSEAL_TAGBYTES             16u
#define PARSEAL_MESSAGEBYTES_MAX     UINT64_C(68719476704) /* 2^36 - 32 */
#define PARSEAL_AADBYTES_MAX         (UINT64_MAX / 8)      /* 2^61 - 1 */

enum {
    PARSEAL_AES128GCM = 1, /* 16-byte keys */
    PARSEAL_AES256GCM = 2  /* 32-byte keys */
};

/* The sizes of an algorithm, in bytes. PARSEAL_MESSAGEBYTES_MAX is what every algorithm takes. */
typedef struct {
    size_t struct_size;
    char name[32]; /* "aes-256-gcm", ... */
    uint32_t key_size;
    uint32_t nonce_size;  /* at most PARSEAL_NONCEBYTES_MAX */
    uint32_t tag_size;    /* PARSEAL_TAGBYTES */
    uint32_t reserved;    /* 0 */
    uint64_t message_max; /* of a message: PARSEAL_MESSAGEBYTES_MAX or more */
} parseal_alg;

#define PARSEAL_ALG_INIT                        \
    {                                           \
        sizeof(parseal_alg), {0}, 0, 0, 0, 0, 0 \
    }

/* parseal_alg_info fills *info with the sizes of algorithm alg. info->struct_size must be set.
 *
 * Errors: PARSEAL_ERR_ARG (alg is none of this release's). */
PARSEAL_API parseal_status parseal_alg_info(int32_t alg, parseal_alg *info);

/* The verdict on one item. Zeroed memory never reads as authentic. */
enum {
    PARSEAL_ITEM_UNSET = 0,   /* not looked at: the call failed before, or has not finished */
    PARSEAL_ITEM_OK = 1,      /* sealed, or opened and authentic */
    PARSEAL_ITEM_BAD_TAG = 2, /* not authentic; its output is zeroed */
    PARSEAL_ITEM_NO_NONCE = 3 /* not sealed: a plan that counts has used up its nonces. Its output,
                                 tag and nonce are zeroed */
};

typedef struct parseal_keys parseal_keys;

/* How a key set is used. */
typedef struct {
    size_t struct_size;
    uint64_t limit_messages; /* messages that may be sealed under each key; 0: no limit, and they
                                are not counted. This release counts none and takes only 0 */
    int32_t own_pages; /* not 0: the set has pages of its own, read-only once it is made, however
                          small it is (parseal.h, "Secrets") */
    uint32_t reserved; /* 0 */
} parseal_keys_options;

#define PARSEAL_KEYS_OPTIONS_INIT             \
    {                                         \
        sizeof(parseal_keys_options), 0, 0, 0 \
    }

/* parseal_keys_create expands n keys of algorithm alg, which lie one after another in `keys`, and
 * stores the set in *set. One set holds the keys of a whole batch: one for all, or one per client.
 * They are kept in guarded memory (on a GPU: device memory), and wiped with the set.
 * options may be NULL: everything at its default.
 *
 * Errors: PARSEAL_ERR_ARG (alg; an option that this release does not have), PARSEAL_ERR_SIZE (n is
 * 0, or above 2^32 - 1). */
PARSEAL_API parseal_status parseal_keys_create(parseal_keys **set, parseal_ctx *ctx, int32_t alg,
                                               const uint8_t *keys, size_t n,
                                               const parseal_keys_options *options);
PARSEAL_API void parseal_keys_destroy(parseal_keys *set);

/* parseal_keys_info fills *info with what is known of the set. info->struct_size must be set. */
PARSEAL_API parseal_status parseal_keys_info(const parseal_keys *set, parseal_set_info *info);

/* One message of a host-level batch. */
typedef struct {
    const void *in; /* len bytes; may be NULL where len is 0 */
    void *out;      /* len bytes; may be `in` itself */
    size_t len;
    const void *aad; /* aad_len bytes, authenticated only; may be NULL where aad_len is 0 */
    size_t aad_len;
    uint8_t nonce[PARSEAL_NONCEBYTES_MAX]; /* as many bytes as the algorithm's nonce has, and zeros
                                              behind them */
    uint8_t tag[PARSEAL_TAGBYTES];         /* written by seal, read by open */
    uint32_t key;                          /* index into the key set */
    int32_t status;                        /* out: PARSEAL_ITEM_* */
} parseal_msg;

/* parseal_seal encrypts and authenticates n messages (SP 800-38D, algorithm 4): out, tag and
 * status of each are written. Any alignment. Blocking; large batches and large messages are spread
 * over the device or the CPU's threads. n may be 0.
 *
 * Where AUTO has picked a GPU, small batches run on the CPU, and the CPU finishes what the GPU has
 * failed in (parseal_info).
 *
 * Errors: PARSEAL_ERR_ARG (a nonce with a byte behind the algorithm's size that is not 0: all 24
 * bytes were filled for an algorithm that takes 12), PARSEAL_ERR_SIZE (a len or aad_len above its
 * limit, a key index outside the set), PARSEAL_ERR_ALIAS (an out overlaps anything but its own in,
 * or the msgs array). The batch is then untouched. On PARSEAL_ERR_NO_MEMORY and PARSEAL_ERR_DEVICE
 * every status that is not PARSEAL_ITEM_OK marks an item whose out and tag must not be used. */
PARSEAL_API parseal_status parseal_seal(const parseal_keys *keys, parseal_msg *msgs, size_t n);

/* parseal_open checks and decrypts n messages (SP 800-38D, algorithm 5). No byte of plaintext is
 * written before its tag has been verified: the data is gone over twice, so nobody may change it
 * while the call works. An item that fails gets PARSEAL_ITEM_BAD_TAG and an out of zeros (in place:
 * its ciphertext is lost); the others are still opened. *n_failed counts those that failed;
 * n_failed may be NULL.
 *
 * Errors: PARSEAL_ERR_AUTH (at least one item failed), and those of parseal_seal. */
PARSEAL_API parseal_status parseal_open(const parseal_keys *keys, parseal_msg *msgs, size_t n,
                                        size_t *n_failed);

/* ----------------------------------------------------------------- batches on device buffers -- */

/* The shape of a batch: everything that is not secret and not data. All arrays have n entries, lie
 * in host memory, and are copied. Offsets are relative to the buffers of parseal_aead_io. */
typedef struct {
    size_t struct_size;
    size_t n;
    const uint64_t *len;
    const uint64_t *in_offset;
    const uint64_t *out_offset; /* NULL: the same as in_offset */
    const uint64_t *aad_len;    /* NULL: no message has aad */
    const uint64_t *aad_offset; /* needed exactly where aad_len is given */
    const uint32_t *key;        /* NULL: key 0 for all */
    const uint8_t *nonce;       /* with nonce_step: n nonces, those of the first seal */
    uint64_t nonce_step;        /* not 0: the plan counts (below) */
    int32_t graph_writes;       /* not 0: seals may be captured, as the graph itself writes io.nonce
                                   before each, anew in each replay; nonce_step must be 0 */
    uint32_t reserved;          /* 0 */
} parseal_aead_shape;

#define PARSEAL_AEAD_SHAPE_INIT                                                          \
    {                                                                                    \
        sizeof(parseal_aead_shape), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0 \
    }

typedef struct {
    size_t struct_size;
    parseal_buf in, out;   /* may be the same bytes, if the shape's in and out offsets are equal */
    parseal_buf aad;       /* PARSEAL_BUF_NONE where no message has aad */
    parseal_buf nonce;     /* n nonces of the size that the keys' algorithm has, without gaps; a
                              seal of a plan that counts writes there those that it has used */
    parseal_buf tag;       /* n * 16 bytes: written by seal, read by open */
    parseal_buf verdict;   /* n int32_t, aligned to 4: PARSEAL_ITEM_* */
    parseal_buf workspace; /* at least parseal_plan_workspace_size bytes, aligned to 16;
                              one per call in flight; its contents need not be kept */
} parseal_aead_io;

#define PARSEAL_AEAD_IO_INIT                                                        \
    {                                                                               \
        sizeof(parseal_aead_io), {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, \
            {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 0, 0},                      \
        {                                                                           \
            0, 0, 0, 0, 0                                                           \
        }                                                                           \
    }

typedef struct parseal_plan parseal_plan;

/* parseal_plan_create prepares a batch of this shape for these keys and uploads what the device
 * needs of it once. A plan may be run any number of times, with fresh nonces each time it seals.
 *
 * A CUDA graph replays a captured seal with the nonces that its buffer has then: twice the same
 * ones, and the key is lost. So capturing a seal is refused unless the plan counts, or the graph
 * itself writes io.nonce (shape.graph_writes).
 *
 * A plan that counts (CUDA; shape.nonce_step) keeps its nonces on the device. The first seal takes
 * those of shape.nonce; after each seal, a graph's replay or any other, each has grown by
 * nonce_step, as a big-endian number in its last 8 bytes. Each seal writes the nonces that it has
 * used to io.nonce, from where parseal_plan_open takes them as always.
 *
 * In the life of the plan no nonce comes twice under one key, even where seals overlap on several
 * streams. For that nonce_step must be at least the number of messages under any one key; nonces
 * under one key that agree in all before the last 8 bytes must differ in these mod nonce_step; and
 * no number reaches 2^64 - 1. There are floor((2^64 - 2 - largest number) / nonce_step) + 1 seals:
 * a later one seals nothing, and leaves PARSEAL_ITEM_NO_NONCE for every message, and zeros as its
 * output (in place: its plaintext is lost), tag and nonce. What lies beyond the plan is the
 * caller's: the next plan under these keys, and any other use of them, must begin above the nonces
 * that this one has used.
 *
 * Errors: PARSEAL_ERR_SIZE (a len or aad_len above its limit, offset + len overflows, a key index
 * outside the set; nonce_step is too small, or a nonce's number wraps at its first growth),
 * PARSEAL_ERR_ALIAS (two outputs overlap), PARSEAL_ERR_ARG (nonce or nonce_step without the other,
 * or beside graph_writes; two nonces that would meet), PARSEAL_ERR_UNSUPPORTED (nonce_step on a
 * backend without graphs: there each call is given its nonces). */
PARSEAL_API parseal_status parseal_plan_create(parseal_plan **plan, const parseal_keys *keys,
                                               const parseal_aead_shape *shape);
PARSEAL_API void parseal_plan_destroy(parseal_plan *plan);

/* parseal_plan_workspace_size returns the bytes that a run needs as workspace; may be 0, then
 * io->workspace may be PARSEAL_BUF_NONE. 0 for NULL. */
PARSEAL_API uint64_t parseal_plan_workspace_size(const parseal_plan *plan);

/* parseal_plan_seal and parseal_plan_open do to buffers what parseal_seal and parseal_open do to
 * messages. They allocate nothing and do not synchronise. Since they may return before the work is
 * done, a tag that does not match is not in the return value: it is in io->verdict, which is
 * PARSEAL_ITEM_UNSET from the moment the work starts until the item's tag has been checked.
 *
 * Errors: PARSEAL_ERR_SIZE (a buffer is smaller than the shape needs), PARSEAL_ERR_ALIAS,
 * PARSEAL_ERR_UNSUPPORTED (a buffer's kind), PARSEAL_ERR_ARG (a seal whose stream is captured,
 * though the plan neither counts nor has graph_writes: the capture goes on). Nothing has then been
 * enqueued. */
PARSEAL_API parseal_status parseal_plan_seal(const parseal_plan *plan, const parseal_aead_io *io,
                                             void *stream);
PARSEAL_API parseal_status parseal_plan_open(const parseal_plan *plan, const parseal_aead_io *io,
                                             void *stream);

#ifdef __cplusplus
}
#endif

#endif
