/* GHASH (SP 800-38D section 6.4) by integer multiplication with holes: constant time wherever the
 * CPU's 64-bit multiply is. */
#ifndef PARSEAL_FALLBACK_PORTABLE_GHASH_HOLES_H
#define PARSEAL_FALLBACK_PORTABLE_GHASH_HOLES_H

#include <stddef.h>
#include <stdint.h>

#define GHASH_POWERS 4

/* A factor that is ready to be multiplied has its halves, their XOR, and all three bit-reversed. */
typedef struct {
    uint64_t straight[3], reversed[3];
} gf128_factor;

typedef struct {
    gf128_factor power[GHASH_POWERS]; /* H^1, H^2, ... */
} ghash_key;

void ghash_key_init(ghash_key *key, const uint8_t h[16]);

/* Continues the hash y over data, which is zero-padded to whole blocks. */
void ghash_update(const ghash_key *key, uint8_t y[16], const uint8_t *data, size_t len);

/* y = y * x in GHASH's field. */
void gf128_multiply(uint8_t y[16], const uint8_t x[16]);

/* power = h^n in GHASH's field, by gf128_multiply or by any function that does the same; n is
 * public. */
void gf128_power(uint8_t power[16], const uint8_t h[16], uint64_t n);
void gf128_power_by(void (*by)(uint8_t y[16], const uint8_t x[16]), uint8_t power[16],
                    const uint8_t h[16], uint64_t n);

#endif
