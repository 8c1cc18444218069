/* AES-GCM (SP 800-38D) on registers of AES blocks, for every instruction set that has AES rounds
 * and carry-less multiplication. The including file defines `block`, `blocks` and their operations
 * (x86/blocks512.h, ...) and is compiled for its instruction set; GCM_IMPL at the end gives the
 * implementation its name.
 *
 * CTR    A chunk of CHUNK_REGISTERS registers of counter blocks goes through the rounds side by
 *        side, which hides the latency of a round. Within a chunk, counters differ in bits that are
 *        XORed in from a table, after the first round key: one instruction a register.
 *
 * GHASH  Blocks are byte-reversed: bit i of a register is then the coefficient of x^(127 - i), and
 *        a product needs no shift if one factor carries an x more. So the table holds H^n * x, and
 *        y = (y + c_1) H^n + c_2 H^(n-1) + ... + c_n H is summed up over a chunk (three
 *        multiplications a block, by Karatsuba's method) before it is reduced once, by two
 *        multiplications with the polynomial. What Karatsuba's method adds up beforehand is added
 *        up for two registers at once, and for the powers once a key.
 *
 * GCM    While one chunk is encrypted another is hashed: the two keep different execution ports
 *        busy. Seal hashes what it has just written. Open must know that a message is authentic
 *        before it decrypts it, so in a batch it decrypts message i while it hashes message i + 1.
 *
 * Constant time: AES and multiply instructions, no table, no branch on data but the verdict.
 */
#include <sodium.h>
#include <string.h>

#include "fallback/impl.h"
#include "fallback/math/bytes.h"
#include "parseal/parseal.h"

enum {
    CHUNK_REGISTERS = 8,
    CHUNK_BLOCKS = CHUNK_REGISTERS * BLOCKS_COUNT,
    CHUNK_BYTES = 16 * CHUNK_BLOCKS,
    HALF_BYTES = CHUNK_BYTES / 2
};

/* So many bytes and the block of the lengths are at most CHUNK_BLOCKS blocks. */
enum { WITH_LENGTHS_MAX = CHUNK_BYTES - 16 };

/* Data that is not in the second-level cache is asked for more than a page ahead, as the hardware's
 * own prefetch stops at the end of each page. */
enum { PREFETCH_AHEAD = 6144, NEAR_MAX = 256 * 1024 };

/* A longer message is hashed while it is encrypted itself, a shorter one while the next one is. */
enum { HASH_WITH_NEXT_MAX = 8192 };

/* A register of the last powers reaches into what follows them: what meets that are zeros. */
typedef struct {
    block power[CHUNK_BLOCKS]; /* [i] = H^(CHUNK_BLOCKS - i) * x */

    /* Of two registers of powers, one after the other: the XOR of the halves of each power, the
     * first one's in the low half. */
    block halves[CHUNK_BLOCKS / 2];

    block round_key[15];
    uint32_t rounds;
} gcm_key;

#define KEY_SIZE ((sizeof(gcm_key) + 63) / 64 * 64)

/* The high half of x^128 + x^127 + x^126 + x^121 + 1 in reversed bits. The low half is 1. */
#define POLYNOMIAL UINT64_C(0xc200000000000000)

#define INLINE static inline __attribute__((always_inline))

/* This keeps the compiler from holding round keys across chunks in copies on the stack. */
#define RELOAD_KEYS() __asm__ volatile("" ::: "memory")

/* ------------------------------------------------------------------------------------- GHASH -- */

typedef struct {
    blocks low, middle, high;
} product;

INLINE product product_zero(void)
{
    return (product){blocks_zero(), blocks_zero(), blocks_zero()};
}

INLINE blocks halves_xor(blocks x)
{
    return blocks_xor(x, blocks_swap_halves(x));
}

INLINE void multiply_add(product *sum, blocks x, blocks power)
{
    sum->low = blocks_xor(sum->low, blocks_clmul(x, power, 0x00));
    sum->high = blocks_xor(sum->high, blocks_clmul(x, power, 0x11));
    sum->middle = blocks_xor(sum->middle, blocks_clmul(halves_xor(x), halves_xor(power), 0x00));
}

/* Returns the XOR of each block's halves: in the low half of a block that of a's, in the high half
 * that of b's. */
INLINE blocks both_halves_xor(blocks a, blocks b)
{
    return blocks_xor(blocks_low_halves(a, b), blocks_high_halves(a, b));
}

/* Adds the products of registers v and v + 1 of a chunk, a and b; v is even. */
INLINE void multiply_add_pair(product *sum, blocks a, blocks b, const gcm_key *key, int v)
{
    const blocks power_a = blocks_load(&key->power[v * BLOCKS_COUNT]);
    const blocks power_b = blocks_load(&key->power[(v + 1) * BLOCKS_COUNT]);
    const blocks ab = both_halves_xor(a, b);
    const blocks halves = blocks_load(&key->halves[v / 2 * BLOCKS_COUNT]);
    sum->low =
        blocks_xor3(sum->low, blocks_clmul(a, power_a, 0x00), blocks_clmul(b, power_b, 0x00));
    sum->high =
        blocks_xor3(sum->high, blocks_clmul(a, power_a, 0x11), blocks_clmul(b, power_b, 0x11));
    sum->middle =
        blocks_xor3(sum->middle, blocks_clmul(ab, halves, 0x00), blocks_clmul(ab, halves, 0x11));
}

INLINE blocks reduce(product sum)
{
    const blocks polynomial = blocks_broadcast(block_set(POLYNOMIAL, 1));
    blocks middle = blocks_xor3(sum.middle, sum.low, sum.high);
    middle =
        blocks_xor3(middle, blocks_swap_halves(sum.low), blocks_clmul(polynomial, sum.low, 0x01));
    return blocks_xor3(sum.high, blocks_swap_halves(middle),
                       blocks_clmul(polynomial, middle, 0x01));
}

INLINE blocks multiply(blocks a, blocks b)
{
    product p = product_zero();
    multiply_add(&p, a, b);
    return reduce(p);
}

INLINE block ghash_chunk(const gcm_key *key, block y, const uint8_t *data, bool far)
{
    product sum = product_zero();
    for (int v = 0; v < CHUNK_REGISTERS; v += 2) {
        blocks a = blocks_reverse(blocks_load(data + v * BLOCKS_BYTES));
        const blocks b = blocks_reverse(blocks_load(data + (v + 1) * BLOCKS_BYTES));
        if (far) {
            __builtin_prefetch(data + PREFETCH_AHEAD + v * BLOCKS_BYTES);
            __builtin_prefetch(data + PREFETCH_AHEAD + (v + 1) * BLOCKS_BYTES);
        }
        if (v == 0)
            a = blocks_xor(a, blocks_first_block(y));
        multiply_add_pair(&sum, a, b, key, v);
    }
    return blocks_fold(reduce(sum));
}

/* The products of at most CHUNK_BLOCKS blocks, which are reduced together. */
typedef struct {
    product sum;
    blocks first;       /* the hash of what came before, until it has been added to a block */
    const block *power; /* that of the next block */
} short_hash;

INLINE short_hash short_begin(const gcm_key *key, block y, size_t n_blocks)
{
    return (short_hash){product_zero(), blocks_first_block(y),
                        &key->power[CHUNK_BLOCKS - n_blocks]};
}

/* Adds a register of ciphertext; behind its end there are zeros. */
INLINE void short_add(short_hash *h, blocks text)
{
    multiply_add(&h->sum, blocks_xor(blocks_reverse(text), h->first), blocks_load(h->power));
    h->first = blocks_zero();
    h->power += BLOCKS_COUNT;
}

INLINE void short_add_data(short_hash *h, const uint8_t *data, size_t len)
{
    for (; len >= BLOCKS_BYTES; data += BLOCKS_BYTES, len -= BLOCKS_BYTES)
        short_add(h, blocks_load(data));
    if (len > 0)
        short_add(h, blocks_load_partial(data, len));
}

/* Adds the block of the lengths, which is the last one, and returns the hash. */
INLINE block short_end(short_hash *h, const gcm_key *key, block lengths)
{
    multiply_add(&h->sum, blocks_xor(blocks_first_block(lengths), h->first),
                 blocks_first_block(key->power[CHUNK_BLOCKS - 1]));
    return blocks_fold(reduce(h->sum));
}

/* Hashes 0 < len < CHUNK_BYTES bytes, zero-padded to whole blocks. */
INLINE block ghash_rest(const gcm_key *key, block y, const uint8_t *data, size_t len)
{
    short_hash h = short_begin(key, y, (len + 15) / 16);
    short_add_data(&h, data, len);
    return blocks_fold(reduce(h.sum));
}

/* Hashes all of data. y is byte-reversed, here and below. */
INLINE block ghash_data(const gcm_key *key, block y, const uint8_t *data, size_t len)
{
    const bool far = len > NEAR_MAX;
    for (; len >= CHUNK_BYTES; data += CHUNK_BYTES, len -= CHUNK_BYTES)
        y = ghash_chunk(key, y, data, far);
    return len > 0 ? ghash_rest(key, y, data, len) : y;
}

/* Hashes all of data, which a message ends with, and the lengths. */
INLINE block ghash_to_end(const gcm_key *key, block y, const uint8_t *data, size_t len,
                          block lengths)
{
    if (len > WITH_LENGTHS_MAX) {
        const size_t rest = len % CHUNK_BYTES;
        const size_t before = rest > WITH_LENGTHS_MAX ? len : len - rest;
        y = ghash_data(key, y, data, before);
        data += before;
        len -= before;
    }
    short_hash h = short_begin(key, y, (len + 15) / 16 + 1);
    short_add_data(&h, data, len);
    return short_end(&h, key, lengths);
}

#include "fallback/template/gcm_keys.h"

/* --------------------------------------------------------------------------------------- CTR -- */

#include "fallback/template/gcm_counters.h"

/* A hash job is a chunk that is hashed while another is encrypted. */
typedef struct {
    const gcm_key *key;
    bool in_text; /* The chunk is what `text` holds; else it is at data. */
    const uint8_t *data;
    block *y;
} hash_job;

/* Stores past the caches spare memory a read, as a line is not loaded before it is overwritten.
 * They need an aligned address. */
INLINE bool can_pass_caches(bool past_caches, const uint8_t *out)
{
    return past_caches && (uintptr_t)out % 16 == 0;
}

/* Says how a text is added to a vector, mod a power of two, as elements of 4 or 8 bytes. */
typedef struct {
    uint32_t element_size;
    blocks low_bits; /* modulus - 1 in each element's place */
} adding;

INLINE blocks add_text(const adding *add, const uint8_t *acc, blocks text)
{
    const blocks before = blocks_load(acc);
    return blocks_and(add->low_bits, add->element_size == 4 ? blocks_add32(before, text)
                                                            : blocks_add64(before, text));
}

/* Returns register v of the chunk that is hashed. */
INLINE blocks hash_text(const hash_job *hash, const blocks text[CHUNK_REGISTERS], int v)
{
    return blocks_reverse(hash->in_text ? text[v] : blocks_load(hash->data + v * BLOCKS_BYTES));
}

/* The rounds of a chunk but for the last one. Meanwhile the chunk of *hash is hashed, if
 * there is one: returns the products. far: what comes next from `in`, and from the
 * hashed data, is asked for. */
INLINE product begin_chunk(const gcm_key *key, uint32_t rounds, blocks *base,
                           blocks s[CHUNK_REGISTERS], const uint8_t *in, bool far,
                           const hash_job *hash, const blocks text[CHUNK_REGISTERS])
{
    product sum = product_zero();
    RELOAD_KEYS();
    blocks previous = blocks_broadcast(key->round_key[0]);
    const chunk_counters counters = counters_from(*base, previous);
    for (int v = 0; v < CHUNK_REGISTERS; v++)
        s[v] = counters_at(&counters, v);
    *base = next_base(*base);
#pragma GCC unroll 16
    for (uint32_t r = 1; r < rounds; r++) {
        const blocks k = blocks_broadcast(key->round_key[r]);
        for (int v = 0; v < CHUNK_REGISTERS; v++)
            s[v] = blocks_aes_round(s[v], previous, k);
        previous = k;
        if (far && r <= CHUNK_REGISTERS) {
            __builtin_prefetch(in + PREFETCH_AHEAD + (r - 1) * BLOCKS_BYTES);
            if (hash != NULL && !hash->in_text)
                __builtin_prefetch(hash->data + PREFETCH_AHEAD + (r - 1) * BLOCKS_BYTES);
        }
        if (hash != NULL && r % 2 == 0 && r <= CHUNK_REGISTERS) {
            const int v = (int)r - 2;
            blocks a = hash_text(hash, text, v);
            if (v == 0)
                a = blocks_xor(a, blocks_first_block(*hash->y));
            multiply_add_pair(&sum, a, hash_text(hash, text, v + 1), hash->key, v);
        }
    }
    return sum;
}

/* For one chunk, text = in ^ keystream, and out = text; with `add`, text is added to out instead.
 * Meanwhile the chunk of *hash is hashed, if there is one. */
INLINE void crypt_chunk(const gcm_key *key, uint32_t rounds, blocks *base, const uint8_t *in,
                        uint8_t *out, bool far, bool past_caches, const adding *add,
                        const hash_job *hash, blocks text[CHUNK_REGISTERS])
{
    blocks s[CHUNK_REGISTERS];
    const product sum = begin_chunk(key, rounds, base, s, in, far, hash, text);
    const blocks previous = blocks_broadcast(key->round_key[rounds - 1]);
    const blocks k = blocks_broadcast(key->round_key[rounds]);
    for (int v = 0; v < CHUNK_REGISTERS; v++) {
        text[v] = blocks_aes_last(s[v], previous, k, blocks_load(in + v * BLOCKS_BYTES));
        if (add != NULL)
            blocks_store(out + v * BLOCKS_BYTES, add_text(add, out + v * BLOCKS_BYTES, text[v]));
        else if (past_caches)
            blocks_store_past_caches(out + v * BLOCKS_BYTES, text[v]);
        else
            blocks_store(out + v * BLOCKS_BYTES, text[v]);
    }
    (void)previous;
    if (hash != NULL)
        *hash->y = blocks_fold(reduce(sum));
}

/* The rounds, but for the last one, of n registers of a chunk, whose first one is `from`. Both are
 * constants: all n go through the rounds, whether they are needed or not. n_data registers of
 * ciphertext, from `data` on, are hashed meanwhile. */
INLINE void begin_vectors(const gcm_key *key, uint32_t rounds, blocks base, int from,
                          blocks s[CHUNK_REGISTERS], int n, short_hash *hash, const uint8_t *data,
                          int n_data)
{
    RELOAD_KEYS();
    blocks previous = blocks_broadcast(key->round_key[0]);
    const chunk_counters counters = counters_from(base, previous);
    for (int v = 0; v < n; v++)
        s[v] = counters_at(&counters, from + v);
#pragma GCC unroll 16
    for (uint32_t r = 1; r < rounds; r++) {
        const blocks k = blocks_broadcast(key->round_key[r]);
        for (int v = 0; v < n; v++)
            s[v] = blocks_aes_round(s[v], previous, k);
        previous = k;
        if ((int)r <= n_data)
            short_add(hash, blocks_load(data + (r - 1) * BLOCKS_BYTES));
    }
}

/* The last round, for len bytes, 0 < len <= n * BLOCKS_BYTES. The ciphertext is hashed
 * unless `hash` is NULL. */
INLINE void end_vectors(const gcm_key *key, uint32_t rounds, const blocks s[CHUNK_REGISTERS], int n,
                        const uint8_t *in, uint8_t *out, size_t len, short_hash *hash)
{
    const blocks previous = blocks_broadcast(key->round_key[rounds - 1]);
    const blocks k = blocks_broadcast(key->round_key[rounds]);
#if defined(__OPTIMIZE__) /* Without, gcc warns that it cannot. */
#pragma GCC unroll 8
#endif
    for (int v = 0; v < n && len > 0; v++) {
        const size_t size = len < BLOCKS_BYTES ? len : BLOCKS_BYTES;
        blocks text;
        if (size == BLOCKS_BYTES) {
            text = blocks_aes_last(s[v], previous, k, blocks_load(in));
            blocks_store(out, text);
        } else {
            text = blocks_aes_last(s[v], previous, k, blocks_load_partial(in, size));
            blocks_store_partial(out, text, size);
            text = blocks_keep_bytes(text, size);
        }
        if (hash != NULL)
            short_add(hash, text);
        in += size;
        out += size;
        len -= size;
    }
    (void)previous;
}

INLINE void crypt_vectors(const gcm_key *key, uint32_t rounds, blocks base, const uint8_t *in,
                          uint8_t *out, size_t len, int n)
{
    blocks s[CHUNK_REGISTERS];
    begin_vectors(key, rounds, base, 0, s, n, NULL, NULL, 0);
    end_vectors(key, rounds, s, n, in, out, len, NULL);
}

/* Encrypts what is left after whole chunks, 0 < len < CHUNK_BYTES bytes. */
INLINE void crypt_rest(const gcm_key *key, uint32_t rounds, blocks base, const uint8_t *in,
                       uint8_t *out, size_t len)
{
    if (len > 4 * BLOCKS_BYTES)
        crypt_vectors(key, rounds, base, in, out, len, 8);
    else if (len > 2 * BLOCKS_BYTES)
        crypt_vectors(key, rounds, base, in, out, len, 4);
    else
        crypt_vectors(key, rounds, base, in, out, len, 2);
}

/* A part of a message may begin in the middle of a chunk, with any counter. Encrypts what belongs
 * to that chunk, sets *base to the next one's, and returns how many bytes that was. */
static size_t crypt_head(const gcm_key *key, const uint8_t nonce[12], uint32_t counter,
                         const uint8_t *in, uint8_t *out, size_t len, blocks *base)
{
    const uint32_t before = (counter - FIRST_COUNTER) % CHUNK_BLOCKS;
    *base = counter_base(nonce, counter - FIRST_COUNTER - before);
    if (before == 0)
        return 0;
    uint8_t chunk[CHUNK_BYTES] = {0};
    const size_t start = (size_t)before * 16;
    const size_t size = len < CHUNK_BYTES - start ? len : CHUNK_BYTES - start;
    if (size > 0)
        memcpy(chunk + start, in, size);
    crypt_vectors(key, key->rounds, *base, chunk, chunk, CHUNK_BYTES, CHUNK_REGISTERS);
    if (size > 0)
        memcpy(out, chunk + start, size);
    *base = next_base(*base);
    return size;
}

/* ------------------------------------------------------------------------ parts of a message -- */

/* This much ciphertext of some message is still to be hashed. */
typedef struct {
    const gcm_key *key;
    const uint8_t *data;
    size_t len;
    block y;
} to_hash;

/* Encrypts all of len, and hashes as many chunks of *pending as there are to encrypt. */
INLINE void crypt_and_hash(const gcm_key *key, uint32_t rounds, blocks base, const uint8_t *in,
                           uint8_t *out, size_t len, bool far, bool past_caches, to_hash *pending)
{
    blocks text[CHUNK_REGISTERS];
    past_caches = can_pass_caches(past_caches, out);
    for (; len >= CHUNK_BYTES; in += CHUNK_BYTES, out += CHUNK_BYTES, len -= CHUNK_BYTES) {
        if (pending->len < CHUNK_BYTES) {
            crypt_chunk(key, rounds, &base, in, out, far, past_caches, NULL, NULL, text);
            continue;
        }
        const hash_job job = {pending->key, false, pending->data, &pending->y};
        crypt_chunk(key, rounds, &base, in, out, far, past_caches, NULL, &job, text);
        pending->data += CHUNK_BYTES;
        pending->len -= CHUNK_BYTES;
    }
    if (past_caches)
        past_caches_end();
    if (len > 0)
        crypt_rest(key, rounds, base, in, out, len);
}

/* A message that is being encrypted: what is left of it, and the hash of what has been encrypted
 * but for the chunk before `out`, if there is one. */
typedef struct {
    blocks base;
    const uint8_t *in;
    uint8_t *out;
    size_t len;
    block y;
    size_t unhashed;
} sealing;

/* Encrypts whole chunks until fewer than `end` bytes are left, and hashes one chunk behind. */
INLINE void seal_chunks(const gcm_key *key, uint32_t rounds, sealing *s, size_t end,
                        bool past_caches)
{
    blocks text[CHUNK_REGISTERS];
    const bool far = past_caches || s->len > HASH_WITH_NEXT_MAX; /* It may come from memory. */
    past_caches = can_pass_caches(past_caches, s->out);
    const hash_job job = {key, true, NULL, &s->y};
    if (s->len >= end) {
        crypt_chunk(key, rounds, &s->base, s->in, s->out, far, past_caches, NULL, NULL, text);
        s->in += CHUNK_BYTES, s->out += CHUNK_BYTES, s->len -= CHUNK_BYTES;
        s->unhashed = CHUNK_BYTES;
    }
    for (; s->len >= end; s->in += CHUNK_BYTES, s->out += CHUNK_BYTES, s->len -= CHUNK_BYTES)
        crypt_chunk(key, rounds, &s->base, s->in, s->out, far, past_caches, NULL, &job, text);
    if (past_caches)
        past_caches_end();
}

/* Encrypts all of a message, and hashes it. */
INLINE block seal_data(const gcm_key *key, uint32_t rounds, sealing s, bool past_caches)
{
    seal_chunks(key, rounds, &s, CHUNK_BYTES, past_caches);
    if (s.len > 0)
        crypt_rest(key, rounds, s.base, s.in, s.out, s.len);
    return ghash_data(key, s.y, s.out - s.unhashed, s.unhashed + s.len);
}

static void ctr(const void *k, const uint8_t nonce[12], uint32_t counter, const uint8_t *in,
                uint8_t *out, size_t len, bool past_caches)
{
    const gcm_key *key = k;
    to_hash nothing = {key, NULL, 0, block_set(0, 0)};
    const bool far = past_caches || len > NEAR_MAX;
    blocks base;
    const size_t head = crypt_head(key, nonce, counter, in, out, len, &base);
    if (key->rounds == 10)
        crypt_and_hash(key, 10, base, in + head, out + head, len - head, far, past_caches,
                       &nothing);
    else
        crypt_and_hash(key, 14, base, in + head, out + head, len - head, far, past_caches,
                       &nothing);
}

static void ghash(const void *key, uint8_t y[16], const uint8_t *data, size_t len)
{
    const block hashed = ghash_data(key, block_reverse(block_load(y)), data, len);
    block_store(y, block_reverse(hashed));
}

static void ctr_beside_ghash(const void *k, const uint8_t nonce[12], uint32_t counter,
                             const uint8_t *in, uint8_t *out, size_t len, bool far,
                             const void *other, uint8_t y[16], const uint8_t *data)
{
    const gcm_key *key = k;
    to_hash pending = {other, data, len, block_reverse(block_load(y))};
    blocks base;
    const size_t head = crypt_head(key, nonce, counter, in, out, len, &base);
    if (key->rounds == 10)
        crypt_and_hash(key, 10, base, in + head, out + head, len - head, far, false, &pending);
    else
        crypt_and_hash(key, 14, base, in + head, out + head, len - head, far, false, &pending);
    block_store(y, block_reverse(ghash_data(other, pending.y, pending.data, pending.len)));
}

/* Adds one element. The instruction sets are little-endian, as elements are. */
INLINE void add_element(uint8_t *acc, const uint8_t *text, uint32_t element_size, uint64_t low_bits)
{
    uint64_t a = 0, b = 0;
    memcpy(&a, acc, element_size);
    memcpy(&b, text, element_size);
    a = (a + b) & low_bits;
    memcpy(acc, &a, element_size);
}

INLINE void add_elements(uint8_t *acc, const uint8_t *text, size_t len, uint32_t element_size,
                         uint64_t low_bits)
{
    for (size_t i = 0; i < len; i += element_size)
        add_element(acc + i, text + i, element_size, low_bits);
}

INLINE void add_with(const gcm_key *key, uint32_t rounds, blocks base, const uint8_t *in,
                     uint8_t *acc, size_t len, uint32_t element_size, uint64_t low_bits,
                     to_hash *pending)
{
    blocks text[CHUNK_REGISTERS];
    const uint64_t lanes = element_size == 4 ? low_bits << 32 | low_bits : low_bits;
    const adding add = {element_size, blocks_broadcast(block_set(lanes, lanes))};
    for (; len >= CHUNK_BYTES; in += CHUNK_BYTES, acc += CHUNK_BYTES, len -= CHUNK_BYTES) {
        if (pending->len < CHUNK_BYTES) {
            crypt_chunk(key, rounds, &base, in, acc, true, false, &add, NULL, text);
            continue;
        }
        const hash_job job = {pending->key, false, pending->data, &pending->y};
        crypt_chunk(key, rounds, &base, in, acc, true, false, &add, &job, text);
        pending->data += CHUNK_BYTES;
        pending->len -= CHUNK_BYTES;
    }
    if (len > 0) {
        uint8_t rest[CHUNK_BYTES];
        crypt_rest(key, rounds, base, in, rest, len);
        add_elements(acc, rest, len, element_size, low_bits);
    }
}

static void add_beside_ghash(const void *k, const uint8_t nonce[12], uint32_t counter,
                             const uint8_t *in, uint8_t *acc, size_t len, uint32_t element_size,
                             uint64_t low_bits, const void *other, uint8_t y[16],
                             const uint8_t *data)
{
    const gcm_key *key = k;
    to_hash pending = {key, NULL, 0, block_set(0, 0)};
    if (other != NULL)
        pending = (to_hash){other, data, len, block_reverse(block_load(y))};
    uint8_t text[CHUNK_BYTES];
    blocks base;
    const size_t head = crypt_head(key, nonce, counter, in, text, len, &base);
    add_elements(acc, text, head, element_size, low_bits);
    in += head, acc += head, len -= head;
    if (key->rounds == 10 && element_size == 4)
        add_with(key, 10, base, in, acc, len, 4, low_bits, &pending);
    else if (key->rounds == 10)
        add_with(key, 10, base, in, acc, len, 8, low_bits, &pending);
    else if (element_size == 4)
        add_with(key, 14, base, in, acc, len, 4, low_bits, &pending);
    else
        add_with(key, 14, base, in, acc, len, 8, low_bits, &pending);
    if (other != NULL)
        block_store(y, block_reverse(ghash_data(other, pending.y, pending.data, pending.len)));
}

static void encrypt_j0(const void *key, const uint8_t nonce[12], uint8_t out[16])
{
    const gcm_key *k = key;
    block_store(out, ej0(k, k->rounds, nonce));
}

static void seal(const void *k, const uint8_t nonce[12], uint32_t counter, const uint8_t *in,
                 uint8_t *out, size_t len, bool past_caches, uint8_t y[16])
{
    const gcm_key *key = k;
    sealing s = {.y = block_reverse(block_load(y))};
    const size_t head = crypt_head(key, nonce, counter, in, out, len, &s.base);
    s.y = ghash_data(key, s.y, out, head);
    s.in = in + head, s.out = out + head, s.len = len - head;
    block hash;
    if (key->rounds == 10)
        hash = seal_data(key, 10, s, past_caches);
    else
        hash = seal_data(key, 14, s, past_caches);
    block_store(y, block_reverse(hash));
}
