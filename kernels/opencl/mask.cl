/* acc[i] = (acc[i] + sum_j sign_j PRG(seed_j)[first + i]) mod m, format `chacha20`.
 *
 * Each 64-byte block of keystream that [first, first + count) touches has a work-item. Its 16
 * elements of 4 bytes, or 8 of 8, are summed up in registers over all seeds, and acc is read and
 * written once.
 *
 * Constant time, but for whether another attempt is needed. That tells only which candidates were
 * at or above m; these are thrown away, and are independent of the ones used.
 */
#include "kernels/common/chacha20.h"
#include "kernels/common/ring.h"

/* The vector has elements [from, to) of a block, whose element 0 would be at `at`. */
typedef struct {
    u32 counter;
    int from, to;
    ulong at;
} block_place;

static block_place place_block(ulong block, uint elements, uint element_size, ulong acc_at,
                               ulong first, ulong count)
{
    const ulong begin = (first / elements + block) * elements;
    block_place p;
    p.counter = (u32)(begin / elements);
    p.from = begin < first ? (int)(first - begin) : 0;
    p.to = first + count - begin < elements ? (int)(first + count - begin) : (int)elements;
    p.at = acc_at + (begin - first) * element_size;
    return p;
}

static ulong blocks_touched(ulong first, ulong count, uint elements)
{
    return count == 0 ? 0 : (first + count - 1) / elements - first / elements + 1;
}

static mask_seed load_seed(GLOBAL const mask_seed *seeds, uint j)
{
    return seeds[j];
}

/* ----------------------------------------------------------------------------------- 4 bytes -- */

/* x = a block's elements of one seed's mask, mod m < 2^32. */
static void elements32(u32 x[16], const mask_seed *seed, const block_place *p, ring_params ring)
{
    const u32 low_bits = (u32)ring.low_bits, modulus = (u32)ring.modulus;
    u32 other[16];
    chacha20_block(x, seed, 0, p->counter);
    for (u32 attempt = 1;; attempt++) {
        u32 rejected = 0;
        for (int i = 0; i < 16; i++) {
            x[i] &= low_bits;
            rejected |= x[i] >= modulus;
        }
        if (!rejected)
            return;
        chacha20_block(other, seed, attempt, p->counter);
        for (int i = 0; i < 16; i++) {
            const u32 mask = mask32(x[i] >= modulus);
            x[i] = (other[i] & mask) | (x[i] & ~mask);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void mask_apply32(
    GLOBAL const mask_seed *seeds, uint n_seeds, ring_params ring, GLOBAL uchar *acc, ulong acc_at,
    ulong first, ulong count, uint write)
{
    if (get_global_id(0) >= blocks_touched(first, count, 16))
        return;
    const block_place p = place_block(get_global_id(0), 16, 4, acc_at, first, count);
    const u32 modulus = (u32)ring.modulus;
    u32 sum[16], x[16];
    for (int i = 0; i < 16; i++)
        sum[i] = 0;
    for (uint j = 0; j < n_seeds; j++) {
        const mask_seed seed = load_seed(seeds, j);
        if (ring.power_of_two) {
            chacha20_block(x, &seed, 0, p.counter);
            const u32 negate = mask32(seed.sign < 0);
            for (int i = 0; i < 16; i++)
                sum[i] += (x[i] ^ negate) - negate;
        } else {
            elements32(x, &seed, &p, ring);
            for (int i = 0; i < 16; i++)
                sum[i] = ring_add32(modulus, sum[i], seed.sign < 0 ? modulus - x[i] : x[i]);
        }
    }
    UNROLL
    for (int i = 0; i < 16; i++) {
        if (i < p.from || i >= p.to)
            continue;
        GLOBAL u32 *to = (GLOBAL u32 *)(acc + p.at + 4 * i);
        *to = (u32)ring_reduce(ring, (u64)sum[i] + (write ? 0 : *to));
    }
}

/* ----------------------------------------------------------------------------------- 8 bytes -- */

static void candidates64(u64 e[8], const mask_seed *seed, u32 attempt, const block_place *p,
                         u64 low_bits)
{
    u32 x[16];
    chacha20_block(x, seed, attempt, p->counter);
    for (int i = 0; i < 8; i++)
        e[i] = ((u64)x[2 * i + 1] << 32 | x[2 * i]) & low_bits;
}

static void elements64(u64 e[8], const mask_seed *seed, const block_place *p, ring_params ring)
{
    u64 other[8];
    candidates64(e, seed, 0, p, ring.low_bits);
    for (u32 attempt = 1;; attempt++) {
        u32 rejected = 0;
        for (int i = 0; i < 8; i++)
            rejected |= e[i] >= ring.modulus;
        if (!rejected)
            return;
        candidates64(other, seed, attempt, p, ring.low_bits);
        for (int i = 0; i < 8; i++) {
            const u64 mask = mask64(e[i] >= ring.modulus);
            e[i] = (other[i] & mask) | (e[i] & ~mask);
        }
    }
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void mask_apply64(
    GLOBAL const mask_seed *seeds, uint n_seeds, ring_params ring, GLOBAL uchar *acc, ulong acc_at,
    ulong first, ulong count, uint write)
{
    if (get_global_id(0) >= blocks_touched(first, count, 8))
        return;
    const block_place p = place_block(get_global_id(0), 8, 8, acc_at, first, count);
    u64 sum[8], e[8];
    for (int i = 0; i < 8; i++)
        sum[i] = 0;
    for (uint j = 0; j < n_seeds; j++) {
        const mask_seed seed = load_seed(seeds, j);
        if (ring.power_of_two) {
            candidates64(e, &seed, 0, &p, ~(u64)0);
            const u64 negate = mask64(seed.sign < 0);
            for (int i = 0; i < 8; i++)
                sum[i] += (e[i] ^ negate) - negate;
        } else {
            elements64(e, &seed, &p, ring);
            for (int i = 0; i < 8; i++)
                sum[i] = ring_add(ring, sum[i], seed.sign < 0 ? ring.modulus - e[i] : e[i]);
        }
    }
    UNROLL
    for (int i = 0; i < 8; i++) {
        if (i < p.from || i >= p.to)
            continue;
        GLOBAL u64 *to = (GLOBAL u64 *)(acc + p.at + 8 * i);
        const u64 before = write ? 0 : ring_reduce(ring, *to);
        *to =
            ring.power_of_two ? (sum[i] + before) & ring.low_bits : ring_add(ring, before, sum[i]);
    }
}
