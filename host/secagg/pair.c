/* X25519 keys and the seeds that pairs of clients share (parseal/secagg.h). */
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "host/support/check.h"
#include "host/support/hkdf.h"
#include "host/support/process.h"
#include "host/support/wipe.h"
#include "parseal/secagg.h"

static parseal_status start_libsodium(void)
{
    return process_ready() ? PARSEAL_OK
                           : parseal_fail(PARSEAL_ERR_DEVICE, "libsodium could not be initialised");
}

parseal_status parseal_x25519_public_key(uint8_t *public_key, const uint8_t *secret_key)
{
    TRY(check_pointer("public_key", public_key));
    TRY(check_pointer("secret_key", secret_key));
    TRY(start_libsodium());
    /* No secret key is refused: bits that would make one weak are overwritten in a copy. */
    const bool made = crypto_scalarmult_base(public_key, secret_key) == 0;
    wipe_stack();
    if (!made)
        return parseal_fail(PARSEAL_ERR_ARG, "secret_key: not an X25519 key");
    return PARSEAL_OK;
}

parseal_status parseal_x25519_keypair(uint8_t *public_key, uint8_t *secret_key)
{
    TRY(check_pointer("public_key", public_key));
    TRY(check_pointer("secret_key", secret_key));
    TRY(start_libsodium());
    randombytes_buf(secret_key, PARSEAL_X25519BYTES);
    return parseal_x25519_public_key(public_key, secret_key);
}

/* -------------------------------------------------------------------------------------- info -- */

static const char label[] = "parseal pair seed v1";

typedef struct {
    uint8_t bytes[sizeof label - 1 + 4 + PARSEAL_ROUNDBYTES_MAX +
                  (size_t)2 * (8 + PARSEAL_X25519BYTES)];
    size_t len;
} pair_info;

static void append(pair_info *info, const void *p, size_t n)
{
    if (n > 0)
        memcpy(info->bytes + info->len, p, n);
    info->len += n;
}

static void append_number(pair_info *info, uint64_t x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        info->bytes[info->len++] = (uint8_t)(x >> (8 * i));
}

static void append_party(pair_info *info, const parseal_party *party)
{
    append_number(info, party->id, 8);
    append(info, party->public_key, sizeof party->public_key);
}

parseal_status parseal_pair_seed(parseal_seed *seed, const uint8_t *secret_key,
                                 const parseal_party *own, const parseal_party *peer,
                                 const void *round, size_t round_len)
{
    uint8_t shared[crypto_scalarmult_BYTES];
    pair_info info = {.len = 0};
    TRY(check_pointer("seed", seed));
    TRY(check_pointer("secret_key", secret_key));
    TRY(check_pointer("own", own));
    TRY(check_pointer("peer", peer));
    if (round_len > PARSEAL_ROUNDBYTES_MAX)
        return parseal_fail(PARSEAL_ERR_SIZE, "round_len: %zu, at most %u expected", round_len,
                            PARSEAL_ROUNDBYTES_MAX);
    if (round_len > 0)
        TRY(check_pointer("round", round));
    if (own->id == peer->id)
        return parseal_fail(PARSEAL_ERR_ARG, "peer->id: %" PRIu64 ", which is own->id", peer->id);
    TRY(start_libsodium());
    const bool agreed = crypto_scalarmult(shared, secret_key, peer->public_key) == 0;
    wipe_stack();
    if (!agreed)
        return parseal_fail(PARSEAL_ERR_ARG,
                            "peer->public_key: of party %" PRIu64
                            ", a point of small order, which gives no secret",
                            peer->id);

    const bool own_first = own->id < peer->id;
    append(&info, label, sizeof label - 1);
    append_number(&info, round_len, 4);
    append(&info, round, round_len);
    append_party(&info, own_first ? own : peer);
    append_party(&info, own_first ? peer : own);
    hkdf_sha256(seed->key, sizeof seed->key, shared, sizeof shared, NULL, 0, info.bytes, info.len);
    memset(seed->stream_id, 0, sizeof seed->stream_id);
    seed->sign = own_first ? -1 : 1;
    sodium_memzero(shared, sizeof shared);
    return PARSEAL_OK;
}
