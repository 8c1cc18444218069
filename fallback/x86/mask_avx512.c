/* Masks, sixteen blocks at a time. */
#include "fallback/x86/chacha20_512.h"

enum { SETS = 2 };

#include "fallback/template/mask_template.h"

const mask_impl mask_avx512 = {.name = "avx512", .apply = apply};
