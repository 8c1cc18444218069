/* Sums, four 32-bit lanes at a time. */
#include "fallback/arm/lanes_neon.h"

#include "fallback/simd/vec_template.h"

const vec_impl vec_neon = {.name = "neon", .sum = sum};
