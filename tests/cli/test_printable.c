/* What is shown of names that come from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host/cli/cli.h"
#include "host/cli/printable.h"

static const struct {
    const char *from, *to;
} cases[] = {
    {"", ""},
    {"layer.0 ~", "layer.0 ~"},
    {"a\tb\r\nc\x1b[31m\x01", "a?b??c?[31m?"},
    {"\x7f", "?"},
    /* C1: CSI, OSC, both ends of the range, and what is next to it */
    {"\xc2\x9b"
     "31mX",
     "?31mX"},
    {"\xc2\x9d\xc2\x80\xc2\x9f|\xc2\xa0", "???|\xc2\xa0"},
    {"\x9b"
     "31m",
     "?31m"},
    /* UTF-8 of two, three and four bytes stays */
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"},
    /* cut off, at the end and in the middle */
    {"\xe2\x82", "??"},
    {"\xe2\x82|", "??|"},
    {"\xf0\x9f\x98", "???"},
    /* too long for what it says: of U+009B, '/', U+07FF and U+FFFF */
    {"\xc1\x9b", "??"},
    {"\xc0\xaf", "??"},
    {"\xe0\x9f\xbf", "???"},
    {"\xf0\x8f\xbf\xbf", "????"},
    /* surrogates, above U+10FFFF, and bytes that begin nothing */
    {"\xed\xa0\x80", "???"},
    {"\xed\xbf\xbf", "???"},
    {"\xf4\x90\x80\x80", "????"},
    {"\xf5\x80\x80\x80\xfe\xff", "??????"},
    /* line and paragraph separators, directions */
    {"a\xe2\x80\xa8"
     "b\xe2\x80\xa9",
     "a?b?"},
    {"\xe2\x80\xaegpj.exe\xe2\x81\xa6\xd8\x9c", "?gpj.exe??"},
};

static void printable(void **state)
{
    char text[64];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(text, sizeof text, "%s", cases[i].from);
        printable_line(text);
        assert_string_equal(text, cases[i].to);
        printable_line(text);
        assert_string_equal(text, cases[i].to);
    }
}

/* Every code point, encoded here by itself: it stays as it is, or is one '?'. */
static void every_character(void **state)
{
    size_t replaced = 0;
    (void)state;
    for (uint32_t c = 1; c <= 0x10ffff; c++) {
        char from[5] = {0}, to[5];
        if (c >= 0xd800 && c <= 0xdfff)
            continue;
        if (c < 0x80) {
            from[0] = (char)c;
        } else if (c < 0x800) {
            from[0] = (char)(0xc0 + c / 64);
            from[1] = (char)(0x80 + c % 64);
        } else if (c < 0x10000) {
            from[0] = (char)(0xe0 + c / 4096);
            from[1] = (char)(0x80 + c / 64 % 64);
            from[2] = (char)(0x80 + c % 64);
        } else {
            from[0] = (char)(0xf0 + c / 262144);
            from[1] = (char)(0x80 + c / 4096 % 64);
            from[2] = (char)(0x80 + c / 64 % 64);
            from[3] = (char)(0x80 + c % 64);
        }
        memcpy(to, from, sizeof to);
        printable_line(to);
        if (strcmp(from, to) != 0) {
            assert_string_equal(to, "?");
            replaced++;
        }
    }
    /* 31 of C0, DEL, 32 of C1; 1 + 2 + 7 + 4 that break lines or turn directions */
    assert_int_equal(replaced, 31 + 1 + 32 + 1 + 2 + 7 + 4);
}

static void failures_are_one_line(void **state)
{
    cli_failure failure = {CLI_OK, ""};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(cli_fail(&failure, CLI_USAGE, "%s", cases[i].from), CLI_USAGE);
        assert_string_equal(failure.text, cases[i].to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printable),
        cmocka_unit_test(every_character),
        cmocka_unit_test(failures_are_one_line),
    };
    return cmocka_run_group_tests_name("printable", tests, NULL, NULL);
}
