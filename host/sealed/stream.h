/* What stands behind parseal_sealed: how a stream is cut into segments. */
#ifndef PARSEAL_HOST_SEALED_STREAM_H
#define PARSEAL_HOST_SEALED_STREAM_H

#include "host/backend/objects.h"
#include "parseal/sealed.h"

/* A segment's nonce is the prefix, BE32(i), and the byte STREAM_LAST. */
enum { STREAM_HEADER_MAX = 40, STREAM_PREFIX = 7, STREAM_LAST = STREAM_PREFIX + 4 };

/* Sizes that follow from the params. */
typedef struct {
    parseal_sealed_params params; /* complete */
    size_t key_len;               /* of the derived key, and of the salt */
    size_t header_len;
} stream_shape;

/* Checks params (NULL: the defaults) and fills *shape. */
parseal_status stream_shape_from(stream_shape *shape, const parseal_sealed_params *params);

/* Input is cut into pieces, each of which becomes one segment, or was one. The header is part of
 * the first segment on the sealed side. */
struct parseal_sealed {
    parseal_ctx *ctx;
    bool opens;
    bool ended;
    bool spent;            /* the call under way has sealed: its nonces are used up */
    parseal_status failed; /* what every later call fails with; PARSEAL_OK: nothing has failed */
    stream_shape shape;
    size_t piece_first, piece_rest; /* bytes of input of a full segment */
    uint64_t next;                  /* index of the next segment */
    uint8_t header[STREAM_HEADER_MAX];
    uint8_t *secret;    /* opening: key, then aad, until the header has come; guarded */
    size_t secret_len;  /* of the key in it */
    parseal_keys *keys; /* the derived key, once the header is known */
    uint8_t *held;      /* input of the next segment, up to a full piece; guarded */
    size_t held_len;
    parseal_msg *msgs; /* max_batch of them */
    size_t max_batch;
};

#endif
