/* Elements of format `fcp-aes256ctr` from the keystream, on vectors of 32- or 64-bit lanes. The
 * including file defines `lanes` and its operations (lanes256.h, lanes512.h), and two more:
 *
 *   lanes_permute32(x, index)       moves 32-bit lanes from anywhere
 *   lanes_shuffle_bytes(x, index)   moves bytes within every 128-bit quarter, and gives zero where
 *                                   index has its top bit set
 *
 * The candidates of a quarter are at most 16 bytes, and begin at an even byte of the keystream.
 * First their 32-bit words are brought into the quarter, then every byte to its place, last byte
 * first. Constant time: places depend on the format only.
 */
#include "fallback/math/fcp_elements.h"

#define INLINE static inline __attribute__((always_inline))

enum { VECTOR = sizeof(lanes), QUARTERS = VECTOR / 16 };

typedef struct {
    lanes words, bytes;
} placement;

static placement placement_init(const fcp_format *f)
{
    const uint32_t per_quarter = 16 / f->element_size, size = per_quarter * f->bytes;
    uint32_t words[VECTOR / 4];
    uint8_t bytes[VECTOR];
    for (uint32_t q = 0; q < QUARTERS; q++) {
        const uint32_t begin = q * size;
        for (uint32_t i = 0; i < 4; i++)
            words[4 * q + i] = (begin / 4 + i) % (VECTOR / 4);
        for (uint32_t i = 0; i < 16; i++) {
            const uint32_t element = i / f->element_size, byte = i % f->element_size;
            const uint32_t from = begin % 4 + element * f->bytes + f->bytes - 1 - byte;
            bytes[16 * q + i] = byte < f->bytes ? (uint8_t)from : 0x80;
        }
    }
    return (placement){lanes_load(words), lanes_load(bytes)};
}

/* With `straight`, candidates are as long as their elements, so that no word leaves its quarter. */
INLINE lanes candidates(const placement *to, bool straight, const uint8_t *keystream)
{
    const lanes x = lanes_load(keystream);
    return lanes_shuffle_bytes(straight ? x : lanes_permute32(x, to->words), to->bytes);
}

INLINE void add_all(const fcp_format *f, uint32_t element_size, bool straight, bool negative,
                    const uint8_t *keystream, uint8_t *sum, size_t count)
{
    const placement to = placement_init(f);
    const size_t step = VECTOR / element_size * f->bytes;
    for (size_t i = 0; i < count * element_size; i += VECTOR, keystream += step) {
        const lanes s = lanes_load(sum + i), x = candidates(&to, straight, keystream);
        if (element_size == 4)
            lanes_store(sum + i, negative ? lanes_sub32(s, x) : lanes_add32(s, x));
        else
            lanes_store(sum + i, negative ? lanes_sub64(s, x) : lanes_add64(s, x));
    }
}

INLINE void add_signed(const fcp_format *f, uint32_t element_size, bool straight, bool negative,
                       const uint8_t *keystream, uint8_t *sum, size_t count)
{
    if (negative)
        add_all(f, element_size, straight, true, keystream, sum, count);
    else
        add_all(f, element_size, straight, false, keystream, sum, count);
}

static void add_candidates(const fcp_format *f, bool negative, const uint8_t *keystream,
                           uint8_t *sum, size_t count)
{
    if (f->element_size == 4 && f->bytes == 4)
        add_signed(f, 4, true, negative, keystream, sum, count);
    else if (f->element_size == 4)
        add_signed(f, 4, false, negative, keystream, sum, count);
    else
        add_signed(f, 8, false, negative, keystream, sum, count);
}

/* sum = sum - d, plus R where that is below zero. To subtract an element, d is the element; to add
 * it, d is R less the element. */
INLINE void add_modular(uint32_t element_size, uint64_t modulus, bool negative,
                        const uint8_t *elements, uint8_t *sum, size_t count)
{
    const lanes m = element_size == 4 ? lanes_set32((uint32_t)modulus) : lanes_set64(modulus);
    for (size_t i = 0; i < count * element_size; i += VECTOR) {
        const lanes s = lanes_load(sum + i), x = lanes_load(elements + i);
        if (element_size == 4) {
            const lanes d = negative ? x : lanes_sub32(m, x);
            lanes_store(sum + i, lanes_add_if_less32(lanes_sub32(s, d), s, d, m));
        } else {
            const lanes d = negative ? x : lanes_sub64(m, x);
            lanes_store(sum + i, lanes_add_if_less64(lanes_sub64(s, d), s, d, m));
        }
    }
}

static void add_elements(const fcp_format *f, bool negative, const uint8_t *elements, uint8_t *sum,
                         size_t count)
{
    if (f->element_size == 4 && negative)
        add_modular(4, f->modulus, true, elements, sum, count);
    else if (f->element_size == 4)
        add_modular(4, f->modulus, false, elements, sum, count);
    else if (negative)
        add_modular(8, f->modulus, true, elements, sum, count);
    else
        add_modular(8, f->modulus, false, elements, sum, count);
}
