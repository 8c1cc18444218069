/* Packing, four 64-bit words at a time. */
#include "fallback/x86/words256.h"

#include "fallback/template/pack_template.h"

const pack_impl pack_avx2 = {.name = "avx2", .pack = pack, .unpack = unpack};
