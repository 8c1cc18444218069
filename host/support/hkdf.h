/* HKDF-SHA256 (RFC 5869). */
#ifndef PARSEAL_HOST_SUPPORT_HKDF_H
#define PARSEAL_HOST_SUPPORT_HKDF_H

#include <stddef.h>
#include <stdint.h>

/* 255 blocks of the hash (RFC 5869, section 2.3). */
#define HKDF_SHA256_BYTES_MAX ((size_t)255 * 32)

/* Derives okm_len bytes, at most HKDF_SHA256_BYTES_MAX, which the caller checks. salt and info may
 * be NULL where their length is 0. okm must not overlap the inputs. process_ready() must have been
 * called. */
void hkdf_sha256(uint8_t *okm, size_t okm_len, const uint8_t *ikm, size_t ikm_len,
                 const uint8_t *salt, size_t salt_len, const uint8_t *info, size_t info_len);

#endif
