/* Sums, eight 32-bit lanes at a time. */
#include "fallback/x86/lanes256.h"

#include "fallback/template/sum_template.h"

const sum_impl sum_avx2 = {.name = "avx2", .sum = sum};
