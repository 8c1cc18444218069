/* Keys of AES-GCM: the AES key schedule and the powers of H. It is a part of gcm_template.h, which
 * defines products and what a key consists of. */
#ifndef PARSEAL_FALLBACK_TEMPLATE_GCM_KEYS_H
#define PARSEAL_FALLBACK_TEMPLATE_GCM_KEYS_H

/* Returns h * x for a hash key as AES gives it: a shift to the left in reversed bits, reduced. */
INLINE block times_x(block h)
{
    uint8_t bytes[16];
    block_store(bytes, h);
    const uint64_t hi = load_be64(bytes), lo = load_be64(bytes + 8), carry = 0 - (hi >> 63);
    return block_set((hi << 1 | lo >> 63) ^ (carry & POLYNOMIAL), lo << 1 ^ (carry & 1));
}

/* (a + b)^2 = a^2 + b^2: the middle of a square is what Karatsuba's method takes away. */
INLINE blocks square(blocks x)
{
    const blocks low = blocks_clmul(x, x, 0x00), high = blocks_clmul(x, x, 0x11);
    return reduce((product){low, blocks_xor(low, high), high});
}

/* Makes 2 n registers of powers from n, given the highest power among them in every block of *step.
 * Its products do not wait for each other. */
INLINE void double_powers(blocks powers[CHUNK_REGISTERS], int n, blocks *step)
{
    for (int v = 0; v < n; v++)
        powers[n + v] = multiply(powers[v], *step);
    *step = square(*step);
}

/* Returns H = E(0) as AES gives it. */
INLINE block hash_key_of(const gcm_key *key)
{
    return block_aes(key->round_key, key->rounds, block_set(0, 0));
}

/* H is where the lowest power is to be. */
INLINE void fill_powers(gcm_key *key)
{
    block *end = key->power + CHUNK_BLOCKS;
    /* First n powers fill a register, again and again: H H H H, then H^2 H H^2 H, ... */
    blocks step = blocks_broadcast(times_x(end[-1])); /* H^n */
    blocks powers[CHUNK_REGISTERS] = {step};
    for (int n = 1; n < BLOCKS_COUNT; n *= 2) {
        powers[0] = blocks_alternate(multiply(powers[0], step), powers[0], n);
        step = square(step);
    }
    double_powers(powers, 1, &step);
    double_powers(powers, 2, &step);
    double_powers(powers, 4, &step);
    for (int v = 0; v < CHUNK_REGISTERS; v++)
        blocks_store(end - (v + 1) * BLOCKS_COUNT, powers[v]);
    for (int v = 0; v < CHUNK_REGISTERS; v += 2) /* `powers` are last first. */
        blocks_store(
            key->halves + v / 2 * BLOCKS_COUNT,
            both_halves_xor(powers[CHUNK_REGISTERS - 1 - v], powers[CHUNK_REGISTERS - 2 - v]));
}

INLINE void expand(gcm_key *key, const uint8_t *bytes, size_t key_len)
{
    key->rounds = (uint32_t)key_len / 4 + 6;
    if (key_len == 16)
        block_expand_key128(key->round_key, bytes);
    else
        block_expand_key256(key->round_key, bytes);
}

INLINE void find_h(gcm_key *key)
{
    key->power[CHUNK_BLOCKS - 1] = hash_key_of(key);
}

/* The steps of one key wait for each other, and a CPU looks ahead for about as many instructions as
 * one key takes. So a few keys take each step together. */
enum { KEYS_AT_ONCE = 4 };

static void keys_init(void *keys, const uint8_t *bytes, size_t key_len, size_t n)
{
    uint8_t *next = keys;
    while (n > 0) {
        const size_t m = n < KEYS_AT_ONCE ? n : KEYS_AT_ONCE;
        for (size_t i = 0; i < m; i++)
            expand((gcm_key *)(void *)(next + i * KEY_SIZE), bytes + i * key_len, key_len);
        for (size_t i = 0; i < m; i++)
            find_h((gcm_key *)(void *)(next + i * KEY_SIZE));
        for (size_t i = 0; i < m; i++)
            fill_powers((gcm_key *)(void *)(next + i * KEY_SIZE));
        next += m * KEY_SIZE;
        bytes += m * key_len;
        n -= m;
    }
}

static void hash_key(const void *key, uint8_t h[16])
{
    block_store(h, hash_key_of(key));
}

static void multiply_bytes(uint8_t y[16], const uint8_t x[16])
{
    const blocks factor = blocks_first_block(times_x(block_load(x)));
    const blocks whole = multiply(blocks_first_block(block_reverse(block_load(y))), factor);
    block_store(y, block_reverse(blocks_fold(whole)));
}

#endif
