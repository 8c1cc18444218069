/* Sums, sixteen 32-bit lanes at a time. */
#include "fallback/x86/lanes512.h"

#include "fallback/template/sum_template.h"

const sum_impl sum_avx512 = {.name = "avx512", .sum = sum};
