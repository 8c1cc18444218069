/* Masks of format `fcp-aes256ctr`. The bitsliced AES makes the keystream, 64 blocks at a time, and
 * elements are taken from it one by one (math/fcp_elements.h). Constant time as that is. */
#include "fallback/math/fcp_elements.h"
#include "fallback/portable/aes_bitsliced.h"

#define KEY_SIZE ((sizeof(aes_key) + 63) / 64 * 64)

static void key_init(void *key, const uint8_t bytes[32])
{
    aes_key_init(key, bytes, 32);
}

static void keystream(const void *key, uint32_t first, uint8_t *to, size_t n)
{
    static const uint8_t zeros[12];
    memset(to, 0, 16 * n);
    aes_ctr(key, zeros, first, NULL, to, to, 16 * n);
}

const fcp_impl fcp_portable = {.name = "portable",
                               .key_size = KEY_SIZE,
                               .key_init = key_init,
                               .keystream = keystream,
                               .add_candidates = fcp_add_candidates,
                               .select = fcp_select,
                               .add_elements = fcp_add_elements};
