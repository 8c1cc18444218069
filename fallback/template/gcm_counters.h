/* The counter blocks of AES-GCM (SP 800-38D, section 7: J0 is nonce || 1, data begins at nonce ||
 * 2). It is a part of gcm_template.h, which defines chunks and keys. */
#ifndef PARSEAL_FALLBACK_TEMPLATE_GCM_COUNTERS_H
#define PARSEAL_FALLBACK_TEMPLATE_GCM_COUNTERS_H

/* Returns nonce || BE32(counter) byte-reversed, so that the counter is dword 0. */
INLINE block counter_block(const uint8_t nonce[12], uint32_t counter)
{
    return block_set(load_be64(nonce), (uint64_t)load_be32(nonce + 8) << 32 | counter);
}

INLINE block ej0(const gcm_key *key, uint32_t rounds, const uint8_t nonce[12])
{
    return block_aes(key->round_key, rounds, block_reverse(counter_block(nonce, 1)));
}

/* Chunks are cut where a message's own begin: block i of a chunk has the counter
 * base + FIRST_COUNTER + i, where base is a multiple of CHUNK_BLOCKS. */
enum { FIRST_COUNTER = 2 };

/* What the counters of a chunk are made of, as the rounds want it: base, and base + CHUNK_BLOCKS,
 * whose low bits are zero, for the last FIRST_COUNTER blocks. */
typedef struct {
    blocks first, last;
} chunk_counters;

/* Low bits of the counters of a chunk, as big-endian integers. */
#define LOW_BITS(i)                                                     \
    {                                                                   \
        0, 0, 0, (uint32_t)(((i) + FIRST_COUNTER) % CHUNK_BLOCKS) << 24 \
    }
#define LOW_BITS_4(i) LOW_BITS(i), LOW_BITS((i) + 1), LOW_BITS((i) + 2), LOW_BITS((i) + 3)
static _Alignas(64) const uint32_t low_bits_of[32][4] = {
    LOW_BITS_4(0),  LOW_BITS_4(4),  LOW_BITS_4(8),  LOW_BITS_4(12),
    LOW_BITS_4(16), LOW_BITS_4(20), LOW_BITS_4(24), LOW_BITS_4(28)};
_Static_assert(CHUNK_BLOCKS <= 32, "no low bits for so many blocks");
#undef LOW_BITS
#undef LOW_BITS_4

/* base: that of a chunk, byte-reversed, in each block. */
INLINE blocks counter_base(const uint8_t nonce[12], uint32_t base)
{
    return blocks_broadcast(counter_block(nonce, base));
}

INLINE blocks next_base(blocks base)
{
    return blocks_add32(base, blocks_broadcast(block_set(0, CHUNK_BLOCKS)));
}

INLINE chunk_counters counters_from(blocks base, blocks first_key)
{
    return (chunk_counters){blocks_aes_begin(blocks_reverse(base), first_key),
                            blocks_aes_begin(blocks_reverse(next_base(base)), first_key)};
}

/* Returns register v of a chunk's counters, after the first round key. */
INLINE blocks counters_at(const chunk_counters *c, int v)
{
    blocks base = c->first;
    if ((v + 1) * BLOCKS_COUNT > CHUNK_BLOCKS - FIRST_COUNTER)
        base = v * BLOCKS_COUNT < CHUNK_BLOCKS - FIRST_COUNTER
                   ? blocks_alternate(c->first, c->last, FIRST_COUNTER)
                   : c->last;
    return blocks_xor(base, blocks_load(low_bits_of[v * BLOCKS_COUNT]));
}

#endif
