/* AES-GCM on ARMv8's AES and PMULL instructions. */
#include "fallback/arm/blocks_armv8.h"

#include "fallback/template/gcm_messages.h"

GCM_IMPL(gcm_armv8, "armv8");
