/* AES-GCM (SP 800-38D) around its counter mode: keys, E(J0), GHASH by integer multiplication, tags.
 *
 *   keys_expand   A thread takes a key and makes its round keys, H = E(0), H^1 ... H^32, H^(2^k).
 *   aead_begin    A thread takes a message and writes E(nonce || 1), the sum 0, the verdict UNSET.
 *   aead_hash     A warp takes a tile of aad or ciphertext and hashes it as if nothing followed.
 *   aead_weigh    A thread, a warp or a block, by the number of a message's tiles, takes them and
 *                 sums up their hashes, times the powers of H that the blocks after them ask for.
 *   aead_finish   A thread takes a message, adds lengths and E(J0), and writes the tag or the
 *                 verdict.
 *
 * `work` has 32 bytes for each message (the sum, words as in ghash.h, then E(J0) as AES gives it),
 * and then 16 for each tile.
 *
 * Constant time: no table, and no branch or address that depends on keys or data; integer
 * multiplication takes the same time for all factors.
 */
#include "kernels/cuda/aead_memory.h"
#include "kernels/cuda/aes_planes.h"
#include "kernels/cuda/ghash_powers.h"

enum { THREADS = 128, WARPS = THREADS / LANES };

FN u64 first_thread(void)
{
    return (u64)block_id() * THREADS + thread_id();
}

FN u64 all_threads(void)
{
    return (u64)block_count() * THREADS;
}

/* -------------------------------------------------------------------------------------- keys -- */

KERNEL(THREADS, 1) keys_expand(const u8 *raw, aead_key *keys, u32 key_len, u32 n)
{
    for (u64 i = first_thread(); i < n; i += all_threads()) {
        aead_key *key = keys + i;
        const uint4 zero = {0, 0, 0, 0};
        u32 h[4], power[4];
        key->rounds = key_len / 4 + 6;
        if (key_len == 16)
            planes_expand<4>(key->round_key, raw + i * 16);
        else
            planes_expand<8>(key->round_key, raw + i * 32);
        ghash_number(h, planes_encrypt(key, zero));
        words_of(power, vector_of(h));
        NO_UNROLL
        for (u32 k = 0; k < 32; k++) {
            store_words(key->power[k], power);
            ghash_multiply(power, h);
        }
        NO_UNROLL
        for (u32 k = 0; k < 40; k++) {
            store_words(key->square[k], h);
            words_of(power, vector_of(h));
            ghash_multiply(h, power);
        }
    }
}

/* ------------------------------------------------------------------------------------- begin -- */

KERNEL(THREADS, 1)
aead_begin(const aead_item *items, u32 n, const aead_key *keys, const u8 *nonces, i32 *verdicts,
           u8 *work)
{
    for (u64 i = first_thread(); i < n; i += all_threads()) {
        const u32 zero[4] = {0, 0, 0, 0};
        u32 nonce[3];
        load_nonce(nonce, nonces, i);
        const uint4 j0 = {nonce[0], nonce[1], nonce[2], 0x01000000};
        store_words(message_work(work, i), zero);
        *(uint4 *)(message_work(work, i) + 4) = planes_encrypt(keys + items[i].key, j0);
        verdicts[i] = ITEM_UNSET;
    }
}

/* -------------------------------------------------------------------------------------- hash -- */

enum { HASH_TOGETHER = 4 }; /* So many of a lane's products are reduced together. */

/* x = block b of a tile, and zeros before its first. */
FN void hash_load(u32 x[4], const hash_tile *t, i32 b)
{
    ghash_number(x, tile_block(t, b));
}

/* Lane l has a tile's blocks l, l + 32, ..., as if zeros before the tile made their number a
 * multiple of 128. Four of them, a, b, c, d, take its sum y to
 * y H^128 + a H^96 + b H^64 + c H^32 + d. Product k of the four has the power power[at + k], and is
 * left out where it is known to be zero. */
template <class Powers> FN void hash_lane(u32 y[4], Powers &power, u32 at, const hash_tile *t)
{
    const i32 blocks = (i32)blocks_of(t->size), rows = (blocks + LANES - 1) / LANES;
    const i32 first = blocks - LANES * rows + (i32)lane_id(); /* the lane's block in row 0 */
    y[0] = y[1] = y[2] = y[3] = 0;
    NO_UNROLL
    for (i32 row = rows - (rows + 3) / 4 * 4; row < rows; row += HASH_TOGETHER) {
        ghash_sum sum;
        u32 last[4];
        ghash_zero(&sum);
        NO_UNROLL
        for (i32 k = 0; k < HASH_TOGETHER; k++) {
            u32 x[4], h[4];
            if (row + k <= 0)
                continue;
            words_of(x, vector_of(y));
            if (k > 0)
                hash_load(x, t, first + LANES * (row + k - 1));
            words_of(h, power[at + (u32)k]);
            ghash_add(&sum, x, h);
        }
        hash_load(last, t, first + LANES * (row + HASH_TOGETHER - 1));
        ghash_reduce(y, &sum);
        UNROLL
        for (u32 k = 0; k < 4; k++)
            y[k] ^= last[k];
    }
}

/* power[at ...] = H^128, H^96, H^64, H^32. */
template <class Powers> FN void hash_powers(Powers &power, u32 at, const aead_key *key)
{
    const u32 lane = lane_id();
    u32 h[4], other[4];
    words_of(h, load_words(key->square[lane % 4 == 0 ? 7 : lane % 4 == 3 ? 5 : 6]));
    words_of(other, load_words(key->square[5]));
    const uint4 plain = vector_of(h);
    ghash_multiply(h, other);
    if (lane < HASH_TOGETHER)
        power[at + lane] = lane == 1 ? vector_of(h) : plain;
}

KERNEL(THREADS, 4)
aead_hash(const aead_item *items, u32 n, const u64 *hash_begin, u64 total, u32 tile,
          const aead_key *keys, const u8 *data, u32 use_out_offset, const u8 *aad, u8 *work)
{
    SHARED(uint4, power, WARPS * HASH_TOGETHER);
    const u32 warp = thread_id() / LANES, at = HASH_TOGETHER * warp, lane = lane_id();
    const uint4 zero = {0, 0, 0, 0};
    for (u64 unit = (u64)block_id() * WARPS + warp; unit < total;
         unit += (u64)block_count() * WARPS) {
        const u32 i = find_item(hash_begin, n, unit);
        const hash_tile t =
            tile_of(items + i, unit - hash_begin[i], tile, data, use_out_offset, aad);
        const aead_key *key = keys + t.key;
        u32 y[4], weight[4];
        warp_sync(); /* Until here lanes may still read the powers of the key before. */
        hash_powers(power, at, key);
        warp_sync();
        hash_lane(y, power, at, &t);
        words_of(weight, load_words(key->power[LANES - 1 - lane]));
        ghash_multiply(y, weight);
        ghash_add_lanes(y, 1);
        if (lane == 0)
            store_words(tile_hash(work, n, unit), y);
    }
    warp_sync();
    if (lane < HASH_TOGETHER)
        power[at + lane] = zero;
}

/* ------------------------------------------------------------------------------------- weigh -- */

enum {
    WEIGH_THREADS = 256,
    WEIGH_WARPS = WEIGH_THREADS / LANES,
    ALONE = 4,     /* One thread weighs so many tiles of a message. */
    BY_WARP = 1024 /* One warp weighs so many, and a block takes more. */
};

/* A team weighs a message's tiles together: this is its number `me` of `width`, a power of two. */
typedef struct {
    u32 me, width;
} weigh_team;

FN void add_words(u32 y[4], const u32 *from)
{
    u32 x[4];
    words_of(x, load_words(from));
    UNROLL
    for (u32 k = 0; k < 4; k++)
        y[k] ^= x[k];
}

/* Adds a tile's hash to y and wipes it: hashes of tiles give H away to whoever knows the tiles. */
FN void take_hash(u32 y[4], u32 *hash)
{
    const u32 zero[4] = {0, 0, 0, 0};
    add_words(y, hash);
    store_words(hash, zero);
}

/* Makes y this member's sum of tiles' hashes: the sums of all members add up to the hash of `size`
 * bytes. Member m takes tiles m, m + width, ... of all but the last, as if zeros before them made
 * their number a multiple of width. The last may be shorter; member 0 takes it. */
FN void weigh_tiles(u32 y[4], const aead_key *key, u32 *hash, u64 size, u32 tile, weigh_team team)
{
    const u64 tiles = tiles_of(size, tile), whole = tiles - 1, tile_blocks = tile / BLOCK;
    const u64 zeros = (0 - whole) & (team.width - 1);
    y[0] = y[1] = y[2] = y[3] = 0;
    if (tiles == 0)
        return;
    NO_UNROLL
    for (u64 at = team.me; at < zeros + whole; at += team.width) {
        ghash_raise(y, key, team.width * tile_blocks);
        if (at >= zeros)
            take_hash(y, hash + 4 * (at - zeros));
    }
    ghash_raise(y, key, (team.width - 1 - team.me) * tile_blocks + blocks_of(size - whole * tile));
    if (team.me == 0)
        take_hash(y, hash + 4 * whole);
}

FN u64 tiles_of_item(const aead_item *item, u32 tile)
{
    return tiles_of(item->aad_len, tile) + tiles_of(item->len, tile);
}

/* Does the same for all tiles of an item, aad and data, and weighs in the blocks that follow. */
FN void weigh_item(u32 y[4], const aead_item *item, const aead_key *keys, u32 *hash, u32 tile,
                   weigh_team team)
{
    const aead_key *key = keys + item->key;
    u32 data[4];
    weigh_tiles(data, key, hash + 4 * tiles_of(item->aad_len, tile), item->len, tile, team);
    weigh_tiles(y, key, hash, item->aad_len, tile, team);
    if (item->aad_len > 0)
        ghash_raise(y, key, blocks_of(item->len));
    UNROLL
    for (u32 k = 0; k < 4; k++)
        y[k] ^= data[k];
    ghash_raise(y, key, item->blocks_after);
}

/* Adds up y over the block's warps, each of whose lanes have the same. Leaves `partial` zero. */
template <class Partial> FN void add_warps(u32 y[4], Partial &partial)
{
    const uint4 zero = {0, 0, 0, 0};
    const u32 warp = thread_id() / LANES;
    if (lane_id() == 0)
        partial[warp] = vector_of(y);
    block_sync();
    y[0] = y[1] = y[2] = y[3] = 0;
    NO_UNROLL
    for (u32 k = 0; k < WEIGH_WARPS; k++) {
        const uint4 v = partial[k];
        y[0] ^= v.x;
        y[1] ^= v.y;
        y[2] ^= v.z;
        y[3] ^= v.w;
    }
    block_sync();
    if (lane_id() == 0)
        partial[warp] = zero;
}

KERNEL(WEIGH_THREADS, 1)
aead_weigh(const aead_item *items, u32 n, const u64 *hash_begin, u32 tile, const aead_key *keys,
           u8 *work)
{
    SHARED(uint4, partial, WEIGH_WARPS);
    const u64 thread = (u64)block_id() * WEIGH_THREADS + thread_id();
    const u64 threads = (u64)block_count() * WEIGH_THREADS;
    u32 y[4];
    for (u64 i = thread; i < n; i += threads) {
        const weigh_team alone = {0, 1};
        const u64 tiles = tiles_of_item(items + i, tile);
        if (tiles == 0 || tiles > ALONE)
            continue;
        weigh_item(y, items + i, keys, tile_hash(work, n, hash_begin[i]), tile, alone);
        add_words(y, message_work(work, i));
        store_words(message_work(work, i), y);
    }
    /* First warps are the teams, then blocks. Each lane looks at another of 32 messages of its
     * team's, and the ballot tells which of them the team has to weigh. */
    NO_UNROLL
    for (u32 width = LANES; width <= WEIGH_THREADS; width *= WEIGH_THREADS / LANES) {
        const weigh_team team = {thread_id() & (width - 1), width};
        const u64 least = width == LANES ? ALONE : BY_WARP,
                  most = width == LANES ? BY_WARP : ~(u64)0;
        const u64 teams = threads / width;
        NO_UNROLL
        for (u64 first = thread / width; first < n; first += LANES * teams) {
            const u64 own = first + lane_id() * teams;
            const u64 tiles = own < n ? tiles_of_item(items + own, tile) : 0;
            NO_UNROLL
            for (u32 set = warp_ballot(tiles > least && tiles <= most); set != 0; set &= set - 1) {
                const u64 i = first + count_ones((set & (0 - set)) - 1) * teams;
                weigh_item(y, items + i, keys, tile_hash(work, n, hash_begin[i]), tile, team);
                ghash_add_lanes(y, 1);
                if (width > LANES)
                    add_warps(y, partial);
                if (team.me == 0) {
                    add_words(y, message_work(work, i));
                    store_words(message_work(work, i), y);
                }
            }
        }
    }
}

/* ------------------------------------------------------------------------------------ finish -- */

KERNEL(THREADS, 1)
aead_finish(const aead_item *items, u32 n, const aead_key *keys, u8 *tags, i32 *verdicts, u8 *work,
            u32 open)
{
    for (u64 i = first_thread(); i < n; i += all_threads()) {
        const u64 aad_bits = 8 * items[i].aad_len, bits = 8 * items[i].len;
        const u32 zero[4] = {0, 0, 0, 0};
        u32 *own = message_work(work, i);
        u8 *tag = tags + BLOCK * i;
        u32 y[4] = {(u32)bits, (u32)(bits >> 32), (u32)aad_bits, (u32)(aad_bits >> 32)};
        u32 h[4], made[4], given[4];
        words_of(h, load_words(keys[items[i].key].power[0]));
        ghash_multiply(y, h);
        add_words(y, own);
        words_of(made, ghash_block(y));
        add_words(made, own + 4);
        if (open) {
            words_of(given, load_whole(tag, 0));
            const u32 difference = (made[0] ^ given[0]) | (made[1] ^ given[1]) |
                                   (made[2] ^ given[2]) | (made[3] ^ given[3]);
            verdicts[i] = difference == 0 ? ITEM_OK : ITEM_BAD_TAG;
        } else {
            store_whole(tag, vector_of(made));
            verdicts[i] = ITEM_OK;
        }
        store_words(own, zero);
        store_words(own + 4, zero);
    }
}
