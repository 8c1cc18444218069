/* Packing needs this beyond lanes512.h: 64-bit lanes that move, and shift, each on its own. */
#ifndef PARSEAL_FALLBACK_X86_WORDS512_H
#define PARSEAL_FALLBACK_X86_WORDS512_H

#include "fallback/x86/lanes512.h"

/* Turns numbers of 64-bit lanes into what words_permute takes. */
static inline lanes words_index(lanes numbers)
{
    return numbers;
}

static inline lanes words_permute(lanes x, lanes index)
{
    return _mm512_permutexvar_epi64(index, x);
}

/* From 64 bits on the result is zero. */
static inline lanes words_shift_left(lanes x, lanes by)
{
    return _mm512_sllv_epi64(x, by);
}

static inline lanes words_shift_right(lanes x, lanes by)
{
    return _mm512_srlv_epi64(x, by);
}

#endif
