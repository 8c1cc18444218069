/* GHASH (SP 800-38D section 6.4) on binary tensor cores. Multiplication by a fixed power of H is
 * linear over GF(2), and mma.m16n8k256 with "and" and "popc" counts products of bits: a count's low
 * bit is their sum in GF(2).
 *
 *   keys_matrices   A thread makes 32 columns and 32 rows of one of a key's matrices
 *                   (ghash_matrix.h).
 *   aead_hash_mma   A block takes a run of tiles under one key, whose matrices it keeps in shared
 *                   memory. A warp takes STREAMS tiles at a time, so that what it reads of a matrix
 *                   serves them all.
 *
 * Lane l has blocks l, l + 32, ... of a tile, as if zeros before the tile made their number a
 * multiple of 32. Rows of 32 blocks are taken in groups of GHASH_SETS, each row under its own
 * matrix: the counts of a group are added up before their low bits are packed. A column's sum so
 * far is multiplied by one more matrix, and the next group's counts begin with the product. In the
 * end the eight columns are weighed with powers of H, and added.
 *
 * Constant time: no branch or address depends on keys or data. The matrices in shared memory are
 * overwritten in the end.
 */
#include "kernels/common/transpose.h"
#include "kernels/cuda/ghash_matrix.h"
#include "kernels/cuda/ghash_powers.h"

enum { MATRIX_THREADS = 128, MMA_THREADS = 256, WARPS = MMA_THREADS / LANES, STREAMS = 4 };
enum { AHEAD = 2 };

/* ---------------------------------------------------------------------------------- matrices -- */

/* Multiplies a number, as words of ghash.h, by the polynomial x. */
FN void ghash_double(u32 x[4])
{
    const u32 carry = mask32(x[0] & 1) & 0xe1000000;
    x[0] = x[0] >> 1 | x[1] << 31;
    x[1] = x[1] >> 1 | x[2] << 31;
    x[2] = x[2] >> 1 | x[3] << 31;
    x[3] = (x[3] >> 1) ^ carry;
}

FN u32 word_of_number(const u32 x[4], u32 word)
{
    return ghash_swap_bytes(word == 0 ? x[3] : word == 1 ? x[2] : word == 2 ? x[1] : x[0]);
}

/* Multiplies `power` by each of the 32 single bits of word `from`, and gives word `to` of the
 * products as rows: bit k of rows[b] is bit b of the product with bit k. */
FN void matrix_rows(u32 rows[32], const u32 power[4], u32 from, u32 to)
{
    u32 x[4];
    words_of(x, vector_of(power));
    NO_UNROLL
    for (u32 i = 0; i < 32 * from; i++)
        ghash_double(x);
    UNROLL
    for (u32 i = 0; i < 32; i++) { /* The first power of x is the first byte's highest bit. */
        rows[i / 8 * 8 + 7 - i % 8] = word_of_number(x, to);
        ghash_double(x);
    }
    transpose32(rows);
}

/* power = H^(4 - t) for the last row of a group; each row that follows raises it by 32 more. */
FN void set_power(u32 power[4], const aead_key *key, u32 set, u32 t)
{
    words_of(power, load_words(key->power[3 - t]));
    ghash_raise(power, key, (u64)LANES * (GHASH_SETS - 1 - set));
}

KERNEL(MATRIX_THREADS, 1) keys_matrices(const aead_key *keys, u32 *matrices, u32 n)
{
    const u64 all = (u64)n * MATRIX_TASKS, step = (u64)block_count() * MATRIX_THREADS;
    for (u64 i = (u64)block_id() * MATRIX_THREADS + thread_id(); i < all; i += step) {
        const u64 k = i / MATRIX_TASKS;
        const u32 task = (u32)(i % MATRIX_TASKS), set = task / SET_TASKS;
        const u32 t = task / 16 % 4, from = task / 4 % 4, to = task % 4;
        const u32 horner = set == GHASH_SETS;
        const aead_key *key = keys + k;
        u32 *matrix = matrices + k * (GHASH_MATRIX_BYTES / 4);
        u32 power[4], rows[32];
        if (horner)
            words_of(power, load_words(key->square[GROUP_BLOCKS_LOG2]));
        else
            set_power(power, key, set, t);
        matrix_rows(rows, power, from, to);
        UNROLL
        for (u32 b = 0; b < 32; b++) {
            const u32 bit = 32 * to + b;
            matrix[horner ? horner_index(from, bit) : matrix_index(set, from, t, bit)] = rows[b];
        }
    }
}

/* -------------------------------------------------------------------------------------- hash -- */

typedef struct {
    hash_tile tile;
    i32 last; /* the lane's block in the last row */
} mma_stream;

/* Returns the lane's block `row` rows before the last, and zeros where there is none. */
FN uint4 stream_load(const mma_stream *s, i32 row)
{
    return tile_block(&s->tile, row < 0 ? -1 : s->last - LANES * row);
}

/* Packs the low bits of a lane's counts: 16 of column 2 t, then 16 of column 2 t + 1. No count is
 * above 2^13, so two of them fit a word. Multiplications take the place of shifts, as they have a
 * pipe of their own. */
FN u32 pack_counts(const u32 c[MATRIX_TILES][4])
{
    u32 packed = 0;
    UNROLL
    for (u32 i = 2 * MATRIX_TILES; i-- > 0;) { /* tile i / 2, row g or g + 8 */
        const u32 *count = c[i / 2] + 2 * (i % 2);
        packed = packed * 2 + ((count[1] * 0x10000 + count[0]) & 0x10001);
    }
    return packed;
}

/* Returns, in lane (g, t), word t of column g's product, put together from its halves. */
FN u32 gather_word(u32 packed)
{
    const u32 lane = lane_id(), g = lane / 4, t = lane % 4;
    const u32 low = warp_shuffle(packed, 8 * t + g / 2);
    const u32 high = warp_shuffle(packed, 8 * t + 4 + g / 2);
    return byte_permute(low, high, g % 2 == 0 ? 0x5410 : 0x7632);
}

/* Begins a group's counts with each column's product so far, times H^(32 GHASH_SETS). */
template <class Matrix>
FN void horner(u32 c[STREAMS][MATRIX_TILES][4], Matrix &matrix, const u32 *word)
{
    UNROLL
    for (u32 m = 0; m < MATRIX_TILES; m++) {
        const uint4 pair = matrix[HORNER_FRAGMENT + m / 2 * 32 + lane_id()];
        const u32 a[4] = {m % 2 == 0 ? pair.x : pair.z, m % 2 == 0 ? pair.y : pair.w, 0, 0};
        UNROLL
        for (u32 s = 0; s < STREAMS; s++) {
            const u32 b[2] = {word[s], 0};
            c[s][m][0] = c[s][m][1] = c[s][m][2] = c[s][m][3] = 0;
            mma_b1_and_popc(c[s][m], a, b);
        }
    }
}

/* Adds a row's counts to c. */
template <class Matrix>
FN void multiply_row(u32 c[STREAMS][MATRIX_TILES][4], Matrix &matrix, u32 set, const uint4 *block)
{
    UNROLL
    for (u32 step = 0; step < 2; step++) {
        UNROLL
        for (u32 m = 0; m < MATRIX_TILES; m++) {
            u32 a[4];
            words_of(a, matrix[set * SET_FRAGMENTS + (step * MATRIX_TILES + m) * 32 + lane_id()]);
            UNROLL
            for (u32 s = 0; s < STREAMS; s++) {
                const u32 b[2] = {step == 0 ? block[s].x : block[s].z,
                                  step == 0 ? block[s].y : block[s].w};
                mma_b1_and_popc(c[s][m], a, b);
            }
        }
    }
}

/* In lane (g, t), word[s] is word t of column g's sum of tile s. Blocks are loaded AHEAD rows
 * before they are wanted; those of tiles that are not aligned are waited for at once. */
template <class Matrix>
FN void hash_streams(u32 word[STREAMS], Matrix &matrix, const mma_stream s[STREAMS], i32 rows)
{
    uint4 next[AHEAD][STREAMS];
    UNROLL
    for (u32 i = 0; i < STREAMS; i++) {
        word[i] = 0;
        UNROLL
        for (u32 k = 0; k < AHEAD; k++)
            next[k][i] = stream_load(s + i, rows - 1 - (i32)k);
    }
    NO_UNROLL
    for (i32 row = rows - 1; row >= 0;) {
        u32 c[STREAMS][MATRIX_TILES][4];
        horner(c, matrix, word);
        NO_UNROLL
        for (u32 set = GHASH_SETS - 1 - (u32)row % GHASH_SETS; set < GHASH_SETS; set++, row--) {
            uint4 block[STREAMS];
            UNROLL
            for (u32 i = 0; i < STREAMS; i++) {
                block[i] = next[0][i];
                UNROLL
                for (u32 k = 0; k + 1 < AHEAD; k++)
                    next[k][i] = next[k + 1][i];
                next[AHEAD - 1][i] = stream_load(s + i, row - AHEAD);
            }
            multiply_row(c, matrix, set, block);
        }
        UNROLL
        for (u32 i = 0; i < STREAMS; i++)
            word[i] = gather_word(pack_counts(c[i]));
    }
}

/* Column g's sum is still to be multiplied by H^(4 (7 - g)). Lane (g, t) does so for tile t, and
 * has that tile's hash in the end. */
FN void add_columns(u32 y[4], const u32 word[STREAMS], const aead_key *key)
{
    const u32 g = lane_id() / 4, t = lane_id() % 4;
    u32 weight[4], x[4] = {0, 0, 0, 0};
    UNROLL
    for (u32 w = 0; w < 4; w++) {
        UNROLL
        for (u32 s = 0; s < STREAMS; s++) {
            const u32 other = warp_shuffle(word[s], 4 * g + w);
            x[w] = s == t ? other : x[w];
        }
    }
    ghash_turn(y, x);
    words_of(x, vector_of(y));
    words_of(weight, load_words(key->power[g < 7 ? 4 * (7 - g) - 1 : 0]));
    ghash_multiply(y, weight);
    UNROLL
    for (u32 k = 0; k < 4; k++)
        y[k] = g < 7 ? y[k] : x[k];
    ghash_add_lanes(y, 4);
}

FN mma_stream stream_of(const hash_tile *tile)
{
    const i32 blocks = (i32)blocks_of(tile->size);
    const mma_stream s = {*tile, blocks - LANES + (i32)lane_id()};
    return s;
}

/* Returns the end of the run of units that have item i's key, which is `end` at most. */
FN u64 end_of_run(const aead_item *items, u32 n, const u64 *hash_begin, u32 i, u64 end)
{
    const u32 key = items[i].key;
    NO_UNROLL
    for (u64 first = (u64)i + 1; first < n; first += LANES) {
        const u64 k = first + lane_id();
        const u32 other = warp_ballot(k < n && (hash_begin[k] >= end || items[k].key != key));
        if (other != 0) {
            const u64 at = hash_begin[first + count_ones((other & (0 - other)) - 1)];
            return at < end ? at : end;
        }
    }
    return end;
}

template <class Matrix> FN void load_matrices(Matrix &matrix, const u32 *from)
{
    block_sync(); /* Until here warps may still read the matrices before these. */
    for (u32 i = thread_id(); i < MATRIX_FRAGMENTS; i += MMA_THREADS)
        matrix[i] = load_words(from + 4 * i);
    block_sync();
}

/* Dynamic shared memory holds a key's matrices, GHASH_MATRIX_BYTES. */
KERNEL(MMA_THREADS, 1)
aead_hash_mma(const aead_item *items, u32 n, const u64 *hash_begin, u64 total, u32 tile,
              const aead_key *keys, const u32 *matrices, const u8 *data, u32 use_out_offset,
              const u8 *aad, u8 *work)
{
    DYNAMIC_SHARED(uint4, matrix);
    const u64 begin = total * block_id() / block_count();
    const u64 end = total * (block_id() + 1) / block_count();
    const uint4 zero = {0, 0, 0, 0};
    const u32 lane = lane_id();
    for (u64 run = begin; run < end;) {
        const u32 first = find_item(hash_begin, n, run), key = items[first].key;
        const u64 stop = end_of_run(items, n, hash_begin, first, end);
        load_matrices(matrix, matrices + (u64)key * (GHASH_MATRIX_BYTES / 4));
        for (u64 unit = run + STREAMS * (thread_id() / LANES); unit < stop;
             unit += STREAMS * WARPS) {
            mma_stream s[STREAMS];
            u32 word[STREAMS], y[4], size = 0, i = 0;
            UNROLL
            for (u32 k = 0; k < STREAMS; k++) { /* If too few are left, the last comes again. */
                const u64 own = unit + k < stop ? unit + k : stop - 1;
                if (k == 0 || (i + 1 < n && own >= hash_begin[i + 1]))
                    i = find_item(hash_begin, n, own);
                const hash_tile t =
                    tile_of(items + i, own - hash_begin[i], tile, data, use_out_offset, aad);
                s[k] = stream_of(&t);
                size = t.size > size ? t.size : size;
            }
            hash_streams(word, matrix, s, (i32)(blocks_of(size) + LANES - 1) / LANES);
            add_columns(y, word, keys + key);
            if (lane < STREAMS && unit + lane < stop)
                *(uint4 *)tile_hash(work, n, unit + lane) = vector_of(y);
        }
        run = stop;
    }
    block_sync();
    for (u32 i = thread_id(); i < MATRIX_FRAGMENTS; i += MMA_THREADS)
        matrix[i] = zero;
}
