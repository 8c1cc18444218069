/* Masks of format `fcp-aes256ctr` on 256-bit registers. AVX2 cannot close the gaps between lanes,
 * so elements that follow each other are found one by one. */
#include "fallback/x86/blocks256.h"
#include "fallback/x86/lanes256.h"

static inline lanes lanes_permute32(lanes x, lanes index)
{
    return _mm256_permutevar8x32_epi32(x, index);
}

static inline lanes lanes_shuffle_bytes(lanes x, lanes index)
{
    return _mm256_shuffle_epi8(x, index);
}

#include "fallback/template/fcp_keystream.h"
#include "fallback/template/fcp_lanes.h"

const fcp_impl fcp_vaes256 = {.name = "vaes256",
                              .key_size = KEY_SIZE,
                              .key_init = key_init,
                              .keystream = keystream,
                              .add_candidates = add_candidates,
                              .select = fcp_select,
                              .add_elements = add_elements};
