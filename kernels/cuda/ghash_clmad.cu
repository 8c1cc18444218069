/* GHASH (SP 800-38D section 6.4) by carry-less multiplications (ghash_clmad.h).
 *
 *   keys_rows         A thread takes a key and makes H^32, H^64 ... H^256.
 *   aead_hash_clmad   A warp takes a tile of aad or ciphertext and hashes it as if nothing followed.
 *
 * Lane l has blocks l, l + 32, ... of a tile, as if zeros before the tile made their number a
 * multiple of 32. Eight of them, a ... h, take its sum y to y H^256 + a H^224 + ... + g H^32 + h,
 * with one reduction for the eight products; the first rows, when there are not eight of them, and
 * tiles that are not aligned go row by row. In the end the lanes' sums are weighed and added.
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
        const clmad_number h = clmad_of_words(load_words(keys[i].square[5]));
        clmad_number power = h;
        NO_UNROLL
        for (u32 k = 0; k < GHASH_ROWS; k++) {
            *(uint4 *)rows[i].row[k] = clmad_words(power);
            power = clmad_multiply(power, h);
        }
    }
}

/* Returns block b of a tile, and zeros before its first. */
FN clmad_number row_block(const hash_tile *t, i32 b)
{
    const uint4 zero = {0, 0, 0, 0};
    const u32 offset = BLOCK * (u32)b;
    return clmad_of_block(b < 0 ? zero : load_block(t->from + offset, t->size - offset));
}

/* Returns the lane's sum after eight rows, of which block b is the lane's in the first. The tile is
 * aligned, so that only its last block can be short, and only its first row can have none. */
FN clmad_number after_rows(clmad_number y, const clmad_number power[GHASH_ROWS], const hash_tile *t,
                           i32 b)
{
    const uint4 zero = {0, 0, 0, 0};
    const u8 *second = t->from + BLOCK * (u32)(b + LANES); /* the lane's block in the second row */
    const u32 last = BLOCK * (u32)(b + LANES * (GHASH_ROWS - 1));
    uint4 block[GHASH_ROWS];
    clmad_sum sum;
    block[0] = b < 0 ? zero : load_streaming(second - BLOCK * LANES);
    UNROLL
    for (u32 k = 1; k < GHASH_ROWS - 1; k++)
        block[k] = load_streaming(second + BLOCK * LANES * (k - 1));
    block[GHASH_ROWS - 1] = load_block(t->from + last, t->size - last);
    clmad_zero(&sum);
    clmad_add(&sum, y, power[GHASH_ROWS - 1]);
    UNROLL
    for (u32 k = 0; k < GHASH_ROWS - 1; k++)
        clmad_add(&sum, clmad_of_block(block[k]), power[GHASH_ROWS - 2 - k]);
    return clmad_xor(clmad_reduce(&sum), clmad_of_block(block[GHASH_ROWS - 1]));
}

FN clmad_number lane_sum(const hash_tile *t, const ghash_rows *powers)
{
    const i32 blocks = (i32)blocks_of(t->size), rows = (blocks + LANES - 1) / LANES;
    const i32 first = blocks - LANES * rows + (i32)lane_id(); /* the lane's block in row 0 */
    const i32 alone = is_aligned(t->from) ? rows % GHASH_ROWS : rows;
    clmad_number power[GHASH_ROWS], y = {0, 0};
    UNROLL
    for (u32 k = 0; k < GHASH_ROWS; k++)
        power[k] = clmad_of_words(load_words(powers->row[k]));
    NO_UNROLL
    for (i32 row = 0; row < alone; row++)
        y = clmad_xor(clmad_multiply(y, power[0]), row_block(t, first + LANES * row));
    NO_UNROLL
    for (i32 row = alone; row < rows; row += GHASH_ROWS)
        y = after_rows(y, power, t, first + LANES * row);
    return y;
}

KERNEL(THREADS, 4)
aead_hash_clmad(const aead_item *items, u32 n, const u64 *hash_begin, u64 total, u32 tile,
                const aead_key *keys, const ghash_rows *powers, const u8 *data, u32 use_out_offset,
                const u8 *aad, u8 *work)
{
    const u32 lane = lane_id();
    for (u64 unit = (u64)block_id() * WARPS + thread_id() / LANES; unit < total;
         unit += (u64)block_count() * WARPS) {
        const u32 i = find_item(hash_begin, n, unit);
        const hash_tile t =
            tile_of(items + i, unit - hash_begin[i], tile, data, use_out_offset, aad);
        const clmad_number sum = lane_sum(&t, powers + t.key);
        const uint4 weight = load_words(keys[t.key].power[LANES - 1 - lane]);
        u32 y[4];
        words_of(y, clmad_words(clmad_multiply(sum, clmad_of_words(weight))));
        ghash_add_lanes(y, 1);
        if (lane == 0)
            *(uint4 *)tile_hash(work, n, unit) = vector_of(y);
    }
}

#endif
