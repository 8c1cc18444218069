/* GHASH (SP 800-38D section 6.4) by carry-less multiplications (ghash_clmad.h).
 *
 *   keys_rows         A thread takes a key and makes 1, H^32, H^64 ... H^256.
 *   aead_hash_clmad   A warp takes a tile of aad or ciphertext and hashes it as if nothing
 *                     followed.
 *
 * Machine code that has no such multiplication has no such kernels. Constant time: no branch or
 * address depends on keys or data.
 */
#if defined(PARSEAL_EMULATOR) || defined(PARSEAL_CLMAD)

#include "kernels/cuda/ghash_clmad.h"

enum { THREADS = 128, WARPS = THREADS / LANES };

KERNEL(THREADS, 1) keys_rows(const aead_key *keys, ghash_rows *rows, u32 n)
{
    for (u64 i = (u64)block_id() * THREADS + thread_id(); i < n;
         i += (u64)block_count() * THREADS) {
        const clmad_number h = row_power(&keys[i].square[5]);
        clmad_number power = {0, (u64)1 << 63}; /* 1: the coefficient of x^0 is the highest bit */
        NO_UNROLL
        for (u32 k = 0; k < GHASH_ROWS + 1; k++) {
            *(uint4 *)rows[i].at[k] = clmad_words(power);
            power = clmad_multiply(power, h);
        }
    }
}

KERNEL(THREADS, 4)
aead_hash_clmad(const aead_item *items, u32 n, const u64 *hash_begin, u64 total, u32 tile,
                const aead_key *keys, const ghash_rows *powers, const u8 *data, u32 use_out_offset,
                const u8 *aad, u8 *work)
{
    for (u64 unit = (u64)block_id() * WARPS + thread_id() / LANES; unit < total;
         unit += (u64)block_count() * WARPS) {
        const u32 i = find_item(hash_begin, n, unit);
        const hash_tile t =
            tile_of(items + i, unit - hash_begin[i], tile, data, use_out_offset, aad);
        const clmad_number sum = lane_sum(&t, powers + t.key);
        store_tile_hash(tile_hash(work, n, unit), sum, keys + t.key, LANES - 1 - lane_id());
    }
}

#endif
