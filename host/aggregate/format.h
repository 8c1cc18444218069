/* The layout of an aggregator's export, which parseal/aggregator.h describes, for its writer and
 * its reader. */
#ifndef PARSEAL_HOST_AGGREGATE_FORMAT_H
#define PARSEAL_HOST_AGGREGATE_FORMAT_H

#include <sodium.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes before the clients, the bytes after the sum, and the format's version. */
enum { HEAD = 64, DIGEST = 32, VERSION = 1 };

static const uint8_t magic[8] = {'p', 'a', 'r', 's', 'e', 'a', 'l', 'A'};

/* The offset of each part in bytes. */
enum {
    AT_VERSION = 8,
    AT_ELEMENT_SIZE = 12,
    AT_MODULUS = 16,
    AT_DIM = 24,
    AT_BITS = 32,
    AT_RESERVED = 36,
    AT_QUANT_BITS = 40,
    AT_QUANT_CLIP = 44,
    AT_CLIENTS = 48,
    AT_RESERVED_TOO = 56
};

/* Computes the digest of the `size` bytes before it: all but the digest itself. */
static inline void digest_of(const uint8_t *bytes, size_t size, uint8_t digest[DIGEST])
{
    (void)crypto_generichash(digest, DIGEST, bytes, size, NULL, 0);
}

#endif
