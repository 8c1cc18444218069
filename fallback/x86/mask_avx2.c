/* Masks, eight blocks at a time. */
#include "fallback/x86/chacha20_256.h"

enum { SETS = 2 };

#include "fallback/template/mask_template.h"

const mask_impl mask_avx2 = {.name = "avx2", .apply = apply};
