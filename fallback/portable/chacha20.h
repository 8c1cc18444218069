/* ChaCha20 keystream (RFC 8439 section 2.3), 16 blocks at a time. */
#ifndef PARSEAL_FALLBACK_PORTABLE_CHACHA20_H
#define PARSEAL_FALLBACK_PORTABLE_CHACHA20_H

#include <stdint.h>

#define CHACHA20_BLOCKS 16
#define CHACHA20_BYTES  (64 * CHACHA20_BLOCKS)

/* Makes the keystream of blocks counter .. counter + 15 under key and nonce, which are
 * little-endian words. */
void chacha20_blocks(uint8_t keystream[CHACHA20_BYTES], const uint32_t key[8],
                     const uint32_t nonce[3], uint32_t counter);

#endif
