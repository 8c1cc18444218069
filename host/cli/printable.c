#include "host/cli/printable.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Returns the bytes of the UTF-8 character that s begins with, or 0 where there is none (RFC 3629,
 * section 4), and stores its number in *c. The 0 at the text's end ends a sequence like any wrong
 * byte. */
static size_t decode(const unsigned char *s, uint32_t *c)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (n == 1) {
        *c = s[0];
        return 1;
    }
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    *c = s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s[i] & 0x3fu);
    }
    bool surrogate = *c >= 0xd800 && *c <= 0xdfff;
    return *c < smallest[n] || *c > 0x10ffff || surrogate ? 0 : n;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

/* Returns true for Unicode's line and paragraph separators, and for its bidirectional formatting
 * characters (UAX #9, section 2), with which a name can pass for another. */
static bool misleads(uint32_t c)
{
    return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

void printable_line(char *text)
{
    const unsigned char *from = (const unsigned char *)text;
    char *to = text;
    while (*from != '\0') {
        uint32_t c = 0;
        size_t n = decode(from, &c);
        if (n == 0 || is_control(c) || misleads(c)) {
            *to++ = '?';
            from += n != 0 ? n : 1;
            continue;
        }
        while (n-- > 0)
            *to++ = (char)*from++;
    }
    *to = '\0';
}
