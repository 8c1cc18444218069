/* Packing needs this beyond lanes256.h: 64-bit lanes that move, and shift, each on its own. */
#ifndef PARSEAL_FALLBACK_X86_WORDS256_H
#define PARSEAL_FALLBACK_X86_WORDS256_H

#include "fallback/x86/lanes256.h"

/* Turns numbers of 64-bit lanes into what words_permute takes. AVX2 moves 32-bit lanes only, so
 * each becomes two. */
static inline lanes words_index(lanes numbers)
{
    const lanes even = lanes_add64(numbers, numbers);
    const lanes odd = lanes_shift_left64(lanes_add64(even, lanes_set64(1)), 32);
    return lanes_or(even, odd);
}

static inline lanes words_permute(lanes x, lanes index)
{
    return _mm256_permutevar8x32_epi32(x, index);
}

/* From 64 bits on the result is zero. */
static inline lanes words_shift_left(lanes x, lanes by)
{
    return _mm256_sllv_epi64(x, by);
}

static inline lanes words_shift_right(lanes x, lanes by)
{
    return _mm256_srlv_epi64(x, by);
}

#endif
