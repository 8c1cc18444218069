/* AES-GCM on 128-bit registers. */
#include "fallback/x86/blocks128.h"

#include "fallback/template/gcm_messages.h"

GCM_IMPL(gcm_aesni, "aesni");
