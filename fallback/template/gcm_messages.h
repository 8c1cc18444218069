/* AES-GCM's whole messages, alone and in lists, from the parts in gcm_template.h. The
 * including file has included that and is compiled for its instruction set; GCM_IMPL at the
 * end gives the implementation its name.
 *
 * A message alone has functions of its own, with small frames: what they leave on the stack is
 * wiped, which on a short message could take longer than the cipher. */
#include "fallback/template/gcm_template.h"

/* Hashes the aad, and leaves `data` still to be hashed. */
INLINE to_hash begin_hash(const cpu_item *item, const uint8_t *data)
{
    const gcm_key *key = item->key;
    const block none = block_set(0, 0);
    return (to_hash){key, data, (size_t)item->len,
                     item->aad_len > 0 ? ghash_data(key, none, item->aad, (size_t)item->aad_len)
                                       : none};
}

INLINE block lengths_of(const cpu_item *item)
{
    return block_set(item->aad_len * 8, item->len * 8);
}

/* Hashes what is left and the lengths, adds E(J0), and returns the tag. */
INLINE block finish_tag(const cpu_item *item, const to_hash *h, block hidden_by)
{
    const block y = ghash_to_end(h->key, h->y, h->data, h->len, lengths_of(item));
    return block_xor(block_reverse(y), hidden_by);
}

INLINE void finish_seal(const cpu_item *item, const to_hash *h, block hidden_by)
{
    block_store(item->tag, finish_tag(item, h, hidden_by));
    *item->verdict = PARSEAL_ITEM_OK;
}

INLINE void decide(const cpu_item *item, block tag)
{
    uint64_t difference[2];
    block_store(difference, block_xor(tag, block_load(item->tag)));
    *item->verdict = (difference[0] | difference[1]) == 0 ? PARSEAL_ITEM_OK : PARSEAL_ITEM_BAD_TAG;
}

INLINE void finish_open(uint32_t rounds, const cpu_item *item, const to_hash *h)
{
    decide(item, finish_tag(item, h, ej0(h->key, rounds, item->nonce)));
}

INLINE void open_data(uint32_t rounds, const cpu_item *item, to_hash *pending)
{
    if (*item->verdict == PARSEAL_ITEM_OK)
        crypt_and_hash(item->key, rounds, counter_base(item->nonce, 0), item->in, item->out,
                       (size_t)item->len, item->past_caches || item->len > NEAR_MAX,
                       item->past_caches, pending);
    else
        memset(item->out, 0, (size_t)item->len);
}

/* ------------------------------------------------------------------------------ one message -- */

INLINE sealing begin_sealing(const cpu_item *item, block y)
{
    return (sealing){counter_base(item->nonce, 0), item->in, item->out, (size_t)item->len, y, 0};
}

enum { HALF_REGISTERS = CHUNK_REGISTERS / 2 };

/* Encrypts the first half of the next chunk while the n registers before `out` are hashed. */
INLINE void seal_half(const gcm_key *key, uint32_t rounds, sealing *s, int n)
{
    blocks half[CHUNK_REGISTERS];
    short_hash hash = short_begin(key, s->y, (size_t)n * BLOCKS_COUNT);
    begin_vectors(key, rounds, s->base, 0, half, HALF_REGISTERS, &hash, s->out - n * BLOCKS_BYTES,
                  n);
    if (n > 0)
        s->y = blocks_fold(reduce(hash.sum));
    end_vectors(key, rounds, half, HALF_REGISTERS, s->in, s->out, HALF_BYTES, NULL);
    s->in += HALF_BYTES, s->out += HALF_BYTES, s->len -= HALF_BYTES;
}

/* Encrypts what is left, which fits n_left registers from register `from` of the chunk on, while
 * the n registers before `out` are hashed; then hashes that and the lengths. */
INLINE block seal_last(const gcm_key *key, uint32_t rounds, sealing *s, int n, int from, int n_left,
                       block lengths)
{
    blocks last[CHUNK_REGISTERS];
    short_hash hash = short_begin(key, s->y, (size_t)n * BLOCKS_COUNT);
    begin_vectors(key, rounds, s->base, from, last, n_left, &hash, s->out - n * BLOCKS_BYTES, n);
    if (n > 0)
        s->y = blocks_fold(reduce(hash.sum));
    hash = short_begin(key, s->y, (s->len + 15) / 16 + 1);
    end_vectors(key, rounds, last, n_left, s->in, s->out, s->len, &hash);
    return short_end(&hash, key, lengths);
}

/* Encrypts the last CHUNK_BYTES bytes at most, and hashes the n registers before them, them and the
 * lengths. The last ones are hashed as they are in registers: memory would not give back at once
 * what has just been stored in part. */
INLINE block seal_end(const gcm_key *key, uint32_t rounds, sealing *s, int n, block lengths)
{
    if (s->len > HALF_BYTES) {
        seal_half(key, rounds, s, n);
        return seal_last(key, rounds, s, HALF_REGISTERS, HALF_REGISTERS, HALF_REGISTERS, lengths);
    }
    if (s->len > HALF_BYTES / 2)
        return seal_last(key, rounds, s, n, 0, HALF_REGISTERS, lengths);
    if (s->len > 0)
        return seal_last(key, rounds, s, n, 0, HALF_REGISTERS / 2, lengths);
    short_hash hash = short_begin(key, s->y, 1);
    return short_end(&hash, key, lengths);
}

/* Compilers give each inlined part a place of its own in a function's frame: so these are two. */
#define NOINLINE static __attribute__((noinline))

NOINLINE void seal_chunks_10(const gcm_key *key, sealing *s, bool past_caches)
{
    seal_chunks(key, 10, s, CHUNK_BYTES + 1, past_caches);
}

NOINLINE void seal_chunks_14(const gcm_key *key, sealing *s, bool past_caches)
{
    seal_chunks(key, 14, s, CHUNK_BYTES + 1, past_caches);
}

INLINE void seal_one_with(uint32_t rounds, const cpu_item *item)
{
    const gcm_key *key = item->key;
    const block hidden_by = ej0(key, rounds, item->nonce);
    sealing s = begin_sealing(item, begin_hash(item, NULL).y);
    block y;
    if (s.len > CHUNK_BYTES) {
        sealing chunks = s;
        (rounds == 10 ? seal_chunks_10 : seal_chunks_14)(key, &chunks, item->past_caches);
        y = seal_end(key, rounds, &chunks, CHUNK_REGISTERS, lengths_of(item));
    } else {
        y = seal_end(key, rounds, &s, 0, lengths_of(item));
    }
    block_store(item->tag, block_xor(block_reverse(y), hidden_by));
    *item->verdict = PARSEAL_ITEM_OK;
}

/* Hashes most of a long message's chunks, which are asked for ahead, as they may come from
 * memory. */
INLINE void hash_ahead(to_hash *text)
{
    for (; text->len > CHUNK_BYTES; text->len -= CHUNK_BYTES) {
        text->y = ghash_chunk(text->key, text->y, text->data, true);
        text->data += CHUNK_BYTES;
    }
}

/* Opens a message of so many whole chunks and a rest that fits n registers (0: there is none). The
 * keystream is made while the message is hashed, and waits, in registers where there are enough,
 * until the tag has been found right. */
INLINE void open_short(uint32_t rounds, const cpu_item *item, size_t chunks, int n)
{
    const gcm_key *key = item->key;
    const block hidden_by = ej0(key, rounds, item->nonce);
    const uint8_t *in = item->in;
    const size_t rest = (size_t)item->len - chunks * CHUNK_BYTES;
    block y = begin_hash(item, NULL).y;
    blocks base = counter_base(item->nonce, 0);
    blocks s[2][CHUNK_REGISTERS], last[CHUNK_REGISTERS];
    for (size_t i = 0; i < chunks; i++) {
        const hash_job job = {key, false, in + i * CHUNK_BYTES, &y};
        y = blocks_fold(reduce(begin_chunk(key, rounds, &base, s[i], NULL, false, &job, NULL)));
    }
    short_hash h = short_begin(key, y, (rest + 15) / 16 + 1);
    if (n > 0) {
        const size_t whole = rest / BLOCKS_BYTES;
        const uint8_t *data = in + chunks * CHUNK_BYTES;
        begin_vectors(key, rounds, base, 0, last, n, &h, data, (int)whole);
        short_add_data(&h, data + whole * BLOCKS_BYTES, rest % BLOCKS_BYTES);
    }
    const block hash = short_end(&h, key, lengths_of(item));
    decide(item, block_xor(block_reverse(hash), hidden_by));
    if (*item->verdict != PARSEAL_ITEM_OK) {
        memset(item->out, 0, (size_t)item->len);
        return;
    }
    for (size_t i = 0; i < chunks; i++)
        end_vectors(key, rounds, s[i], CHUNK_REGISTERS, in + i * CHUNK_BYTES,
                    item->out + i * CHUNK_BYTES, CHUNK_BYTES, NULL);
    if (n > 0)
        end_vectors(key, rounds, last, n, in + chunks * CHUNK_BYTES,
                    item->out + chunks * CHUNK_BYTES, rest, NULL);
}

#define OPEN_SHORT(length, chunks, n)                                   \
    NOINLINE void open_##length##_10(const cpu_item *item)              \
    {                                                                   \
        open_short(10, item, chunks, n);                                \
    }                                                                   \
    NOINLINE void open_##length##_14(const cpu_item *item)              \
    {                                                                   \
        open_short(14, item, chunks, n);                                \
    }                                                                   \
    INLINE void open_##length(uint32_t rounds, const cpu_item *item)    \
    {                                                                   \
        (rounds == 10 ? open_##length##_10 : open_##length##_14)(item); \
    }

OPEN_SHORT(two_chunks, 2, 0)
OPEN_SHORT(chunk_and_rest, 1, CHUNK_REGISTERS)
OPEN_SHORT(chunk_and_half, 1, HALF_REGISTERS)
OPEN_SHORT(chunk, 1, 0)
OPEN_SHORT(most_of_chunk, 0, CHUNK_REGISTERS)
OPEN_SHORT(half, 0, HALF_REGISTERS)
OPEN_SHORT(quarter, 0, HALF_REGISTERS / 2)
#undef OPEN_SHORT

/* Returns false for a message that is not short: where it ends a chunk nearly, the
 * lengths do not fit in. */
INLINE bool open_if_short(uint32_t rounds, const cpu_item *item)
{
    const uint64_t len = item->len;
    if (len == 2 * CHUNK_BYTES)
        open_two_chunks(rounds, item);
    else if (len > 2 * CHUNK_BYTES || len % CHUNK_BYTES > WITH_LENGTHS_MAX || len == 0)
        return false;
    else if (len > CHUNK_BYTES + HALF_BYTES)
        open_chunk_and_rest(rounds, item);
    else if (len > CHUNK_BYTES)
        open_chunk_and_half(rounds, item);
    else if (len == CHUNK_BYTES)
        open_chunk(rounds, item);
    else if (len > HALF_BYTES)
        open_most_of_chunk(rounds, item);
    else if (len > HALF_BYTES / 2)
        open_half(rounds, item);
    else
        open_quarter(rounds, item);
    return true;
}

INLINE void open_one_with(uint32_t rounds, const cpu_item *item)
{
    if (open_if_short(rounds, item))
        return;
    to_hash text = begin_hash(item, item->in);
    if (item->len > HASH_WITH_NEXT_MAX)
        hash_ahead(&text);
    finish_open(rounds, item, &text);
    text.len = 0;
    if (item->len > 0)
        open_data(rounds, item, &text);
}

NOINLINE void seal_one_10(const cpu_item *item)
{
    seal_one_with(10, item);
}

NOINLINE void seal_one_14(const cpu_item *item)
{
    seal_one_with(14, item);
}

static void seal_one(const cpu_item *item)
{
    if (((const gcm_key *)item->key)->rounds == 10)
        seal_one_10(item);
    else
        seal_one_14(item);
}

NOINLINE void open_one_10(const cpu_item *item)
{
    open_one_with(10, item);
}

NOINLINE void open_one_14(const cpu_item *item)
{
    open_one_with(14, item);
}

static void open_one(const cpu_item *item)
{
    if (((const gcm_key *)item->key)->rounds == 10)
        open_one_10(item);
    else
        open_one_14(item);
}

/* ---------------------------------------------------------------------------- lists of them -- */

INLINE void seal_items_with(uint32_t rounds, const cpu_item *items, size_t n)
{
    to_hash last = begin_hash(&items[0], NULL);
    block last_ej0 = block_set(0, 0);
    last.len = 0;
    for (size_t i = 0; i < n; i++) {
        const cpu_item *item = &items[i];
        to_hash next = begin_hash(item, item->out);
        const block next_ej0 = ej0(item->key, rounds, item->nonce);
        if (item->len > HASH_WITH_NEXT_MAX) {
            next.y = seal_data(item->key, rounds, begin_sealing(item, next.y), item->past_caches);
            next.len = 0;
        } else {
            crypt_and_hash(item->key, rounds, counter_base(item->nonce, 0), item->in, item->out,
                           (size_t)item->len, item->past_caches || item->len > NEAR_MAX,
                           item->past_caches, &last);
        }
        if (i > 0)
            finish_seal(&items[i - 1], &last, last_ej0);
        last = next;
        last_ej0 = next_ej0;
    }
    finish_seal(&items[n - 1], &last, last_ej0);
}

INLINE void open_items_with(uint32_t rounds, const cpu_item *items, size_t n)
{
    to_hash next = begin_hash(&items[0], items[0].in);
    for (size_t i = 0; i < n; i++) {
        const cpu_item *item = &items[i];
        finish_open(rounds, item, &next);
        next.len = 0;
        if (i + 1 < n)
            next = begin_hash(&items[i + 1], items[i + 1].in);
        if (item->len > 0)
            open_data(rounds, item, &next);
    }
}

static void seal_items(const cpu_item *items, size_t n)
{
    if (((const gcm_key *)items[0].key)->rounds == 10)
        seal_items_with(10, items, n);
    else
        seal_items_with(14, items, n);
}

static void open_items(const cpu_item *items, size_t n)
{
    if (((const gcm_key *)items[0].key)->rounds == 10)
        open_items_with(10, items, n);
    else
        open_items_with(14, items, n);
}

#define GCM_IMPL(identifier, level)           \
    const gcm_impl identifier = {             \
        .name = level,                        \
        .aead = {.key_size = KEY_SIZE,        \
                 .keys_init = keys_init,      \
                 .seal_items = seal_items,    \
                 .open_items = open_items,    \
                 .seal_one = seal_one,        \
                 .open_one = open_one,        \
                 .parts = &gcm_adding_parts}, \
        .hash_key = hash_key,                 \
        .multiply = multiply_bytes,           \
        .encrypt_j0 = encrypt_j0,             \
        .ctr = ctr,                           \
        .ghash = ghash,                       \
        .ctr_beside_ghash = ctr_beside_ghash, \
        .add_beside_ghash = add_beside_ghash, \
        .seal = seal,                         \
    }
