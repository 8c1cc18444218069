/* Counter mode of AES-GCM (SP 800-38D section 6.5), by tables: C_i = P_i ^ E(nonce || BE32(2 + i)).
 *
 * A warp takes a group of one message's 256 counters that share all but their last byte. Lane
 * p mod 32 has the group's block p, so that a warp reads and writes 512 bytes at a time. Rounds 1
 * and 2 are worked out once for the group, as far as its counters agree (aes_tables.h). Where a
 * lane has eight blocks, it works on all of them at once, so that a round key is read once for
 * eight. Round keys are in shared memory; each warp has its own, overwritten in the end.
 *
 * Constant time: secrets index the tables of aes_tables.h only, whose every lookup takes the same
 * time. Branches depend on lengths, offsets and verdicts.
 */
#include "kernels/cuda/aead_groups.h"

FN void write_zeros(const crypt_unit *u, u32 lane)
{
    const uint4 zero = {0, 0, 0, 0};
    NO_UNROLL
    for (u32 p = lane; p < u->end; p += LANES) {
        if (p >= u->skip)
            store_block(u->to + BLOCK * (u64)(p - u->skip), zero, size_of(u, p));
    }
}

template <bool wide, class Tables, class Keys>
FN void crypt_group(Tables &table, Keys &key, u32 at, u32 rounds, const u32 nonce[3],
                    const crypt_unit *u)
{
    const aes_group g = begin_group<wide>(table, key, at, nonce, u);
    no_taker taker = {0};
    const u32 first = u->skip / LANES, last = (u->end + LANES - 1) / LANES;
    /* Eight blocks at once cost less than seven one by one. */
    if (last - first >= STRIDES - 1) {
        crypt_strides<wide, STRIDES>(table, key, at, rounds, &g, u, lane_id(), &taker);
        return;
    }
    NO_UNROLL
    for (u32 i = first; i < last; i++)
        crypt_strides<wide, 1>(table, key, at, rounds, &g, u, LANES * i + lane_id(), &taker);
}

template <bool wide, class Tables, class Keys>
FN void crypt_all(Tables &table, Keys &key, const aead_item *items, u32 n, const u64 *crypt_begin,
                  u64 total, const aead_key *keys, const u8 *nonces, const u8 *in, u8 *out,
                  const i32 *verdicts, u32 open)
{
    const u32 warp = thread_id() / LANES, at = ROUND_KEYS * warp, lane = lane_id();
    aes_fill_tables<wide>(table);
    for (u64 unit = (u64)block_id() * WARPS + warp; unit < total;
         unit += (u64)block_count() * WARPS) {
        const u32 i = find_item(crypt_begin, n, unit);
        const crypt_unit u = unit_of(items + i, unit - crypt_begin[i], in, out);
        const aead_key *own = keys + items[i].key;
        u32 nonce[3];
        if (open && verdicts[i] != ITEM_OK) {
            write_zeros(&u, lane);
            continue;
        }
        load_round_keys(key, at, own->round_key);
        load_nonce(nonce, nonces, i);
        crypt_group<wide>(table, key, at, own->rounds, nonce, &u);
    }
    wipe_round_keys(key, at);
}

/* Dynamic shared memory holds one table, 32 KiB. */
KERNEL(CRYPT_THREADS, 1)
aead_crypt(const aead_item *items, u32 n, const u64 *crypt_begin, u64 total, const aead_key *keys,
           const u8 *nonces, const u8 *in, u8 *out, const i32 *verdicts, u32 open)
{
    DYNAMIC_SHARED(u32, table);
    SHARED(uint4, round_keys, WARPS * ROUND_KEYS);
    crypt_all<false>(table, round_keys, items, n, crypt_begin, total, keys, nonces, in, out,
                     verdicts, open);
}

/* Dynamic shared memory holds four tables, 128 KiB. */
KERNEL(CRYPT_THREADS, 1)
aead_crypt_wide(const aead_item *items, u32 n, const u64 *crypt_begin, u64 total,
                const aead_key *keys, const u8 *nonces, const u8 *in, u8 *out, const i32 *verdicts,
                u32 open)
{
    DYNAMIC_SHARED(u32, table);
    SHARED(uint4, round_keys, WARPS * ROUND_KEYS);
    crypt_all<true>(table, round_keys, items, n, crypt_begin, total, keys, nonces, in, out,
                    verdicts, open);
}
