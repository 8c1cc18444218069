/* AES-GCM on 512-bit registers. */
#include "fallback/x86/blocks512.h"

#include "fallback/template/gcm_messages.h"

GCM_IMPL(gcm_vaes512, "vaes512");
