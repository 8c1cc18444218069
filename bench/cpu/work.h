/* One row's worth of work: the data that every contender (parseal and its peers) is given, and
 * where its results appear. */
#ifndef PARSEAL_BENCH_CPU_WORK_H
#define PARSEAL_BENCH_CPU_WORK_H

#include <parseal/parseal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct work;

/* A family of operations: how its data is made, and how parseal does it. */
struct family {
    int32_t primitive; /* PARSEAL_PRIMITIVE_* whose implementation ran, or NO_PRIMITIVE */
    bool (*prepare)(struct work *w);
    parseal_status (*run)(struct work *w);
    void (*release)(struct work *w);
};

#define NO_PRIMITIVE (-1)

/* `size` counts the bytes of one message, vector or key, or is SIZE_LARGE. `n` counts messages,
 * seeds, keys or inputs, or is N_BATCH. */
struct bench_case {
    size_t size;
    size_t n;
    bool quick; /* the case also runs with --quick */
};

/* The size is so large that the row's data cannot stay in the last-level cache. */
#define SIZE_LARGE ((size_t)0)
/* There are as many messages as make the row's batch. */
#define N_BATCH ((size_t)0)

struct operation {
    const char *name;
    const struct family *family;
    const struct bench_case *cases;
    size_t n_cases;
    int32_t alg;       /* aead: PARSEAL_AES*GCM */
    bool inverse;      /* aead: open; mask: add to what is there; quant: dequantize; pack: unpack */
    bool key_each;     /* aead: every message under a key of its own */
    bool in_place;     /* aead: seal over the plaintext */
    bool cpu_alone;    /* only the CPU backend does it */
    bool single;       /* aead: each message in a call of its own */
    bool timed;        /* its rows tell how long a call takes, and not at what rate */
    parseal_ring ring; /* mask, vec.sum, packed.sum */
};

/* `count` pieces of `size` bytes, each `stride` bytes after the one before. */
struct region {
    uint8_t *first;
    size_t size, stride, count;
};

/* Messages of one size, without aad, one after another in memory. The peers work on the same
 * parseal_msg array: msgs[i].tag is written by seal and read by open, msgs[i].key says which of the
 * n_keys keys, which lie one after another, is its own. */
struct aead_data {
    uint8_t *key;
    size_t n_keys, key_len;
    uint8_t *in, *out;
    parseal_msg *msgs;
    parseal_keys *keys;
};

struct mask_data {
    uint8_t *acc;
    parseal_seed *seed;
    parseal_seeds *seeds;
};

struct sum_data {
    uint8_t *acc;
    uint8_t *inputs; /* n vectors of `size` bytes */
    parseal_vec *vecs;
};

struct packed_data {
    uint8_t *acc;
    uint8_t *inputs; /* n packed vectors */
    parseal_buf *bufs;
};

/* The arrays of quantize, dequantize, pack and unpack, which turn one into the other. */
struct convert_data {
    uint8_t *from, *to;
    size_t from_size, to_size;
    parseal_seeds *seed;
    uint64_t nonfinite;
};

/* Keys and seeds that sets are made of, and what a context is made with. */
struct set_data {
    uint8_t *key; /* n keys of `size` bytes, one after another */
    parseal_seed *seed;
    parseal_options options;
};

struct work {
    const struct operation *op;
    parseal_ctx *ctx;
    unsigned threads;
    size_t size, n;
    size_t calls;            /* calls of the library that one run makes */
    uint64_t bytes;          /* bytes that one run counts as, see operations.c; 0: none */
    struct region result[2]; /* the places of the results; unused ones have count 0 */
    union {
        struct aead_data aead;
        struct mask_data mask;
        struct sum_data sum;
        struct packed_data packed;
        struct convert_data convert;
        struct set_data set;
    } data;
};

/* Makes the data of one case, whose size and n are settled. Returns false after a complaint. */
bool work_prepare(struct work *w);
void work_release(struct work *w);

/* Fills the results with a pattern that is a valid start for operations that add. */
void work_reset_results(struct work *w);
/* Returns a copy of the results for work_same_results, which the caller frees, or NULL after a
 * complaint. */
uint8_t *work_save_results(const struct work *w);
bool work_same_results(const struct work *w, uint8_t *saved);

extern const struct family family_aead, family_mask, family_vec_sum, family_quant, family_pack,
    family_fcp, family_packed_sum, family_keys, family_seeds, family_context;

#endif
