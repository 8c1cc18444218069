/* Packing, eight 64-bit words at a time. */
#include "fallback/x86/words512.h"

#include "fallback/template/pack_template.h"

const pack_impl pack_avx512 = {.name = "avx512", .pack = pack, .unpack = unpack};
