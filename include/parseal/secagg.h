/* parseal: what clients and server of a secure aggregation agree on and recover.
 *
 * The protocol is that of Bonawitz et al. (CCS 2017) on a complete graph, or of Bell et al.
 * (CCS 2020, "SecAgg+") on a sparse one. Client i sends its vector plus a mask of its own plus,
 * for each neighbour j, a mask that both of them know: added where j < i, subtracted where j > i.
 * In the sum of all clients these pair masks cancel. The server is given, by enough of the clients
 * that are left, the seeds of the self masks of those whose vector arrived and the secret keys of
 * those whose vector did not, never both of one client.
 *
 *   graph    who masks with whom; which seeds, with which sign, a set of dropouts needs
 *   pair     X25519 keys, and the seed that two clients share
 *   shamir   secrets of 32 bytes (seeds, secret keys) shared among clients, and recovered
 *
 * What parseal.h says under WHAT HOLDS FOR EVERY FUNCTION holds here. Everything runs on the
 * calling thread; nothing needs a context. A graph is immutable after creation.
 */
#ifndef PARSEAL_SECAGG_H
#define PARSEAL_SECAGG_H

#include "parseal/core.h"
#include "parseal/mask.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------------- graph -- */

enum {
    PARSEAL_GRAPH_COMPLETE = 1, /* everyone with everyone */
    PARSEAL_GRAPH_HARARY = 2    /* k neighbours each, on a circle in an order drawn from a seed */
};

#define PARSEAL_GRAPH_CLIENTS_MAX (UINT32_C(1) << 30)

typedef struct parseal_graph parseal_graph;

/* parseal_graph_create makes a regular graph on clients 0 .. n - 1 and stores it in *graph.
 *
 * COMPLETE: k is 0 or n - 1; seed is not used and may be NULL.
 * HARARY: the circulant graph H(k, n), which stays connected while fewer than k clients are missing
 *   (Harary 1962), for k from 2 on; k = 1 makes pairs. Clients stand on a circle; each one's
 *   neighbours are the k / 2 nearest on both sides and, where k is odd, the one opposite. seed:
 *   PARSEAL_SEEDBYTES bytes from which the order on the circle is drawn, so that nobody chooses its
 *   neighbours; the same seed gives the same graph everywhere. NULL: clients stand in their own
 *   order.
 *
 * The order is the Fisher-Yates shuffle of 0 .. n - 1: for i = n - 1 down to 1 the places i and
 * (w mod (i + 1)) are exchanged, w the next little-endian 32-bit word of the RFC 8439 keystream
 * under seed with the nonce "parsealgraph" (counter from 0), leaving out words that are not below
 * the largest multiple of i + 1 that is at most 2^32.
 *
 * Errors: PARSEAL_ERR_ARG (kind), PARSEAL_ERR_SIZE (n not in 2 .. PARSEAL_GRAPH_CLIENTS_MAX, k
 * not in 1 .. n - 1, k and n both odd). */
PARSEAL_API parseal_status parseal_graph_create(parseal_graph **graph, int32_t kind, uint32_t n,
                                                uint32_t k, const uint8_t *seed);
PARSEAL_API void parseal_graph_destroy(parseal_graph *graph);

/* How many clients there are, and how many neighbours each has. 0 for NULL. */
PARSEAL_API uint32_t parseal_graph_clients(const parseal_graph *graph);
PARSEAL_API uint32_t parseal_graph_degree(const parseal_graph *graph);

/* parseal_graph_neighbours stores the neighbours of client i, ascending, in `neighbours`, which has
 * room for parseal_graph_degree(graph).
 *
 * Errors: PARSEAL_ERR_SIZE (i is not below n). */
PARSEAL_API parseal_status parseal_graph_neighbours(const parseal_graph *graph, uint32_t i,
                                                    uint32_t *neighbours);

/* A mask that the server applies to the sum to unmask it, with `sign`.
 *   peer == client: the self mask of `client`; sign is -1.
 *   else: the mask of the pair of `client`, whose vector is in the sum, and its neighbour `peer`,
 *   who dropped out. -1 where peer < client, who had added it; +1 where peer > client. */
typedef struct {
    uint32_t client, peer;
    int32_t sign; /* +1 or -1 */
} parseal_need;

/* parseal_graph_needs stores in `needs` what takes all masks off the sum of the survivors' vectors:
 * the self masks of the survivors, in the order given, then the pair masks for each of the dropped
 * clients in the order given, its neighbours ascending. *n_needs receives how many they are.
 *
 * survivors: those whose vectors are in the sum. dropped: those with whom survivors have added
 * pair masks, but whose vectors are not in the sum. Clients in neither list took no part in the
 * masking. needs may be NULL where capacity is 0: they are counted only.
 *
 * Errors: PARSEAL_ERR_SIZE (an id is not below n; capacity is not 0 and too small),
 * PARSEAL_ERR_ARG (an id occurs twice, in one list or in both). */
PARSEAL_API parseal_status parseal_graph_needs(const parseal_graph *graph,
                                               const uint32_t *survivors, size_t n_survivors,
                                               const uint32_t *dropped, size_t n_dropped,
                                               parseal_need *needs, size_t capacity,
                                               size_t *n_needs);

/* -------------------------------------------------------------------------------------- pair -- */

#define PARSEAL_X25519BYTES 32u

/* parseal_x25519_keypair draws a secret key from the system's randomness; parseal_x25519_public_key
 * computes the public key that belongs to a secret one (RFC 7748, section 6.1), by which a key that
 * was recovered from shares can be checked. All keys are PARSEAL_X25519BYTES long. The caller wipes
 * secret_key. */
PARSEAL_API parseal_status parseal_x25519_keypair(uint8_t *public_key, uint8_t *secret_key);
PARSEAL_API parseal_status parseal_x25519_public_key(uint8_t *public_key,
                                                     const uint8_t *secret_key);

/* One end of a pair. */
typedef struct {
    uint64_t id;
    uint8_t public_key[PARSEAL_X25519BYTES];
} parseal_party;

#define PARSEAL_ROUNDBYTES_MAX 1024u

/* parseal_pair_seed fills *seed with the pair mask that `own` adds for its pair with `peer`. peer
 * gets the same key from its own secret key, with the opposite sign.
 *
 *   key = HKDF-SHA256 (RFC 5869), 32 bytes, of the X25519 shared secret, with no salt and
 *     info = "parseal pair seed v1" || LE32(round_len) || round || LE64(a.id) || a.public_key
 *            || LE64(b.id) || b.public_key, where a is the party with the lower id, b the other
 *   stream = zeros
 *   sign = +1 where peer->id < own->id, else -1
 *
 * round: what identifies the round, round_len bytes, 0 to PARSEAL_ROUNDBYTES_MAX. secret_key:
 * own's; own->public_key must be the key that belongs to it, and that peer was told.
 * The caller wipes *seed.
 *
 * Errors: PARSEAL_ERR_SIZE (round_len), PARSEAL_ERR_ARG (both ids are the same; peer's public key
 * has a small order, so that the shared secret would be zero). */
PARSEAL_API parseal_status parseal_pair_seed(parseal_seed *seed, const uint8_t *secret_key,
                                             const parseal_party *own, const parseal_party *peer,
                                             const void *round, size_t round_len);

/* ------------------------------------------------------------------------------------ shamir -- */

/* Shamir's secret sharing (CACM 1979) of many secrets of 32 bytes at once, each among n holders so
 * that any `threshold` of them recover it and fewer learn nothing.
 *
 * The field is GF(2^16) modulo x^16 + x^5 + x^3 + x^2 + 1: a secret is 16 words, little-endian,
 * each shared with a random polynomial f of its own of degree below `threshold`, with f(0) the
 * word and f(x) the word of holder x's share, x = 1 .. n. It has just room for 65,535 holders,
 * every 32-byte string is a secret, a share is as long as the secret, and, unlike in a prime field,
 * nothing carries, so words are multiplied without tables and in constant time on any CPU, many in
 * one vector register. All values f(1) .. f(n) take O(n log threshold) multiplications (the
 * additive FFT of Lin, Chung and Han, FOCS 2014, in whose basis f is drawn: f is uniform in either
 * basis).
 *
 * Time and addresses do not depend on secrets or shares; counts, thresholds and indices are public.
 */
#define PARSEAL_SECRETBYTES 32u
#define PARSEAL_HOLDERS_MAX 65535u

/* parseal_shamir_share shares `count` secrets, which lie one after another in `secrets`, among n
 * holders. shares receives n * count * 32 bytes: first the shares of holder 1 in the order of the
 * secrets, then those of holder 2, ..., so that what one holder gets lies together. Randomness is
 * the system's, through libsodium.
 *
 * Errors: PARSEAL_ERR_SIZE (n not in 1 .. PARSEAL_HOLDERS_MAX, threshold not in 1 .. n, count whose
 * shares pass the end of memory), PARSEAL_ERR_ALIAS (secrets and shares overlap). */
PARSEAL_API parseal_status parseal_shamir_share(const uint8_t *secrets, size_t count,
                                                uint32_t threshold, uint32_t n, uint8_t *shares);

/* parseal_shamir_combine recovers `count` secrets from the shares of the n_shares holders
 * index[0], index[1], ..., in any order. shares: n_shares * count * 32 bytes, laid out as
 * parseal_shamir_share does: first all those of holder index[0]. The work that depends on the
 * indices alone is done once for all secrets.
 *
 * `threshold` shares determine a secret, so wrong ones give a wrong secret, and nothing tells. With
 * more, all of them are checked: shares that do not lie on one polynomial of degree below
 * threshold go unnoticed with a probability of 2^-64. It takes five times as long.
 *
 * Errors: PARSEAL_ERR_SIZE (threshold not in 1 .. PARSEAL_HOLDERS_MAX, n_shares below threshold or
 * above PARSEAL_HOLDERS_MAX, an index not in 1 .. PARSEAL_HOLDERS_MAX, count), PARSEAL_ERR_ARG (an
 * index occurs twice), PARSEAL_ERR_ALIAS (secrets and shares overlap), PARSEAL_ERR_AUTH (the
 * shares of a secret contradict each other; the text names the first such secret). No secret has
 * then been written. */
PARSEAL_API parseal_status parseal_shamir_combine(const uint32_t *index, const uint8_t *shares,
                                                  size_t n_shares, size_t count, uint32_t threshold,
                                                  uint8_t *secrets);

#ifdef __cplusplus
}
#endif

#endif
