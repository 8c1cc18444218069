/* AES-GCM on 256-bit registers. */
#include "fallback/x86/vec256.h"

#include "fallback/simd/gcm_template.h"

GCM_IMPL(gcm_vaes256, "vaes256");
