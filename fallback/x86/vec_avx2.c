/* Sums, eight 32-bit lanes at a time. */
#include "fallback/x86/lanes256.h"

#include "fallback/simd/vec_template.h"

const vec_impl vec_avx2 = {.name = "avx2", .sum = sum};
