/* AES-GCM's seal in one pass (SP 800-38D section 7.1): counter mode as in aead_crypt.cu, and GHASH
 * of the ciphertext while it is still in registers (ghash_clmad.h).
 *
 * A warp takes a tile of aad, which it hashes, or a tile of plaintext, which it encrypts group by
 * group and hashes. In a group lane l has blocks l, l + 32, ..., so that the last of them that the
 * group has is at most 32 blocks before its end. A lane's sum y has all of its blocks so far,
 * weighed as if its last one were the tile's end: the next group's take it to
 * y H^(32 k) + ... over its k blocks there. In the end each lane's sum gets the power of H that its
 * last block is away from the end.
 *
 * Machine code without carry-less multiplication has no such kernel. Constant time: as in
 * aead_crypt.cu and ghash_clmad.h; branches depend on lengths and offsets. Round keys in shared
 * memory are overwritten in the end.
 */
#if defined(PARSEAL_EMULATOR) || defined(PARSEAL_CLMAD)

#include "kernels/cuda/aead_groups.h"
#include "kernels/cuda/ghash_clmad.h"

/* Adds up a lane's blocks of a group, of which number 0 gets the power of row `last`, and each that
 * follows that of the row before. */
typedef struct {
    clmad_sum sum;
    const ghash_rows *powers;
    i32 last;
} hash_taker;

/* Returns the first `size` bytes of a block, and zeros after them. */
FN uint4 first_bytes(uint4 block, u32 size)
{
    u32 w[4];
    words_of(w, block);
    UNROLL
    for (u32 k = 0; k < 4; k++) {
        const u32 bits = size <= 4 * k ? 0 : 8 * (size - 4 * k);
        w[k] &= bits >= 32 ? ~(u32)0 : ((u32)1 << bits) - 1;
    }
    return vector_of(w);
}

FN void take_block(hash_taker *taker, u32 i, uint4 block, u32 size)
{
    const uint4 whole = size < BLOCK ? first_bytes(block, size) : block;
    clmad_add(&taker->sum, clmad_of_block(whole),
              row_power(taker->powers->at + (taker->last - (i32)i)));
}

/* Returns a lane's last row of a group that ends before block `end`, -1 where it has none. A unit
 * that is taken at once has at least seven rows, so that every lane has one. */
FN i32 last_row(u32 end)
{
    const u32 lane = lane_id();
    return lane < end ? (i32)((end - 1 - lane) / LANES) : -1;
}

/* Encrypts a unit, and returns the lane's sum after it. */
template <class Tables, class Keys>
FN clmad_number seal_unit(Tables &table, Keys &key, u32 at, u32 rounds, const u32 nonce[3],
                          const crypt_unit *u, clmad_number y, const ghash_rows *powers)
{
    const aes_group g = begin_group<true>(table, key, at, nonce, u);
    const i32 first = (i32)(u->skip / LANES), end = (i32)((u->end + LANES - 1) / LANES);
    const i32 last = last_row(u->end);
    hash_taker taker;
    taker.powers = powers;
    clmad_zero(&taker.sum);
    if (end - first >= (i32)STRIDES - 1) {
        taker.last = last;
        clmad_add(&taker.sum, y, row_power(powers->at + (last + 1)));
        crypt_strides<true, STRIDES>(table, key, at, rounds, &g, u, lane_id(), &taker);
        return clmad_reduce(&taker.sum);
    }
    NO_UNROLL
    for (i32 row = first; row < end; row++) {
        taker.last = 0;
        clmad_zero(&taker.sum);
        clmad_add(&taker.sum, y, row_power(powers->at + (row <= last ? 1 : 0)));
        crypt_strides<true, 1>(table, key, at, rounds, &g, u, LANES * (u32)row + lane_id(), &taker);
        y = clmad_reduce(&taker.sum);
    }
    return y;
}

/* Returns tile number `index` of an item's data as an item of its own. */
FN aead_item part_of(const aead_item *item, u64 index, u32 tile)
{
    const u64 offset = index * tile, left = item->len - offset;
    aead_item part = *item;
    part.len = left < tile ? left : tile;
    part.in_offset += offset;
    part.out_offset += offset;
    part.first_block += offset / BLOCK;
    return part;
}

/* Encrypts a tile, and stores its hash. */
template <class Tables, class Keys>
FN void seal_tile(Tables &table, Keys &key, u32 at, const aead_item *part, const aead_key *own,
                  const ghash_rows *powers, const u32 nonce[3], const u8 *in, u8 *out, u32 *hash)
{
    const u32 skip = (u32)(2 + part->first_block) % GROUP; /* A tile has at most 2^16 blocks. */
    const u32 units = (skip + (u32)blocks_of(part->len) + GROUP - 1) / GROUP;
    clmad_number y = {0, 0};
    u32 end = 0;
    load_round_keys(key, at, own->round_key);
    NO_UNROLL
    for (u32 k = 0; k < units; k++) {
        const crypt_unit u = unit_of(part, k, in, out);
        y = seal_unit(table, key, at, own->rounds, nonce, &u, y, powers);
        end = u.end;
    }
    store_tile_hash(hash, y, own, (end - 1 - lane_id()) & (LANES - 1));
}

/* Dynamic shared memory holds four tables, 128 KiB. */
KERNEL(CRYPT_THREADS, 1)
aead_seal(const aead_item *items, u32 n, const u64 *hash_begin, u64 total, u32 tile,
          const aead_key *keys, const ghash_rows *powers, const u8 *nonces, const u8 *in, u8 *out,
          const u8 *aad, u8 *work)
{
    DYNAMIC_SHARED(u32, table);
    SHARED(uint4, round_keys, WARPS * ROUND_KEYS);
    const u32 warp = thread_id() / LANES, at = ROUND_KEYS * warp;
    aes_fill_tables<true>(table);
    for (u64 unit = (u64)block_id() * WARPS + warp; unit < total;
         unit += (u64)block_count() * WARPS) {
        const u32 i = find_item(hash_begin, n, unit);
        const u64 index = unit - hash_begin[i], of_aad = tiles_of(items[i].aad_len, tile);
        const aead_key *own = keys + items[i].key;
        const ghash_rows *rows = powers + items[i].key;
        u32 *hash = tile_hash(work, n, unit);
        if (index < of_aad) {
            const hash_tile t = tile_of(items + i, index, tile, in, 0, aad);
            store_tile_hash(hash, lane_sum(&t, rows), own, LANES - 1 - lane_id());
        } else {
            const aead_item part = part_of(items + i, index - of_aad, tile);
            u32 nonce[3];
            load_nonce(nonce, nonces, i);
            seal_tile(table, round_keys, at, &part, own, rows, nonce, in, out, hash);
        }
    }
    wipe_round_keys(round_keys, at);
}

#endif
