/* Masks, four blocks at a time: one set of 16 vectors leaves 16 of the 32 registers free. */
#include "fallback/arm/chacha20_neon.h"

enum { SETS = 1 };

#include "fallback/template/mask_template.h"

const mask_impl mask_neon = {.name = "neon", .apply = apply};
