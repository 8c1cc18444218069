/* Masks of format `chacha20`: acc += sum_j sign_j * PRG(seed_j) mod m.
 *
 * Work goes in units of CHACHA20_BYTES of keystream. The sum of a unit stays in `sum` over all
 * seeds.
 *
 * Constant time but for one thing: whether another attempt is needed is a branch. It tells which
 * candidates were at or above m; these are thrown away, and are independent of the ones used.
 */
#include <sodium.h>

#include "fallback/impl.h"
#include "fallback/math/elements.h"
#include "fallback/math/ring.h"
#include "fallback/portable/chacha20.h"

enum { UNIT_MAX = CHACHA20_BYTES / 4 };

typedef struct {
    uint64_t sum[UNIT_MAX], element[UNIT_MAX], candidate[UNIT_MAX];
    uint32_t key[8], nonce[3];
    uint8_t keystream[CHACHA20_BYTES];
} scratch;

/* A part of a unit is its elements [from, to), under the counter of its first block. */
typedef struct {
    uint32_t counter;
    uint32_t element_size;
    size_t from, to;
} unit;

static void candidates(scratch *s, const unit *u, const ring *r, uint32_t attempt, uint64_t *values)
{
    s->nonce[0] = attempt;
    chacha20_blocks(s->keystream, s->key, s->nonce, u->counter);
    elements_load(values, s->keystream, u->element_size, u->to);
    for (size_t i = u->from; i < u->to; i++)
        values[i] &= r->low_bits;
}

static bool any_rejected(const uint64_t *values, const unit *u, const ring *r)
{
    uint64_t rejected = 0;
    if (r->power_of_two)
        return false;
    for (size_t i = u->from; i < u->to; i++)
        rejected |= mask_not_less(values[i], r->modulus);
    return rejected != 0;
}

/* Makes the elements of one seed's mask, in s->element. */
static void expand(scratch *s, const unit *u, const ring *r, const mask_seed *seed)
{
    for (size_t i = 0; i < 8; i++)
        s->key[i] = load_le32(seed->key + 4 * i);
    s->nonce[1] = load_le32(seed->stream_id);
    s->nonce[2] = load_le32(seed->stream_id + 4);
    candidates(s, u, r, 0, s->element);
    for (uint32_t attempt = 1; any_rejected(s->element, u, r); attempt++) {
        candidates(s, u, r, attempt, s->candidate);
        for (size_t i = u->from; i < u->to; i++) {
            const uint64_t rejected = mask_not_less(s->element[i], r->modulus);
            s->element[i] ^= rejected & (s->element[i] ^ s->candidate[i]);
        }
    }
}

/* sum += sign * element. Mod a power of two sums wrap; in rings of 4-byte elements they stay exact
 * in 64 bits for up to 2^31 seeds; in all others they are kept below m. */
static void accumulate(scratch *s, const unit *u, const ring *r, int32_t sign)
{
    const uint64_t negate = 0 - (uint64_t)(sign < 0); /* Signs are public. */
    const uint64_t modulus = r->power_of_two ? 0 : r->modulus;
    for (size_t i = u->from; i < u->to; i++)
        s->element[i] = (s->element[i] ^ negate) - negate + (modulus & negate);
    if (r->power_of_two || u->element_size == 4)
        for (size_t i = u->from; i < u->to; i++)
            s->sum[i] += s->element[i];
    else
        for (size_t i = u->from; i < u->to; i++)
            s->sum[i] = ring_add(r, s->sum[i], s->element[i]);
}

static void apply(const mask_seed *seeds, size_t n_seeds, uint64_t modulus, uint32_t element_size,
                  void *acc, uint64_t first, size_t count, mask_output output)
{
    const ring r = ring_init(modulus);
    const size_t unit_size = CHACHA20_BYTES / element_size;
    uint8_t *p = acc;
    _Alignas(64) scratch s; /* at the same place in a line under any caller */

    while (count > 0) {
        unit u = {.counter = (uint32_t)(first / unit_size * CHACHA20_BLOCKS),
                  .element_size = element_size,
                  .from = (size_t)(first % unit_size)};
        u.to = count < unit_size - u.from ? u.from + count : unit_size;
        const size_t n = u.to - u.from;

        if (output != MASK_ADDED) {
            for (size_t i = u.from; i < u.to; i++)
                s.sum[i] = 0;
        } else {
            elements_load(s.sum + u.from, p, element_size, n);
            for (size_t i = u.from; i < u.to; i++)
                s.sum[i] = ring_reduce(&r, s.sum[i]);
        }
        for (size_t j = 0; j < n_seeds; j++) {
            expand(&s, &u, &r, &seeds[j]);
            accumulate(&s, &u, &r, seeds[j].sign);
        }
        for (size_t i = u.from; i < u.to; i++)
            s.sum[i] = ring_reduce(&r, s.sum[i]);
        elements_store(p, s.sum + u.from, element_size, n);
        p += n * element_size;
        first += n;
        count -= n;
    }
    sodium_memzero(&s, sizeof s);
}

const mask_impl mask_portable = {.name = "portable", .apply = apply};
