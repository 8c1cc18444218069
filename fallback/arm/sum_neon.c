/* Sums, four 32-bit lanes at a time. */
#include "fallback/arm/lanes_neon.h"

#include "fallback/template/sum_template.h"

const sum_impl sum_neon = {.name = "neon", .sum = sum};
