/* Sealed streams and files: Tink's AES-GCM-HKDF streaming AEAD, byte for byte.
 *
 *   https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming
 *
 * A sealed stream is a header, H = 24 or 40 bytes, and one or more segments:
 *
 *   header = H as one byte || salt (as long as the derived key) || prefix (7 bytes)
 *   derived key = HKDF-SHA256(key, salt, info = associated data)
 *   segment i = AES-GCM(derived key, nonce = prefix || BE32(i) || last, no aad), tag behind it
 *
 * where last is 1 for the last segment and 0 for the others. Every segment has segment_size bytes,
 * its tag included, but the last, which may be shorter; the header counts as part of the first.
 * Only a first segment may hold no plaintext. At most 2^32 segments.
 *
 * The defaults are those of Tink's AES256_GCM_HKDF_1MB.
 *
 * Salt and prefix are drawn anew for each stream, so one key may seal as many streams as it likes.
 * What holds for every function of parseal.h holds here too.
 */
#ifndef PARSEAL_SEALED_H
#define PARSEAL_SEALED_H

#include "parseal/aead.h"
#include "parseal/core.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PARSEAL_SEALED_4KB          4096u
#define PARSEAL_SEALED_1MB          1048576u
#define PARSEAL_SEALED_SEGMENT_MAX  UINT32_C(2147483647) /* 2^31 - 1 */
#define PARSEAL_SEALED_SEGMENTS_MAX UINT64_C(4294967296) /* 2^32 */

/* How a stream is sealed. Whoever opens it must use the same: nothing of this is in the stream. */
typedef struct {
    size_t struct_size;
    int32_t alg;           /* of the segments: PARSEAL_AES128GCM or PARSEAL_AES256GCM */
    uint32_t segment_size; /* bytes; more than the derived key's size + 24 */
    const void *aad;       /* associated data, aad_len bytes; may be NULL where aad_len is 0 */
    size_t aad_len;
} parseal_sealed_params;

#define PARSEAL_SEALED_PARAMS_INIT                                                    \
    {                                                                                 \
        sizeof(parseal_sealed_params), PARSEAL_AES256GCM, PARSEAL_SEALED_1MB, NULL, 0 \
    }

/* --------------------------------------------------------------------------------- piecewise -- */

/* A stream that is being sealed or opened; for one thread at a time. It keeps at most one segment
 * of the data, in guarded memory, since only what comes next tells whether a segment is the last.
 * A process can have 100,000 streams at a time with segments of 4 KiB, and some 16,000 with
 * segments above 8 KiB (parseal.h, "Secrets"). An update does all the segments that it
 * completes in one batch (in several above 64 MiB): give it many at a time, and all threads,
 * or the GPU, have work. */
typedef struct parseal_sealed parseal_sealed;

/* parseal_sealed_seal_create and parseal_sealed_open_create begin a stream under a key of key_len
 * bytes, at least as many as the algorithm's derived key has (16 or 32); more are allowed, as in
 * Tink. params may be NULL: everything at its default. Key and aad are copied.
 *
 * Errors: PARSEAL_ERR_ARG (alg), PARSEAL_ERR_SIZE (segment_size, key_len). */
PARSEAL_API parseal_status parseal_sealed_seal_create(parseal_sealed **stream, parseal_ctx *ctx,
                                                      const parseal_sealed_params *params,
                                                      const uint8_t *key, size_t key_len);
PARSEAL_API parseal_status parseal_sealed_open_create(parseal_sealed **stream, parseal_ctx *ctx,
                                                      const parseal_sealed_params *params,
                                                      const uint8_t *key, size_t key_len);

/* parseal_sealed_update takes the next in_len bytes (any number, at any cut) and writes all
 * segments that are now known not to be the last: sealed, or opened after their tags were verified.
 * *written receives the bytes written to out: exactly what parseal_sealed_update_size said before.
 *
 * Errors: PARSEAL_ERR_SIZE (out_size is too small; more than 2^32 segments), PARSEAL_ERR_ALIAS (in
 * and out overlap), PARSEAL_ERR_ARG (the stream has ended); the stream can then go on.
 * PARSEAL_ERR_AUTH (opening: the stream is not authentic); then, as after PARSEAL_ERR_NO_MEMORY and
 * PARSEAL_ERR_DEVICE, nothing is released: what the call had written is zeroed, *written is 0, and
 * every later call on this stream fails with the same status. After PARSEAL_ERR_NO_MEMORY alone the
 * stream can go on with the same call, unless the call had already sealed some segments, whose
 * nonces are then used up.
 *
 * What earlier updates have released of a stream that fails later is authentic, but only a
 * beginning: discard it, unless a beginning is of use. */
PARSEAL_API parseal_status parseal_sealed_update(parseal_sealed *stream, const void *in,
                                                 size_t in_len, void *out, size_t out_size,
                                                 size_t *written);

/* parseal_sealed_final writes the last segment and ends the stream. segment_size bytes are always
 * enough for it. A stream that is opened is complete and authentic if, and only if, this returns
 * PARSEAL_OK.
 *
 * Errors: those of parseal_sealed_update. A stream that was cut off fails with PARSEAL_ERR_AUTH. */
PARSEAL_API parseal_status parseal_sealed_final(parseal_sealed *stream, void *out, size_t out_size,
                                                size_t *written);

/* parseal_sealed_update_size stores in *size how many bytes an update with in_len bytes would
 * write.
 *
 * Errors: PARSEAL_ERR_SIZE (the size overflows, or more than 2^32 segments). */
PARSEAL_API parseal_status parseal_sealed_update_size(const parseal_sealed *stream, size_t in_len,
                                                      size_t *size);

/* Wipes the stream, whether it has ended or not. */
PARSEAL_API void parseal_sealed_destroy(parseal_sealed *stream);

/* ----------------------------------------------------------------------------- whole buffers -- */

/* parseal_sealed_size stores in *size the bytes that len bytes of plaintext have when
 * sealed; parseal_sealed_opened_size the reverse. Only segment_size and alg of params are used.
 *
 * Errors: PARSEAL_ERR_SIZE (more than 2^32 segments), PARSEAL_ERR_AUTH (no stream has sealed_size
 * bytes), and those of parseal_sealed_seal_create for params. */
PARSEAL_API parseal_status parseal_sealed_size(const parseal_sealed_params *params, uint64_t len,
                                               uint64_t *size);
PARSEAL_API parseal_status parseal_sealed_opened_size(const parseal_sealed_params *params,
                                                      uint64_t sealed_size, uint64_t *len);

/* parseal_sealed_seal and parseal_sealed_open do a whole stream at once. *written receives what
 * parseal_sealed_size or parseal_sealed_opened_size says; out_size must be at least that. Of
 * a stream that is not authentic nothing is in out afterwards: what had been written is zeroed.
 * *written is set on success alone.
 *
 * Errors: those of the functions above. */
PARSEAL_API parseal_status parseal_sealed_seal(parseal_ctx *ctx,
                                               const parseal_sealed_params *params,
                                               const uint8_t *key, size_t key_len, const void *in,
                                               size_t in_len, void *out, size_t out_size,
                                               size_t *written);
PARSEAL_API parseal_status parseal_sealed_open(parseal_ctx *ctx,
                                               const parseal_sealed_params *params,
                                               const uint8_t *key, size_t key_len, const void *in,
                                               size_t in_len, void *out, size_t out_size,
                                               size_t *written);

#ifdef __cplusplus
}
#endif

#endif
