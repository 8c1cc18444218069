/* AES-128 and AES-256 (FIPS 197) encryption, bitsliced over 64 blocks: constant time on any CPU. */
#ifndef PARSEAL_FALLBACK_PORTABLE_AES_BITSLICED_H
#define PARSEAL_FALLBACK_PORTABLE_AES_BITSLICED_H

#include <stddef.h>
#include <stdint.h>

#define AES_ROUNDS_MAX 14

typedef struct {
    uint8_t round_key[AES_ROUNDS_MAX + 1][16];
    uint32_t rounds; /* 10 or 14 */
} aes_key;

/* Expands a key; key_len is 16 or 32 bytes. */
void aes_key_init(aes_key *key, const uint8_t *bytes, size_t key_len);

void aes_encrypt_block(const aes_key *key, const uint8_t in[16], uint8_t out[16]);

/* out = in ^ keystream: SP 800-38D's GCTR with the counter blocks nonce || BE32(counter),
 * nonce || BE32(counter + 1), ... Unless `first` is NULL, the first keystream block goes there, and
 * the data begins with the second. `in` and `out` are the same or do not overlap. */
void aes_ctr(const aes_key *key, const uint8_t nonce[12], uint32_t counter, uint8_t *first,
             const uint8_t *in, uint8_t *out, size_t len);

/* Puts 64 bytes through the S-box: bit j of x[p] is bit p of byte j. */
void aes_sub_bytes(uint64_t x[8]);

#endif
