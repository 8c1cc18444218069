/* Masks of format `fcp-aes256ctr` on 512-bit registers. */
#include "fallback/x86/blocks512.h"
#include "fallback/x86/lanes512.h"

static inline lanes lanes_permute32(lanes x, lanes index)
{
    return _mm512_permutexvar_epi32(index, x);
}

static inline lanes lanes_shuffle_bytes(lanes x, lanes index)
{
    return _mm512_shuffle_epi8(x, index);
}

#include "fallback/template/fcp_keystream.h"
#include "fallback/template/fcp_lanes.h"

/* An element is the less of x and x - R, unsigned. Elements are compressed in a register, as that
 * is slow in memory on some processors. */
INLINE size_t select_vectors(const fcp_format *f, uint32_t element_size, bool straight,
                             const uint8_t *keystream, size_t candidates_left, uint8_t *elements,
                             size_t wanted, size_t *used)
{
    const placement to = placement_init(f);
    const size_t each = VECTOR / element_size, step = each * f->bytes;
    const bool narrow = element_size == 4;
    const lanes keep = narrow ? lanes_set32((uint32_t)f->low_bits) : lanes_set64(f->low_bits);
    const lanes m = narrow ? lanes_set32((uint32_t)f->modulus) : lanes_set64(f->modulus);
    const lanes from = narrow ? lanes_set32((uint32_t)f->rejected) : lanes_set64(f->rejected);
    size_t found = 0, i = 0;
    for (; i + each <= candidates_left && found + each <= wanted; i += each, keystream += step) {
        const lanes x = lanes_and(candidates(&to, straight, keystream), keep);
        uint8_t *p = elements + found * element_size;
        if (narrow) {
            const __mmask16 kept = _mm512_cmpge_epu32_mask(x, from);
            const lanes element = _mm512_min_epu32(x, _mm512_sub_epi32(x, m));
            lanes_store(p, _mm512_maskz_compress_epi32(kept, element));
            found += (size_t)__builtin_popcount(kept);
        } else {
            const __mmask8 kept = _mm512_cmpge_epu64_mask(x, from);
            const lanes element = _mm512_min_epu64(x, _mm512_sub_epi64(x, m));
            lanes_store(p, _mm512_maskz_compress_epi64(kept, element));
            found += (size_t)__builtin_popcount(kept);
        }
    }
    *used = i;
    return found;
}

static size_t select(const fcp_format *f, const uint8_t *keystream, size_t count, uint8_t *elements,
                     size_t wanted, size_t *used)
{
    size_t found, rest;
    if (f->element_size == 4 && f->bytes == 4)
        found = select_vectors(f, 4, true, keystream, count, elements, wanted, used);
    else if (f->element_size == 4)
        found = select_vectors(f, 4, false, keystream, count, elements, wanted, used);
    else
        found = select_vectors(f, 8, false, keystream, count, elements, wanted, used);
    found += fcp_select(f, keystream + *used * f->bytes, count - *used,
                        elements + found * f->element_size, wanted - found, &rest);
    *used += rest;
    return found;
}

const fcp_impl fcp_vaes512 = {.name = "vaes512",
                              .key_size = KEY_SIZE,
                              .key_init = key_init,
                              .keystream = keystream,
                              .add_candidates = add_candidates,
                              .select = select,
                              .add_elements = add_elements};
