/* Sums, sixteen 32-bit lanes at a time. */
#include "fallback/x86/lanes512.h"

#include "fallback/simd/vec_template.h"

const vec_impl vec_avx512 = {.name = "avx512", .sum = sum};
