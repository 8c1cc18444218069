/* AES-GCM on 512-bit registers. */
#include "fallback/x86/vec512.h"

#include "fallback/simd/gcm_template.h"

GCM_IMPL(gcm_vaes512, "vaes512");
