/* The CPU backend's own interface: one small table of functions per primitive and instruction set.
 *
 * Functions work on one cut of the work and on one thread; cutting, threads and batches are written
 * once, in fallback/batch. fallback/levels.h lists the implementations; the portable one runs on
 * every machine.
 */
#ifndef PARSEAL_FALLBACK_IMPL_H
#define PARSEAL_FALLBACK_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fallback/levels.h"

/* ------------------------------------------------------------------------------------ AEAD -- */

/* A message. */
typedef struct {
    const uint8_t *in;
    uint8_t *out;
    uint64_t len;
    const uint8_t *aad;
    uint64_t aad_len;
    const uint8_t *nonce; /* as many bytes as the algorithm's nonces have */
    uint8_t *tag;
    int32_t *verdict;
    const void *key;  /* expanded */
    bool past_caches; /* `out` is better written by non-temporal stores */
} cpu_item;

typedef struct aead_impl aead_impl;

/* The functions for messages that are cut into tiles. A tile begins at a multiple of 16 bytes; its
 * hash, `partial`, is zero at first. */
typedef struct {
    /* Encrypts bytes [offset, offset + size) of an item, and hashes the ciphertext. */
    void (*seal_part)(const aead_impl *impl, const cpu_item *item, uint64_t offset, size_t size,
                      uint8_t partial[16]);

    /* Hashes bytes [offset, offset + size) of `in`. */
    void (*hash_part)(const aead_impl *impl, const cpu_item *item, uint64_t offset, size_t size,
                      uint8_t partial[16]);

    /* Computes the tag of an item from the hashes of its tiles of tile_size bytes. */
    void (*tag)(const aead_impl *impl, const cpu_item *item, uint64_t tile_size,
                const uint8_t (*partial)[16], uint8_t tag[16]);

    /* Decrypts bytes [offset, offset + size) of an item, whose tag has been found right, to
     * `to`. */
    void (*open_part)(const aead_impl *impl, const cpu_item *item, uint64_t offset, size_t size,
                      uint8_t *to, bool past_caches);

    /* Does open_part, and hash_part of another item, `next`, at the same time. far: both items come
     * from memory rather than a cache. */
    void (*open_beside_hash)(const aead_impl *impl, const cpu_item *item, uint8_t *to, bool far,
                             const cpu_item *next, uint64_t offset, size_t size,
                             uint8_t partial[16]);

    /* Does acc = (acc + plaintext) & low_bits, for elements of 4 or 8 bytes, and hash_part of
     * `next` at the same time unless that is NULL. NULL: the implementation cannot do it. */
    void (*add_beside_hash)(const aead_impl *impl, const cpu_item *item, uint8_t *acc,
                            uint32_t element_size, uint64_t low_bits, const cpu_item *next,
                            uint64_t offset, size_t size, uint8_t partial[16]);
} aead_parts;

/* An AEAD algorithm. Everywhere input and output are either the same bytes or do not overlap. */
struct aead_impl {
    size_t key_size; /* bytes of one expanded key, a multiple of 64 */

    /* Expands n keys of key_len bytes, which lie one after another in `bytes`. */
    void (*keys_init)(void *keys, const uint8_t *bytes, size_t key_len, size_t n);

    /* Seal or open n >= 1 whole messages, whose keys all have the same length. No plaintext is
     * written before its tag has been checked; the output of a message that fails is zeroed. */
    void (*seal_items)(const cpu_item *items, size_t n);
    void (*open_items)(const cpu_item *items, size_t n);

    /* The same for one message; unless its tag is wrong, they reach no deeper into the stack than
     * WIPE_ONE bytes (host/support/wipe.h). Both NULL: the implementation has no such functions. */
    void (*seal_one)(const cpu_item *item);
    void (*open_one)(const cpu_item *item);

    const aead_parts *parts;
};

/* ------------------------------------------------------------------- AES-GCM (SP 800-38D) -- */

/* Here, too, input and output are the same bytes or do not overlap. A hash `y` has 16 bytes in the
 * standard's order. */
typedef struct {
    const char *name;
    aead_impl aead; /* algorithms 4 and 5, with keys of 16 or 32 bytes and nonces of 12 */

    /* gcm_parts (fallback/batch/gcm.c) are made of the following functions. */

    /* Computes H = E(0), the GHASH key. */
    void (*hash_key)(const void *key, uint8_t h[16]);

    /* y = y * x in GHASH's field. A long message on several threads takes one of these a tile and
     * two dozen for the powers of H, all on one thread. */
    void (*multiply)(uint8_t y[16], const uint8_t x[16]);

    /* Computes E(J0) for a 96-bit nonce: the block that hides the tag. */
    void (*encrypt_j0)(const void *key, const uint8_t nonce[12], uint8_t ej0[16]);

    /* out = in ^ keystream of the blocks nonce || BE32(counter), counter + 1, ... */
    void (*ctr)(const void *key, const uint8_t nonce[12], uint32_t counter, const uint8_t *in,
                uint8_t *out, size_t len, bool past_caches);

    /* Continues the GHASH y with data, zero-padded to whole blocks. */
    void (*ghash)(const void *key, uint8_t y[16], const uint8_t *data, size_t len);

    /* Does ctr of one message and ghash of another message's `data`, which has len bytes, too, at
     * the same time. far: in and data come from memory rather than a cache. */
    void (*ctr_beside_ghash)(const void *key, const uint8_t nonce[12], uint32_t counter,
                             const uint8_t *in, uint8_t *out, size_t len, bool far,
                             const void *other, uint8_t y[16], const uint8_t *data);

    /* Does acc = (acc + in ^ keystream) & low_bits, for elements of 4 or 8 bytes, and at the same
     * time ghash of another message's data, which has len bytes, too, unless other is NULL. NULL:
     * the implementation cannot do it. */
    void (*add_beside_ghash)(const void *key, const uint8_t nonce[12], uint32_t counter,
                             const uint8_t *in, uint8_t *acc, size_t len, uint32_t element_size,
                             uint64_t low_bits, const void *other, uint8_t y[16],
                             const uint8_t *data);

    /* Does ctr, and ghash over the ciphertext. */
    void (*seal)(const void *key, const uint8_t nonce[12], uint32_t counter, const uint8_t *in,
                 uint8_t *out, size_t len, bool past_caches, uint8_t y[16]);
} gcm_impl;

/* ------------------------------------------------------------------------------------ masks -- */

typedef struct {
    uint8_t key[32];
    uint8_t stream_id[8];
    int32_t sign;
    uint32_t reserved;
} mask_seed;

/* What becomes of the sum of masks. Past the caches it is the same, but written by non-temporal
 * stores where there are any. */
typedef enum { MASK_ADDED, MASK_WRITTEN, MASK_WRITTEN_PAST_CACHES } mask_output;

typedef struct {
    const char *name;

    /* acc[i] = ((output == MASK_ADDED ? acc[i] : 0) + sum_j sign_j * PRG(seed_j)[first + i]) mod
     * modulus, for count elements of element_size bytes. */
    void (*apply)(const mask_seed *seeds, size_t n_seeds, uint64_t modulus, uint32_t element_size,
                  void *acc, uint64_t first, size_t count, mask_output output);
} mask_impl;

/* --------------------------------------------------------- masks of format `fcp-aes256ctr` -- */

/* The numbers by which elements mod R are made from the keystream (parseal/fcp.h). */
typedef struct {
    uint64_t modulus, low_bits; /* R and 2^bw - 1 */
    uint64_t rejected;          /* candidates below 2^bw - R are passed over; 0: none */
    uint32_t bytes;             /* bytes of a candidate */
    uint32_t element_size;      /* 4 where R <= 2^32, else 8 */
} fcp_format;

/* The bytes behind the keystream, or behind the elements, that a function may read and, where its
 * comment says so, overwrite. */
enum { FCP_SLACK = 512 };

typedef struct {
    const char *name;
    size_t key_size; /* bytes of one expanded key, a multiple of 64 */

    void (*key_init)(void *key, const uint8_t bytes[32]);

    /* Makes n blocks from the counter `first` on; overwrites slack. first + n <= 2^32. */
    void (*keystream)(const void *key, uint32_t first, uint8_t *to, size_t n);

    /* sum[i] += or -= candidate i, mod 2^(8 element_size); overwrites slack of sum. For R a power
     * of two. */
    void (*add_candidates)(const fcp_format *format, bool negative, const uint8_t *keystream,
                           uint8_t *sum, size_t count);

    /* Stores the elements among so many candidates that are not passed over, `wanted` at most.
     * Returns how many it has stored, after looking at *used candidates. For other R. */
    size_t (*select)(const fcp_format *format, const uint8_t *keystream, size_t candidates,
                     uint8_t *elements, size_t wanted, size_t *used);

    /* sum[i] += or -= element i, mod R, all in [0, R); overwrites slack of sum. For other R. */
    void (*add_elements)(const fcp_format *format, bool negative, const uint8_t *elements,
                         uint8_t *sum, size_t count);
} fcp_impl;

/* ---------------------------------------------------------------------------------- vectors -- */

typedef struct {
    const char *name;

    /* acc[i] = (acc[i] + sum_j v[j][offset + i]) mod modulus for count elements. */
    void (*sum)(uint64_t modulus, uint32_t element_size, void *acc, const void *const *v, size_t n,
                size_t offset, size_t count);
} sum_impl;

typedef struct {
    float clip, scale;
    uint32_t bits;
    int32_t float_type; /* PARSEAL_FLOAT32, ... */
    uint32_t element_size;
} quant_params;

typedef struct {
    double step, n_clients, clip;
    uint32_t element_size;
} dequant_params;

typedef struct {
    const char *name;

    /* `random` has a little-endian 32-bit word for each element, or is NULL to round to nearest.
     * Returns how many of x were not finite. */
    uint64_t (*quantize)(const quant_params *params, const void *x, const uint32_t *random, void *q,
                         size_t count);

    /* mean = sum * step / n_clients - clip, in double and in this order: near mean = 0 almost all
     * digits cancel, and any other rounding would show. */
    void (*dequantize)(const dequant_params *params, const void *sum, float *mean, size_t count);
} quant_impl;

typedef struct {
    const char *name;

    /* Pack `count` elements, of which the first begins at bit 0 of `packed`, and the reverse. */
    void (*pack)(uint32_t bits, uint32_t element_size, const void *elements, uint8_t *packed,
                 size_t count);
    void (*unpack)(uint32_t bits, uint32_t element_size, const uint8_t *packed, void *elements,
                   size_t count);
} pack_impl;

/* ------------------------------------------------------------------------------- all of them -- */

/* clang-format off */
/* FAMILY(primitive, family, list): the family of a PARSEAL_PRIMITIVE_* and the list of its
 * implementations. */
#define CPU_FAMILIES(FAMILY)                           \
    FAMILY(PARSEAL_PRIMITIVE_AEAD, gcm, CPU_GCM)       \
    FAMILY(PARSEAL_PRIMITIVE_MASK, mask, CPU_MASK)     \
    FAMILY(PARSEAL_PRIMITIVE_VEC_SUM, sum, CPU_SUM)    \
    FAMILY(PARSEAL_PRIMITIVE_QUANT, quant, CPU_QUANT)  \
    FAMILY(PARSEAL_PRIMITIVE_PACK, pack, CPU_PACK)     \
    FAMILY(PARSEAL_PRIMITIVE_FCP, fcp, CPU_FCP)
/* clang-format on */

/* Declares gcm_portable, mask_portable and so on. */
#define CPU_DECLARE(family, level)                  extern const family##_impl family##_##level;
#define CPU_DECLARE_FAMILY(primitive, family, list) list(CPU_DECLARE, family)
CPU_FAMILIES(CPU_DECLARE_FAMILY)
#undef CPU_DECLARE_FAMILY
#undef CPU_DECLARE

/* The aead_parts of any gcm_impl: gcm_adding_parts where it has add_beside_ghash, else
 * gcm_parts. */
extern const aead_parts gcm_parts, gcm_adding_parts;

#endif
