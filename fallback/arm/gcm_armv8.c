/* AES-GCM on ARMv8's AES and PMULL instructions. */
#include "fallback/arm/vec_armv8.h"

#include "fallback/simd/gcm_template.h"

GCM_IMPL(gcm_armv8, "armv8");
