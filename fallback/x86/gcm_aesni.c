/* AES-GCM on 128-bit registers. */
#include "fallback/x86/vec128.h"

#include "fallback/simd/gcm_template.h"

GCM_IMPL(gcm_aesni, "aesni");
