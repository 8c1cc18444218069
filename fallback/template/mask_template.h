/* Masks of format `chacha20`, acc += sum_j sign_j * PRG(seed_j) mod m, on vectors of 32-bit lanes,
 * for every instruction set. The including file defines `lanes` and its operations (lanes256.h,
 * lanes512.h, lanes_neon.h).
 *
 * A set is LANES blocks of keystream, whose vector i holds word i of every block; a unit is SETS
 * sets. The sum over all seeds of a call is kept in that order, in the first-level cache; only the
 * sum is put into the order of memory, once per unit, whatever the number of seeds. Elements of 8
 * bytes go through the first of the four steps of that transposition before they are summed up.
 *
 * Constant time but for one thing: whether another attempt is needed is a branch, as in the
 * portable code. It tells which candidates were at or above m; these are thrown away, and are
 * independent of the ones used.
 */
#include <sodium.h>
#include <string.h>

#include "fallback/impl.h"
#include "fallback/math/elements.h"
#include "fallback/template/reduce.h"

/* SETS sets of LANES blocks go through the rounds side by side. */
enum { UNIT_BLOCKS = SETS * LANES, UNIT_BYTES = 64 * UNIT_BLOCKS, VECTORS = 16 * SETS };

#define NOINLINE __attribute__((noinline))

/* ---------------------------------------------------------------------------------- ChaCha20 -- */

INLINE void quarter_rounds(lanes *x, int a, int b, int c, int d)
{
    /* Each step is done for all sets before the next one, so that the sets' chains of dependent
     * operations overlap. */
#define EACH_SET(statement)                \
    for (int set = 0; set < SETS; set++) { \
        lanes *s = x + 16 * set;           \
        statement;                         \
    }
    EACH_SET(s[a] = lanes_add32(s[a], s[b]))
    EACH_SET(s[d] = lanes_rotate32(lanes_xor(s[d], s[a]), 16))
    EACH_SET(s[c] = lanes_add32(s[c], s[d]))
    EACH_SET(s[b] = lanes_rotate32(lanes_xor(s[b], s[c]), 12))
    EACH_SET(s[a] = lanes_add32(s[a], s[b]))
    EACH_SET(s[d] = lanes_rotate32(lanes_xor(s[d], s[a]), 8))
    EACH_SET(s[c] = lanes_add32(s[c], s[d]))
    EACH_SET(s[b] = lanes_rotate32(lanes_xor(s[b], s[c]), 7))
#undef EACH_SET
}

/* x = the keystream (RFC 8439 section 2.3) of blocks counter .. counter + UNIT_BLOCKS - 1 under the
 * nonce LE32(attempt) || stream_id. */
INLINE void chacha20(lanes x[VECTORS], const mask_seed *seed, uint32_t attempt, uint32_t counter)
{
    uint32_t input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(input + 4, seed->key, 32);
    input[12] = counter;
    input[13] = attempt;
    memcpy(input + 14, seed->stream_id, 8);

    for (int set = 0; set < SETS; set++) {
        for (int i = 0; i < 16; i++)
            x[16 * set + i] = lanes_set32(input[i]);
        x[16 * set + 12] =
            lanes_add32(lanes_set32(counter + (uint32_t)set * LANES), lanes_numbers());
    }
    for (int round = 0; round < 20; round += 2) {
        quarter_rounds(x, 0, 4, 8, 12);
        quarter_rounds(x, 1, 5, 9, 13);
        quarter_rounds(x, 2, 6, 10, 14);
        quarter_rounds(x, 3, 7, 11, 15);
        quarter_rounds(x, 0, 5, 10, 15);
        quarter_rounds(x, 1, 6, 11, 12);
        quarter_rounds(x, 2, 7, 8, 13);
        quarter_rounds(x, 3, 4, 9, 14);
    }
    for (int set = 0; set < SETS; set++) {
        lanes *s = x + 16 * set;
        for (int i = 0; i < 16; i++)
            if (i != 12)
                s[i] = lanes_add32(s[i], lanes_set32(input[i]));
        s[12] = lanes_add32(
            s[12], lanes_add32(lanes_set32(counter + (uint32_t)set * LANES), lanes_numbers()));
    }
}

/* Pairs of words become 64-bit lanes: every 128-bit quarter L gets words 2i, 2i + 1 of blocks 4L,
 * 4L + 1, and of blocks 4L + 2, 4L + 3. */
INLINE void pair_words(lanes x[VECTORS])
{
    for (int i = 0; i < VECTORS; i += 2) {
        const lanes low = lanes_unpack_low32(x[i], x[i + 1]);
        x[i + 1] = lanes_unpack_high32(x[i], x[i + 1]);
        x[i] = low;
    }
}

/* Does the rest of the transposition, and stores the blocks one after the other. */
INLINE void store_blocks(uint8_t *to, const lanes x[VECTORS])
{
    for (int part = 0; part < 2 * SETS; part++) {
        const lanes *s = x + 16 * (part / 2) + part % 2;
        uint8_t *p = to + 64 * LANES * (part / 2) + 128 * (part % 2);
        lanes low[4], high[4];
        for (int g = 0; g < 4; g++) {
            low[g] = lanes_unpack_low64(s[4 * g], s[4 * g + 2]);
            high[g] = lanes_unpack_high64(s[4 * g], s[4 * g + 2]);
        }
        lanes_store_quarters(p, 256, low[0], low[1], low[2], low[3]);
        lanes_store_quarters(p + 64, 256, high[0], high[1], high[2], high[3]);
    }
}

/* ----------------------------------------------------------------------------------- the sum -- */

/* A unit has its place in the keystream, which is its first block's counter, and its ring. */
typedef struct {
    const ring *r;
    uint32_t element_size;
    uint32_t counter;
} unit;

INLINE void cut_bits(lanes x[VECTORS], const unit *u)
{
    const lanes low_bits =
        u->element_size == 4 ? lanes_set32((uint32_t)u->r->low_bits) : lanes_set64(u->r->low_bits);
    for (int i = 0; i < VECTORS; i++)
        x[i] = lanes_and(x[i], low_bits);
}

/* x = the candidates of one attempt. */
INLINE void candidates(lanes x[VECTORS], const mask_seed *seed, const unit *u, uint32_t attempt)
{
    chacha20(x, seed, attempt, u->counter);
    if (u->element_size == 8)
        pair_words(x);
    cut_bits(x, u);
}

static NOINLINE void retry(lanes x[VECTORS], const mask_seed *seed, const unit *u)
{
    const lanes m32 = lanes_set32((uint32_t)u->r->modulus), m64 = lanes_set64(u->r->modulus);
    const bool narrow = u->element_size == 4;
    lanes other[VECTORS];
    for (uint32_t attempt = 1;
         narrow ? lanes_any_from32(x, VECTORS, m32) : lanes_any_from64(x, VECTORS, m64);
         attempt++) {
        candidates(other, seed, u, attempt);
        for (int i = 0; i < VECTORS; i++)
            x[i] = narrow ? lanes_replace_from32(x[i], m32, other[i])
                          : lanes_replace_from64(x[i], m64, other[i]);
    }
    sodium_memzero(other, sizeof other);
}

INLINE void add_power_of_two(lanes sum[VECTORS], const lanes x[VECTORS], uint32_t element_size,
                             bool negative)
{
    for (int i = 0; i < VECTORS; i++)
        if (element_size == 4)
            sum[i] = negative ? lanes_sub32(sum[i], x[i]) : lanes_add32(sum[i], x[i]);
        else
            sum[i] = negative ? lanes_sub64(sum[i], x[i]) : lanes_add64(sum[i], x[i]);
}

/* sum = sum - d, plus m where that is below zero. To subtract x, d is x; to add it, d is m - x. */
INLINE void add_modular32(lanes sum[VECTORS], const lanes x[VECTORS], uint32_t modulus,
                          bool negative)
{
    const lanes m = lanes_set32(modulus);
    for (int i = 0; i < VECTORS; i++) {
        const lanes d = negative ? x[i] : lanes_sub32(m, x[i]);
        sum[i] = lanes_add_if_less32(lanes_sub32(sum[i], d), sum[i], d, m);
    }
}

INLINE void add_modular64(lanes sum[VECTORS], const lanes x[VECTORS], uint64_t modulus,
                          bool negative)
{
    const lanes m = lanes_set64(modulus);
    for (int i = 0; i < VECTORS; i++) {
        const lanes d = negative ? x[i] : lanes_sub64(m, x[i]);
        sum[i] = lanes_add_if_less64(lanes_sub64(sum[i], d), sum[i], d, m);
    }
}

/* This is not inlined, so that the sum stays in memory while the rounds have all registers. */
static NOINLINE void add_power_of_two_seed32(lanes sum[VECTORS], const mask_seed *seed,
                                             uint32_t counter)
{
    lanes x[VECTORS];
    chacha20(x, seed, 0, counter);
    if (seed->sign < 0)
        add_power_of_two(sum, x, 4, true);
    else
        add_power_of_two(sum, x, 4, false);
}

static NOINLINE void add_power_of_two_seed64(lanes sum[VECTORS], const mask_seed *seed,
                                             uint32_t counter)
{
    lanes x[VECTORS];
    chacha20(x, seed, 0, counter);
    pair_words(x);
    if (seed->sign < 0)
        add_power_of_two(sum, x, 8, true);
    else
        add_power_of_two(sum, x, 8, false);
}

static NOINLINE void add_modular_seed(lanes sum[VECTORS], const mask_seed *seed, const unit *u)
{
    const bool negative = seed->sign < 0;
    lanes x[VECTORS];
    candidates(x, seed, u, 0);
    if (u->element_size == 4) {
        if (lanes_any_from32(x, VECTORS, lanes_set32((uint32_t)u->r->modulus)))
            retry(x, seed, u);
        add_modular32(sum, x, (uint32_t)u->r->modulus, negative);
    } else {
        if (lanes_any_from64(x, VECTORS, lanes_set64(u->r->modulus)))
            retry(x, seed, u);
        add_modular64(sum, x, u->r->modulus, negative);
    }
}

/* Writes the elements of one mask by itself, over a power of two, in the order of memory. */
static NOINLINE void write_mask(uint8_t to[UNIT_BYTES], const mask_seed *seed, const unit *u)
{
    lanes x[VECTORS];
    chacha20(x, seed, 0, u->counter);
    pair_words(x);
    if (u->element_size == 8 && ~u->r->low_bits != 0)
        /* NOLINTNEXTLINE(bugprone-branch-clone): the two cases are one for each element size. */
        cut_bits(x, u);
    else if (u->element_size == 4 && ~(uint32_t)u->r->low_bits != 0)
        cut_bits(x, u);
    store_blocks(to, x);
}

/* Writes the unit's sum over all seeds mod m, in the order of memory. */
static void sum_unit(uint8_t to[UNIT_BYTES], const mask_seed *seeds, size_t n_seeds, const unit *u)
{
    const ring *r = u->r;
    lanes sum[VECTORS];
    if (n_seeds == 1 && seeds->sign > 0 && r->power_of_two) {
        write_mask(to, seeds, u);
        return;
    }
    for (int i = 0; i < VECTORS; i++)
        sum[i] = lanes_set32(0);
    if (!r->power_of_two)
        for (size_t j = 0; j < n_seeds; j++)
            add_modular_seed(sum, &seeds[j], u);
    else if (u->element_size == 4)
        for (size_t j = 0; j < n_seeds; j++)
            add_power_of_two_seed32(sum, &seeds[j], u->counter);
    else
        for (size_t j = 0; j < n_seeds; j++)
            add_power_of_two_seed64(sum, &seeds[j], u->counter);
    if (r->power_of_two)
        cut_bits(sum, u);
    if (u->element_size == 4)
        pair_words(sum);
    store_blocks(to, sum);
}

/* --------------------------------------------------------------------------- into the vector -- */

INLINE void add_lanes_of(const reduction *red, uint32_t element_size, bool power_of_two,
                         uint8_t *acc, const uint8_t *sum, size_t size)
{
    const lanes low_bits =
        element_size == 4 ? lanes_set32((uint32_t)red->r.low_bits) : lanes_set64(red->r.low_bits);
    for (size_t i = 0; i < size; i += sizeof(lanes)) {
        const lanes addend = lanes_load(sum + i);
        lanes x = add_lanes(element_size, lanes_load(acc + i), addend);
        if (power_of_two)
            x = lanes_and(x, low_bits);
        else
            x = reduce(red, element_size, x, count_carry(element_size, lanes_set64(0), x, addend));
        lanes_store(acc + i, x);
    }
}

/* acc = (acc + sum) mod m. acc may hold any values before. */
static void add_whole_vectors(const reduction *red, uint32_t element_size, uint8_t *acc,
                              const uint8_t *sum, size_t size)
{
    if (red->r.power_of_two && element_size == 4)
        add_lanes_of(red, 4, true, acc, sum, size);
    else if (red->r.power_of_two)
        add_lanes_of(red, 8, true, acc, sum, size);
    else if (element_size == 4)
        add_lanes_of(red, 4, false, acc, sum, size);
    else
        add_lanes_of(red, 8, false, acc, sum, size);
}

static void add_sum(const reduction *red, uint32_t element_size, uint8_t *acc, const uint8_t *sum,
                    size_t size)
{
    const size_t whole = size / sizeof(lanes) * sizeof(lanes), rest = size - whole;
    uint8_t last_acc[sizeof(lanes)] = {0}, last_sum[sizeof(lanes)] = {0};
    add_whole_vectors(red, element_size, acc, sum, whole);
    if (rest > 0) {
        memcpy(last_acc, acc + whole, rest);
        memcpy(last_sum, sum + whole, rest);
        add_whole_vectors(red, element_size, last_acc, last_sum, sizeof(lanes));
        memcpy(acc + whole, last_acc, rest);
        sodium_memzero(last_sum, sizeof last_sum);
    }
}

/* Brings what the next unit will write into the cache while this one is computed, as stores alone
 * come in bursts that no cache can absorb. */
INLINE void prefetch_unit(const uint8_t *p, size_t left)
{
    for (size_t i = 0; i < UNIT_BYTES && i < left; i += 64)
        __builtin_prefetch(p + i, 1, 3);
}

static void apply(const mask_seed *seeds, size_t n_seeds, uint64_t modulus, uint32_t element_size,
                  void *acc, uint64_t first, size_t count, bool write)
{
    const ring r = ring_init(modulus);
    const reduction red = write ? (reduction){.r = r} : reduction_init(&r, element_size, 2);
    const size_t unit_size = UNIT_BYTES / element_size;
    uint8_t *p = acc;
    uint8_t sum[UNIT_BYTES];

    while (count > 0) {
        const size_t from = (size_t)(first % unit_size);
        const size_t n = count < unit_size - from ? count : unit_size - from;
        const size_t size = n * element_size;
        const unit u = {&r, element_size, (uint32_t)(first / unit_size * UNIT_BLOCKS)};
        prefetch_unit(p + size, (count - n) * element_size);
        if (write && n == unit_size) {
            sum_unit(p, seeds, n_seeds, &u);
        } else {
            sum_unit(sum, seeds, n_seeds, &u);
            if (write)
                memcpy(p, sum + from * element_size, size);
            else
                add_sum(&red, element_size, p, sum + from * element_size, size);
        }
        p += size;
        first += n;
        count -= n;
    }
    sodium_memzero(sum, sizeof sum);
}
