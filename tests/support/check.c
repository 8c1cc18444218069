#include "check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void check_status(parseal_status got, parseal_status want, const char *call, const char *file,
                  int line)
{
    if (got != want) {
        print_error("%s: %s instead of %s; last error: %s\n", call, parseal_status_name(got),
                    parseal_status_name(want), parseal_last_error_text());
        _fail(file, line);
    }
}

static _Thread_local char spoilt[512];

void error_text_spoil(void)
{
    (void)parseal_packed_size(0, 999, NULL);
    snprintf(spoilt, sizeof spoilt, "%s", parseal_last_error_text());
}

bool error_text_is_spoilt(void)
{
    return strcmp(parseal_last_error_text(), spoilt) == 0;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) != 0 || c == '_';
}

/* Is `name` in text, and not as a part of a longer name? */
static bool mentions(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = strstr(text, name); at != NULL; at = strstr(at + 1, name)) {
        bool begins = at == text || !is_word(name[0]) || !is_word(at[-1]);
        bool ends = !is_word(name[n - 1]) || !is_word(at[n]);
        if (begins && ends)
            return true;
    }
    return false;
}

void check_error(parseal_status got, parseal_status want, const char *name, const char *call,
                 const char *file, int line)
{
    check_status(got, want, call, file, line);
    if (!mentions(parseal_last_error_text(), name)) {
        print_error("%s: the error text does not name \"%s\": %s\n", call, name,
                    parseal_last_error_text());
        _fail(file, line);
    }
}

void check_bytes(const void *got, const void *want, size_t n, const char *what, const char *file,
                 int line)
{
    if (n == 0 || memcmp(got, want, n) == 0)
        return;
    const uint8_t *g = got;
    const uint8_t *w = want;
    size_t at = 0;
    while (g[at] == w[at])
        at++;
    print_error("%s: byte %zu of %zu is %02x instead of %02x\n", what, at, n, (unsigned)g[at],
                (unsigned)w[at]);
    _fail(file, line);
}

void check_filled(const void *p, size_t n, uint8_t byte, const char *what, const char *file,
                  int line)
{
    const uint8_t *bytes = p;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != byte) {
            print_error("%s: byte %zu of %zu is %02x instead of %02x\n", what, i, n,
                        (unsigned)bytes[i], (unsigned)byte);
            _fail(file, line);
        }
    }
}
