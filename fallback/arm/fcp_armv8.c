/* Masks of format `fcp-aes256ctr` on ARMv8's AES instructions; the elements one by one. */
#include "fallback/arm/blocks_armv8.h"

#include "fallback/math/fcp_elements.h"
#include "fallback/template/fcp_keystream.h"

const fcp_impl fcp_armv8 = {.name = "armv8",
                            .key_size = KEY_SIZE,
                            .key_init = key_init,
                            .keystream = keystream,
                            .add_candidates = fcp_add_candidates,
                            .select = fcp_select,
                            .add_elements = fcp_add_elements};
