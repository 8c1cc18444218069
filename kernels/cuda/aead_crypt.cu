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
#include "kernels/cuda/aead_memory.h"
#include "kernels/cuda/aes_tables.h"

enum { CRYPT_THREADS = 512, WARPS = CRYPT_THREADS / LANES, GROUP = 256, STRIDES = GROUP / LANES };

/* A unit is what a message, or a part of one, has of a group: blocks skip to end - 1. */
typedef struct {
    const u8 *from; /* block number `skip` */
    u8 *to;
    u64 left; /* bytes from there on */
    u32 skip, end;
    u32 counter; /* the counter of block number 0 */
} crypt_unit;

FN crypt_unit unit_of(const aead_item *item, u64 index, const u8 *in, u8 *out)
{
    const u64 start = 2 + item->first_block; /* the counter of the item's first block */
    const u64 base = (start / GROUP + index) * GROUP;
    const u64 block = base < start ? 0 : base - start, left = item->len - BLOCK * block;
    crypt_unit u;
    u.skip = base < start ? (u32)(start - base) : 0;
    u.end = left > BLOCK * (u64)(GROUP - u.skip) ? (u32)GROUP : u.skip + (u32)blocks_of(left);
    u.from = in + item->in_offset + BLOCK * block;
    u.to = out + item->out_offset + BLOCK * block;
    u.left = left;
    u.counter = (u32)base;
    return u;
}

FN u32 is_there(const crypt_unit *u, u32 p)
{
    return p >= u->skip && p < u->end;
}

/* Returns how many bytes block p has. */
FN u32 size_of(const crypt_unit *u, u32 p)
{
    const u64 left = u->left - BLOCK * (u64)(p - u->skip);
    return left < BLOCK ? (u32)left : BLOCK;
}

FN void write_zeros(const crypt_unit *u, u32 lane)
{
    const uint4 zero = {0, 0, 0, 0};
    NO_UNROLL
    for (u32 p = lane; p < u->end; p += LANES) {
        u8 *to = u->to + BLOCK * (u64)(p - u->skip);
        if (p < u->skip)
            continue;
        if (size_of(u, p) == BLOCK && is_aligned(to))
            store_streaming(to, zero);
        else
            store_bytes(to, zero, size_of(u, p));
    }
}

/* out = in ^ s for those of the blocks p, p + 32, ... that there are. All are read before the first
 * is written. */
template <u32 count> FN void crypt_blocks(const crypt_unit *u, u32 s[count][4], u32 p)
{
    const u32 aligned = is_aligned(u->from) && is_aligned(u->to);
    uint4 data[count];
    UNROLL
    for (u32 i = 0; i < count; i++) {
        const u32 at = p + LANES * i;
        const uint4 zero = {0, 0, 0, 0};
        data[i] = zero;
        if (aligned && is_there(u, at) && size_of(u, at) == BLOCK)
            data[i] = load_streaming(u->from + BLOCK * (u64)(at - u->skip));
    }
    UNROLL
    for (u32 i = 0; i < count; i++) {
        const u32 at = p + LANES * i;
        if (!is_there(u, at))
            continue;
        const u32 size = size_of(u, at);
        const u64 offset = BLOCK * (u64)(at - u->skip);
        if (!aligned || size < BLOCK)
            data[i] = load_bytes(u->from + offset, size);
        data[i].x ^= s[i][0];
        data[i].y ^= s[i][1];
        data[i].z ^= s[i][2];
        data[i].w ^= s[i][3];
        if (aligned && size == BLOCK)
            store_streaming(u->to + offset, data[i]);
        else
            store_bytes(u->to + offset, data[i], size);
    }
}

/* Encrypts `count` blocks of every lane, of which the group's block p is the first. */
template <bool wide, u32 count, class Tables, class Keys>
FN void crypt_strides(Tables &table, Keys &key, u32 at, u32 rounds, const aes_group *g,
                      const crypt_unit *u, u32 p)
{
    const u32 own = aes_own_copies(table);
    u32 s[count][4];
    UNROLL
    for (u32 i = 0; i < count; i++)
        aes_after_round2<wide>(table, s[i], g, p + LANES * i, own);
    aes_from_round3<wide, count>(table, s, key, at, rounds, own);
    crypt_blocks<count>(u, s, p);
}

template <bool wide, class Tables, class Keys>
FN void crypt_group(Tables &table, Keys &key, u32 at, u32 rounds, const u32 nonce[3],
                    const crypt_unit *u)
{
    const u32 own = aes_own_copies(table);
    const u32 block[4] = {nonce[0], nonce[1], nonce[2], ghash_swap_bytes(u->counter)};
    const aes_group g = aes_begin_group<wide>(table, block, key, at, own);
    const u32 first = u->skip / LANES, last = (u->end + LANES - 1) / LANES;
    /* Eight blocks at once cost less than seven one by one. */
    if (last - first >= STRIDES - 1) {
        crypt_strides<wide, STRIDES>(table, key, at, rounds, &g, u, lane_id());
        return;
    }
    NO_UNROLL
    for (u32 i = first; i < last; i++)
        crypt_strides<wide, 1>(table, key, at, rounds, &g, u, LANES * i + lane_id());
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
