#include "host/cli/json_reader.h"

#include <string.h>

static const char cut[] = "the text ends too early";
static const char no_value[] = "a JSON value is expected here";

static bool fail(json_reader *r, const char *error)
{
    if (r->error == NULL) {
        r->error = error;
        r->error_at = (size_t)(r->next - r->text);
    }
    return false;
}

void json_reader_start(json_reader *r, char *text, size_t size)
{
    memset(r, 0, sizeof *r);
    r->text = r->next = text;
    r->end = text + size;
}

/* Passes blanks, and returns the character that follows, or -1 at the end. */
static int pass_blanks(json_reader *r)
{
    while (r->next < r->end &&
           (*r->next == ' ' || *r->next == '\t' || *r->next == '\n' || *r->next == '\r'))
        r->next++;
    return r->next < r->end ? (unsigned char)*r->next : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

json_kind json_reader_peek(json_reader *r)
{
    if (r->error != NULL)
        return JSON_READ_NONE;
    const int c = pass_blanks(r);
    if (c == '{')
        return JSON_READ_OBJECT;
    if (c == '[')
        return JSON_READ_ARRAY;
    if (c == '"')
        return JSON_READ_STRING;
    if (c == '-' || is_digit(c))
        return JSON_READ_NUMBER;
    if (c == 't' || c == 'f' || c == 'n')
        return JSON_READ_WORD;
    fail(r, c < 0 ? cut : no_value);
    return JSON_READ_NONE;
}

bool json_reader_enter(json_reader *r, json_kind kind)
{
    if (json_reader_peek(r) != kind)
        return false;
    if (r->depth == JSON_READER_DEPTH)
        return fail(r, "values are nested beyond a depth of 128");
    r->depth++;
    r->next++;
    r->first = true;
    return true;
}

/* Goes to the next member or item, past the comma, or at the end past the closing bracket. */
static bool advance(json_reader *r, int close)
{
    if (r->error != NULL)
        return false;
    const int c = pass_blanks(r);
    if (c < 0)
        return fail(r, cut);
    if (c == close) {
        r->next++;
        r->depth--;
        r->first = false;
        return false;
    }
    if (!r->first) {
        if (c != ',')
            return fail(r, "a comma or a closing bracket is expected here");
        r->next++;
    }
    r->first = false;
    return true;
}

bool json_reader_item(json_reader *r)
{
    return advance(r, ']');
}

bool json_reader_member(json_reader *r, json_text *name)
{
    if (!advance(r, '}'))
        return false;
    if (!json_reader_string(r, name))
        return fail(r, "the name of a member is expected here");
    const int c = pass_blanks(r);
    if (c != ':')
        return fail(r, c < 0 ? cut : "a colon is expected here");
    r->next++;
    return true;
}

/* ---------------------------------------------------------------------------------- strings -- */

/* Returns the bytes of the character at s, which has `left` bytes, or 0 where it is no UTF-8
 * (RFC 3629). */
static size_t utf8_size(const uint8_t *s, size_t left)
{
    const size_t size = s[0] < 0x80                   ? 1
                        : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                        : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                        : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                      : 0;
    if (size > left)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    const bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    const bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
    const bool too_large = s[0] == 0xf4 && s[1] >= 0x90;
    return overlong || surrogate || too_large ? 0 : size;
}

static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    if (code < 0x800)
        *out++ = (char)(0xc0 | code >> 6);
    else {
        if (code < 0x10000)
            *out++ = (char)(0xe0 | code >> 12);
        else {
            *out++ = (char)(0xf0 | code >> 18);
            *out++ = (char)(0x80 | (code >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (code & 0x3f));
    return out;
}

/* Reads \uXXXX, and goes past it. */
static bool read_unit(json_reader *r, uint32_t *unit)
{
    if (r->end - r->next < 6 || r->next[0] != '\\' || r->next[1] != 'u')
        return false;
    *unit = 0;
    for (int i = 2; i < 6; i++) {
        const int c = (unsigned char)r->next[i], lower = c | 0x20;
        if (is_digit(c))
            *unit = *unit << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            *unit = *unit << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    r->next += 6;
    return true;
}

/* Decodes in place. An escape is never shorter than its character, so `out` never passes
 * r->next. */
static bool decode_escape(json_reader *r, char **out)
{
    static const char escapes[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    if (r->end - r->next < 2)
        return fail(r, cut);
    if (r->next[1] != 'u') {
        const char *known = memchr(escapes, r->next[1], sizeof escapes - 1);
        if (known == NULL)
            return fail(r, "this escape in a string is unknown");
        *(*out)++ = values[known - escapes];
        r->next += 2;
        return true;
    }
    uint32_t code, low;
    if (!read_unit(r, &code))
        return fail(r, "four hexadecimal digits are expected here");
    if (code >= 0xd800 && code < 0xdc00 && read_unit(r, &low) && low >= 0xdc00 && low < 0xe000)
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    if (code >= 0xd800 && code < 0xe000)
        return fail(r, "half of a surrogate pair in a string");
    *out = put_utf8(*out, code);
    return true;
}

bool json_reader_string(json_reader *r, json_text *text)
{
    if (json_reader_peek(r) != JSON_READ_STRING)
        return false;
    char *out = ++r->next;
    text->bytes = out;
    while (r->next < r->end && *r->next != '"') {
        const uint8_t *s = (const uint8_t *)r->next;
        if (*s == '\\') {
            if (!decode_escape(r, &out))
                return false;
            continue;
        }
        if (*s < 0x20)
            return fail(r, "a control character in a string, which must be an escape");
        const size_t size = utf8_size(s, (size_t)(r->end - r->next));
        if (size == 0)
            return fail(r, "a string is not UTF-8");
        memmove(out, r->next, size);
        out += size;
        r->next += size;
    }
    if (r->next == r->end)
        return fail(r, cut);
    r->next++;
    text->size = (size_t)(out - text->bytes);
    return true;
}

int json_text_compare(const json_text *a, const json_text *b)
{
    const size_t size = a->size < b->size ? a->size : b->size;
    const int order = size != 0 ? memcmp(a->bytes, b->bytes, size) : 0;
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

bool json_text_is(const json_text *text, const char *string)
{
    const json_text other = {string, strlen(string)};
    return json_text_compare(text, &other) == 0;
}

const char *json_show(const json_text *text, json_shown *shown)
{
    size_t size = text->size;
    if (size >= sizeof shown->text) {
        size = sizeof shown->text - 1;
        while (size > 0 && ((uint8_t)text->bytes[size] & 0xc0) == 0x80)
            size--; /* Keeps characters whole. */
    }
    for (size_t i = 0; i < size; i++) {
        const char c = text->bytes[i];
        shown->text[i] = '?';
        if (c != '\0')
            shown->text[i] = c;
    }
    shown->text[size] = '\0';
    return shown->text;
}

/* ----------------------------------------------------------------------------- other values -- */

/* Passes digits, of which there must be at least one. */
static bool pass_digits(json_reader *r)
{
    const char *first = r->next;
    while (r->next < r->end && is_digit((unsigned char)*r->next))
        r->next++;
    return r->next > first;
}

static bool pass_if(json_reader *r, char a, char b)
{
    if (r->next == r->end || (*r->next != a && *r->next != b))
        return false;
    r->next++;
    return true;
}

static bool pass_number(json_reader *r)
{
    static const char wrong[] = "this is no JSON number";
    pass_if(r, '-', '-');
    if (!pass_if(r, '0', '0') && !pass_digits(r))
        return fail(r, wrong);
    if (pass_if(r, '.', '.') && !pass_digits(r))
        return fail(r, wrong);
    if (pass_if(r, 'e', 'E')) {
        pass_if(r, '+', '-');
        if (!pass_digits(r))
            return fail(r, wrong);
    }
    return true;
}

bool json_reader_count(json_reader *r, uint64_t *count)
{
    if (json_reader_peek(r) != JSON_READ_NUMBER)
        return false;
    char *begin = r->next;
    if (!pass_number(r))
        return false;
    *count = 0;
    for (const char *c = begin; c < r->next; c++) {
        const unsigned digit = (unsigned)(unsigned char)*c - '0';
        if (digit > 9 || *count > (UINT64_MAX - digit) / 10) {
            r->next = begin;
            return false;
        }
        *count = 10 * *count + digit;
    }
    return true;
}

static bool pass_word(json_reader *r, const char *word)
{
    const size_t size = strlen(word);
    if ((size_t)(r->end - r->next) < size || memcmp(r->next, word, size) != 0)
        return false;
    r->next += size;
    return true;
}

bool json_reader_null(json_reader *r)
{
    return json_reader_peek(r) == JSON_READ_WORD && pass_word(r, "null");
}

bool json_reader_skip(json_reader *r)
{
    json_text text;
    switch (json_reader_peek(r)) {
    case JSON_READ_OBJECT:
        json_reader_enter(r, JSON_READ_OBJECT);
        while (json_reader_member(r, &text))
            json_reader_skip(r);
        return r->error == NULL;
    case JSON_READ_ARRAY:
        json_reader_enter(r, JSON_READ_ARRAY);
        while (json_reader_item(r))
            json_reader_skip(r);
        return r->error == NULL;
    case JSON_READ_STRING:
        return json_reader_string(r, &text);
    case JSON_READ_NUMBER:
        return pass_number(r);
    case JSON_READ_WORD:
        return pass_word(r, "true") || pass_word(r, "false") || pass_word(r, "null") ||
               fail(r, no_value);
    case JSON_READ_NONE:
    default:
        return false;
    }
}

bool json_reader_finish(json_reader *r)
{
    if (r->error == NULL && pass_blanks(r) >= 0)
        fail(r, "nothing but blanks may follow the JSON text");
    return r->error == NULL;
}

int json_reader_fail(const json_reader *r, const char *path, const char *what, cli_failure *failure)
{
    return cli_fail(failure, CLI_USAGE, "%.200s: %s: byte %zu: %s", path, what, r->error_at,
                    r->error);
}
