/* Batched AES-GCM (SP 800-38D), bitsliced: constant time on any device.
 *
 *   aead_begin    A work-item makes E(J0) for 32 messages, each under its own key.
 *   aead_crypt    A work-item takes 32 blocks, which are the 32 bits of each word of its state.
 *   aead_hash     A work-item takes a tile of HASH_TILE bytes of aad or ciphertext. Its hash, times
 *                 the power of H that its place asks for, is XORed into the message's sum, so that
 *                 tiles need no order.
 *   aead_finish   A work-item takes a message, and makes the tag or compares it.
 *
 * `work` has 8 words for each message: the GHASH sum, its most significant word last, and E(J0) as
 * AES gives it.
 */
#include "kernels/opencl/aead_blocks.h"

/* ------------------------------------------------------------------------------------ memory -- */

FN void store_block(GLOBAL uchar *p, const u32 w[4], ulong size)
{
    if (size >= BLOCK && ((ulong)p & 3) == 0) {
        const uint4 v = (uint4)(w[0], w[1], w[2], w[3]);
        if (((ulong)p & 15) == 0)
            *(GLOBAL uint4 *)p = v;
        else
            vstore4(v, 0, (GLOBAL u32 *)p);
        return;
    }
    UNROLL
    for (uint i = 0; i < 4; i++) {
        const uint n = bytes_of_word(size, i);
        UNROLL
        for (uint b = 0; b < 4; b++)
            if (b < n)
                p[4 * i + b] = (uchar)(w[i] >> (8 * b));
    }
}

/* Returns the last item whose work-items begin at or before i. */
FN uint find_item(GLOBAL const ulong *begin, uint n, ulong i)
{
    uint low = 0, high = n;
    while (high - low > 1) {
        const uint middle = low + (high - low) / 2;
        if (begin[middle] <= i)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* -------------------------------------------------------------------------------------- keys -- */

FN void store_words(GLOBAL u32 *to, const u32 from[4])
{
    for (int i = 0; i < 4; i++)
        to[i] = from[i];
}

KERNEL void keys_expand(GLOBAL const uchar *raw, GLOBAL aead_key *keys, uint key_len, uint n)
{
    const uint i = (uint)get_global_id(0);
    if (i >= n)
        return;
    GLOBAL aead_key *key = keys + i;
    u32 words[8], state[128], h[4], power[4];
    for (uint k = 0; k < key_len / 4; k++) {
        words[k] = 0;
        for (uint b = 0; b < 4; b++)
            words[k] |= (u32)raw[(ulong)i * key_len + 4 * k + b] << (8 * b);
    }
    aes_expand_key(key, words, key_len / 4);
    for (int k = 0; k < 128; k++)
        state[k] = 0;
    aes_encrypt(state, key);
    for (int k = 0; k < 4; k++) { /* Block 0 stands for the 32, which are all the same. */
        words[k] = 0;
        for (int b = 0; b < 32; b++)
            words[k] |= (state[32 * k + b] & 1) << b;
    }
    ghash_turn(h, words);
    for (int k = 0; k < 4; k++)
        power[k] = h[k];
    for (int k = 0; k < CRYPT_GROUP; k++) {
        store_words(key->power[k], power);
        ghash_multiply(power, h);
    }
    for (int k = 0; k < 40; k++) {
        store_words(key->square[k], h);
        for (int b = 0; b < 4; b++)
            power[b] = h[b];
        ghash_multiply(h, power);
    }
}

/* ------------------------------------------------------------------------------------- begin -- */

/* Puts word w of J0 into place j of the row, for 32 messages from `first` on. */
static void gather_j0(u32 row[32], GLOBAL const uchar *nonces, ulong at, uint first, uint n, int w)
{
    for (uint j = 0; j < 32; j++) {
        u32 nonce[3];
        load_nonce(nonce, nonces, at, first + j < n ? first + j : first);
        row[j] = w < 3 ? nonce[w] : 0x01000000;
    }
}

/* Adds every message's own round key r. */
static void add_keys(u32 s[128], GLOBAL const aead_item *items, GLOBAL const aead_key *keys,
                     uint first, uint n, u32 r)
{
    u32 row[32];
    for (int w = 0; w < 4; w++) {
        for (uint j = 0; j < 32; j++)
            row[j] = keys[items[first + j < n ? first + j : first].key].round_key[r][w];
        transpose32(row);
        for (int i = 0; i < 32; i++)
            s[32 * w + i] ^= row[i];
    }
}

KERNEL void aead_begin(GLOBAL const aead_item *items, uint n, GLOBAL const aead_key *keys,
                       GLOBAL const uchar *nonces, ulong nonces_at, GLOBAL uchar *verdicts,
                       ulong verdicts_at, GLOBAL uchar *work, ulong work_at)
{
    const ulong first_item = 32 * get_global_id(0);
    if (first_item >= n)
        return;
    const uint first = (uint)first_item;
    const u32 rounds = keys[items[first].key].rounds; /* All keys of a set are of one length. */
    u32 s[128];
    for (int w = 0; w < 4; w++) {
        gather_j0(s + 32 * w, nonces, nonces_at, first, n, w);
        transpose32(s + 32 * w);
    }
    add_keys(s, items, keys, first, n, 0);
    for (u32 r = 1; r < rounds; r++) {
        aes_sub_and_shift(s);
        aes_mix_columns(s);
        add_keys(s, items, keys, first, n, r);
    }
    aes_sub_and_shift(s);
    add_keys(s, items, keys, first, n, rounds);
    for (int w = 0; w < 4; w++)
        transpose32(s + 32 * w);
    for (uint j = 0; j < 32 && first + j < n; j++) {
        GLOBAL u32 *to = (GLOBAL u32 *)(work + work_at) + 8 * (ulong)(first + j);
        for (int w = 0; w < 4; w++) {
            to[w] = 0;
            to[4 + w] = s[32 * w + j];
        }
        ((GLOBAL int *)(verdicts + verdicts_at))[first + j] = ITEM_UNSET;
    }
}

/* ------------------------------------------------------------------------------------- crypt -- */

KERNEL void aead_crypt(GLOBAL const aead_item *items, uint n, GLOBAL const ulong *crypt_begin,
                       ulong total, GLOBAL const aead_key *keys, GLOBAL const uchar *nonces,
                       ulong nonces_at, GLOBAL const uchar *in, ulong in_at, GLOBAL uchar *out,
                       ulong out_at, GLOBAL const uchar *verdicts, ulong verdicts_at, uint open)
{
    if (get_global_id(0) >= total)
        return;
    const uint i = find_item(crypt_begin, n, get_global_id(0));
    const ulong group = get_global_id(0) - crypt_begin[i], offset = group * CRYPT_GROUP * BLOCK;
    const ulong left = items[i].len - offset;
    const uint blocks =
        left < CRYPT_GROUP * BLOCK ? (uint)((left + BLOCK - 1) / BLOCK) : CRYPT_GROUP;
    GLOBAL const uchar *from = in + in_at + items[i].in_offset + offset;
    GLOBAL uchar *to = out + out_at + items[i].out_offset + offset;
    u32 s[128], nonce[3];

    if (open && ((GLOBAL const int *)(verdicts + verdicts_at))[i] != ITEM_OK) {
        const u32 zeros[4] = {0, 0, 0, 0};
        for (uint j = 0; j < blocks; j++)
            store_block(to + BLOCK * j, zeros, left - BLOCK * j);
        return;
    }
    load_nonce(nonce, nonces, nonces_at, i);
    keystream(s, keys + items[i].key, nonce, (u32)(2 + items[i].first_block + CRYPT_GROUP * group),
              1);
    UNROLL
    for (uint j = 0; j < CRYPT_GROUP; j++) {
        u32 block[4];
        if (j >= blocks)
            continue;
        load_block(block, from + BLOCK * j, left - BLOCK * j);
        UNROLL
        for (int w = 0; w < 4; w++)
            block[w] ^= s[32 * w + j];
        store_block(to + BLOCK * j, block, left - BLOCK * j);
    }
}

/* -------------------------------------------------------------------------------------- hash -- */

FN void load_words(u32 to[4], GLOBAL const u32 *from)
{
    UNROLL
    for (int i = 0; i < 4; i++)
        to[i] = from[i];
}

/* y = the hash of `size` bytes, zero-padded to whole blocks. The products of 32 blocks at a time
 * are summed up before they are reduced. */
static void hash_bytes(u32 y[4], GLOBAL const aead_key *key, GLOBAL const uchar *p, uint size)
{
    y[0] = y[1] = y[2] = y[3] = 0;
    for (uint at = 0; at < size; at += CRYPT_GROUP * BLOCK) {
        const uint left = size - at;
        const uint blocks = left < CRYPT_GROUP * BLOCK ? (left + BLOCK - 1) / BLOCK : CRYPT_GROUP;
        ghash_sum sum;
        ghash_zero(&sum);
        for (uint j = 0; j < blocks; j++) {
            u32 words[4], x[4], power[4];
            load_block(words, p + at + BLOCK * j, left - BLOCK * j);
            ghash_turn(x, words);
            for (int i = 0; i < 4; i++)
                x[i] ^= j == 0 ? y[i] : 0;
            load_words(power, key->power[blocks - 1 - j]);
            ghash_add(&sum, x, power);
        }
        ghash_reduce(y, &sum);
    }
}

/* y = y H^exponent. The exponent is no secret. */
static void raise(u32 y[4], GLOBAL const aead_key *key, ulong exponent)
{
    for (uint k = 0; exponent != 0; k++, exponent >>= 1) {
        u32 power[4];
        if ((exponent & 1) == 0)
            continue;
        load_words(power, key->square[k]);
        ghash_multiply(y, power);
    }
}

static ulong blocks_of(ulong size)
{
    return size / BLOCK + (size % BLOCK != 0);
}

KERNEL void aead_hash(GLOBAL const aead_item *items, uint n, GLOBAL const ulong *hash_begin,
                      ulong total, GLOBAL const aead_key *keys, GLOBAL const uchar *data,
                      ulong data_at, uint use_out_offset, GLOBAL const uchar *aad, ulong aad_at,
                      GLOBAL uchar *work, ulong work_at)
{
    if (get_global_id(0) >= total)
        return;
    const uint i = find_item(hash_begin, n, get_global_id(0));
    const aead_item item = items[i];
    GLOBAL const aead_key *key = keys + item.key;
    const ulong aad_tiles = item.aad_len / HASH_TILE + (item.aad_len % HASH_TILE != 0);
    const ulong tile = get_global_id(0) - hash_begin[i];
    const bool of_aad = tile < aad_tiles;
    const ulong offset = (of_aad ? tile : tile - aad_tiles) * HASH_TILE;
    const ulong left = (of_aad ? item.aad_len : item.len) - offset;
    const uint size = left < HASH_TILE ? (uint)left : HASH_TILE;
    GLOBAL const uchar *from =
        of_aad ? aad + aad_at + item.aad_offset
               : data + data_at + (use_out_offset ? item.out_offset : item.in_offset);
    u32 y[4];
    hash_bytes(y, key, from + offset, size);
    raise(y, key, blocks_of(left - size) + (of_aad ? blocks_of(item.len) : 0) + item.blocks_after);
    volatile GLOBAL u32 *sum = (volatile GLOBAL u32 *)(work + work_at) + 8 * (ulong)i;
    for (int k = 0; k < 4; k++)
        atomic_xor(sum + k, y[k]);
}

/* ------------------------------------------------------------------------------------ finish -- */

KERNEL void aead_finish(GLOBAL const aead_item *items, uint n, GLOBAL const aead_key *keys,
                        GLOBAL uchar *tags, ulong tags_at, GLOBAL uchar *verdicts,
                        ulong verdicts_at, GLOBAL uchar *work, ulong work_at, uint open)
{
    if (get_global_id(0) >= n)
        return;
    const ulong i = get_global_id(0);
    const ulong aad_bits = 8 * items[i].aad_len, bits = 8 * items[i].len;
    GLOBAL u32 *own = (GLOBAL u32 *)(work + work_at) + 8 * i;
    GLOBAL uchar *tag = tags + tags_at + BLOCK * i;
    GLOBAL int *verdict = (GLOBAL int *)(verdicts + verdicts_at) + i;
    u32 y[4] = {(u32)bits, (u32)(bits >> 32), (u32)aad_bits, (u32)(aad_bits >> 32)};
    u32 h[4], words[4], made[4];
    load_words(h, keys[items[i].key].power[0]);
    ghash_multiply(y, h);
    for (int k = 0; k < 4; k++)
        y[k] ^= own[k];
    ghash_turn(made, y);
    for (int k = 0; k < 4; k++)
        made[k] ^= own[4 + k];
    if (open) {
        load_block(words, tag, BLOCK);
        u32 difference = 0;
        for (int k = 0; k < 4; k++)
            difference |= words[k] ^ made[k];
        *verdict = difference == 0 ? ITEM_OK : ITEM_BAD_TAG;
    } else {
        store_block(tag, made, BLOCK);
        *verdict = ITEM_OK;
    }
    for (int k = 0; k < 8; k++)
        own[k] = 0;
}
