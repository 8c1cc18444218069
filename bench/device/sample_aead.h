/* The CPU's side of rows of AES-GCM: a few messages of the batch, under a key set of their own. */
#ifndef PARSEAL_BENCH_DEVICE_SAMPLE_AEAD_H
#define PARSEAL_BENCH_DEVICE_SAMPLE_AEAD_H

#include "bench/device/operation.h"

struct sample_aead {
    size_t n;
    uint64_t size;
    bool open, aad_only;
    uint8_t *in, *out; /* n messages, one after another */
    parseal_msg *msgs;
    parseal_keys *keys;
};

/* Make the keys and nonces of the whole batch, as functions of the message's index. */
uint8_t *aead_make_keys(const struct device_operation *op, uint64_t n, size_t *n_keys);
void aead_nonce(uint64_t index, uint8_t nonce[PARSEAL_AES256GCM_NONCEBYTES]);

/* Takes the first messages of the batch and its last, as many as the sample may have bytes for.
 * `all_keys` comes from aead_make_keys. */
bool sample_aead_open(struct sample_aead *s, const struct device_work *w, const uint8_t *all_keys);
/* Returns the index in the batch of the sample's j-th message. */
uint64_t sample_aead_index(const struct sample_aead *s, const struct device_work *w, size_t j);
bool sample_aead_run(struct sample_aead *s, const struct device_work *w);
void sample_aead_close(struct sample_aead *s);

#endif
