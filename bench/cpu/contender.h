/* A contender does the work: parseal, or a peer that does the same with another library. */
#ifndef PARSEAL_BENCH_CPU_CONTENDER_H
#define PARSEAL_BENCH_CPU_CONTENDER_H

#include "bench/cpu/work.h"

struct contender {
    const char *name;
    /* Returns the library's version in its own words; NULL: it is no library. */
    const char *(*version)(const struct contender *who);
    /* Returns true when it has this operation on this machine. */
    bool (*can)(const struct contender *who, const struct work *w);
    /* Does the work that is done once for many runs (key expansion, contexts). NULL: it failed. */
    void *(*start)(const struct contender *who, struct work *w);
    bool (*run)(void *session); /* false: it failed */
    void (*stop)(void *session);
    const void *library; /* its functions, where they are known only when the bench runs */
};

/* A peer that was not found when the bench was built has no contender. */
struct peer {
    const char *name;
    const struct contender *contender;
};

enum { PEERS_LOADED_MAX = 2, PEERS_MAX = 4 + PEERS_LOADED_MAX };
extern struct peer peers[PEERS_MAX];
extern size_t n_peers;

void peers_add(const struct contender *contender);
/* Adds the libcrypto in a file, up to PEERS_LOADED_MAX of them. Returns false after a complaint. */
bool peers_load(const char *path);

extern const struct contender contender_parseal, contender_libsodium, contender_openssl,
    contender_ipsec_mb, contender_naive;

/* Helpers of the peers. */

/* Returns true for operations of aead. */
bool work_is_aead(const struct work *w);
/* Returns true for masks whose elements are whole keystream words: no rejection, no byte swaps. */
bool work_is_plain_mask(const struct work *w);
bool work_is_native_sum(const struct work *w);
/* Returns true where a run makes and destroys a set of keys or of seeds. */
bool work_is_set(const struct work *w);

/* Calls crypt_one for every message, on the work's threads or, where parseal has each message in a
 * call of its own, on one. */
typedef bool crypt_one_fn(void *session, unsigned thread, parseal_msg *msg);
bool peer_each_message(struct work *w, crypt_one_fn *crypt_one, void *session);

/* Writes len bytes of the seed's RFC 8439 keystream from block `counter` on; len <= MASK_CHUNK. */
enum { MASK_CHUNK = 1 << 16 };
typedef bool keystream_fn(void *session, unsigned thread, const parseal_seed *seed,
                          const uint8_t nonce[12], uint32_t counter, uint8_t *out, size_t len);

/* Does the mask operation as one writes it with a stream cipher at hand: in chunks that stay in the
 * cache, each seed's keystream goes into a buffer and is added. mask_zeros is the input for ciphers
 * that can only XOR. */
bool peer_mask(struct work *w, keystream_fn *keystream, void *session);
extern const uint8_t mask_zeros[MASK_CHUNK];

#endif
