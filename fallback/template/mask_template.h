/* Masks of format `chacha20`, acc += sum_j sign_j * PRG(seed_j) mod m, on vectors of 32-bit lanes,
 * for every instruction set. The including file has included a kernel of ChaCha20 with its `lanes`,
 * and defines SETS (chacha20.h says what sets and units are).
 *
 * The sum over all seeds of a call is kept in the order of a unit's vectors, in the first-level
 * cache; only the sum is put into the order of memory, once per unit, whatever the number of seeds.
 * Elements of 8 bytes go through the first of the four steps of that transposition before they are
 * summed up. Moduli that reject many candidates take another way (mask_reject.h).
 *
 * Constant time but for one thing: whether another attempt is needed is a branch, as in the
 * portable code. It tells which candidates were at or above m; these are thrown away, and are
 * independent of the ones used.
 */
#include <sodium.h>
#include <string.h>

#include "fallback/impl.h"
#include "fallback/math/elements.h"
#include "fallback/template/chacha20.h"
#include "fallback/template/reduce.h"

#define NOINLINE __attribute__((noinline))

/* ----------------------------------------------------------------------- the order of memory -- */

/* Words i, i + 1 become 64-bit lanes: every 128-bit quarter L gets those of blocks 4L, 4L + 1 in
 * *low, and of blocks 4L + 2, 4L + 3 in *high. */
INLINE void pair_words(lanes word, lanes next, lanes *low, lanes *high)
{
    *low = lanes_unpack_low32(word, next);
    *high = lanes_unpack_high32(word, next);
}

/* Returns words 2i, 2i + 1 of half of a set's blocks, from the set's words or its pairs. */
INLINE lanes pair_of(const lanes *set, int i, bool high, bool paired)
{
    if (paired)
        return set[2 * i + high];
    return high ? lanes_unpack_high32(set[2 * i], set[2 * i + 1])
                : lanes_unpack_low32(set[2 * i], set[2 * i + 1]);
}

INLINE void store_half_set(uint8_t *to, const lanes *set, bool high_pairs, bool paired, bool cut,
                           lanes low_bits)
{
    lanes low[4], high[4];
    for (int g = 0; g < 4; g++) {
        const lanes a = pair_of(set, 2 * g, high_pairs, paired);
        const lanes b = pair_of(set, 2 * g + 1, high_pairs, paired);
        low[g] = lanes_unpack_low64(a, b);
        high[g] = lanes_unpack_high64(a, b);
        if (cut) {
            low[g] = lanes_and(low[g], low_bits);
            high[g] = lanes_and(high[g], low_bits);
        }
    }
    lanes_store_quarters(to, 256, low[0], low[1], low[2], low[3]);
    lanes_store_quarters(to + 64, 256, high[0], high[1], high[2], high[3]);
}

/* Stores the blocks one after the other: the transposition, or the rest of it where words are
 * paired. */
INLINE void store_blocks(uint8_t *to, const lanes x[VECTORS], bool paired, bool cut, lanes low_bits)
{
    for (int set = 0; set < SETS; set++) {
        store_half_set(to + 64 * LANES * set, x + 16 * set, false, paired, cut, low_bits);
        store_half_set(to + 64 * LANES * set + 128, x + 16 * set, true, paired, cut, low_bits);
    }
}

/* ----------------------------------------------------------------------------------- the sum -- */

/* A unit has its place in the keystream, which is its first block's counter, and its ring. */
typedef struct {
    const ring *r;
    uint32_t element_size;
    uint32_t counter;
} unit;

INLINE lanes low_bits_of(const unit *u)
{
    return u->element_size == 4 ? lanes_set32((uint32_t)u->r->low_bits)
                                : lanes_set64(u->r->low_bits);
}

/* Returns true where candidates are whole words. */
INLINE bool has_all_bits(const unit *u)
{
    return u->element_size == 4 ? ~(uint32_t)u->r->low_bits == 0 : ~u->r->low_bits == 0;
}

/* x = the words of one attempt, which are candidates but for the bits above those of m; of 64 bits
 * where these are. */
INLINE void words_of(lanes x[VECTORS], const mask_seed *seed, const unit *u, uint32_t attempt)
{
    chacha20(x, seed, attempt, u->counter);
    for (int i = 0; u->element_size == 8 && i < VECTORS; i += 2)
        pair_words(x[i], x[i + 1], &x[i], &x[i + 1]);
}

/* Returns x where that is below m, and else other. */
INLINE lanes accepted_or(lanes x, lanes other, lanes m, bool narrow)
{
    return narrow ? lanes_replace_from32(x, m, other) : lanes_replace_from64(x, m, other);
}

INLINE bool any_rejected(const lanes *x, int n, lanes m, bool narrow)
{
    return narrow ? lanes_any_from32(x, n, m) : lanes_any_from64(x, n, m);
}

static NOINLINE void retry(lanes x[VECTORS], const mask_seed *seed, const unit *u)
{
    const bool narrow = u->element_size == 4;
    const lanes low_bits = low_bits_of(u);
    const lanes m = narrow ? lanes_set32((uint32_t)u->r->modulus) : lanes_set64(u->r->modulus);
    lanes other[VECTORS];
    for (uint32_t attempt = 1; any_rejected(x, VECTORS, m, narrow); attempt++) {
        words_of(other, seed, u, attempt);
        for (int i = 0; i < VECTORS; i++)
            x[i] = accepted_or(x[i], lanes_and(other[i], low_bits), m, narrow);
    }
    sodium_memzero(other, sizeof other);
}

/* sum = sum - d, plus m where that is below zero. To subtract x, d is x; to add it, d is m - x. */
INLINE void add_modular32(lanes *sum, const lanes *x, int n, uint32_t modulus, bool negative)
{
    const lanes m = lanes_set32(modulus);
    for (int i = 0; i < n; i++) {
        const lanes d = negative ? x[i] : lanes_sub32(m, x[i]);
        sum[i] = lanes_add_if_less32(lanes_sub32(sum[i], d), sum[i], d, m);
    }
}

INLINE void add_modular64(lanes *sum, const lanes *x, int n, uint64_t modulus, bool negative)
{
    const lanes m = lanes_set64(modulus);
    for (int i = 0; i < n; i++) {
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
    for (int i = 0; i < VECTORS; i++)
        sum[i] = seed->sign < 0 ? lanes_sub32(sum[i], x[i]) : lanes_add32(sum[i], x[i]);
}

static NOINLINE void add_power_of_two_seed64(lanes sum[VECTORS], const mask_seed *seed,
                                             uint32_t counter)
{
    lanes x[VECTORS];
    chacha20(x, seed, 0, counter);
    for (int i = 0; i < VECTORS; i += 2) {
        lanes low, high;
        pair_words(x[i], x[i + 1], &low, &high);
        sum[i] = seed->sign < 0 ? lanes_sub64(sum[i], low) : lanes_add64(sum[i], low);
        sum[i + 1] = seed->sign < 0 ? lanes_sub64(sum[i + 1], high) : lanes_add64(sum[i + 1], high);
    }
}

static NOINLINE void add_modular_seed(lanes sum[VECTORS], const mask_seed *seed, const unit *u)
{
    const bool negative = seed->sign < 0;
    lanes x[VECTORS];
    words_of(x, seed, u, 0);
    for (int i = 0; !has_all_bits(u) && i < VECTORS; i++)
        x[i] = lanes_and(x[i], low_bits_of(u));
    if (u->element_size == 4) {
        if (lanes_any_from32(x, VECTORS, lanes_set32((uint32_t)u->r->modulus)))
            retry(x, seed, u);
        add_modular32(sum, x, VECTORS, (uint32_t)u->r->modulus, negative);
    } else {
        if (lanes_any_from64(x, VECTORS, lanes_set64(u->r->modulus)))
            retry(x, seed, u);
        add_modular64(sum, x, VECTORS, u->r->modulus, negative);
    }
}

/* Writes the elements of one mask by itself, over a power of two, in the order of memory. */
static NOINLINE void write_mask(uint8_t to[UNIT_BYTES], const mask_seed *seed, const unit *u)
{
    lanes x[VECTORS];
    chacha20(x, seed, 0, u->counter);
    if (has_all_bits(u))
        store_blocks(to, x, false, false, low_bits_of(u));
    else
        store_blocks(to, x, false, true, low_bits_of(u));
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
    if (u->element_size == 4)
        store_blocks(to, sum, false, true, low_bits_of(u));
    else
        store_blocks(to, sum, true, true, low_bits_of(u));
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

/* Writes past the caches what can be, which are whole vectors at their own alignment. */
static void store_past_caches(uint8_t *to, const uint8_t *from, size_t size)
{
    const size_t unaligned = (size_t)(0 - (uintptr_t)to) % sizeof(lanes);
    size_t done = unaligned < size ? unaligned : size;
    memcpy(to, from, done);
    for (; size - done >= sizeof(lanes); done += sizeof(lanes))
        lanes_store_past_caches(to + done, lanes_load(from + done));
    memcpy(to + done, from + done, size - done);
}

/* Puts a sum in the order of memory where it belongs. */
static void put_sum(const reduction *red, uint32_t element_size, uint8_t *acc, const uint8_t *sum,
                    size_t size, mask_output output)
{
    if (output == MASK_ADDED)
        add_sum(red, element_size, acc, sum, size);
    else if (output == MASK_WRITTEN)
        memcpy(acc, sum, size);
    else
        store_past_caches(acc, sum, size);
}

#include "fallback/template/mask_reject.h"

/* Brings what the next unit will write into the cache while this one is computed, as stores alone
 * come in bursts that no cache can absorb. */
INLINE void prefetch_unit(const uint8_t *p, size_t left)
{
    if (left < UNIT_BYTES)
        return;
    for (size_t i = 0; i < UNIT_BYTES; i += 256)
        for (size_t line = 0; line < 256; line += 64)
            __builtin_prefetch(p + i + line, 1, 3);
}

static void apply_by_units(const mask_seed *seeds, size_t n_seeds, const reduction *red,
                           uint32_t element_size, void *acc, uint64_t first, size_t count,
                           mask_output output)
{
    const size_t unit_size = UNIT_BYTES / element_size;
    uint8_t *p = acc;
    uint8_t sum[UNIT_BYTES];

    while (count > 0) {
        const size_t from = (size_t)(first % unit_size);
        const size_t n = count < unit_size - from ? count : unit_size - from;
        const size_t size = n * element_size;
        const unit u = {&red->r, element_size, (uint32_t)(first / unit_size * UNIT_BLOCKS)};
        if (output != MASK_WRITTEN_PAST_CACHES)
            prefetch_unit(p + size, (count - n) * element_size);
        if (output == MASK_WRITTEN && n == unit_size) {
            sum_unit(p, seeds, n_seeds, &u);
        } else {
            sum_unit(sum, seeds, n_seeds, &u);
            put_sum(red, element_size, p, sum + from * element_size, size, output);
        }
        p += size;
        first += n;
        count -= n;
    }
    sodium_memzero(sum, sizeof sum);
}

static void apply(const mask_seed *seeds, size_t n_seeds, uint64_t modulus, uint32_t element_size,
                  void *acc, uint64_t first, size_t count, mask_output output)
{
    const ring r = ring_init(modulus);
    const reduction red =
        output == MASK_ADDED ? reduction_init(&r, element_size, 2) : (reduction){.r = r};
    if (rejects_many(&r))
        apply_rejecting(seeds, n_seeds, &red, element_size, acc, first, count, output);
    else
        apply_by_units(seeds, n_seeds, &red, element_size, acc, first, count, output);
    if (output == MASK_WRITTEN_PAST_CACHES)
        lanes_past_caches_end();
}
