/* acc[i] = (acc[i] + sum_j sign_j mask_j[first + i]) mod 2^k, format `fcp-aes256ctr`, bitsliced:
 * constant time on any device.
 *
 * A work-item takes 32 blocks of keystream, which are the 32 bits of each word of AES's state, and
 * the groups of 16 elements that they hold. It sums up in acc, where nobody else reads its
 * elements: their number is known at run time only, so that registers cannot hold them.
 */
#include "kernels/common/aes.h"
#include "kernels/common/fcp.h"

#define KERNEL __kernel __attribute__((reqd_work_group_size(64, 1, 1)))

enum { BLOCKS = 32, WORDS = 4, ROUNDS = 14 };

KERNEL void fcp_expand(GLOBAL fcp_key *keys, uint n)
{
    const uint i = (uint)get_global_id(0);
    u32 words[8];
    if (i >= n)
        return;
    for (int k = 0; k < 8; k++)
        words[k] = keys[i].round_key[k / 4][k % 4];
    aes_expand_rounds(keys[i].round_key, words, 8);
}

/* w = the keystream of the counters from `first` on: block j is words w[4 j] to w[4 j + 3]. */
static void keystream(u32 w[WORDS * BLOCKS], GLOBAL const fcp_key *key, u32 first)
{
    u32 s[WORDS * BLOCKS];
    UNROLL
    for (int i = 0; i < 3 * BLOCKS; i++)
        s[i] = 0;
    UNROLL
    for (int j = 0; j < BLOCKS; j++)
        s[3 * BLOCKS + j] = fcp_swap_bytes(first + (u32)j);
    transpose32(s + 3 * BLOCKS);
    aes_encrypt_rounds(s, key->round_key, ROUNDS);
    UNROLL
    for (int i = 0; i < WORDS; i++) {
        transpose32(s + BLOCKS * i);
        UNROLL
        for (int j = 0; j < BLOCKS; j++)
            w[WORDS * j + i] = s[BLOCKS * i + j];
    }
}

/* A work-item has elements [from, to) of those that its blocks hold; number 0 would be at `at`. */
typedef struct {
    u32 counter;
    uint from, to;
    ulong at;
} unit_place;

/* Returns false where the work-item has no elements. */
static bool place_unit(unit_place *p, uint bytes, uint element_size, ulong acc_at, ulong first,
                       ulong count)
{
    const ulong elements = FCP_GROUP * (BLOCKS / bytes);
    const ulong begin = (first / elements + get_global_id(0)) * elements;
    if (count == 0 || begin >= first + count)
        return false;
    p->counter = (u32)(begin / FCP_GROUP * bytes);
    p->from = begin < first ? (uint)(first - begin) : 0;
    p->to = (uint)min(first + count - begin, elements);
    p->at = acc_at + (begin - first) * element_size;
    return true;
}

KERNEL void fcp_mask32(GLOBAL const fcp_key *keys, uint n_keys, ring_params ring, uint bytes,
                       GLOBAL uchar *acc, ulong acc_at, ulong first, ulong count, uint write)
{
    const u32 low_bits = (u32)ring.low_bits;
    u32 w[WORDS * BLOCKS];
    unit_place p;
    if (!place_unit(&p, bytes, 4, acc_at, first, count))
        return;
    for (uint i = p.from; i < p.to; i++) {
        GLOBAL u32 *to = (GLOBAL u32 *)(acc + p.at + 4 * i);
        *to = write ? 0 : *to & low_bits;
    }
    for (uint j = 0; j < n_keys; j++) {
        const u32 negate = mask32(keys[j].sign < 0);
        keystream(w, keys + j, p.counter);
        for (uint i = p.from; i < p.to; i++) {
            const u32 x = (u32)fcp_candidate(w, WORDS * BLOCKS, i * bytes, bytes);
            GLOBAL u32 *to = (GLOBAL u32 *)(acc + p.at + 4 * i);
            *to = (*to + ((x ^ negate) - negate)) & low_bits;
        }
    }
}

KERNEL void fcp_mask64(GLOBAL const fcp_key *keys, uint n_keys, ring_params ring, uint bytes,
                       GLOBAL uchar *acc, ulong acc_at, ulong first, ulong count, uint write)
{
    u32 w[WORDS * BLOCKS];
    unit_place p;
    if (!place_unit(&p, bytes, 8, acc_at, first, count))
        return;
    for (uint i = p.from; i < p.to; i++) {
        GLOBAL u64 *to = (GLOBAL u64 *)(acc + p.at + 8 * i);
        *to = write ? 0 : *to & ring.low_bits;
    }
    for (uint j = 0; j < n_keys; j++) {
        const u64 negate = mask64(keys[j].sign < 0);
        keystream(w, keys + j, p.counter);
        for (uint i = p.from; i < p.to; i++) {
            const u64 x = fcp_candidate(w, WORDS * BLOCKS, i * bytes, bytes);
            GLOBAL u64 *to = (GLOBAL u64 *)(acc + p.at + 8 * i);
            *to = (*to + ((x ^ negate) - negate)) & ring.low_bits;
        }
    }
}
