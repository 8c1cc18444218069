/* Elements of format `fcp-aes256ctr` from the keystream, one by one: for every instruction set that
 * has no vectors for it, and for the ends of vectors. Included where it is compiled for them.
 *
 * Constant time but for which candidates are passed over: that decides where the next element
 * comes to lie. They are used for nothing, and are independent of the ones used.
 */
#ifndef PARSEAL_FALLBACK_MATH_FCP_ELEMENTS_H
#define PARSEAL_FALLBACK_MATH_FCP_ELEMENTS_H

#include "fallback/impl.h"
#include "fallback/math/elements.h"
#include "fallback/math/ring.h"

/* All its bits, those above bw too. */
static inline uint64_t fcp_candidate(const uint8_t *p, uint32_t bytes)
{
    return load_be64(p) >> (64 - 8 * bytes);
}

static inline void fcp_add_candidates(const fcp_format *f, bool negative, const uint8_t *keystream,
                                      uint8_t *sum, size_t count)
{
    const uint64_t negate = 0 - (uint64_t)negative;
    const uint32_t bytes = f->bytes;
    if (f->element_size == 4)
        for (size_t i = 0; i < count; i++, sum += 4, keystream += bytes) {
            const uint64_t x = (fcp_candidate(keystream, bytes) ^ negate) - negate;
            store_le32(sum, load_le32(sum) + (uint32_t)x);
        }
    else
        for (size_t i = 0; i < count; i++, sum += 8, keystream += bytes) {
            const uint64_t x = (fcp_candidate(keystream, bytes) ^ negate) - negate;
            store_le64(sum, load_le64(sum) + x);
        }
}

/* Every candidate is stored; the next one takes the place of one that is passed over. */
static inline size_t fcp_select(const fcp_format *f, const uint8_t *keystream, size_t candidates,
                                uint8_t *elements, size_t wanted, size_t *used)
{
    size_t found = 0, i = 0;
    for (; i < candidates && found < wanted; i++, keystream += f->bytes) {
        const uint64_t x = fcp_candidate(keystream, f->bytes) & f->low_bits;
        const uint64_t element = x - (f->modulus & mask_not_less(x, f->modulus));
        if (f->element_size == 4)
            store_le32(elements + 4 * found, (uint32_t)element);
        else
            store_le64(elements + 8 * found, element);
        found += (size_t)(1 & mask_not_less(x, f->rejected));
    }
    *used = i;
    return found;
}

/* sum - d, plus R where that is below zero; d is the element, or R less it to add. */
static inline void fcp_add_elements(const fcp_format *f, bool negative, const uint8_t *elements,
                                    uint8_t *sum, size_t count)
{
    const uint64_t m = f->modulus, from = negative ? 0 : m, negate = 0 - (uint64_t)!negative;
    for (size_t i = 0; i < count; i++) {
        uint8_t *p = sum + i * f->element_size;
        const uint8_t *e = elements + i * f->element_size;
        const uint64_t s = f->element_size == 4 ? load_le32(p) : load_le64(p);
        const uint64_t x = f->element_size == 4 ? load_le32(e) : load_le64(e);
        const uint64_t d = from + ((x ^ negate) - negate);
        const uint64_t result = s - d + (m & mask_less(s, d));
        if (f->element_size == 4)
            store_le32(p, (uint32_t)result);
        else
            store_le64(p, result);
    }
}

#endif
