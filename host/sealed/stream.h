/* The struct behind parseal_sealed, and how a file is cut into segments. */
#ifndef PARSEAL_HOST_SEALED_STREAM_H
#define PARSEAL_HOST_SEALED_STREAM_H

#include "host/backend/objects.h"
#include "parseal/sealed.h"

/* A segment's nonce is the prefix, BE32(i), and the byte STREAM_LAST. */
enum { STREAM_HEADER_MAX = 40, STREAM_PREFIX = 7, STREAM_LAST = STREAM_PREFIX + 4 };

/* Checked params, and the sizes that follow from them. */
typedef struct {
    parseal_sealed_params params; /* complete */
    size_t key_len;               /* bytes of the derived key, and of the salt */
    size_t header_len;
} stream_shape;

/* Checks params (NULL: the defaults) and fills *shape. */
parseal_status stream_shape_from(stream_shape *shape, const parseal_sealed_params *params);

/* Input is cut into pieces: sealing makes a segment of each, opening takes a segment as each. The
 * header is part of the first segment. */
struct parseal_sealed {
    parseal_ctx *ctx;
    bool opens;
    bool ended;
    bool spent;            /* the call under way has sealed: its nonces are used up */
    parseal_status failed; /* every later call fails with it; PARSEAL_OK: nothing has failed */
    stream_shape shape;
    size_t piece_first, piece_rest; /* input bytes of a full segment: the first, all others */
    uint64_t next;                  /* index of the next segment */
    uint8_t header[STREAM_HEADER_MAX];
    arena_lease secret; /* opening: key, then aad, until the header has come */
    size_t secret_len;  /* bytes of the key in it */
    parseal_keys *keys; /* the derived key, once the header is known */
    arena_lease held;   /* input of the next segment, up to a full piece */
    size_t held_len;
    parseal_msg *msgs; /* n_msgs messages, as many as an update has needed */
    size_t n_msgs, max_batch;
};

#endif
