/* AES-GCM on 256-bit registers. */
#include "fallback/x86/blocks256.h"

#include "fallback/template/gcm_messages.h"

GCM_IMPL(gcm_vaes256, "vaes256");
