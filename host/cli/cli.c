#include "host/cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* File names and tensor names come from outside: a newline or an escape sequence in one must
 * neither break "one line" nor reach the terminal. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            *text = '?';
    }
}

static void format_line(char *text, size_t size, const char *format, va_list args)
{
    if (vsnprintf(text, size, format, args) < 0)
        text[0] = '\0';
    make_printable(text);
}

int cli_fail(cli_failure *failure, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    format_line(failure->text, sizeof failure->text, format, args);
    va_end(args);
    failure->code = code;
    return code;
}

int cli_fail_library(cli_failure *failure, const char *doing, parseal_status status)
{
    return cli_fail(failure, CLI_FAILED, "%s: %s (%s)", doing, parseal_last_error_text(),
                    parseal_status_name(status));
}

void cli_note(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    format_line(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "parseal: note: %s\n", text);
}

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
