/* Masks of format `chacha20` on vectors of 32-bit lanes, for every x86 instruction set. The
 * including file defines `lanes` and its operations (lanes256.h, lanes512.h).
 *
 * A unit is LANES blocks of keystream: vector i holds word i of every block. The sum over all seeds
 * of a call is kept in that order, in the first-level cache; only the sum is put into the order of
 * memory, once per unit, whatever the number of seeds. 8-byte elements are the same after the first
 * of the four steps of that transposition.
 *
 * Constant time but for one thing: whether another attempt is needed is a branch, as in the
 * portable code. It tells which candidates were at or above m; these are thrown away and are
 * independent of the ones used.
 */
#include <sodium.h>
#include <string.h>

#include "fallback/impl.h"
#include "fallback/portable/elements.h"
#include "fallback/portable/ring.h"

enum { UNIT_BYTES = 64 * LANES };

#define INLINE static inline __attribute__((always_inline))

/* ------------------------------------------------------------------------------------ ChaCha20 --
 */

INLINE void quarter_round(lanes *a, lanes *b, lanes *c, lanes *d)
{
    *a = lanes_add32(*a, *b);
    *d = lanes_rotate32(lanes_xor(*d, *a), 16);
    *c = lanes_add32(*c, *d);
    *b = lanes_rotate32(lanes_xor(*b, *c), 12);
    *a = lanes_add32(*a, *b);
    *d = lanes_rotate32(lanes_xor(*d, *a), 8);
    *c = lanes_add32(*c, *d);
    *b = lanes_rotate32(lanes_xor(*b, *c), 7);
}

/* RFC 8439 section 2.3 for blocks counter .. counter + LANES - 1, nonce = LE32(attempt) || stream.
 */
INLINE void chacha20(lanes x[16], const mask_seed *seed, uint32_t attempt, uint32_t counter)
{
    uint32_t input[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    memcpy(input + 4, seed->key, 32);
    input[12] = counter;
    input[13] = attempt;
    memcpy(input + 14, seed->stream, 8);

    for (int i = 0; i < 16; i++)
        x[i] = lanes_set32(input[i]);
    x[12] = lanes_add32(x[12], lanes_numbers());
    for (int round = 0; round < 20; round += 2) {
        quarter_round(&x[0], &x[4], &x[8], &x[12]);
        quarter_round(&x[1], &x[5], &x[9], &x[13]);
        quarter_round(&x[2], &x[6], &x[10], &x[14]);
        quarter_round(&x[3], &x[7], &x[11], &x[15]);
        quarter_round(&x[0], &x[5], &x[10], &x[15]);
        quarter_round(&x[1], &x[6], &x[11], &x[12]);
        quarter_round(&x[2], &x[7], &x[8], &x[13]);
        quarter_round(&x[3], &x[4], &x[9], &x[14]);
    }
    for (int i = 0; i < 16; i++)
        x[i] = lanes_add32(x[i], lanes_set32(input[i]));
    x[12] = lanes_add32(x[12], lanes_numbers());
}

/* Pairs of words become 64-bit lanes: words 2i, 2i + 1 of blocks 4L, 4L + 1 and of 4L + 2, 4L + 3
 * for every 128-bit quarter L. */
INLINE void pair_words(lanes x[16])
{
    for (int i = 0; i < 16; i += 2) {
        const lanes low = lanes_unpack_low32(x[i], x[i + 1]);
        x[i + 1] = lanes_unpack_high32(x[i], x[i + 1]);
        x[i] = low;
    }
}

/* The rest of the transposition: the blocks, one after the other. */
INLINE void store_blocks(uint8_t *to, const lanes x[16])
{
    for (int half = 0; half < 2; half++) {
        lanes low[4], high[4];
        for (int g = 0; g < 4; g++) {
            low[g] = lanes_unpack_low64(x[4 * g + half], x[4 * g + 2 + half]);
            high[g] = lanes_unpack_high64(x[4 * g + half], x[4 * g + 2 + half]);
        }
        lanes_store_quarters(to + 128 * half, 256, low[0], low[1], low[2], low[3]);
        lanes_store_quarters(to + 128 * half + 64, 256, high[0], high[1], high[2], high[3]);
    }
}

/* ------------------------------------------------------------------------------------ the sum --
 */

/* Where in the keystream, and in which ring. */
typedef struct {
    const ring *r;
    uint32_t element_size;
    uint32_t counter;
} unit;

/* Candidates of one attempt, cut to k bits. */
INLINE void candidates(lanes x[16], const mask_seed *seed, const unit *u, uint32_t attempt)
{
    chacha20(x, seed, attempt, u->counter);
    if (u->element_size == 8)
        pair_words(x);
    if (u->r->power_of_two)
        return; /* cut once, in the end */
    const lanes low_bits =
        u->element_size == 4 ? lanes_set32((uint32_t)u->r->low_bits) : lanes_set64(u->r->low_bits);
    for (int i = 0; i < 16; i++)
        x[i] = lanes_and(x[i], low_bits);
}

static __attribute__((noinline)) void retry(lanes x[16], const mask_seed *seed, const unit *u)
{
    const lanes m32 = lanes_set32((uint32_t)u->r->modulus), m64 = lanes_set64(u->r->modulus);
    const bool narrow = u->element_size == 4;
    lanes other[16];
    for (uint32_t attempt = 1; narrow ? lanes_any_from32(x, 16, m32) : lanes_any_from64(x, 16, m64);
         attempt++) {
        candidates(other, seed, u, attempt);
        for (int i = 0; i < 16; i++)
            x[i] = narrow ? lanes_replace_from32(x[i], m32, other[i])
                          : lanes_replace_from64(x[i], m64, other[i]);
    }
    sodium_memzero(other, sizeof other);
}

INLINE void add_power_of_two(lanes sum[16], const lanes x[16], uint32_t element_size, bool negative)
{
    for (int i = 0; i < 16; i++)
        if (element_size == 4)
            sum[i] = negative ? lanes_sub32(sum[i], x[i]) : lanes_add32(sum[i], x[i]);
        else
            sum[i] = negative ? lanes_sub64(sum[i], x[i]) : lanes_add64(sum[i], x[i]);
}

/* sum - d, plus m where that is below zero; d is x, or m - x to add. */
INLINE void add_modular32(lanes sum[16], const lanes x[16], uint32_t modulus, bool negative)
{
    const lanes m = lanes_set32(modulus);
    for (int i = 0; i < 16; i++) {
        const lanes d = negative ? x[i] : lanes_sub32(m, x[i]);
        sum[i] = lanes_add_if_less32(lanes_sub32(sum[i], d), sum[i], d, m);
    }
}

INLINE void add_modular64(lanes sum[16], const lanes x[16], uint64_t modulus, bool negative)
{
    const lanes m = lanes_set64(modulus);
    for (int i = 0; i < 16; i++) {
        const lanes d = negative ? x[i] : lanes_sub64(m, x[i]);
        sum[i] = lanes_add_if_less64(lanes_sub64(sum[i], d), sum[i], d, m);
    }
}

INLINE void add_power_of_two_seed(lanes sum[16], const mask_seed *seed, const unit *u,
                                  uint32_t element_size)
{
    lanes x[16];
    const unit fixed = {u->r, element_size, u->counter};
    chacha20(x, seed, 0, fixed.counter);
    if (element_size == 8)
        pair_words(x);
    if (seed->sign < 0)
        add_power_of_two(sum, x, element_size, true);
    else
        add_power_of_two(sum, x, element_size, false);
}

static void add_modular_seed(lanes sum[16], const mask_seed *seed, const unit *u)
{
    const bool negative = seed->sign < 0;
    lanes x[16];
    candidates(x, seed, u, 0);
    if (u->element_size == 4) {
        if (lanes_any_from32(x, 16, lanes_set32((uint32_t)u->r->modulus)))
            retry(x, seed, u);
        add_modular32(sum, x, (uint32_t)u->r->modulus, negative);
    } else {
        if (lanes_any_from64(x, 16, lanes_set64(u->r->modulus)))
            retry(x, seed, u);
        add_modular64(sum, x, u->r->modulus, negative);
    }
}

/* The unit's sum over all seeds, in the order of memory. */
static void sum_unit(uint8_t to[UNIT_BYTES], const mask_seed *seeds, size_t n_seeds, const unit *u)
{
    lanes sum[16];
    for (int i = 0; i < 16; i++)
        sum[i] = lanes_set32(0);
    if (!u->r->power_of_two)
        for (size_t j = 0; j < n_seeds; j++)
            add_modular_seed(sum, &seeds[j], u);
    else if (u->element_size == 4)
        for (size_t j = 0; j < n_seeds; j++)
            add_power_of_two_seed(sum, &seeds[j], u, 4);
    else
        for (size_t j = 0; j < n_seeds; j++)
            add_power_of_two_seed(sum, &seeds[j], u, 8);
    if (u->element_size == 4)
        pair_words(sum);
    store_blocks(to, sum);
}

/* ------------------------------------------------------------------------------ into the vector --
 */

static void join32(const ring *r, uint32_t *acc, const uint32_t *sum, size_t n, bool write)
{
    const uint32_t low_bits = (uint32_t)r->low_bits;
    if (r->power_of_two) {
        for (size_t i = 0; i < n; i++)
            acc[i] = ((write ? 0 : acc[i]) + sum[i]) & low_bits;
        return;
    }
    if (write) {
        memcpy(acc, sum, 4 * n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        acc[i] = (uint32_t)ring_reduce(r, (uint64_t)acc[i] + sum[i]);
}

static void join64(const ring *r, uint64_t *acc, const uint64_t *sum, size_t n, bool write)
{
    if (r->power_of_two)
        for (size_t i = 0; i < n; i++)
            acc[i] = ((write ? 0 : acc[i]) + sum[i]) & r->low_bits;
    else if (write)
        memcpy(acc, sum, 8 * n);
    else
        for (size_t i = 0; i < n; i++)
            acc[i] = ring_add(r, ring_reduce(r, acc[i]), sum[i]);
}

static void apply(const mask_seed *seeds, size_t n_seeds, uint64_t modulus, uint32_t element_size,
                  void *acc, uint64_t first, size_t count, bool write)
{
    const ring r = ring_init(modulus);
    const size_t unit_size = UNIT_BYTES / element_size;
    uint8_t *p = acc;
    union {
        uint8_t bytes[UNIT_BYTES];
        uint32_t narrow[UNIT_BYTES / 4];
        uint64_t wide[UNIT_BYTES / 8];
    } sum;

    while (count > 0) {
        const size_t from = (size_t)(first % unit_size);
        const size_t n = count < unit_size - from ? count : unit_size - from;
        const unit u = {&r, element_size, (uint32_t)(first / unit_size * LANES)};
        sum_unit(sum.bytes, seeds, n_seeds, &u);
        if (element_size == 4)
            join32(&r, (uint32_t *)(void *)p, sum.narrow + from, n, write);
        else
            join64(&r, (uint64_t *)(void *)p, sum.wide + from, n, write);
        p += n * element_size;
        first += n;
        count -= n;
    }
    sodium_memzero(&sum, sizeof sum);
}
