/* Batches of AES-GCM for the kernels of kernels/cuda, run by the emulator one by one, and what the
 * CPU backend's portable code makes of the same messages. */
#ifndef PARSEAL_TESTS_EMU_AEAD_BATCH_H
#define PARSEAL_TESTS_EMU_AEAD_BATCH_H

#include "kernels/common/launch.h"
#include "kernels/kernels.h"
#include "rng.h"
#include "test.h"

enum { BLOCK = 16, NONCE = 12, WORK = 32, UNSET = 0, VERIFIED = 1, REFUSED = 2 };

typedef struct {
    size_t len, aad_len;
    u32 key, shift; /* shift: how far its data and aad are from being aligned to 16 */
    u32 farther;    /* how far its output is, beyond that */
} message_shape;

/* Which kernels are used, and how. */
typedef enum { BY_INTEGERS, BY_MMA, BY_CLMAD, GHASH_WAYS } ghash_way;

/* Whether the kernels of the way are there. */
bool ghash_way_is_there(ghash_way way);
typedef struct {
    bool wide;
    ghash_way ghash;
    u32 tile;
    u32 grid;      /* blocks of every kernel */
    bool one_pass; /* seal as aead_seal does; BY_CLMAD */
} kernel_choice;

typedef struct {
    u32 n, n_keys, key_len;
    kernel_choice choice;
    aead_item *items;
    uint8_t *raw, *nonces, *in, *out, *aad, *tags; /* tags: tag_shift from being aligned */
    u32 tag_shift;
    i32 *verdicts;
    aead_key *keys;
    u32 *matrices, *rows;
    size_t in_size, out_size, aad_size;
    u64 *plain_at;             /* where a message was in `in` when the batch was made */
    uint8_t *want, *want_tags; /* out and tags, by the CPU */
} aead_batch;

/* Random messages, tags anywhere; `out` is filled with UNTOUCHED, also between messages. */
void batch_create(aead_batch *b, rng *r, u32 key_len, u32 n_keys, const message_shape *shapes,
                  u32 n);
void batch_destroy(aead_batch *b);

/* keys_expand and, as the choice wants them, keys_matrices or keys_rows. */
void batch_expand(aead_batch *b);

/* All kernels in order. Open reads `in` and the tags that are there. */
void batch_seal(aead_batch *b);
void batch_open(aead_batch *b);

/* Single steps on any items, such as parts of messages. work: of work_size(items, n, tile) bytes.
 */
size_t work_size(const aead_batch *b, const aead_item *items, u32 n);
void run_begin(aead_batch *b, const aead_item *items, u32 n, uint8_t *work);
void run_crypt(aead_batch *b, const aead_item *items, u32 n, const uint8_t *in, bool open);
void run_hash(aead_batch *b, const aead_item *items, u32 n, const uint8_t *data, bool of_out,
              uint8_t *work);
void run_weigh(aead_batch *b, const aead_item *items, u32 n, uint8_t *work);
/* Encrypts the items and stores the hashes of their tiles. */
void run_seal(aead_batch *b, const aead_item *items, u32 n, uint8_t *work);
void run_finish(aead_batch *b, const aead_item *items, u32 n, uint8_t *work, bool open);

/* Memory that the device gives: zeros, aligned to 256. */
void *device_memory(size_t size);

#endif
