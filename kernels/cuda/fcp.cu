/* acc[i] = (acc[i] + sum_j sign_j mask_j[first + i]) mod 2^k, format `fcp-aes256ctr`.
 *
 * A lane has a group of 16 elements, whose candidates are as many whole blocks of keystream as a
 * candidate has bytes. Their sums stay in registers over all keys, and acc is read and written
 * once. A lane's blocks go through the tables of aes_tables.h side by side. Each warp has its own
 * round keys in shared memory, which are overwritten in the end.
 *
 * Constant time: secrets index the tables only, whose every lookup takes the same time.
 */
#include "kernels/common/fcp.h"
#include "kernels/cuda/aead_memory.h"
#include "kernels/cuda/aes_planes.h"
#include "kernels/cuda/aes_tables.h"

enum { EXPAND_THREADS = 128, THREADS = 512, WARPS = THREADS / LANES, ROUNDS = ROUND_KEYS - 1 };

KERNEL(EXPAND_THREADS, 1) fcp_expand(fcp_key *keys, u32 n)
{
    for (u64 i = (u64)block_id() * EXPAND_THREADS + thread_id(); i < n;
         i += (u64)block_count() * EXPAND_THREADS)
        planes_expand<8>(keys[i].round_key, (const u8 *)keys[i].round_key);
}

/* s = the keystream of the counters from `counter` on, one block after the other. */
template <u32 blocks, class Tables, class Keys>
FN void keystream(Tables &table, Keys &key, u32 at, u32 s[4 * blocks], u32 counter, u32 own)
{
    const uint4 k0 = key[at];
    UNROLL
    for (u32 b = 0; b < blocks; b++) {
        s[4 * b] = k0.x;
        s[4 * b + 1] = k0.y;
        s[4 * b + 2] = k0.z;
        s[4 * b + 3] = k0.w ^ fcp_swap_bytes(counter + b);
    }
    NO_UNROLL
    for (u32 r = 1; r < ROUNDS; r++) {
        const uint4 k = key[at + r];
        UNROLL
        for (u32 b = 0; b < blocks; b++)
            aes_round<false>(table, s + 4 * b, k, own);
    }
    const uint4 k = key[at + ROUNDS];
    UNROLL
    for (u32 b = 0; b < blocks; b++)
        aes_last_round(table, s + 4 * b, k, own);
}

/* Sums up a group's elements over all keys, mod 2^32 or 2^64. The mask's first group is 0. */
template <u32 bytes, class Element, class Tables, class Keys>
FN void sum_keys(Tables &table, Keys &key, u32 at, Element sum[FCP_GROUP], const fcp_key *keys,
                 u32 n, u64 group)
{
    const u32 own = aes_own_copies(table), counter = (u32)(group * bytes);
    NO_UNROLL
    for (u32 j = 0; j < n; j++) {
        const Element sign = (Element)(int64_t)keys[j].sign;
        u32 s[4 * bytes];
        load_round_keys(key, at, keys[j].round_key);
        keystream<bytes>(table, key, at, s, counter, own);
        UNROLL
        for (u32 i = 0; i < FCP_GROUP; i++)
            sum[i] += sign * (Element)fcp_candidate(s, 4 * bytes, i * bytes, bytes);
    }
}

FN uint4 add_piece(const u32 *sum, uint4 before, u64 low_bits)
{
    const u32 keep = (u32)low_bits;
    uint4 v;
    v.x = (sum[0] + before.x) & keep;
    v.y = (sum[1] + before.y) & keep;
    v.z = (sum[2] + before.z) & keep;
    v.w = (sum[3] + before.w) & keep;
    return v;
}

FN uint4 add_piece(const u64 *sum, uint4 before, u64 low_bits)
{
    const u64 low = (sum[0] + ((u64)before.y << 32 | before.x)) & low_bits;
    const u64 high = (sum[1] + ((u64)before.w << 32 | before.z)) & low_bits;
    uint4 v;
    v.x = (u32)low;
    v.y = (u32)(low >> 32);
    v.z = (u32)high;
    v.w = (u32)(high >> 32);
    return v;
}

/* Adds the sums to elements begin ... of acc. For elements before the first, begin has wrapped and
 * is above count. */
template <class Element>
FN void store_group(Element *acc, u64 begin, u64 count, const Element sum[FCP_GROUP], u64 low_bits,
                    u32 write)
{
    const u32 per_piece = 16 / sizeof(Element);
    Element *to = acc + begin;
    if (begin < count && count - begin >= FCP_GROUP && is_aligned(to)) {
        UNROLL
        for (u32 i = 0; i < FCP_GROUP; i += per_piece) {
            const uint4 zero = {0, 0, 0, 0};
            const uint4 before = write ? zero : load_streaming(to + i);
            store_streaming(to + i, add_piece(sum + i, before, low_bits));
        }
        return;
    }
    UNROLL
    for (u32 i = 0; i < FCP_GROUP; i++)
        if (begin + i < count)
            acc[begin + i] = (Element)((sum[i] + (write ? 0 : acc[begin + i])) & low_bits);
}

/* A candidate has more_than + 1 to more_than + 4 bytes, as `bytes` says. */
template <u32 more_than, class Element, class Tables, class Keys>
FN void mask_all(Tables &table, Keys &key, const fcp_key *keys, u32 n_keys, u64 low_bits, u32 bytes,
                 Element *acc, u64 first, u64 count, u32 write)
{
    const u32 at = ROUND_KEYS * (thread_id() / LANES);
    const u64 first_group = first / FCP_GROUP, offset = first % FCP_GROUP;
    const u64 groups = (first + count - 1) / FCP_GROUP - first_group + 1;
    aes_fill_tables<false>(table);
    for (u64 begin = (u64)block_id() * THREADS + thread_id() / LANES * LANES; begin < groups;
         begin += (u64)block_count() * THREADS) {
        const u64 i = begin + lane_id(), group = first_group + i;
        Element sum[FCP_GROUP];
        UNROLL
        for (u32 k = 0; k < FCP_GROUP; k++)
            sum[k] = 0;
        if (bytes == more_than + 1)
            sum_keys<more_than + 1>(table, key, at, sum, keys, n_keys, group);
        else if (bytes == more_than + 2)
            sum_keys<more_than + 2>(table, key, at, sum, keys, n_keys, group);
        else if (bytes == more_than + 3)
            sum_keys<more_than + 3>(table, key, at, sum, keys, n_keys, group);
        else
            sum_keys<more_than + 4>(table, key, at, sum, keys, n_keys, group);
        if (i < groups)
            store_group(acc, FCP_GROUP * i - offset, count, sum, low_bits, write);
    }
    wipe_round_keys(key, at);
}

/* Dynamic shared memory holds one table, 32 KiB. */
KERNEL(THREADS, 1)
fcp_mask32(const fcp_key *keys, u32 n_keys, ring_params ring, u32 bytes, u8 *acc, u64 first,
           u64 count, u32 write)
{
    DYNAMIC_SHARED(u32, table);
    SHARED(uint4, round_keys, WARPS * ROUND_KEYS);
    mask_all<0>(table, round_keys, keys, n_keys, ring.low_bits, bytes, (u32 *)acc, first, count,
                write);
}

KERNEL(THREADS, 1)
fcp_mask64(const fcp_key *keys, u32 n_keys, ring_params ring, u32 bytes, u8 *acc, u64 first,
           u64 count, u32 write)
{
    DYNAMIC_SHARED(u32, table);
    SHARED(uint4, round_keys, WARPS * ROUND_KEYS);
    mask_all<4>(table, round_keys, keys, n_keys, ring.low_bits, bytes, (u64 *)acc, first, count,
                write);
}
