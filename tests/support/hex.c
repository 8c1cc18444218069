#include "hex.h"

#include <sodium.h>
#include <string.h>

#include "test.h"

size_t hex_decode(const char *text, uint8_t *out, size_t max)
{
    size_t n = 0;
    if (text[0] == '\0')
        return 0;
    if (sodium_hex2bin(out, max, text, strlen(text), NULL, &n, NULL) != 0 || 2 * n != strlen(text))
        fail_msg("not %zu bytes of hexadecimal: %s", max, text);
    return n;
}
