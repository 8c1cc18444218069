/* Masks of format `fcp-aes256ctr` on 128-bit registers; the elements one by one. */
#include "fallback/x86/blocks128.h"

#include "fallback/math/fcp_elements.h"
#include "fallback/template/fcp_keystream.h"

const fcp_impl fcp_aesni = {.name = "aesni",
                            .key_size = KEY_SIZE,
                            .key_init = key_init,
                            .keystream = keystream,
                            .add_candidates = fcp_add_candidates,
                            .select = fcp_select,
                            .add_elements = fcp_add_elements};
